//! Replacing a macro's parameters in the tree of its body.

use syntax::ast::{
    Attrs, Block, Declaration, Declarator, EnumType, Enumerator, Expr, ExprKind, FunctionType,
    LocalDecl, MapMember, Member, Name, RecordType, Stmt, StmtKind, Type,
};
use syntax::{TokenKind, lex};
use text::Span;

use crate::Sema;
use crate::bindings::Bindings;
use crate::expand::BLOCK_MARKER;
use crate::typing::prefix_operator;
use syntax::walk::{self, Visitor};

/// How many nodes an expansion may have: real ones have a few dozen, while nested uses can double each time.
const MAX_NODES: usize = 20_000;

/// One expansion in the making.
pub(crate) struct Substitution<'a> {
    sema: &'a Sema,
    bindings: Bindings<'a>,
    /// What [`BLOCK_MARKER`] stands for.
    block: Option<&'a Stmt>,
    at: Span,
    /// How many more nodes may be made.
    nodes_left: usize,
    failed: bool,
}

impl<'a> Substitution<'a> {
    pub(crate) fn new(
        sema: &'a Sema,
        bindings: Bindings<'a>,
        block: Option<&'a Stmt>,
        at: Span,
    ) -> Self {
        Substitution { sema, bindings, block, at, nodes_left: MAX_NODES, failed: false }
    }

    /// Whether everything could be replaced.
    pub(crate) fn succeeded(&self) -> bool {
        !self.failed
    }

    fn spend(&mut self, nodes: usize) {
        match self.nodes_left.checked_sub(nodes) {
            Some(left) => self.nodes_left = left,
            None => self.failed = true,
        }
    }

    fn fail<T>(&mut self, value: T) -> T {
        self.failed = true;
        value
    }

    /// A name that is not an expression: a member, label or local. An argument there must be a name too.
    fn name(&mut self, name: &Name) -> Name {
        match self.bindings.single.get(name).map(|arg| arg.as_ident()) {
            Some(Some(replaced)) => replaced.clone(),
            Some(None) => self.fail(name.clone()),
            None if self.bindings.is_param(name) => self.fail(name.clone()),
            None => name.clone(),
        }
    }

    pub(crate) fn expr(&mut self, expr: &Expr) -> Expr {
        self.spend(1);
        let kind = if self.failed { ExprKind::Error } else { return self.replaced(expr) };
        Expr { kind, span: self.at }
    }

    fn replaced(&mut self, expr: &Expr) -> Expr {
        let kind = match &expr.kind {
            ExprKind::Ident(name) => return self.ident(name),
            ExprKind::Int { .. } | ExprKind::Str(_) | ExprKind::Error => expr.kind.clone(),
            ExprKind::Unary(op, operand) => ExprKind::Unary(*op, self.boxed(operand)),
            ExprKind::IncDec { prefix, increment, operand } => ExprKind::IncDec {
                prefix: *prefix,
                increment: *increment,
                operand: self.boxed(operand),
            },
            ExprKind::Binary(op, left, right) => {
                let (left, right) = (self.boxed(left), self.boxed(right));
                match (left.kind, prefix_operator(*op)) {
                    // `(T)-x` with a parameter T.
                    (ExprKind::TypeArg(ty), Some(prefix)) => {
                        let operand = Expr { kind: ExprKind::Unary(prefix, right), span: self.at };
                        ExprKind::Cast(ty, Box::new(operand))
                    }
                    (kind, _) => {
                        ExprKind::Binary(*op, Box::new(Expr { kind, span: left.span }), right)
                    }
                }
            }
            ExprKind::Assign(op, to, value) => {
                ExprKind::Assign(*op, self.boxed(to), self.boxed(value))
            }
            ExprKind::Cond(cond, then, els) => {
                let cond = self.boxed(cond);
                ExprKind::Cond(cond, then.as_ref().map(|then| self.boxed(then)), self.boxed(els))
            }
            ExprKind::Call { callee, args } => self.call(callee, args),
            ExprKind::Index(base, index) => ExprKind::Index(self.boxed(base), self.boxed(index)),
            ExprKind::Member { base, field, arrow } => {
                ExprKind::Member { base: self.boxed(base), field: self.name(field), arrow: *arrow }
            }
            ExprKind::Cast(ty, operand) => {
                ExprKind::Cast(Box::new(self.ty(ty)), self.boxed(operand))
            }
            ExprKind::SizeofExpr(operand) => match *self.boxed(operand) {
                Expr { kind: ExprKind::TypeArg(ty), .. } => ExprKind::SizeofType(ty),
                operand => ExprKind::SizeofExpr(Box::new(operand)),
            },
            ExprKind::SizeofType(ty) => ExprKind::SizeofType(Box::new(self.ty(ty))),
            ExprKind::Offsetof(ty, path) => {
                ExprKind::Offsetof(Box::new(self.ty(ty)), self.path(path))
            }
            ExprKind::CompoundLit(ty, init) => {
                ExprKind::CompoundLit(Box::new(self.ty(ty)), self.boxed(init))
            }
            ExprKind::InitList(items) => self.items(items),
            ExprKind::StmtExpr(block) => ExprKind::StmtExpr(self.block(block)),
            ExprKind::Comma(first, last) => ExprKind::Comma(self.boxed(first), self.boxed(last)),
            ExprKind::TypeArg(ty) => ExprKind::TypeArg(Box::new(self.ty(ty))),
        };
        Expr { kind, span: self.at }
    }

