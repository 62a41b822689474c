//! From the syntax tree to the control-flow graph.

mod call;
mod expr;
mod live;
mod stmt;
mod types;

use std::rc::Rc;

use rustc_hash::FxHashMap;
use sema::{Scope, Sema, Ty};
use smol_str::SmolStr;
use syntax::ast;
use text::Span;

use crate::mir::{
    Block, BlockId, Body, BodyRef, Callee, Expr, ExprKind, Inst, InstKind, Local, LocalId, Place,
    PlaceBase, Terminator,
};

/// Macros are expanded inside macros this deep.
const MACRO_DEPTH: u32 = 12;
/// Macros expanded in one function: one that doubles at every level stays small.
const MAX_EXPANSIONS: u32 = 2_000;
/// Blocks of one function; what is beyond is cut off and the function counts as uncertain.
const MAX_BLOCKS: usize = 20_000;

/// Lowers a function. `foreign` says that it comes from a header.
pub(crate) fn lower_function(sema: &Sema, function: &ast::Function, foreign: bool) -> BodyRef {
    let mut lowerer = Lowerer::new(sema);
    lowerer.uncertain = function.has_error;
    for param in &function.params {
        let ty = decay(sema.resolve(&param.ty));
        let id = lowerer.new_local(param.name.clone(), ty, param.span);
        lowerer.bind(&param.name, id);
    }
    lowerer.block(&function.body);
    let end = Span::new(function.span.end.saturating_sub(1), function.span.end);
    lowerer.terminate(Terminator::Return { value: None, span: end });
    lowerer.resolve_gotos();
    live::find_temporaries(&lowerer.locals, &mut lowerer.blocks);
    Rc::new(Body {
        name: function.name.clone(),
        span: function.span,
        params: function.params.len(),
        locals: lowerer.locals,
        blocks: lowerer.blocks,
        is_static: is_static(sema, function),
        foreign,
        uncertain: lowerer.uncertain,
        callees: lowerer.callees,
        result_targets: lowerer.result_targets,
    })
}

/// Whether the kernel verifies the function as part of its callers. Project macros such as `statfunc`
/// stand for `static`; a word that is not known is taken for one.
fn is_static(sema: &Sema, function: &ast::Function) -> bool {
    let stands_for_static = |word: &str| match sema.macro_def(word) {
        Some(definition) => ["static", "inline"].iter().any(|part| definition.body.contains(part)),
        None => {
            !KNOWN_ATTRIBUTES.iter().any(|known| word.starts_with(known))
                || word.contains("inline") && word != "__noinline"
        }
    };
    function.is_static
        || function.is_inline
        || function.attrs.words.iter().any(|(word, _)| stands_for_static(word))
}

/// Attributes that global functions carry.
const KNOWN_ATTRIBUTES: &[&str] = &[
    "__attribute__",
    "__attribute",
    "__noinline",
    "noinline",
    "__weak",
    "__hidden",
    "__used",
    "__maybe_unused",
    "__unused",
    "__section",
    "__success",
    "__failure",
    "__msg",
    "__naked",
    "__noreturn",
    "__aligned",
    "__cold",
    "__hot",
    "__ksym",
    "__kfunc",
    "__arg_",
    "__noclone",
    "__flatten",
    "__visible",
    "__retval",
    "__flag",
    "__log_level",
    "extern",
];

/// An array parameter is a pointer.
fn decay(ty: Ty) -> Ty {
    match ty {
        Ty::Array { elem, .. } => Ty::Pointer { to: elem, to_const: false },
        other => other,
    }
}

/// Where `break` and `continue` go.
#[derive(Clone, Copy)]
struct Jump {
    on_break: BlockId,
    on_continue: Option<BlockId>,
}

struct Lowerer<'a> {
    sema: &'a Sema,
    locals: Vec<Local>,
    blocks: Vec<Block>,
    current: BlockId,
    scopes: Vec<FxHashMap<SmolStr, LocalId>>,
    jumps: Vec<Jump>,
    switches: Vec<SwitchFrame>,
    labels: FxHashMap<SmolStr, BlockId>,
    gotos: Vec<(BlockId, SmolStr)>,
    callees: Vec<SmolStr>,
    result_targets: FxHashMap<LocalId, SmolStr>,
    calls: u32,
    macro_depth: u32,
    expansions: u32,
    expanding: Vec<SmolStr>,
    uncertain: bool,
}

