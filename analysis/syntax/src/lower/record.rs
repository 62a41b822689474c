//! Records and enums with their members, those of map definitions among them.

use text::Span;
use tree_sitter::Node;

use super::Lower;
use super::kinds::{Field, Kind};
use crate::ast::{EnumType, Enumerator, Expr, ExprKind, MapMember, Member, Name, RecordType, Type};
use crate::lexer::{TokenKind, lex};
use crate::mask::{MapMacro, MaskKind};

impl<'t> Lower<'_, 't> {
    pub(super) fn record(&mut self, node: Node<'t>, is_union: bool) -> Type {
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
        self.unnamed_bits(self.raw(node), body, &base, members);
        members[first..].sort_by_key(|member| member.span.start);
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

    /// Bit-fields without names in the declaration at `raw`, but not those in the `body` of its type.
    fn unnamed_bits(
        &mut self,
        raw: Span,
        body: Option<Span>,
        base: &Type,
        members: &mut Vec<Member>,
    ) {
        let masks = self.source.masks;
        for mask in masks.starting_in(raw) {
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
    }

    pub(super) fn enumeration(&mut self, node: Node<'t>) -> Type {
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