    fn boxed(&mut self, expr: &Expr) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn maybe(&mut self, expr: Option<&Expr>) -> Option<Expr> {
        expr.map(|expr| self.expr(expr))
    }

    fn ident(&mut self, name: &Name) -> Expr {
        if let Some(arg) = self.bindings.single.get(name).copied() {
            return self.argument(arg);
        }
        let only = match &self.bindings.rest {
            Some((rest, [only])) if rest == name => Some(only),
            _ => None,
        };
        match only {
            Some(only) => self.argument(only),
            None => {
                let kind = ExprKind::Ident(name.clone());
                let expr = Expr { kind, span: self.at };
                if self.bindings.is_param(name) { self.fail(expr) } else { expr }
            }
        }
    }

    fn argument(&mut self, arg: &Expr) -> Expr {
        let nodes = count(arg);
        self.spend(nodes);
        match (&arg.kind, self.failed) {
            (ExprKind::Error, _) | (_, true) => {
                self.fail(Expr { kind: ExprKind::Error, span: arg.span })
            }
            _ => arg.clone(),
        }
    }

    /// A call; with a type in the callee's place it was a cast all along.
    fn call(&mut self, callee: &Expr, args: &[Expr]) -> ExprKind {
        let is_param = callee.as_ident().is_some_and(|name| self.bindings.is_param(name));
        let callee = self.boxed(callee);
        let mut args = self.list(args);
        let ty = match (&callee.kind, args.len()) {
            (ExprKind::TypeArg(ty), 1) => Some(ty.clone()),
            (ExprKind::Ident(name), 1) if is_param && self.sema.is_type_name(name) => {
                Some(Box::new(Type::Named(name.clone())))
            }
            _ => None,
        };
        match ty {
            Some(ty) => {
                args.pop().map_or(ExprKind::Error, |operand| ExprKind::Cast(ty, Box::new(operand)))
            }
            None => ExprKind::Call { callee, args },
        }
    }

    /// Arguments, with those of a variadic parameter in its place.
    fn list(&mut self, exprs: &[Expr]) -> Vec<Expr> {
        let mut list = Vec::with_capacity(exprs.len());
        for expr in exprs {
            match self.spliced(expr) {
                Some(rest) => list.extend(rest.iter().map(|arg| self.argument(arg))),
                None => list.push(self.expr(expr)),
            }
        }
        list
    }

