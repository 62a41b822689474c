//! Expressions.

use text::Span;
use tree_sitter::Node;

use super::kinds::{Field, Kind, kind};
use super::plain_type::plain_type;
use super::{Kid, Lower, Place, literal};
use crate::ast::{BinaryOp, Expr, ExprKind, Name, Type, UnaryOp};
use crate::fragment;
use crate::mask::MaskKind;
use crate::mask::words::word;

impl<'t> Lower<'_, 't> {
    pub(super) fn expr(&mut self, node: Node<'t>) -> Expr {
        let span = self.span(node);
        let casts = self.masked_casts(node);
        let built = self.deeper(|lower| lower.expr_at(node, span));
        let mut out = built.unwrap_or(Expr { kind: ExprKind::Error, span });
        for (name, open) in casts {
            let ty = Type::Named(Name::new(name.text(self.source.text)));
            let span = self.placed(open).cover(span);
            out = Expr { kind: ExprKind::Cast(Box::new(ty), Box::new(out)), span };
        }
        out
    }

    /// Casts that were erased directly in front of `node`, innermost first: where the type's name and the whole stand.
    /// They apply to the largest operand that starts there and is no infix expression.
    fn masked_casts(&mut self, node: Node<'t>) -> Vec<(Span, Span)> {
        let mut found = Vec::new();
        let start = self.raw(node).start;
        let mut end = start;
        while let Some(mask) = self.masked_cast(end) {
            found.push(mask);
            end = mask.1.start;
        }
        let infix =
            matches!(kind(node), Kind::Binary | Kind::Assignment | Kind::Conditional | Kind::Comma);
        if found.is_empty() || infix || !self.casts.insert(start) {
            return Vec::new();
        }
        found
    }

    /// A cast that was erased and ends, blanks aside, at `end`.
    fn masked_cast(&self, end: u32) -> Option<(Span, Span)> {
        let before = self.source.text.as_bytes().get(..end as usize)?.trim_ascii_end();
        let (close, _) = before.split_last().filter(|(last, _)| **last == b')')?;
        let at = before.len() - 1;
        if self.source.masked.as_bytes().get(at) == Some(close) {
            return None;
        }
        let open = before.iter().rposition(|byte| *byte == b'(')?;
        self.source.masks.at(crate::lexer::offset(open)).iter().find_map(|mask| match mask.kind {
            MaskKind::Cast(name) => Some((name, mask.span)),
            _ => None,
        })
    }

    fn expr_at(&mut self, node: Node<'t>, span: Span) -> Expr {
        let kind = match kind(node) {
            Kind::Paren => return self.parenthesized(node, span),
            Kind::Extension => match node.named_child(0) {
                Some(inner) => return self.expr(inner),
                None => ExprKind::Error,
            },
            // Where it expects a name the grammar takes keywords too.
            Kind::Ident if word(self.text(node)).is_statement() => {
                self.bad = true;
                ExprKind::Error
            }
            Kind::Ident
            | Kind::Null
            | Kind::True
            | Kind::False
            | Kind::FieldIdent
            | Kind::TypeIdent => ExprKind::Ident(self.name(node)),
            Kind::PrimitiveType => ExprKind::TypeArg(Box::new(Type::Named(self.name(node)))),
            Kind::Number => return self.number(node, span),
            Kind::CharLit => literal::character(self.text(node)).unwrap_or(ExprKind::Error),
            Kind::StringLit | Kind::Concatenated => {
                ExprKind::Str(literal::strings(self.text(node)))
            }
            Kind::Unary | Kind::Pointer => self.unary(node),
            Kind::Update => self.update(node),
            Kind::Binary => self.binary(node),
            Kind::Assignment => self.assignment(node),
            Kind::Conditional => self.conditional(node),
            Kind::Comma => match self.fields(node, [Field::Left, Field::Right]) {
                [Some(left), Some(right)] => {
                    ExprKind::Comma(self.boxed_expr(left), self.boxed_expr(right))
                }
                _ => ExprKind::Error,
            },
            Kind::Call => self.call(node),
            Kind::Subscript => match self.fields(node, [Field::Argument, Field::Index]) {
                [Some(base), Some(index)] => {
                    ExprKind::Index(self.boxed_expr(base), self.boxed_expr(index))
                }
                _ => ExprKind::Error,
            },
            Kind::FieldExpression => self.member(node),
            Kind::Cast => self.cast(node),
            Kind::Sizeof => self.sizeof(node),
            Kind::Offsetof => self.offsetof(node),
            Kind::CompoundLiteral => self.compound_literal(node),
            Kind::InitList => ExprKind::InitList(self.init_list(node)),
            Kind::Compound => ExprKind::StmtExpr(self.block(node)),
            Kind::TypeDescriptor => ExprKind::TypeArg(Box::new(self.descriptor(node))),
            // Read by the grammar, but not part of the model; what it computes is unknown.
            Kind::Alignof | Kind::Generic => ExprKind::Error,
            _ => {
                self.bad = true;
                ExprKind::Error
            }
        };
        Expr { kind, span }
    }

    fn boxed_expr(&mut self, kid: Kid<'t>) -> Box<Expr> {
        Box::new(self.expr(kid.node))
    }

    fn parenthesized(&mut self, node: Node<'t>, span: Span) -> Expr {
        let kids = self.open(node);
        let inner = self.kids[kids.clone()].iter().find(|kid| !kid.node.is_error()).copied();
        self.close(kids);
        match inner {
            // A statement expression stands with its parentheses.
            Some(kid) if kid.kind == Kind::Compound => {
                Expr { kind: ExprKind::StmtExpr(self.block(kid.node)), span }
            }
            Some(kid) => self.expr(kid.node),
            None => Expr { kind: ExprKind::Error, span },
        }
    }

    /// A number, or the `0` that stands for an argument that is no expression.
    fn number(&mut self, node: Node<'t>, span: Span) -> Expr {
        let text = self.masked(node);
        if text == "0" {
            let start = self.raw(node).start;
            let mask = self.source.masks.at(start).iter().find_map(|mask| match mask.kind {
                MaskKind::TypeArgument => Some((mask.span, None)),
                MaskKind::OpaqueArgument { control } => Some((mask.span, Some(control))),
                MaskKind::Unclosed => Some((mask.span, Some(true))),
                _ => None,
            });
            match mask {
                Some((raw, None)) => return self.type_argument(raw),
                Some((raw, Some(control))) => {
                    self.bad |= control;
                    return Expr { kind: ExprKind::Error, span: self.placed(raw) };
                }
                None => {}
            }
        }
        let (sign, digits) = match text.as_bytes().first() {
            Some(b'-') => (Some(UnaryOp::Neg), &text[1..]),
            Some(b'+') => (Some(UnaryOp::Plus), &text[1..]),
            _ => (None, text),
        };
        let kind = literal::integer(digits).unwrap_or(ExprKind::Error);
        let kind = match sign {
            None => kind,
            Some(sign) => {
                let inner = Span::new(span.start.saturating_add(1).min(span.end), span.end);
                ExprKind::Unary(sign, Box::new(Expr { kind, span: inner }))
            }
        };
        Expr { kind, span }
    }

    fn type_argument(&mut self, raw: Span) -> Expr {
        let span = self.placed(raw);
        let kind = match self.operand(raw).map(|operand| operand.kind) {
            Some(ExprKind::SizeofType(ty)) => ExprKind::TypeArg(ty),
            Some(ExprKind::SizeofExpr(inner)) => inner.kind,
            _ => ExprKind::Error,
        };
        Expr { kind, span }
    }

    /// `sizeof` of the type or expression at `raw` in the source, which the tree does not have.
    pub(super) fn operand(&mut self, raw: Span) -> Option<Expr> {
        let span = self.placed(raw);
        if let Some(ty) = plain_type(raw.text(self.source.text), span) {
            return Some(Expr { kind: ExprKind::SizeofType(Box::new(ty)), span });
        }
        let place = self.inner_place(raw.start);
        fragment::operand(raw.text(self.source.text), place, self.depth + 1)
    }

    /// The expression at `raw` in the source, which the tree does not have.
    pub(super) fn embedded(&mut self, raw: Span) -> Expr {
        let place = self.inner_place(raw.start);
        let found = fragment::expression(raw.text(self.source.text), place, self.depth + 1);
        found.unwrap_or(Expr { kind: ExprKind::Error, span: self.placed(raw) })
    }

    /// Where the results of a fragment that starts at `start` in the source are placed.
    fn inner_place(&self, start: u32) -> Place {
        match self.source.place {
            Place::Fixed(span) => Place::Fixed(span),
            Place::Shift(by) => Place::Shift(by.saturating_add(i64::from(start))),
        }
    }

    fn unary(&mut self, node: Node<'t>) -> ExprKind {
        let wanted = [Field::Operator, Field::Argument];
        let [Some(operator), Some(operand)] = self.fields(node, wanted) else {
            return ExprKind::Error;
        };
        let op = match operator.node.kind() {
            "-" => UnaryOp::Neg,
            "+" => UnaryOp::Plus,
            "!" => UnaryOp::Not,
            "~" => UnaryOp::BitNot,
            "*" => UnaryOp::Deref,
            "&" => UnaryOp::AddrOf,
            _ => return ExprKind::Error,
        };
        ExprKind::Unary(op, self.boxed_expr(operand))
    }

    fn update(&mut self, node: Node<'t>) -> ExprKind {
        let wanted = [Field::Operator, Field::Argument];
        let [Some(operator), Some(operand)] = self.fields(node, wanted) else {
            return ExprKind::Error;
        };
        let prefix = operator.node.start_byte() == node.start_byte();
        let increment = operator.node.kind() == "++";
        ExprKind::IncDec { prefix, increment, operand: self.boxed_expr(operand) }
    }

    fn binary(&mut self, node: Node<'t>) -> ExprKind {
        let wanted = [Field::Left, Field::Operator, Field::Right];
        let [Some(left), Some(operator), Some(right)] = self.fields(node, wanted) else {
            return ExprKind::Error;
        };
        match binary_op(operator.node.kind()) {
            Some(op) => ExprKind::Binary(op, self.boxed_expr(left), self.boxed_expr(right)),
            None => ExprKind::Error,
        }
    }

    fn assignment(&mut self, node: Node<'t>) -> ExprKind {
        let wanted = [Field::Left, Field::Operator, Field::Right];
        let [Some(left), Some(operator), Some(right)] = self.fields(node, wanted) else {
            return ExprKind::Error;
        };
        let operator = operator.node.kind();
        let op = binary_op(operator.strip_suffix('=').unwrap_or(""));
        if op.is_none() && operator != "=" {
            return ExprKind::Error;
        }
        ExprKind::Assign(op, self.boxed_expr(left), self.boxed_expr(right))
    }

    fn conditional(&mut self, node: Node<'t>) -> ExprKind {
        let wanted = [Field::Condition, Field::Consequence, Field::Alternative];
        let [Some(cond), then, Some(els)] = self.fields(node, wanted) else {
            return ExprKind::Error;
        };
        let cond = self.boxed_expr(cond);
        let then = then.map(|then| self.boxed_expr(then));
        ExprKind::Cond(cond, then, self.boxed_expr(els))
    }

    fn member(&mut self, node: Node<'t>) -> ExprKind {
        let wanted = [Field::Argument, Field::Operator, Field::Field];
        let [Some(base), operator, Some(field)] = self.fields(node, wanted) else {
            return ExprKind::Error;
        };
        let arrow = operator.is_some_and(|operator| operator.node.kind() == "->");
        let field = self.name(field.node);
        ExprKind::Member { base: self.boxed_expr(base), field, arrow }
    }

    fn call(&mut self, node: Node<'t>) -> ExprKind {
        let [Some(function), Some(list)] = self.fields(node, [Field::Function, Field::Arguments])
        else {
            return ExprKind::Error;
        };
        let args = self.arguments(list.node);
        if function.kind == Kind::Paren
            && let Some(ty) = self.parenthesized_type(function.node)
            && let Some(value) = joined(&args)
        {
            return ExprKind::Cast(Box::new(ty), Box::new(value));
        }
        let callee = Box::new(self.expr(function.node));
        if callee.as_ident().is_some_and(|name| name == "__builtin_offsetof")
            && let [Expr { kind: ExprKind::TypeArg(ty), .. }, _] = args.as_slice()
            && let Some(path) = list.node.named_child(1)
        {
            let path = self.text(path).to_owned();
            return ExprKind::Offsetof(ty.clone(), path);
        }
        ExprKind::Call { callee, args }
    }

    fn arguments(&mut self, list: Node<'t>) -> Vec<Expr> {
        let kids = self.open(list);
        let mut args = Vec::with_capacity(kids.len());
        for at in kids.clone() {
            let kid = self.kids[at];
            let mut arg = self.expr(kid.node);
            if kid.kind == Kind::Ident
                && let Some(name) = arg.as_ident().filter(|name| self.is_type(name))
            {
                arg.kind = ExprKind::TypeArg(Box::new(Type::Named(name.clone())));
            }
            args.push(arg);
        }
        self.close(kids);
        args
    }

    /// The type in `(name)` if `name` is one.
    fn parenthesized_type(&mut self, node: Node<'t>) -> Option<Type> {
        let inner = node.named_child(0).filter(|inner| kind(*inner) == Kind::Ident)?;
        let name = self.text(inner);
        let looks = self.is_type(name) || name.ends_with("_t") && !self.locals.contains(name);
        looks.then(|| Type::Named(Name::new(name)))
    }

    fn cast(&mut self, node: Node<'t>) -> ExprKind {
        let [Some(ty), Some(value)] = self.fields(node, [Field::Type, Field::Value]) else {
            return ExprKind::Error;
        };
        if let Some(binary) = self.not_a_cast(ty.node, value.node) {
            return binary;
        }
        let ty = Box::new(self.descriptor(ty.node));
        ExprKind::Cast(ty, Box::new(self.expr(value.node)))
    }

    /// `(a) - b` and the like, where `a` is a variable: the grammar reads a cast of `-b`.
    fn not_a_cast(&mut self, ty: Node<'t>, value: Node<'t>) -> Option<ExprKind> {
        let name = self.text(ty);
        if !self.locals.contains(name) || !matches!(kind(value), Kind::Unary | Kind::Pointer) {
            return None;
        }
        let [Some(operator), Some(right)] = self.fields(value, [Field::Operator, Field::Argument])
        else {
            return None;
        };
        let op = match operator.node.kind() {
            "-" => BinaryOp::Sub,
            "+" => BinaryOp::Add,
            "*" => BinaryOp::Mul,
            "&" => BinaryOp::BitAnd,
            _ => return None,
        };
        let left = Expr { kind: ExprKind::Ident(Name::new(name)), span: self.span(ty) };
        Some(ExprKind::Binary(op, Box::new(left), self.boxed_expr(right)))
    }

    fn sizeof(&mut self, node: Node<'t>) -> ExprKind {
        let value = match self.fields(node, [Field::Type, Field::Value]) {
            [Some(ty), _] => return ExprKind::SizeofType(Box::new(self.descriptor(ty.node))),
            [None, Some(value)] => self.boxed_expr(value),
            [None, None] => return ExprKind::Error,
        };
        match value.as_ident() {
            Some(name) if self.is_type(name) => {
                ExprKind::SizeofType(Box::new(Type::Named(name.clone())))
            }
            _ => ExprKind::SizeofExpr(value),
        }
    }

    fn offsetof(&mut self, node: Node<'t>) -> ExprKind {
        let [Some(ty), Some(member)] = self.fields(node, [Field::Type, Field::Member]) else {
            return ExprKind::Error;
        };
        let path = self.text(member.node).chars().filter(|c| !c.is_whitespace()).collect();
        ExprKind::Offsetof(Box::new(self.descriptor(ty.node)), path)
    }

    fn compound_literal(&mut self, node: Node<'t>) -> ExprKind {
        let [Some(ty), Some(value)] = self.fields(node, [Field::Type, Field::Value]) else {
            return ExprKind::Error;
        };
        let ty = Box::new(self.descriptor(ty.node));
        ExprKind::CompoundLit(ty, self.boxed_expr(value))
    }

    fn init_list(&mut self, node: Node<'t>) -> Vec<(Option<Name>, Expr)> {
        let kids = self.open(node);
        let mut list = Vec::with_capacity(kids.len());
        for at in kids.clone() {
            let kid = self.kids[at];
            if kid.kind != Kind::InitPair {
                list.push((None, self.expr(kid.node)));
                continue;
            }
            let [designator, value] = self.fields(kid.node, [Field::Designator, Field::Value]);
            let name = designator.and_then(|designator| match designator.kind {
                Kind::FieldDesignator => designator.node.named_child(0).map(|name| self.name(name)),
                Kind::FieldIdent => Some(self.name(designator.node)),
                _ => None,
            });
            if let Some(value) = value {
                list.push((name, self.expr(value.node)));
            }
        }
        self.close(kids);
        list
    }
}

/// Arguments as one expression with commas.
fn joined(args: &[Expr]) -> Option<Expr> {
    let (last, rest) = args.split_last()?;
    Some(rest.iter().rev().fold(last.clone(), |right, left| {
        let span = left.span.cover(right.span);
        Expr { kind: ExprKind::Comma(Box::new(left.clone()), Box::new(right)), span }
    }))
}

fn binary_op(text: &str) -> Option<BinaryOp> {
    Some(match text {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Rem,
        "<<" => BinaryOp::Shl,
        ">>" => BinaryOp::Shr,
        "&" => BinaryOp::BitAnd,
        "|" => BinaryOp::BitOr,
        "^" => BinaryOp::BitXor,
        "<" => BinaryOp::Lt,
        "<=" => BinaryOp::Le,
        ">" => BinaryOp::Gt,
        ">=" => BinaryOp::Ge,
        "==" => BinaryOp::Eq,
        "!=" => BinaryOp::Ne,
        "&&" => BinaryOp::LogAnd,
        "||" => BinaryOp::LogOr,
        _ => return None,
    })
}
