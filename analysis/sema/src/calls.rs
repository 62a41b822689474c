//! Who calls whom, and which functions are handed to helpers as callbacks.

use rustc_hash::{FxHashMap, FxHashSet};
use syntax::ast::{Expr, ExprKind, Macro, Name, Stmt, StmtKind, UnaryOp};
use syntax::{TokenKind, lex};

use crate::Sema;
use crate::builtin::CALLBACK_MACROS;
use crate::expand::Expansion;
use syntax::walk::{self, Visitor};

/// How a function becomes a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackKind {
    /// What it is handed to: `bpf_loop`, `bpf_for_each_map_elem`, …
    pub helper: Name,
    /// Its position among the arguments, from 0.
    pub argument: usize,
}

/// The calls of a file.
#[derive(Debug, Default)]
pub(crate) struct CallGraph {
    /// For each function of the file the names it calls or takes the address of, each once, in order.
    callees: FxHashMap<Name, Vec<Name>>,
    callbacks: FxHashMap<Name, CallbackKind>,
}

/// How many macros inside macros are followed.
const MACRO_DEPTH: usize = 16;
/// How many names one macro may add to the callees of a function.
const MAX_NAMES: usize = 500;
/// How many expansions the search for callbacks in one macro may take.
const MAX_EXPANSIONS: usize = 200;

impl Sema {
    /// The names that `function` of the file calls, through macros too, and the functions of the file that it
    /// hands on as callbacks. Functions of the kernel are among them.
    pub fn callees(&self, function: &str) -> &[Name] {
        self.calls().callees.get(function).map(Vec::as_slice).unwrap_or_default()
    }

    /// The functions of the file that call `function` or hand it on.
    pub fn callers(&self, function: &str) -> Vec<&Name> {
        let calls = |caller: &&Name| self.callees(caller).iter().any(|callee| callee == function);
        self.functions().iter().map(|caller| &caller.origin().name).filter(calls).collect()
    }

    /// Whether `wanted` holds for any name that `function` calls, directly or through other functions of
    /// the file.
    pub fn reaches(&self, function: &str, mut wanted: impl FnMut(&str) -> bool) -> bool {
        let mut seen: FxHashSet<&str> = FxHashSet::default();
        let mut open: Vec<&str> = vec![function];
        while let Some(caller) = open.pop() {
            for callee in self.callees(caller) {
                if seen.insert(callee) {
                    if wanted(callee) {
                        return true;
                    }
                    open.push(callee);
                }
            }
        }
        false
    }

    /// How `function` is used as a callback, if the file hands it to a helper that calls it back.
    pub fn is_callback(&self, function: &str) -> Option<&CallbackKind> {
        self.calls().callbacks.get(function)
    }

    /// The functions of the file that the function at `position` of [`Sema::functions`] hands on as callbacks.
    pub fn callbacks_made_by(&self, position: usize) -> Vec<(Name, CallbackKind)> {
        let mut collector =
            Collector { sema: self, graph: CallGraph::default(), macros: FxHashMap::default() };
        collector.function(position);
        collector.graph.callbacks.into_iter().collect()
    }

    fn calls(&self) -> &CallGraph {
        self.memo.calls.get_or_init(|| {
            let mut collector =
                Collector { sema: self, graph: CallGraph::default(), macros: FxHashMap::default() };
            self.index
                .functions
                .iter()
                .enumerate()
                .for_each(|(position, _)| collector.function(position));
            collector.graph
        })
    }
}

/// The position of the callback among the arguments of `name`.
fn callback_position(name: &str) -> Option<usize> {
    let role =
        |function: &kernel_model::Function| function.param_with_role(kernel_model::Role::Callback);
    let listed =
        || CALLBACK_MACROS.iter().find(|(macro_name, _)| *macro_name == name).map(|(_, at)| *at);
    kernel_model::function(name).and_then(role).or_else(listed)
}

struct Collector<'a> {
    sema: &'a Sema,
    graph: CallGraph,
    /// The names that the body of a macro may call, by macro.
    macros: FxHashMap<Name, Vec<Name>>,
}

impl Collector<'_> {
    fn function(&mut self, position: usize) {
        let Some(function) = self.sema.index.functions.get(position) else { return };
        let mut caller =
            Caller { collector: self, position, names: Vec::new(), seen: FxHashSet::default() };
        walk::block(&function.body, &mut caller);
        let names = caller.names;
        self.graph.callees.entry(function.name.clone()).or_insert(names);
    }

    /// The names a macro's body calls or mentions as functions of the file, in the order of the text.
    fn names_in_macro(&mut self, definition: &Macro, depth: usize) -> Vec<Name> {
        if let Some(known) = self.macros.get(&definition.name) {
            return known.clone();
        }
        // Stops macros that lead back to themselves.
        self.macros.insert(definition.name.clone(), Vec::new());
        let body = definition.body.as_str();
        let tokens = lex(body);
        let mut names = Vec::new();
        for (at, token) in
            tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Ident)
        {
            let word = token.span.text(body);
            let called = tokens.get(at + 1).is_some_and(|next| next.is(b'('));
            if called || self.sema.index.function_names.contains_key(word) {
                names.push(Name::from(word));
            }
            if depth < MACRO_DEPTH
                && let Some(inner) = self.sema.macro_def(word)
            {
                names.extend(self.names_in_macro(inner, depth + 1));
            }
        }
        let mut seen = FxHashSet::default();
        names.retain(|name| seen.insert(name.clone()));
        names.truncate(MAX_NAMES);
        self.macros.insert(definition.name.clone(), names.clone());
        names
    }
}