    fn spliced(&self, expr: &Expr) -> Option<&'a [Expr]> {
        let (name, args) = self.bindings.rest.as_ref()?;
        (expr.as_ident() == Some(name)).then_some(*args)
    }

    fn items(&mut self, items: &[(Option<Name>, Expr)]) -> ExprKind {
        let mut list = Vec::with_capacity(items.len());
        for (name, item) in items {
            match self.spliced(item) {
                Some(rest) => list.extend(rest.iter().map(|arg| (None, self.argument(arg)))),
                None => list.push((name.as_ref().map(|name| self.name(name)), self.expr(item))),
            }
        }
        ExprKind::InitList(list)
    }

    /// The path of `offsetof`, where a parameter may stand for a member or a path of its own.
    fn path(&mut self, path: &str) -> String {
        let mut out = String::with_capacity(path.len());
        for token in lex(path) {
            let text = token.span.text(path);
            match self
                .bindings
                .single
                .get(text)
                .filter(|_| token.kind == TokenKind::Ident)
                .map(|arg| path_of(arg))
            {
                Some(Some(replaced)) => out.push_str(&replaced),
                Some(None) => self.failed = true,
                None => out.push_str(text),
            }
        }
        out
    }

    pub(crate) fn stmts(&mut self, stmts: &[Stmt]) -> Vec<Stmt> {
        stmts.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    fn block(&mut self, block: &Block) -> Block {
        Block { stmts: self.stmts(&block.stmts), span: self.at }
    }

    fn boxed_stmt(&mut self, stmt: &Stmt) -> Box<Stmt> {
        Box::new(self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Stmt {
        self.spend(1);
        if let Some(block) = self.block.filter(|_| is_marker(stmt)) {
            return block.clone();
        }
        let kind = if self.failed { StmtKind::Error } else { self.stmt_kind(&stmt.kind) };
        Stmt { kind, span: self.at }
    }

    fn stmt_kind(&mut self, kind: &StmtKind) -> StmtKind {
        match kind {
            StmtKind::Decl(local) => {
                StmtKind::Decl(Box::new(LocalDecl(self.declaration(&local.0))))
            }
            StmtKind::Expr(value) => StmtKind::Expr(self.maybe(value.as_ref())),
            StmtKind::Block(block) => StmtKind::Block(self.block(block)),
            StmtKind::If { cond, then, els } => StmtKind::If {
                cond: self.expr(cond),
                then: self.boxed_stmt(then),
                els: els.as_ref().map(|els| self.boxed_stmt(els)),
            },
            StmtKind::While { cond, body } => {
                StmtKind::While { cond: self.expr(cond), body: self.boxed_stmt(body) }
            }
            StmtKind::DoWhile { body, cond } => {
                StmtKind::DoWhile { body: self.boxed_stmt(body), cond: self.expr(cond) }
            }
            StmtKind::For { init, cond, step, body } => StmtKind::For {
                init: init.as_ref().map(|init| self.boxed_stmt(init)),
                cond: self.maybe(cond.as_ref()),
                step: self.maybe(step.as_ref()),
                body: self.boxed_stmt(body),
            },
            StmtKind::MacroBlock { name, args, body } => StmtKind::MacroBlock {
                name: self.name(name),
                args: self.list(args),
                body: self.boxed_stmt(body),
            },
            StmtKind::Switch { value, body } => {
                StmtKind::Switch { value: self.expr(value), body: self.boxed_stmt(body) }
            }
            StmtKind::Case { from, to, stmts } => StmtKind::Case {
                from: self.expr(from),
                to: self.maybe(to.as_ref()),
                stmts: self.stmts(stmts),
            },
            StmtKind::Default { stmts } => StmtKind::Default { stmts: self.stmts(stmts) },
            StmtKind::Label { name, body } => StmtKind::Label {
                name: self.name(name),
                body: body.as_ref().map(|body| self.boxed_stmt(body)),
            },
            StmtKind::Goto(label) => StmtKind::Goto(self.name(label)),
            StmtKind::Return(value) => StmtKind::Return(self.maybe(value.as_ref())),
            StmtKind::Asm { outputs, inputs, memory } => StmtKind::Asm {
                outputs: outputs.iter().map(|name| self.name(name)).collect(),
                inputs: inputs.iter().map(|name| self.name(name)).collect(),
                memory: *memory,
            },
            StmtKind::Break | StmtKind::Continue | StmtKind::Error => kind.clone(),
        }
    }

    fn declaration(&mut self, declaration: &Declaration) -> Declaration {
        Declaration {
            span: self.at,
            base: self.ty(&declaration.base),
            declarators: declaration
                .declarators
                .iter()
                .map(|declarator| self.declarator(declarator))
                .collect(),
            attrs: self.attrs(&declaration.attrs),
            ..*declaration
        }
    }

    fn declarator(&mut self, declarator: &Declarator) -> Declarator {
        Declarator {
            name: self.name(&declarator.name),
            name_span: self.at,
            span: self.at,
            ty: self.ty(&declarator.ty),
            init: self.maybe(declarator.init.as_ref()),
        }
    }

    fn attrs(&self, attrs: &Attrs) -> Attrs {
        Attrs {
            section: attrs.section.as_ref().map(|(section, _)| (section.clone(), self.at)),
            words: attrs.words.iter().map(|(word, _)| (word.clone(), self.at)).collect(),
        }
    }

    fn ty(&mut self, ty: &Type) -> Type {
        self.spend(1);
        match ty {
            _ if self.failed => Type::Unknown,
            Type::Named(name) => self.named(name),
            Type::Record(record) => Type::Record(Box::new(self.record(record))),
            Type::Enum(enumeration) => Type::Enum(Box::new(self.enumeration(enumeration))),
            Type::Pointer { to, to_const } => {
                Type::Pointer { to: Box::new(self.ty(to)), to_const: *to_const }
            }
            Type::Array(elem, len) => {
                Type::Array(Box::new(self.ty(elem)), len.as_ref().map(|len| self.boxed(len)))
            }
            Type::Function(function) => Type::Function(Box::new(FunctionType {
                ret: self.ty(&function.ret),
                params: function
                    .params
                    .iter()
                    .map(|(name, ty)| (name.clone(), self.ty(ty)))
                    .collect(),
                variadic: function.variadic,
            })),
            Type::Typeof(Some(value)) => match *self.boxed(value) {
                Expr { kind: ExprKind::TypeArg(ty), .. } => *ty,
                value => Type::Typeof(Some(Box::new(value))),
            },
            Type::Typeof(None) | Type::Unknown => ty.clone(),
        }
    }

    fn named(&mut self, name: &Name) -> Type {
        match self.bindings.single.get(name).map(|arg| &arg.kind) {
            Some(ExprKind::TypeArg(ty)) => (**ty).clone(),
            Some(ExprKind::Ident(ty)) => Type::Named(ty.clone()),
            Some(_) => self.fail(Type::Unknown),
            None => Type::Named(name.clone()),
        }
    }

    fn record(&mut self, record: &RecordType) -> RecordType {
        let tag = record.tag.as_ref().map(|tag| self.name(tag));
        let members = record
            .members
            .as_ref()
            .map(|members| members.iter().map(|it| self.member(it)).collect());
        RecordType { tag, members, span: self.at, ..*record }
    }

    fn member(&mut self, member: &Member) -> Member {
        Member {
            name: member.name.as_ref().map(|name| self.name(name)),
            span: self.at,
            ty: self.ty(&member.ty),
            bits: member.bits.as_ref().map(|bits| self.boxed(bits)),
            map: member.map.as_ref().map(|map| match map {
                MapMember::Uint(value) => MapMember::Uint(self.expr(value)),
                MapMember::Type(ty) => MapMember::Type(self.ty(ty)),
                MapMember::Array(ty) => MapMember::Array(self.ty(ty)),
            }),
        }
    }

    fn enumeration(&mut self, enumeration: &EnumType) -> EnumType {
        let enumerators = enumeration.enumerators.as_ref().map(|enumerators| {
            let replaced = enumerators.iter().map(|enumerator| Enumerator {
                name: self.name(&enumerator.name),
                span: self.at,
                value: self.maybe(enumerator.value.as_ref()),
            });
            replaced.collect()
        });
        EnumType { tag: enumeration.tag.clone(), enumerators }
    }
}

fn is_marker(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Expr(Some(Expr { kind: ExprKind::Call { callee, .. }, .. })) => {
            callee.as_ident().is_some_and(|name| name == BLOCK_MARKER)
        }
        _ => false,
    }
}

/// An access path as text: `a.b[2]`.
fn path_of(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Ident(name) => Some(name.to_string()),
        ExprKind::Member { base, field, arrow: false } => {
            Some(format!("{}.{field}", path_of(base)?))
        }
        ExprKind::Index(base, index) => match index.kind {
            ExprKind::Int { value, .. } => Some(format!("{}[{value}]", path_of(base)?)),
            _ => None,
        },
        _ => None,
    }
}

/// The number of expressions and statements below `expr`, itself included.
fn count(expr: &Expr) -> usize {
    struct Counter(usize);
    impl Visitor for Counter {
        fn expr(&mut self, _expr: &Expr) {
            self.0 += 1;
        }
        fn stmt(&mut self, _stmt: &Stmt) {
            self.0 += 1;
        }
    }
    let mut counter = Counter(0);
    walk::expr(expr, &mut counter);
    counter.0
}
