//! Functions with a body, among them those whose declarator is a call of a macro.

use std::sync::Arc;

use text::Span;
use tree_sitter::Node;

use super::kinds::{Field, Kind};
use super::types::Declared;
use super::{Lower, is_known_type};
use crate::ast::{Attrs, Block, Function, Name, Param, Stmt, StmtKind, Type};
use crate::walk::{self, Visitor};

/// What stands in front of a function's name.
struct Head {
    ret: Type,
    is_const: bool,
    is_static: bool,
    is_inline: bool,
}

impl<'t> Lower<'_, 't> {
    /// A function; attributes are looked for from the offset `from` on.
    pub(super) fn function(&mut self, node: Node<'t>, from: u32) -> Function {
        let outer = (self.check, self.bad, self.in_function, std::mem::take(&mut self.locals));
        self.check = node.has_error();
        self.bad = false;
        self.in_function = true;
        let kids = self.open(node);
        let mut head =
            Head { ret: Type::Unknown, is_const: false, is_static: false, is_inline: false };
        let mut declared = None;
        let mut body = None;
        for at in kids.clone() {
            let kid = self.kids[at];
            match (kid.field, kid.kind) {
                (Field::Declarator, _) => {
                    let ret = std::mem::replace(&mut head.ret, Type::Unknown);
                    declared =
                        Some((self.declarator(kid.node, ret, head.is_const), self.raw(kid.node)));
                }
                (Field::Body, _) => body = Some(kid.node),
                (field, kind) => self.head_part(kid.node, field, kind, &mut head),
            }
        }
        self.close(kids);
        let raw = self.raw(node);
        let body_raw = body.map_or(Span::empty(raw.end), |body| self.raw(body));
        let attrs =
            self.function_attrs(from, body_raw.start, declared.as_ref().map(|(_, raw)| *raw));
        let mut function = self.named(declared.map(|(declared, _)| declared), &head, attrs);
        let start = self.start(from, raw.start);
        function.span = self.placed(Span::new(start, raw.end));
        for param in &function.params {
            self.locals.insert(param.name.clone());
        }
        function.body = match body {
            Some(body) => self.block(body),
            None => Block { stmts: Vec::new(), span: self.placed(body_raw) },
        };
        function.has_error = self.bad;
        function.locals = Arc::new(std::mem::take(&mut self.locals));
        function.has_types = TypeFinder::has_types(&function);
        (self.check, self.bad, self.in_function, self.locals) = outer;
        self.bad |= function.has_error;
        function
    }

    fn head_part(&mut self, node: Node<'t>, field: Field, kind: Kind, head: &mut Head) {
        match (field, kind) {
            (Field::Type, kind) => head.ret = self.specifier(node, kind),
            (_, Kind::Storage) => match self.text(node) {
                "static" => head.is_static = true,
                "inline" | "__inline" | "__inline__" | "__forceinline" => head.is_inline = true,
                _ => {}
            },
            (_, Kind::Qualifier) => head.is_const |= self.text(node) == "const",
            _ => {}
        }
    }

    /// Attributes in front of and behind the declarator; those inside belong to parameters.
    fn function_attrs(&self, from: u32, body: u32, declarator: Option<Span>) -> Attrs {
        self.attrs(from, body, declarator)
    }

    /// Where the function starts if attributes in front of it count: at the first one.
    fn start(&self, from: u32, start: u32) -> u32 {
        self.source
            .masks
            .starting_in(Span::new(from, start))
            .iter()
            .find(|mask| {
                use crate::mask::MaskKind::{Attribute, Section, SurplusWord};
                matches!(mask.kind, Section(_) | Attribute | SurplusWord)
            })
            .map_or(start, |mask| mask.span.start)
    }

    /// The function without its body.
    fn named(&mut self, declared: Option<Declared>, head: &Head, attrs: Attrs) -> Function {
        let mut out = unnamed(head, attrs);
        let Some(declared) = declared else {
            self.bad = true;
            return out;
        };
        let nested = declared.outer_params.is_some();
        if let Type::Function(function) = declared.ty {
            out.ret = match function.ret {
                // `NAME(x)(…)`: the macro's call returns no function.
                Type::Function(inner) if nested => inner.ret,
                ret => ret,
            };
        }
        let name = declared.name.unwrap_or_default();
        let params = declared.params.unwrap_or_default();
        out.name_span = self.placed(declared.name_raw);
        if let Some((real, real_span)) =
            params.first().and_then(|first| self.wrapped_name(&name, first))
        {
            out.wrapper = Some(name);
            (out.name, out.name_span) = (real, real_span);
            out.params = match declared.outer_params {
                Some(outer) => outer,
                None => params.into_iter().skip(1).collect(),
            };
            return out;
        }
        (out.name, out.params) = (name, params);
        // `NAME(x) (…) {` without a type is read as a function in parentheses that returns `NAME`.
        if declared.in_parens
            && let Type::Named(word) = &out.ret
            && !is_known_type(word)
            && is_macro_name(word)
        {
            out.wrapper = Some(word.clone());
            out.ret = Type::Unknown;
        }
        out
    }

    /// The function's real name if its declarator is a call of a macro: then the first parameter is one word
    /// that is no type.
    fn wrapped_name(&self, declarator: &str, first: &Param) -> Option<(Name, Span)> {
        let Type::Named(word) = &first.ty else {
            // Parameters without types are read as an old-style list.
            let untyped = first.ty == Type::Unknown && !first.name.is_empty();
            return (untyped && is_macro_name(declarator))
                .then(|| (first.name.clone(), first.span));
        };
        let single = first.name.is_empty() && !word.contains(' ') && word != "void";
        let known = is_known_type(word) || self.is_declared_type(word) || word.ends_with("_t");
        (single && (is_macro_name(declarator) || !known)).then(|| (word.clone(), first.span))
    }
}

fn is_macro_name(name: &str) -> bool {
    !name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// A function with what its specifiers and attributes say, and nothing else.
fn unnamed(head: &Head, attrs: Attrs) -> Function {
    let inline_mark = attrs.words.iter().any(|(word, _)| {
        word.contains("always_inline") || word.contains("ALWAYS_INLINE") || word == "__inline"
    });
    Function {
        name: Name::default(),
        name_span: Span::default(),
        span: Span::default(),
        wrapper: None,
        ret: Type::Unknown,
        params: Vec::new(),
        is_static: head.is_static,
        is_inline: head.is_inline || inline_mark,
        attrs,
        body: Block::default(),
        has_error: false,
        locals: Arc::default(),
        has_types: false,
    }
}

/// Looks for types that are defined inside a function.
struct TypeFinder(bool);

impl TypeFinder {
    fn has_types(function: &Function) -> bool {
        let mut finder = Self(false);
        walk::ty(&function.ret, &mut finder);
        function.params.iter().for_each(|param| walk::ty(&param.ty, &mut finder));
        walk::block(&function.body, &mut finder);
        finder.0
    }
}

impl Visitor for TypeFinder {
    fn ty(&mut self, ty: &Type) {
        self.0 |= match ty {
            Type::Record(record) => record.members.is_some(),
            Type::Enum(enumeration) => enumeration.enumerators.is_some(),
            _ => false,
        };
    }

    fn stmt(&mut self, stmt: &Stmt) {
        self.0 |= matches!(&stmt.kind, StmtKind::Decl(local) if local.0.is_typedef);
    }
}