/// The walk over one function.
struct Caller<'a, 'b> {
    collector: &'a mut Collector<'b>,
    /// Of the function in the file.
    position: usize,
    names: Vec<Name>,
    seen: FxHashSet<Name>,
}

impl Caller<'_, '_> {
    fn add(&mut self, name: &Name) {
        if self.seen.insert(name.clone()) {
            self.names.push(name.clone());
        }
    }

    fn is_local(&self, name: &str) -> bool {
        self.collector
            .sema
            .index
            .functions
            .get(self.position)
            .is_some_and(|function| function.origin().locals.contains(name))
    }

    /// Adds what the macro `name` calls. One that makes callbacks is expanded to see which.
    fn through_macro(&mut self, name: &Name, args: &[Expr], call: &Expr) {
        let sema = self.collector.sema;
        let Some(definition) = sema.macro_def(name) else { return };
        let names = self.collector.names_in_macro(definition, 0);
        if names.iter().any(|name| callback_position(name).is_some()) {
            let expansion = match definition.params {
                Some(_) => sema.expand_call(name, args, call.span),
                None => sema.expand_name(name, call.span),
            };
            let mut finder = CallbackFinder { caller: self, depth: 1, left: MAX_EXPANSIONS };
            finder.expansion(expansion.as_ref());
        }
        names.iter().for_each(|name| self.add(name));
    }

    fn note_callback(&mut self, helper: &Name, args: &[Expr]) {
        let Some(argument) = callback_position(helper) else { return };
        let Some(function) = args.get(argument).and_then(named_function) else { return };
        if self.collector.sema.index.function_names.contains_key(function) {
            let kind = CallbackKind { helper: helper.clone(), argument };
            self.collector.graph.callbacks.entry(function.clone()).or_insert(kind);
        }
    }
}

impl Visitor for Caller<'_, '_> {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call { callee, args } => {
                if let Some(name) = callee.as_ident() {
                    self.add(name);
                    self.note_callback(name, args);
                    self.through_macro(name, args, expr);
                }
            }
            ExprKind::Ident(name) if !self.is_local(name) => {
                let sema = self.collector.sema;
                if sema.index.function_names.contains_key(name) {
                    self.add(name);
                } else if sema.macro_def(name).is_some_and(|definition| definition.params.is_none())
                {
                    self.through_macro(name, &[], expr);
                }
            }
            _ => {}
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        if let StmtKind::MacroBlock { name, args, .. } = &stmt.kind {
            let expr = Expr { kind: ExprKind::Error, span: stmt.span };
            self.through_macro(name, args, &expr);
        }
    }
}

/// Looks for callbacks in expanded macros.
struct CallbackFinder<'a, 'b, 'c> {
    caller: &'a mut Caller<'b, 'c>,
    depth: usize,
    /// How many more expansions it may make.
    left: usize,
}

impl CallbackFinder<'_, '_, '_> {
    fn expansion(&mut self, expansion: Option<&Expansion>) {
        match expansion {
            Some(Expansion::Expr(expr)) => walk::expr(expr, self),
            Some(Expansion::Stmts(stmts)) => stmts.iter().for_each(|stmt| walk::stmt(stmt, self)),
            None => {}
        }
    }
}

impl Visitor for CallbackFinder<'_, '_, '_> {
    fn expr(&mut self, expr: &Expr) {
        let ExprKind::Call { callee, args } = &expr.kind else { return };
        let Some(name) = callee.as_ident() else { return };
        self.caller.note_callback(name, args);
        if self.depth < MACRO_DEPTH && self.left > 0 {
            self.left -= 1;
            let inner = self.caller.collector.sema.expand_call(name, args, expr.span);
            self.depth += 1;
            self.expansion(inner.as_ref());
            self.depth -= 1;
        }
    }
}

/// The name in `f`, `&f` and `(void *)f`.
fn named_function(expr: &Expr) -> Option<&Name> {
    match &expr.without_casts().kind {
        ExprKind::Unary(UnaryOp::AddrOf, inner) => inner.without_casts().as_ident(),
        ExprKind::Ident(name) => Some(name),
        _ => None,
    }
}
