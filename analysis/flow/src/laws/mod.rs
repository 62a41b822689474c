//! Laws of the abstract interpreter as tests: of its numbers and states, of following a function, and of the graph
//! that functions are lowered to.

mod numbers;
mod paths;
mod soundness;
mod states;

use std::sync::Arc;

use sema::{Headers, Sema};
use syntax::Parsed;

use crate::intern::Interner;
use crate::interp::{Exit, Interp, Root};
use crate::lower::lower_function;
use crate::mir::BodyRef;
use crate::state::State;
use crate::value::{FrameId, Num, Ptr, Value};

/// The first function of `text`, lowered.
fn lowered(sema: &Sema) -> BodyRef {
    let function = sema.functions().first().expect("the text has a function");
    lower_function(sema, function, false)
}

fn names(text: &str) -> Sema {
    Sema::new(&Parsed::parse(Arc::from(text)), &Headers::default())
}

/// An interpreter of `body` as a function that is no program, and its activation.
fn interpreter<'a>(sema: &'a Sema, text: &str, body: &BodyRef) -> (Interp<'a>, FrameId) {
    let mut interner = Interner::new();
    let frame = interner.root_frame(body.clone());
    let root = Root {
        frame,
        body: body.clone(),
        program: None,
        fragments: true,
        is_program: false,
        is_global: true,
        is_callback: false,
        prologue: false,
    };
    (Interp::new(sema, Arc::from(text), root, interner), frame)
}

/// The ways out of the first function of `text`, entered with the given parameters (all values of its type for one
/// that is not given). Nothing if the interpreter gave up.
fn exits(text: &str, params: &[Option<Num>]) -> Option<Vec<Exit>> {
    let sema = names(text);
    let body = lowered(&sema);
    assert!(!body.uncertain, "not read completely:\n{text}");
    let (mut interp, frame) = interpreter(&sema, text, &body);
    let mut state = State::new();
    for (id, num) in (0..).map(crate::mir::LocalId).zip(params) {
        if let Some(num) = num {
            let object = interp.local(frame, id);
            state.mem.insert(Ptr::to(object).key(), Value::Num(num.clone()));
        }
    }
    let exits = interp.run(frame, state);
    (!interp.exhausted).then_some(exits)
}
