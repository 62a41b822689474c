//! Statements.

use sema::Ty;
use smol_str::SmolStr;
use syntax::ast::{self, BinaryOp, StmtKind};
use text::Span;

use super::{Jump, Lowerer, SwitchFrame};
use crate::mir::{Callee, Expr, ExprKind, InstKind, LocalId, Place, PlaceBase, Proj, Terminator};

/// What a macro in front of a block does with the block.
enum BlockMacro {
    /// `bpf_for(i, from, to)`.
    For,
    /// A loop of which nothing more is known.
    Loop,
}

/// Loops of libbpf's headers, whose definitions say less than what is known of them.
const KNOWN_LOOPS: &[&str] = &["bpf_for", "bpf_for_each", "bpf_repeat"];

fn block_macro(name: &str) -> BlockMacro {
    match name {
        "bpf_for" => BlockMacro::For,
        _ => BlockMacro::Loop,
    }
}

impl Lowerer<'_> {
    pub(super) fn block(&mut self, block: &ast::Block) {
        self.scopes.push(Default::default());
        self.stmts(&block.stmts);
        self.scopes.pop();
    }

    fn stmts(&mut self, stmts: &[ast::Stmt]) {
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    pub(super) fn stmt(&mut self, stmt: &ast::Stmt) {
        match &stmt.kind {
            StmtKind::Decl(decl) => self.local_decl(&decl.0),
            StmtKind::Expr(Some(expr)) => self.expr_stmt(expr),
            StmtKind::Expr(None) => {}
            StmtKind::Block(block) => self.block(block),
            StmtKind::If { cond, then, els } => self.if_stmt(cond, then, els.as_deref()),
            StmtKind::While { cond, body } => self.loop_stmt(Some(cond), None, body),
            StmtKind::DoWhile { body, cond } => self.do_while(body, cond),
            StmtKind::For { init, cond, step, body } => {
                self.scopes.push(Default::default());
                if let Some(init) = init {
                    self.stmt(init);
                }
                self.loop_stmt(cond.as_ref(), step.as_ref(), body);
                self.scopes.pop();
            }
            StmtKind::MacroBlock { name, args, body } => {
                self.macro_block(name, args, body, stmt.span);
            }
            StmtKind::Switch { value, body } => self.switch(value, body),
            StmtKind::Case { from, to, stmts } => self.case(from, to.as_ref(), stmts),
            StmtKind::Default { stmts } => self.default(stmts),
            StmtKind::Label { name, body } => {
                let target = self.new_block();
                self.goto(target);
                self.labels.insert(name.clone(), target);
                if let Some(body) = body {
                    self.stmt(body);
                }
            }
            StmtKind::Goto(label) => {
                self.gotos.push((self.current, label.clone()));
                self.current = self.new_block();
            }
            StmtKind::Break => self.jump(|jump| Some(jump.on_break)),
            StmtKind::Continue => self.jump(|jump| jump.on_continue),
            StmtKind::Return(value) => {
                let value = value.as_ref().map(|value| self.value(value));
                self.terminate(Terminator::Return { value, span: stmt.span });
            }
            StmtKind::Asm { outputs, inputs, memory } => {
                if *memory {
                    self.handed_to_asm(inputs, stmt.span);
                }
                self.havoc_names(outputs, stmt.span);
            }
            StmtKind::Error => self.uncertain = true,
        }
    }

    /// Whether an attribute of a variable may run a function at the end of its scope.
    fn may_clean_up(&self, word: &str) -> bool {
        let runs = |text: &str| text.contains("cleanup") || text.starts_with("__free");
        match self.sema.macro_def(word) {
            Some(definition) => runs(&definition.body) || runs(word),
            None => runs(word),
        }
    }

    fn expanded_stmts(&mut self, stmts: &[ast::Stmt]) {
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    fn jump(&mut self, pick: impl Fn(&Jump) -> Option<crate::mir::BlockId>) {
        match self.jumps.iter().rev().find_map(pick) {
            Some(target) => self.terminate(Terminator::Goto(target)),
            None => self.uncertain = true,
        }
    }

    /// What is handed to `asm` that touches memory may be read and written through, as by a function that is not known.
    fn handed_to_asm(&mut self, names: &[SmolStr], span: Span) {
        let known: Vec<_> = names.iter().filter_map(|name| self.lookup(name)).collect();
        let values = known.into_iter().map(|id| {
            let place = self.local_place(id, span);
            self.load(place)
        });
        let args: Vec<Expr> = values.collect();
        if !args.is_empty() {
            self.emit_call(Callee::Unknown, args, Ty::Unknown, span, true);
        }
    }

    fn havoc_names(&mut self, names: &[SmolStr], span: Span) {
        let places: Vec<Place> = names
            .iter()
            .filter_map(|name| self.lookup(name))
            .map(|id| Place::local(id, self.locals[id.0 as usize].ty.clone(), span))
            .collect();
        if !places.is_empty() {
            self.push(InstKind::Havoc(places), span);
        }
    }

    fn expr_stmt(&mut self, expr: &ast::Expr) {
        let inner = expr.without_casts();
        let ignored = std::ptr::eq(inner, expr);
        if let ast::ExprKind::Call { callee, args } = &inner.kind {
            if let Some(name) = callee.as_ident()
                && let Some(sema::Expansion::Stmts(stmts)) = self.expansion(name, args, inner.span)
            {
                self.expanded(name.clone(), |lowerer| lowerer.expanded_stmts(&stmts));
                return;
            }
            self.call(inner, callee, args, ignored);
            return;
        }
        if let Some(name) = inner.as_ident()
            && self.lookup(name).is_none()
            && self.may_expand(name)
            && let Some(sema::Expansion::Stmts(stmts)) = self.sema.expand_name(name, inner.span)
        {
            self.expanded(name.clone(), |lowerer| lowerer.expanded_stmts(&stmts));
            return;
        }
        self.effect(expr);
    }

    /// An expression whose value nobody wants.
    pub(super) fn effect(&mut self, expr: &ast::Expr) {
        let value = self.value(expr);
        // The value of an assignment is what was stored; it is not read back.
        if !matches!(expr.kind, ast::ExprKind::Assign(..) | ast::ExprKind::IncDec { .. }) {
            self.eval(value);
        }
    }

    /// Keeps an expression for the memory it reads.
    pub(super) fn eval(&mut self, value: Expr) {
        if reads_memory(&value) {
            let span = value.span;
            self.push(InstKind::Eval(value), span);
        }
    }

    fn local_decl(&mut self, decl: &ast::Declaration) {
        if decl.is_typedef || decl.is_extern {
            return;
        }
        let cleanup = decl.attrs.words.iter().any(|(word, _)| self.may_clean_up(word));
        for declarator in &decl.declarators {
            let ty = self.sema.variable_type(&declarator.ty, declarator.init.as_ref(), self);
            let id = self.new_local(declarator.name.clone(), ty.clone(), declarator.name_span);
            self.locals[id.0 as usize].cleanup = cleanup;
            let place = Place::local(id, ty, declarator.name_span);
            if decl.is_static {
                self.bind(&declarator.name, id);
                self.push(InstKind::Havoc(vec![place]), declarator.span);
                continue;
            }
            self.push(InstKind::Declare(id), declarator.span);
            // The name is in scope in its own initialiser: `struct x *p = f(sizeof(*p))`.
            self.bind(&declarator.name, id);
            if let Some(init) = &declarator.init {
                self.initialise(place, init, declarator.span);
            }
        }
    }

    pub(super) fn initialise(&mut self, place: Place, init: &ast::Expr, span: Span) {
        let ast::ExprKind::InitList(items) = &init.kind else {
            if matches!(place.ty, Ty::Array { .. }) && matches!(init.kind, ast::ExprKind::Str(_)) {
                self.push(InstKind::Zero(place), span);
                return;
            }
            let value = self.value(init);
            self.assign(place, value, span);
            return;
        };
        self.push(InstKind::Zero(place.clone()), span);
        let is_record = matches!(place.ty, Ty::Record(_));
        for (field, item) in items {
            match field {
                Some(field) if is_record => {
                    let member = self.project(place.clone(), field, item.span);
                    self.initialise(member, item, item.span);
                }
                _ => {
                    let value = self.value(item);
                    self.eval(value);
                }
            }
        }
    }

    fn if_stmt(&mut self, cond: &ast::Expr, then: &ast::Stmt, els: Option<&ast::Stmt>) {
        let then_block = self.new_block();
        let els_block = self.new_block();
        let after = if els.is_some() { self.new_block() } else { els_block };
        self.branch(cond, then_block, els_block);
        self.current = then_block;
        self.scoped(then);
        self.goto(after);
        if let Some(els) = els {
            self.current = els_block;
            self.scoped(els);
            self.goto(after);
        }
        self.current = after;
    }

    fn scoped(&mut self, stmt: &ast::Stmt) {
        self.scopes.push(Default::default());
        self.stmt(stmt);
        self.scopes.pop();
    }

    fn loop_stmt(&mut self, cond: Option<&ast::Expr>, step: Option<&ast::Expr>, body: &ast::Stmt) {
        let head = self.new_block();
        let inside = self.new_block();
        let next = self.new_block();
        let after = self.new_block();
        self.goto(head);
        match cond {
            Some(cond) => self.branch(cond, inside, after),
            None => self.goto(inside),
        }
        self.current = inside;
        self.jumps.push(Jump { on_break: after, on_continue: Some(next) });
        self.scoped(body);
        self.jumps.pop();
        self.goto(next);
        self.current = next;
        if let Some(step) = step {
            self.effect(step);
        }
        self.goto(head);
        self.current = after;
    }

    fn do_while(&mut self, body: &ast::Stmt, cond: &ast::Expr) {
        let inside = self.new_block();
        let next = self.new_block();
        let after = self.new_block();
        self.goto(inside);
        self.jumps.push(Jump { on_break: after, on_continue: Some(next) });
        self.scoped(body);
        self.jumps.pop();
        self.goto(next);
        // `do { … } while (0)` is a block, not a loop.
        self.branch(cond, inside, after);
        self.current = after;
    }

    fn macro_block(&mut self, name: &SmolStr, args: &[ast::Expr], body: &ast::Stmt, span: Span) {
        let known = KNOWN_LOOPS.contains(&name.as_str());
        if !known
            && self.may_expand(name)
            && let Some(stmts) = self.sema.expand_block(name, args, body, span)
        {
            self.scopes.push(Default::default());
            self.expanded(name.clone(), |lowerer| lowerer.expanded_stmts(&stmts));
            self.scopes.pop();
            return;
        }
        let head = self.new_block();
        let inside = self.new_block();
        let after = self.new_block();
        let values: Vec<Expr> = match block_macro(name) {
            BlockMacro::For => args.iter().skip(1).map(|arg| self.value(arg)).collect(),
            BlockMacro::Loop => Vec::new(),
        };
        self.scopes.push(Default::default());
        let vars = self.loop_variables(args, span);
        self.goto(head);
        self.terminate(Terminator::Choice(vec![inside, after]));
        self.current = inside;
        for var in &vars {
            self.push(InstKind::Havoc(vec![var.clone()]), span);
        }
        if let (BlockMacro::For, [from, to], Some(var)) =
            (block_macro(name), &values[..], vars.first())
        {
            self.assume_between(var, from, to, after, span);
        }
        self.jumps.push(Jump { on_break: after, on_continue: Some(head) });
        self.scoped(body);
        self.jumps.pop();
        self.goto(head);
        self.scopes.pop();
        self.current = after;
    }

    /// Names in a loop macro's arguments that are variables: the macro may set them. The first one is
    /// declared if it is not there.
    fn loop_variables(&mut self, args: &[ast::Expr], span: Span) -> Vec<Place> {
        let mut vars = Vec::new();
        for (index, arg) in args.iter().enumerate() {
            let Some(name) = arg.as_ident() else { continue };
            let id = match self.lookup(name) {
                Some(id) => id,
                None if index == 0 && self.sema.constant(name).is_none() => {
                    let id =
                        self.new_local(name.clone(), Ty::Int { bits: 32, signed: true }, arg.span);
                    self.bind(name, id);
                    id
                }
                None => continue,
            };
            // `bpf_for(i, 0, n)` sets only `i`; `for_each(type, it, …)` sets one of the first two.
            if index < 2 {
                vars.push(Place::local(id, self.locals[id.0 as usize].ty.clone(), span));
            }
        }
        if vars.len() > 1 && args.len() == 3 {
            vars.truncate(1);
        }
        vars
    }

    fn assume_between(
        &mut self,
        var: &Place,
        from: &Expr,
        to: &Expr,
        after: crate::mir::BlockId,
        span: Span,
    ) {
        for (op, bound) in [(BinaryOp::Ge, from), (BinaryOp::Lt, to)] {
            let next = self.new_block();
            let cond = Expr {
                kind: ExprKind::Binary(
                    op,
                    Box::new(Expr::load(var.clone())),
                    Box::new(bound.clone()),
                ),
                ty: Ty::Int { bits: 32, signed: true },
                span,
            };
            self.terminate(Terminator::Branch { cond, then: next, els: after });
            self.current = next;
        }
    }

    fn switch(&mut self, value: &ast::Expr, body: &ast::Stmt) {
        let value = self.value(value);
        let head = self.current;
        let after = self.new_block();
        let on_continue = self.jumps.iter().rev().find_map(|jump| jump.on_continue);
        self.current = self.new_block();
        self.jumps.push(Jump { on_break: after, on_continue });
        self.switches.push(SwitchFrame::default());
        self.scoped(body);
        self.goto(after);
        self.jumps.pop();
        let frame = self.switches.pop().unwrap_or_default();
        self.blocks[head.0 as usize].term = Terminator::Switch {
            value,
            cases: frame.cases,
            default: frame.default.unwrap_or(after),
        };
        self.current = after;
    }

    fn case(&mut self, from: &ast::Expr, to: Option<&ast::Expr>, stmts: &[ast::Stmt]) {
        let target = self.new_block();
        self.goto(target);
        let low = self.sema.fold(from, self);
        let high = to.map_or(low, |to| self.sema.fold(to, self));
        if let Some(frame) = self.switches.last_mut() {
            match (low, high) {
                (Some(low), Some(high)) => frame.cases.push((low, high, target)),
                _ => frame.cases.push((i128::MIN, i128::MAX, target)),
            }
        }
        self.stmts(stmts);
    }

    fn default(&mut self, stmts: &[ast::Stmt]) {
        let target = self.new_block();
        self.goto(target);
        if let Some(frame) = self.switches.last_mut() {
            frame.default = Some(target);
        }
        self.stmts(stmts);
    }

    pub(super) fn local_place(&self, id: LocalId, span: Span) -> Place {
        Place::local(id, self.locals[id.0 as usize].ty.clone(), span)
    }
}

fn reads_memory(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Const(_) | ExprKind::Str | ExprKind::Function(_) | ExprKind::SizeOf(_) => false,
        ExprKind::Load(place) => {
            !place.proj.is_empty()
                || !matches!(&place.base, PlaceBase::Local(_))
                || place_reads(place)
        }
        ExprKind::AddrOf(place) => place_reads(place),
        ExprKind::Unary(_, inner) | ExprKind::Cast(inner) => reads_memory(inner),
        ExprKind::Binary(_, left, right) => reads_memory(left) || reads_memory(right),
        ExprKind::Unknown(parts) => parts.iter().any(reads_memory),
    }
}

fn place_reads(place: &Place) -> bool {
    let base = matches!(&place.base, PlaceBase::Deref(pointer) if reads_memory(pointer));
    base || place
        .proj
        .iter()
        .any(|step| matches!(step, Proj::Index { index, .. } if reads_memory(index)))
}
