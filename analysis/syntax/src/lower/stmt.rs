//! Statements.

use text::Span;
use tree_sitter::Node;

use super::kinds::{Field, Kind};
use super::{Kid, Lower, is_known_type};
use crate::ast::{BinaryOp, Block, Expr, ExprKind, LocalDecl, Name, Stmt, StmtKind};
use crate::lexer::{Token, TokenKind, lex};
use crate::mask::MaskKind;

impl<'t> Lower<'_, 't> {
    pub(super) fn block(&mut self, node: Node<'t>) -> Block {
        let span = self.span(node);
        let stmts = self.deeper(|lower| lower.stmts(node)).unwrap_or_default();
        Block { stmts, span }
    }

    /// The statements directly below `node`.
    fn stmts(&mut self, node: Node<'t>) -> Vec<Stmt> {
        let mut stmts = Vec::new();
        let mut from = self.raw(node).start;
        let kids = self.open(node);
        for at in kids.clone() {
            let kid = self.kids[at];
            // The value of `case` is no statement; what follows it is.
            if kid.field != Field::Value {
                stmts.push(self.stmt(kid.node, kid.kind, from));
            }
            from = self.raw(kid.node).end;
        }
        self.close(kids);
        stmts
    }

    fn stmt(&mut self, node: Node<'t>, kind: Kind, from: u32) -> Stmt {
        let span = self.span(node);
        let kind =
            self.deeper(|lower| lower.stmt_kind(node, kind, from)).unwrap_or(StmtKind::Error);
        if kind == StmtKind::Error {
            self.bad = true;
        }
        Stmt { kind, span }
    }

    fn stmt_kind(&mut self, node: Node<'t>, kind: Kind, from: u32) -> StmtKind {
        match kind {
            Kind::Declaration | Kind::TypeDefinition => self.local(node, kind, from),
            Kind::ExpressionStatement => self.expression_statement(node, from),
            Kind::Compound => StmtKind::Block(self.block(node)),
            Kind::If => self.if_statement(node),
            Kind::While => self.while_statement(node),
            Kind::Do => match self.fields(node, [Field::Body, Field::Condition]) {
                [Some(body), Some(cond)] => StmtKind::DoWhile {
                    body: self.boxed(body.node, body.kind),
                    cond: self.expr(cond.node),
                },
                _ => StmtKind::Error,
            },
            Kind::For => self.for_statement(node),
            Kind::Switch => match self.fields(node, [Field::Condition, Field::Body]) {
                [Some(value), Some(body)] => StmtKind::Switch {
                    value: self.expr(value.node),
                    body: self.boxed(body.node, body.kind),
                },
                _ => StmtKind::Error,
            },
            Kind::Case => self.case(node),
            Kind::Labeled => self.labeled(node),
            Kind::Goto => match self.child(node, Field::Label) {
                Some(label) => StmtKind::Goto(self.name(label.node)),
                None => StmtKind::Error,
            },
            Kind::Break => StmtKind::Break,
            Kind::Continue => StmtKind::Continue,
            Kind::Return => StmtKind::Return(self.only(node).map(|value| self.expr(value))),
            Kind::AttributedStatement => self.attributed(node, from),
            Kind::Struct | Kind::Union | Kind::Enum => {
                let base = self.specifier(node, kind);
                let declaration = crate::ast::Declaration {
                    span: self.span(node),
                    is_typedef: false,
                    is_extern: false,
                    is_static: false,
                    base,
                    declarators: Vec::new(),
                    attrs: Default::default(),
                };
                StmtKind::Decl(Box::new(LocalDecl(declaration)))
            }
            _ => StmtKind::Error,
        }
    }

    fn boxed(&mut self, node: Node<'t>, kind: Kind) -> Box<Stmt> {
        let from = self.raw(node).start;
        Box::new(self.stmt(node, kind, from))
    }

    /// The first named child that is no error.
    fn only(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        let kids = self.open(node);
        let first =
            self.kids[kids.clone()].iter().find(|kid| !kid.node.is_error()).map(|kid| kid.node);
        self.close(kids);
        first
    }

    fn local(&mut self, node: Node<'t>, kind: Kind, from: u32) -> StmtKind {
        if let Some(product) = self.product(node) {
            return StmtKind::Expr(Some(product));
        }
        StmtKind::Decl(Box::new(LocalDecl(self.declaration(node, kind, from))))
    }

    /// `a * b;` where `a` is a variable: the grammar cannot know that it declares nothing.
    fn product(&mut self, node: Node<'t>) -> Option<Expr> {
        let left = self.child(node, Field::Type).filter(|kid| kid.kind == Kind::TypeIdent)?;
        if !self.locals.contains(self.text(left.node)) {
            return None;
        }
        let declarator = self
            .child(node, Field::Declarator)
            .filter(|kid| kid.kind == Kind::PointerDeclarator)?;
        let right =
            self.child(declarator.node, Field::Declarator).filter(|kid| kid.kind == Kind::Ident)?;
        let ident =
            |node: Node<'_>| Expr { kind: ExprKind::Ident(self.name(node)), span: self.span(node) };
        let (a, b) = (ident(left.node), ident(right.node));
        let span = a.span.cover(b.span);
        Some(Expr { kind: ExprKind::Binary(BinaryOp::Mul, Box::new(a), Box::new(b)), span })
    }

    fn expression_statement(&mut self, node: Node<'t>, from: u32) -> StmtKind {
        if let Some(call) = self.bare_call(node, from) {
            return StmtKind::Expr(Some(call));
        }
        let Some(inner) = self.only(node) else { return StmtKind::Expr(None) };
        if super::kinds::kind(inner) == Kind::Asm {
            return self.asm(inner);
        }
        StmtKind::Expr(Some(self.expr(inner)))
    }

    /// A macro call without a semicolon, of which the tree has only the arguments.
    fn bare_call(&mut self, node: Node<'t>, from: u32) -> Option<Expr> {
        let raw = self.raw(node);
        let masks = self.source.masks.starting_in(Span::new(from, raw.start));
        let (name, whole) = masks.iter().find_map(|mask| match mask.kind {
            MaskKind::StatementMacro(name) if mask.span.end == raw.end => Some((name, mask.span)),
            _ => None,
        })?;
        let mut args = Vec::new();
        let inner = self.only(node);
        self.comma_parts(inner, &mut args);
        let callee = Expr {
            kind: ExprKind::Ident(Name::new(name.text(self.source.text))),
            span: self.placed(name),
        };
        Some(Expr {
            kind: ExprKind::Call { callee: Box::new(callee), args },
            span: self.placed(whole),
        })
    }

    fn if_statement(&mut self, node: Node<'t>) -> StmtKind {
        let wanted = [Field::Condition, Field::Consequence, Field::Alternative];
        let [Some(cond), Some(then), alternative] = self.fields(node, wanted) else {
            return StmtKind::Error;
        };
        if let Some(head) = self.macro_block(node, cond.node, then) {
            return head;
        }
        let cond = self.expr(cond.node);
        let then = self.boxed(then.node, then.kind);
        let alternative = alternative.and_then(|clause| self.last_statement(clause.node));
        let els = alternative.map(|(node, kind)| self.boxed(node, kind));
        StmtKind::If { cond, then, els }
    }

    /// The last child of an `else` clause or label that is a statement.
    fn last_statement(&mut self, node: Node<'t>) -> Option<(Node<'t>, Kind)> {
        let kids = self.open(node);
        let last = self.kids[kids.clone()]
            .iter()
            .rev()
            .find(|kid| kid.field != Field::Label && !(kid.kind == Kind::Other))
            .map(|kid| (kid.node, kid.kind));
        self.close(kids);
        last
    }

    fn while_statement(&mut self, node: Node<'t>) -> StmtKind {
        let wanted = [Field::Condition, Field::Body];
        let [Some(cond), Some(body)] = self.fields(node, wanted) else {
            return StmtKind::Error;
        };
        if let Some(head) = self.macro_block(node, cond.node, body) {
            return head;
        }
        StmtKind::While { cond: self.expr(cond.node), body: self.boxed(body.node, body.kind) }
    }

    /// A `while` or `if` that a macro was rewritten to.
    fn macro_block(&mut self, node: Node<'t>, cond: Node<'t>, body: Kid<'t>) -> Option<StmtKind> {
        let start = self.raw(node).start;
        let mask = self.source.masks.at(start).iter().find_map(|mask| match mask.kind {
            MaskKind::LoopMacro(name) => Some((name, mask.span)),
            _ => None,
        });
        let (name, whole) = mask?;
        let text = whole.text(self.source.text);
        let open = text.find('(').map_or(text.len(), |at| at + 1);
        let empty =
            text.get(open..).is_none_or(|rest| rest.trim_end_matches(')').trim().is_empty());
        let mut args = Vec::new();
        if !empty {
            let inner = self.only(cond);
            self.comma_parts(inner, &mut args);
        }
        let name = Name::new(name.text(self.source.text));
        Some(StmtKind::MacroBlock { name, args, body: self.boxed(body.node, body.kind) })
    }

    /// The expressions between the commas of an expression.
    fn comma_parts(&mut self, node: Option<Node<'t>>, parts: &mut Vec<Expr>) {
        let mut next = node;
        while let Some(node) = next {
            if super::kinds::kind(node) != Kind::Comma {
                parts.push(self.expr(node));
                return;
            }
            if let Some(left) = self.child(node, Field::Left) {
                parts.push(self.expr(left.node));
            }
            next = self.child(node, Field::Right).map(|right| right.node);
        }
    }

    fn for_statement(&mut self, node: Node<'t>) -> StmtKind {
        let kids = self.open(node);
        let list: Vec<_> = self.kids[kids.clone()].to_vec();
        self.close(kids);
        let find = |field: Field| list.iter().find(|kid| kid.field == field).copied();
        let init = find(Field::Initializer).map(|init| {
            let span = self.span(init.node);
            let kind = match init.kind {
                Kind::Declaration => self.local(init.node, init.kind, self.raw(init.node).start),
                _ => StmtKind::Expr(Some(self.expr(init.node))),
            };
            Box::new(Stmt { kind, span })
        });
        let cond = find(Field::Condition).map(|cond| self.expr(cond.node));
        let step = find(Field::Update).map(|step| self.expr(step.node));
        match find(Field::Body) {
            Some(body) => {
                StmtKind::For { init, cond, step, body: self.boxed(body.node, body.kind) }
            }
            None => StmtKind::Error,
        }
    }

    fn case(&mut self, node: Node<'t>) -> StmtKind {
        let value = self.child(node, Field::Value);
        let stmts = self.stmts(node);
        let Some(value) = value else { return StmtKind::Default { stmts } };
        let (from, to) = match self.range_ends(value.node) {
            Some((from, to)) => (self.expr(from), Some(self.expr(to))),
            None => (self.expr(value.node), None),
        };
        StmtKind::Case { from, to, stmts }
    }

    /// The ends of a range whose dots were rewritten as `||`.
    fn range_ends(&mut self, node: Node<'t>) -> Option<(Node<'t>, Node<'t>)> {
        let raw = self.raw(node);
        let masks = self.source.masks.starting_in(raw);
        let dots = masks.iter().find(|mask| mask.kind == MaskKind::CaseRange)?.span;
        let operator = self.child(node, Field::Operator);
        if operator.is_none_or(|operator| self.raw(operator.node).start != dots.start) {
            self.bad = true;
            return None;
        }
        Some((self.child(node, Field::Left)?.node, self.child(node, Field::Right)?.node))
    }

    fn labeled(&mut self, node: Node<'t>) -> StmtKind {
        let Some(label) = self.child(node, Field::Label) else { return StmtKind::Error };
        let name = self.name(label.node);
        let body = self.last_statement(node).map(|(node, kind)| self.boxed(node, kind));
        StmtKind::Label { name, body }
    }

    fn attributed(&mut self, node: Node<'t>, from: u32) -> StmtKind {
        match self.last_statement(node) {
            Some((inner, kind)) => self.stmt_kind(inner, kind, from),
            None => StmtKind::Error,
        }
    }

    /// `asm`, read from the text as written, because its operands are masked.
    fn asm(&mut self, node: Node<'t>) -> StmtKind {
        let raw = self.raw(node);
        let jumps = self
            .source
            .masks
            .at(raw.start)
            .iter()
            .any(|mask| mask.kind == MaskKind::Asm { jumps: true });
        if jumps {
            return StmtKind::Error;
        }
        asm_operands(raw.text(self.source.text))
    }
}

