//! Which functions are followed, and what is known about the whole of what they reach.

use std::sync::Arc;

use kernel_model::{Packet, ProgramType};
use rustc_hash::{FxHashMap, FxHashSet};
use sema::Sema;
use smol_str::SmolStr;

use crate::intern::Interner;
use crate::interp::{Interp, Root};
use crate::lower::lower_function;
use crate::mir::BodyRef;
use crate::observe::{Analysis, FunctionView};
use crate::state::State;

/// Bodies by name; none for a name that has no body.
type Bodies = FxHashMap<SmolStr, Option<BodyRef>>;

/// Analyses all functions of a file that have to do with dynptrs.
pub fn analyse(sema: &Sema, text: &Arc<str>) -> Analysis {
    let mut bodies = Bodies::default();
    for function in sema.functions() {
        let body = lower_function(sema, function, false);
        bodies.insert(function.name.clone(), Some(body));
    }
    let mut analysis = Analysis::default();
    for function in sema.functions() {
        if let Some(Some(body)) = bodies.get(&function.name) {
            analysis.functions.push(FunctionView { name: body.name.clone(), span: body.span });
        }
    }
    let called: FxHashSet<SmolStr> =
        bodies.values().flatten().flat_map(|body| body.callees.iter().cloned()).collect();
    for function in sema.functions() {
        let Some(Some(body)) = bodies.get(&function.name).cloned() else { continue };
        let is_called = called.contains(&function.name);
        let program = sema.program_of(&function.name);
        let asynchronous =
            sema.is_callback(&function.name).is_some_and(|kind| is_asynchronous(&kind.helper));
        if body.is_static && is_called && program.is_none() && !asynchronous {
            continue;
        }
        let reached = reach(sema, &mut bodies, &body);
        if !reached.dynptr {
            continue;
        }
        let info = program.and_then(|program| program.info.as_ref());
        let is_global = !body.is_static && program.is_none();
        let root = (body, info, program.is_some(), is_global, asynchronous);
        bodies = follow(sema, text, root, &reached, bodies, &mut analysis);
    }
    analysis
}

fn is_asynchronous(helper: &str) -> bool {
    matches!(helper, "bpf_timer_set_callback" | "bpf_wq_set_callback_impl" | "bpf_wq_set_callback")
}

type RootSpec<'i> = (BodyRef, Option<&'i kernel_model::SectionInfo>, bool, bool, bool);

fn follow(
    sema: &Sema,
    text: &Arc<str>,
    (body, info, is_program, is_global, is_callback): RootSpec<'_>,
    reached: &Reached,
    bodies: Bodies,
    analysis: &mut Analysis,
) -> Bodies {
    let mut interner = Interner::new();
    let frame = interner.root_frame(body.clone());
    // A replacement has the type of the program it replaces, which only the loader knows.
    let program: Option<&'static ProgramType> =
        info.map(|info| info.program_type).filter(|program| program.name != "ext");
    let fragments = match (info, program.map(|program| program.packet)) {
        (Some(info), Some(Packet::Xdp)) => info.frags,
        _ => true,
    };
    let root = Root {
        frame,
        body,
        program,
        fragments,
        is_program,
        is_global,
        is_callback,
        prologue: reached.prologue,
    };
    let mut interp = Interp::new(sema, text.clone(), root, interner).with_bodies(bodies);
    let exits = interp.run(frame, State::new());
    interp.leave(exits);
    let (observations, bodies) = interp.finish();
    for observation in observations {
        if !analysis.observations.contains(&observation) {
            analysis.observations.push(observation);
        }
    }
    bodies
}

/// What a function and everything it calls contain.
#[derive(Default)]
struct Reached {
    dynptr: bool,
    /// A call of `bpf_dynptr_slice_rdwr`.
    prologue: bool,
}

fn reach(sema: &Sema, bodies: &mut Bodies, root: &BodyRef) -> Reached {
    let mut reached = Reached::default();
    let mut seen: FxHashSet<SmolStr> = FxHashSet::default();
    let mut pending = vec![root.clone()];
    while let Some(body) = pending.pop() {
        for callee in &body.callees {
            reached.dynptr |= callee.contains("dynptr");
            reached.prologue |= callee == "bpf_dynptr_slice_rdwr";
            if !seen.insert(callee.clone()) {
                continue;
            }
            let next = bodies.entry(callee.clone()).or_insert_with(|| {
                sema.function(callee).map(|def| lower_function(sema, &def.ast, def.foreign))
            });
            if let Some(next) = next {
                pending.push(next.clone());
            }
        }
    }
    reached
}
