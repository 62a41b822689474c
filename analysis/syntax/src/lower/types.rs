//! Types: specifiers and declarators.

use text::Span;
use tree_sitter::Node;

use super::kinds::{Field, Kind};
use super::{Lower, behind};
use crate::ast::{ExprKind, FunctionType, Name, Param, Type};
use crate::mask::MaskKind;
use crate::mask::words::word;

/// A declared name with its type.
pub(super) struct Declared {
    pub(super) name: Option<Name>,
    /// Offsets of the name in the source.
    pub(super) name_raw: Span,
    pub(super) ty: Type,
    /// Parameters of the innermost function declarator, if there is one.
    pub(super) params: Option<Vec<Param>>,
    /// Parameters of the function declarator around that one.
    pub(super) outer_params: Option<Vec<Param>>,
    /// The name stands in parentheses of its own.
    pub(super) in_parens: bool,
}

impl<'t> Lower<'_, 't> {
    /// The type that a specifier names.
    pub(super) fn specifier(&mut self, node: Node<'t>, kind: Kind) -> Type {
        match kind {
            Kind::PrimitiveType => self.primitive(node),
            Kind::TypeIdent if self.text(node) == "__auto_type" => Type::Typeof(None),
            Kind::TypeIdent => {
                self.bad |= word(self.text(node)).is_statement();
                Type::Named(self.name(node))
            }
            Kind::SizedType => Type::Named(self.words(node)),
            Kind::Struct | Kind::Union => self
                .deeper(|lower| lower.record(node, kind == Kind::Union))
                .unwrap_or(Type::Unknown),
            Kind::Enum => self.deeper(|lower| lower.enumeration(node)).unwrap_or(Type::Unknown),
            _ => Type::Unknown,
        }
    }

    fn primitive(&mut self, node: Node<'t>) -> Type {
        let raw = self.raw(node);
        if self.text(node) == self.masked(node) {
            return Type::Named(self.name(node));
        }
        let operand = self.source.masks.at(raw.start).iter().find_map(|mask| match mask.kind {
            MaskKind::Typeof(operand) => Some(operand),
            _ => None,
        });
        match operand.and_then(|operand| self.operand(operand)).map(|operand| operand.kind) {
            Some(ExprKind::SizeofType(ty)) => *ty,
            Some(ExprKind::SizeofExpr(expr)) => Type::Typeof(Some(expr)),
            _ => {
                self.bad |= operand.is_some();
                Type::Unknown
            }
        }
    }

    /// The words of a type such as `unsigned  long` with one blank between two.
    fn words(&self, node: Node<'t>) -> Name {
        let mut out = String::new();
        for word in self.masked(node).split_ascii_whitespace() {
            if matches!(word, "const" | "volatile") {
                continue;
            }
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
        Name::from(out)
    }

    /// The type of a `type_descriptor`: a type without a name.
    pub(super) fn descriptor(&mut self, node: Node<'t>) -> Type {
        let kids = self.open(node);
        let mut base = Type::Unknown;
        let mut is_const = false;
        let mut ty = None;
        for at in kids.clone() {
            let kid = self.kids[at];
            match (kid.field, kid.kind) {
                (Field::Type, kind) => base = self.specifier(kid.node, kind),
                (Field::Declarator, _) => {
                    ty = Some(self.declarator(kid.node, base.clone(), is_const).ty);
                }
                (_, Kind::Qualifier) => is_const |= self.text(kid.node) == "const",
                _ => {}
            }
        }
        self.close(kids);
        ty.unwrap_or(base)
    }

    /// Follows a declarator from the outside in, wrapping `base`.
    pub(super) fn declarator(&mut self, node: Node<'t>, base: Type, is_const: bool) -> Declared {
        let end = self.raw(node).end;
        let mut out = Declared {
            name: None,
            name_raw: Span::empty(end),
            ty: base,
            params: None,
            outer_params: None,
            in_parens: false,
        };
        let mut to_const = is_const;
        let mut next = Some((node, super::kinds::kind(node)));
        let mut steps = self.depth;
        while let Some((node, kind)) = next {
            steps += 1;
            if steps > super::MAX_DEPTH {
                self.bad = true;
                out.ty = Type::Unknown;
                break;
            }
            match kind {
                Kind::Ident | Kind::TypeIdent | Kind::FieldIdent | Kind::PrimitiveType => {
                    out.name = Some(self.name(node));
                    out.name_raw = self.raw(node);
                    break;
                }
                _ => {
                    out.in_parens = kind == Kind::ParenDeclarator;
                    next = self.wrap(node, kind, &mut out, &mut to_const);
                }
            }
        }
        out
    }

    /// One layer of a declarator; the declarator inside it.
    fn wrap(
        &mut self,
        node: Node<'t>,
        kind: Kind,
        out: &mut Declared,
        to_const: &mut bool,
    ) -> Option<(Node<'t>, Kind)> {
        let kids = self.open(node);
        let list: Vec<_> = self.kids[kids.clone()].to_vec();
        self.close(kids);
        let inner =
            list.iter().find(|kid| kid.field == Field::Declarator).map(|kid| (kid.node, kid.kind));
        let base = std::mem::replace(&mut out.ty, Type::Unknown);
        match kind {
            Kind::PointerDeclarator | Kind::AbstractPointer => {
                out.ty = Type::Pointer { to: Box::new(base), to_const: *to_const };
                *to_const = list
                    .iter()
                    .any(|kid| kid.kind == Kind::Qualifier && self.text(kid.node) == "const");
                return inner;
            }
            Kind::ArrayDeclarator | Kind::AbstractArray => {
                let size = list.iter().find(|kid| kid.field == Field::Size);
                let size = size.map(|size| Box::new(self.expr(size.node)));
                out.ty = Type::Array(Box::new(base), size);
            }
            Kind::FunctionDeclarator | Kind::AbstractFunction => {
                let list = list.iter().find(|kid| kid.kind == Kind::ParameterList);
                let (params, variadic) = match list {
                    Some(list) => {
                        self.deeper(|lower| lower.parameters(list.node)).unwrap_or_default()
                    }
                    None => (Vec::new(), false),
                };
                let types =
                    params.iter().map(|param| (param.name.clone(), param.ty.clone())).collect();
                out.ty =
                    Type::Function(Box::new(FunctionType { ret: base, params: types, variadic }));
                out.outer_params = out.params.replace(params);
            }
            Kind::ParenDeclarator | Kind::AbstractParen | Kind::AttributedDeclarator => {
                out.ty = base;
                return list.first().map(|kid| (kid.node, kid.kind));
            }
            _ => {
                self.bad = true;
                return None;
            }
        }
        *to_const = false;
        inner
    }

    /// The parameters of a list and whether it ends in dots.
    fn parameters(&mut self, node: Node<'t>) -> (Vec<Param>, bool) {
        let mut params = Vec::new();
        let mut variadic = false;
        let Span { start: mut from, end: list_end } = self.raw(node);
        let kids = self.open(node);
        for at in kids.clone() {
            let kid = self.kids[at];
            let after = self.raw(kid.node).end;
            // With attributes behind it a parameter reaches to its comma.
            let next = behind(self.source.masked, after, b',');
            let end =
                next.map_or(if at + 1 == kids.end { list_end } else { after }, |next| next - 1);
            match kid.kind {
                Kind::Parameter => params.push(self.parameter(kid.node, from, end)),
                Kind::VariadicParameter => variadic = true,
                Kind::Ident => params.push(Param {
                    name: self.name(kid.node),
                    span: self.span(kid.node),
                    ty: Type::Unknown,
                    attrs: self.attrs(from, end, None),
                }),
                _ => {}
            }
            from = end;
        }
        self.close(kids);
        let void = params.len() == 1
            && params[0].name.is_empty()
            && params[0].ty == Type::Named(Name::new("void"));
        if void {
            params.clear();
        }
        (params, variadic)
    }

    fn parameter(&mut self, node: Node<'t>, from: u32, end: u32) -> Param {
        let kids = self.open(node);
        let mut base = Type::Unknown;
        let mut is_const = false;
        let mut declared = None;
        for at in kids.clone() {
            let kid = self.kids[at];
            match (kid.field, kid.kind) {
                (Field::Type, kind) => base = self.specifier(kid.node, kind),
                (Field::Declarator, _) => {
                    declared = Some(self.declarator(kid.node, base.clone(), is_const));
                }
                (_, Kind::Qualifier) => is_const |= self.text(kid.node) == "const",
                _ => {}
            }
        }
        self.close(kids);
        let raw = self.raw(node);
        let attrs = self.attrs(from, end, None);
        match declared {
            Some(Declared { name: Some(name), name_raw, ty, .. }) => {
                Param { name, span: self.placed(name_raw), ty, attrs }
            }
            Some(Declared { ty, .. }) => {
                Param { name: Name::default(), span: self.placed(raw), ty, attrs }
            }
            None => Param { name: Name::default(), span: self.placed(raw), ty: base, attrs },
        }
    }

    /// The end of a specifier with the semicolon behind it, as an offset of the source.
    pub(super) fn with_semicolon(&self, raw: Span) -> Span {
        behind(self.source.masked, raw.end, b';').map_or(raw, |end| Span::new(raw.start, end))
    }
}
