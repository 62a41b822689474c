//! Types: specifiers, records, enums, declarators.

use text::Span;
use tree_sitter::Node;

use super::kinds::{Field, Kind};
use super::{Lower, behind};
use crate::ast::{
    EnumType, Enumerator, Expr, ExprKind, FunctionType, MapMember, Member, Name, Param, RecordType,
    Type,
};
use crate::lexer::{TokenKind, lex};
use crate::mask::words::word;
use crate::mask::{MapMacro, MaskKind};

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

    fn record(&mut self, node: Node<'t>, is_union: bool) -> Type {
        let kids = self.open(node);
        let mut tag = None;
        let mut body = None;
        for at in kids.clone() {
            let kid = self.kids[at];
            match (kid.field, kid.kind) {
                (Field::Name, _) => tag = Some(self.name(kid.node)),
                (Field::Body, Kind::FieldList) => body = Some(kid.node),
                _ => {}
            }
        }
        self.close(kids);
        let members = body.map(|body| self.members(body));
        let (packed, aligned) = self.record_marks(node, body);
        let span = self.span(node);
        Type::Record(Box::new(RecordType { is_union, tag, members, packed, aligned, span }))
    }

    /// `packed` and `aligned` of a record: attributes between the keyword and the body, and directly behind the body.
    fn record_marks(&self, node: Node<'t>, body: Option<Node<'t>>) -> (bool, Option<u64>) {
        let Some(body) = body.map(|body| self.raw(body)) else { return (false, None) };
        let start = self.raw(node).start;
        let mut packed = false;
        let mut aligned: Option<u64> = None;
        let mut note = |text: &str| {
            for (word, value) in marks(text) {
                packed |= matches!(word, "packed" | "__packed__" | "__packed");
                if matches!(word, "aligned" | "__aligned__" | "__aligned") {
                    aligned = aligned.max(value);
                }
            }
        };
        for mask in self.source.masks.starting_in(Span::new(start, body.start)) {
            if mask.kind == MaskKind::Attribute {
                note(mask.span.text(self.source.text));
            }
        }
        let mut end = body.end;
        for mask in self.source.masks.starting_in(Span::new(body.end, u32::MAX)) {
            let blank = self.source.masked.get(end as usize..mask.span.end as usize);
            if !blank.is_some_and(|between| between.trim_ascii().is_empty()) {
                break;
            }
            if mask.kind == MaskKind::Attribute {
                note(mask.span.text(self.source.text));
            }
            end = mask.span.end;
        }
        (packed, aligned)
    }

    fn members(&mut self, body: Node<'t>) -> Vec<Member> {
        let mut members = Vec::new();
        let kids = self.open(body);
        for at in kids.clone() {
            let kid = self.kids[at];
            if kid.kind == Kind::Field {
                self.field(kid.node, &mut members);
            }
        }
        self.close(kids);
        members
    }

    fn field(&mut self, node: Node<'t>, members: &mut Vec<Member>) {
        let raw = self.raw(node);
        let special = self.source.masks.at(raw.start).iter().find_map(|mask| match &mask.kind {
            kind @ (MaskKind::MapMember { .. } | MaskKind::RecordMacro) => {
                Some((mask.span, kind.clone()))
            }
            _ => None,
        });
        match special {
            Some((span, MaskKind::RecordMacro)) => {
                let (name, ty, bits, map) = (None, Type::Unknown, None, None);
                members.push(Member { name, span: self.placed(span), ty, bits, map });
            }
            Some((_, MaskKind::MapMember { which, name, .. })) => {
                let map = self.map_member(node, which);
                members.push(Member {
                    name: Some(Name::new(name.text(self.source.text))),
                    span: self.placed(name),
                    ty: Type::Unknown,
                    bits: None,
                    map,
                });
            }
            _ => self.plain_field(node, members),
        }
    }

    fn map_member(&mut self, node: Node<'t>, which: MapMacro) -> Option<MapMember> {
        match which {
            MapMacro::Uint => {
                let declarator = self.child(node, Field::Declarator)?;
                let size = self.child(declarator.node, Field::Size)?;
                Some(MapMember::Uint(self.expr(size.node)))
            }
            MapMacro::Type | MapMacro::Array => {
                let macro_type = self.child(node, Field::Type)?;
                let descriptor = self.child(macro_type.node, Field::Type)?;
                let ty = self.descriptor(descriptor.node);
                Some(if which == MapMacro::Type {
                    MapMember::Type(ty)
                } else {
                    MapMember::Array(ty)
                })
            }
        }
    }

    fn plain_field(&mut self, node: Node<'t>, members: &mut Vec<Member>) {
        let kids = self.open(node);
        let mut base = Type::Unknown;
        let mut is_const = false;
        let mut body = None;
        let first = members.len();
        for at in kids.clone() {
            let kid = self.kids[at];
            match (kid.field, kid.kind) {
                (Field::Type, kind) => {
                    base = self.specifier(kid.node, kind);
                    body = self.body_of(kid.node);
                }
                (_, Kind::Qualifier) => is_const |= self.text(kid.node) == "const",
                (Field::Declarator, _) => {
                    let declared = self.declarator(kid.node, base.clone(), is_const);
                    let (name, ty) = (declared.name, declared.ty);
                    members.push(Member {
                        name,
                        span: self.span(kid.node),
                        ty,
                        bits: None,
                        map: None,
                    });
                }
                (_, Kind::BitfieldClause) => {
                    let bits = kid.node.named_child(0).map(|width| Box::new(self.expr(width)));
                    if let Some(member) = members[first..].last_mut() {
                        member.bits = bits;
                    }
                }
                _ => {}
            }
        }
        self.close(kids);
        let masks = self.source.masks;
        for mask in masks.starting_in(self.raw(node)) {
            if let MaskKind::UnnamedBits(width) = mask.kind
                && !body.is_some_and(|body| body.contains(width))
            {
                let bits = Some(Box::new(self.embedded(width)));
                members.push(Member {
                    name: None,
                    span: self.placed(mask.span),
                    ty: base.clone(),
                    bits,
                    map: None,
                });
            }
        }
        if members.len() == first {
            members.push(Member {
                name: None,
                span: self.span(node),
                ty: base,
                bits: None,
                map: None,
            });
        }
    }

    fn enumeration(&mut self, node: Node<'t>) -> Type {
        let kids = self.open(node);
        let mut tag = None;
        let mut body = None;
        for at in kids.clone() {
            let kid = self.kids[at];
            match (kid.field, kid.kind) {
                (Field::Name, _) => tag = Some(self.name(kid.node)),
                (_, Kind::EnumeratorList) => body = Some(kid.node),
                _ => {}
            }
        }
        self.close(kids);
        let enumerators = body.map(|body| {
            let kids = self.open(body);
            let mut list: Vec<_> = kids.clone().filter_map(|at| self.enumerator(at)).collect();
            self.close(kids);
            self.macro_enumerators(self.raw(body), &mut list);
            list
        });
        Type::Enum(Box::new(EnumType { tag, enumerators }))
    }

    /// Adds an enumerator without a name and of unknown value for each macro among them, so that nobody counts on.
    fn macro_enumerators(&self, body: Span, list: &mut Vec<Enumerator>) {
        for mask in self.source.masks.starting_in(body) {
            if mask.kind != MaskKind::MacroCall {
                continue;
            }
            let span = self.placed(mask.span);
            let at = list.partition_point(|one| one.span.start < span.start);
            let value = Some(Expr { kind: ExprKind::Error, span });
            list.insert(at, Enumerator { name: Name::default(), span, value });
        }
    }

    fn enumerator(&mut self, at: usize) -> Option<Enumerator> {
        let kid = self.kids[at];
        if kid.kind != Kind::Enumerator {
            return None;
        }
        let name = self.child(kid.node, Field::Name)?;
        let value = self.child(kid.node, Field::Value).map(|value| self.expr(value.node));
        Some(Enumerator { name: self.name(name.node), span: self.span(name.node), value })
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
                    ty = Some(self.declarator(kid.node, base.clone(), is_const).ty)
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
                    declared = Some(self.declarator(kid.node, base.clone(), is_const))
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

/// The words of an attribute's text, each with the integer in parentheses behind it.
fn marks(text: &str) -> Vec<(&str, Option<u64>)> {
    let tokens = lex(text);
    let mut out = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Ident)
    {
        let value = tokens
            .get(at + 2)
            .filter(|value| value.kind == TokenKind::Number && tokens[at + 1].is(b'('))
            .and_then(|value| super::literal::integer(value.span.text(text)))
            .and_then(|value| match value {
                ExprKind::Int { value, .. } => Some(value),
                _ => None,
            });
        out.push((token.span.text(text), value));
    }
    out
}