#[derive(Default)]
struct SwitchFrame {
    cases: Vec<(i128, i128, BlockId)>,
    default: Option<BlockId>,
}

impl Scope for Lowerer<'_> {
    fn type_of(&self, name: &str) -> Option<Ty> {
        self.lookup(name).map(|id| self.locals[id.0 as usize].ty.clone())
    }
}

impl<'a> Lowerer<'a> {
    fn new(sema: &'a Sema) -> Self {
        Lowerer {
            sema,
            locals: Vec::new(),
            blocks: vec![Block::default()],
            current: BlockId(0),
            scopes: vec![FxHashMap::default()],
            jumps: Vec::new(),
            switches: Vec::new(),
            labels: FxHashMap::default(),
            gotos: Vec::new(),
            callees: Vec::new(),
            result_targets: FxHashMap::default(),
            calls: 0,
            macro_depth: 0,
            expansions: 0,
            expanding: Vec::new(),
            uncertain: false,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a function has fewer than 2^32 locals and blocks"
    )]
    fn new_local(&mut self, name: SmolStr, ty: Ty, span: Span) -> LocalId {
        let id = LocalId(self.locals.len() as u32);
        self.locals.push(Local { name, ty, span, cleanup: false });
        id
    }

    fn bind(&mut self, name: &SmolStr, id: LocalId) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.clone(), id);
        }
    }

    fn lookup(&self, name: &str) -> Option<LocalId> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name).copied())
    }

    fn temp(&mut self, ty: Ty, span: Span) -> LocalId {
        self.new_local(SmolStr::default(), ty, span)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a function has fewer than 2^32 locals and blocks"
    )]
    fn new_block(&mut self) -> BlockId {
        if self.blocks.len() >= MAX_BLOCKS {
            self.uncertain = true;
            return BlockId(self.blocks.len() as u32 - 1);
        }
        self.blocks.push(Block::default());
        BlockId(self.blocks.len() as u32 - 1)
    }

    fn push(&mut self, kind: InstKind, span: Span) {
        let current = self.current.0 as usize;
        self.blocks[current].insts.push(Inst { kind, span });
    }

    /// Ends the current block if nothing has ended it yet, and goes on in a block nobody reaches.
    fn terminate(&mut self, term: Terminator) {
        let current = self.current.0 as usize;
        if matches!(self.blocks[current].term, Terminator::Unreachable) {
            self.blocks[current].term = term;
        }
        self.current = self.new_block();
    }

    fn goto(&mut self, target: BlockId) {
        let current = self.current.0 as usize;
        if matches!(self.blocks[current].term, Terminator::Unreachable) {
            self.blocks[current].term = Terminator::Goto(target);
        }
        self.current = target;
    }

    fn assign(&mut self, place: Place, value: Expr, span: Span) {
        if let (Some(Ty::Record(record)), ExprKind::Load(source)) =
            (place.ty.target(), &value.without_casts().kind)
            && let (PlaceBase::Local(temp), Some(name)) = (&source.base, record.name())
        {
            self.result_targets.entry(*temp).or_insert_with(|| name.into());
        }
        self.push(InstKind::Assign { place, value }, span);
    }

    fn emit_call(
        &mut self,
        callee: Callee,
        args: Vec<Expr>,
        ty: Ty,
        span: Span,
        ignored: bool,
    ) -> Expr {
        let dst = self.temp(ty.clone(), span);
        if let Callee::Named(name) = &callee {
            self.note_callee(name);
        }
        self.calls += 1;
        self.push(InstKind::Call { number: self.calls, dst, callee, args, ignored }, span);
        Expr::load(Place::local(dst, ty, span))
    }

    fn note_callee(&mut self, name: &SmolStr) {
        if !self.callees.contains(name) {
            self.callees.push(name.clone());
        }
    }

    fn resolve_gotos(&mut self) {
        for (block, label) in std::mem::take(&mut self.gotos) {
            match self.labels.get(&label) {
                Some(target) => self.blocks[block.0 as usize].term = Terminator::Goto(*target),
                None => self.uncertain = true,
            }
        }
    }
}