/// The operands of the text of an `asm` statement.
fn asm_operands(text: &str) -> StmtKind {
    let tokens = lex(text);
    let (mut outputs, mut inputs, mut memory) = (Vec::new(), Vec::new(), false);
    let mut section = 0;
    let mut depth = 0usize;
    // `asm volatile("" : "+r"(x))` keeps the compiler from knowing `x`; the value stays.
    let template = tokens.iter().find(|token| token.kind == TokenKind::Str);
    let is_barrier = template.is_some_and(|template| template.span.text(text) == "\"\"");
    let mut constraint = "";
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punct(b'(') => depth += 1,
            TokenKind::Punct(b')') => depth = depth.saturating_sub(1),
            TokenKind::Punct(b':') if depth == 1 => section += 1,
            TokenKind::Str if section == 1 => constraint = token.span.text(text),
            TokenKind::Str if section == 3 => memory |= token.span.text(text) == "\"memory\"",
            // A macro such as `__clobber_all` may stand for anything.
            TokenKind::Ident if section == 3 => memory = true,
            TokenKind::Ident if depth > 1 && is_operand(text, &tokens, at) => {
                let name = Name::new(token.span.text(text));
                match section {
                    1 if is_barrier && constraint.starts_with("\"+") => inputs.push(name),
                    1 => outputs.push(name),
                    2 => inputs.push(name),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    StmtKind::Asm { outputs, inputs, memory }
}

/// Whether the identifier at `at` is a variable: neither a member nor a type in a cast.
fn is_operand(text: &str, tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| tokens[before]);
    let member = before.is_some_and(|before| before.is(b'.'))
        || at >= 2 && before.is_some_and(|before| before.is(b'>')) && tokens[at - 2].is(b'-');
    !member && !is_known_type(tokens[at].span.text(text)) && tokens[at].span != Span::default()
}
