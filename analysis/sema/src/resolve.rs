//! From types as written to [`Ty`]: typedefs followed, tags looked up, array lengths computed.

use std::sync::Arc;

use syntax::ast::{Expr, Item, Name, RecordType, Type};
use syntax::{Fragment, FragmentKind, Token, TokenKind, lex};

use crate::header::{Content, Found, Lookup, Space, model};
use crate::record::{RecordNode, Source};
use crate::{FileScope, RecordRef, Scope, Sema, Ty, builtin};

/// How long a macro that stands for a type may be, in bytes.
const MAX_TYPE: usize = 256;

/// Where a type is resolved.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The locals that `typeof` and `sizeof` in array lengths may name.
    pub(crate) scope: &'a dyn Scope,
    /// The `#pragma pack` that a record written here inherits.
    pub(crate) pack: Option<u64>,
    /// The text that spans point into, if it is not the file's.
    pub(crate) source: Option<&'a Source>,
}

impl<'a> Context<'a> {
    /// The inside of a function of the file.
    pub(crate) fn local(scope: &'a dyn Scope) -> Context<'a> {
        Context { scope, pack: None, source: None }
    }

    /// File scope without a packing limit.
    pub(crate) const FILE: Context<'static> =
        Context { scope: &FileScope, pack: None, source: None };
}

impl Sema {
    /// The type written as `ty` at file scope.
    pub fn resolve(&self, ty: &Type) -> Ty {
        self.resolve_in(ty, Context::FILE)
    }

    /// The type written as `ty` inside a function with the locals of `scope`.
    pub fn resolve_local(&self, ty: &Type, scope: &dyn Scope) -> Ty {
        self.resolve_in(ty, Context::local(scope))
    }

    /// The type of a variable declared as `ty` with `init`: like [`Sema::resolve_local`], but the length of
    /// `x[]` comes from the initialiser, and so does the type for `__auto_type`.
    pub fn variable_type(&self, ty: &Type, init: Option<&Expr>, scope: &dyn Scope) -> Ty {
        let resolved = match (ty, init) {
            (Type::Typeof(None), Some(init)) => return self.decayed(self.type_of(init, scope)),
            _ => self.resolve_local(ty, scope),
        };
        match (ty, resolved, init) {
            (Type::Array(_, None), Ty::Array { elem, .. }, Some(init)) => {
                let len = self.initialiser_length(init);
                Ty::Array { elem, len }
            }
            (_, resolved, _) => resolved,
        }
    }

    pub(crate) fn resolve_in(&self, ty: &Type, context: Context<'_>) -> Ty {
        let Some(_level) = self.enter() else { return Ty::Unknown };
        match ty {
            Type::Named(words) => self.named_type(words).unwrap_or(Ty::Unknown),
            Type::Record(record) => self.record_type(record, context),
            Type::Enum(_) => Ty::Enum,
            Type::Pointer { to, to_const } => {
                Ty::Pointer { to: Arc::new(self.resolve_in(to, context)), to_const: *to_const }
            }
            Type::Array(elem, len) => {
                let len = len.as_ref().and_then(|len| self.fold(len, context.scope));
                let len = len.and_then(|len| u64::try_from(len).ok());
                Ty::Array { elem: Arc::new(self.resolve_in(elem, context)), len }
            }
            Type::Function(_) => Ty::Function,
            Type::Typeof(Some(value)) => self.type_of(value, context.scope),
            Type::Typeof(None) | Type::Unknown => Ty::Unknown,
        }
    }

    /// The structure or union with this tag, if it has exactly one definition that can be seen.
    pub fn record_named(&self, is_union: bool, tag: &str) -> Option<Ty> {
        let record = self.tagged_record(is_union, tag);
        record.is_complete().then_some(Ty::Record(record))
    }

    /// What the typedef `name` stands for; nothing if it is not a type's name or has several meanings.
    pub fn typedef(&self, name: &str) -> Option<Ty> {
        self.named_type(name).filter(|ty| *ty != Ty::Unknown)
    }

    /// Whether `name` is the name of a type, in whatever file it is defined.
    pub fn is_type_name(&self, name: &str) -> bool {
        self.index.typedefs.contains_key(name)
            || self.index.local_typedefs.contains_key(name)
            || builtin::scalar_typedef(name).is_some()
            || builtin::base_type(name).is_some()
            || self.headers.iter().any(|header| header.has(Space::Typedef, name))
            || model().has(Space::Typedef, name)
            || self.named_type(name).is_some()
    }

    fn record_type(&self, record: &RecordType, context: Context<'_>) -> Ty {
        let known = record.tag.as_ref().map(|tag| self.tagged_record(record.is_union, tag));
        match known {
            Some(known) if record.members.is_none() || known.definition() == Some(record) => {
                Ty::Record(known)
            }
            _ => {
                let node = match context.source {
                    Some(source) => {
                        RecordNode::defined(record.clone(), context.pack, source.clone(), &[])
                    }
                    None => self.own_record(record),
                };
                Ty::Record(RecordRef(Arc::new(node)))
            }
        }
    }

    /// The one record with this tag, incomplete if no definition or several different ones are found.
    fn tagged_record(&self, is_union: bool, tag: &str) -> RecordRef {
        let memo = &self.memo.records[usize::from(is_union)];
        if let Some(known) = memo.borrow().get(tag) {
            return known.clone();
        }
        let node = self.find_record(is_union, tag);
        if node.is_none()
            && let Some(renamed) = self.renamed(tag)
            && let Some(_level) = self.enter()
        {
            return self.tagged_record(is_union, renamed);
        }
        let node = node.unwrap_or_else(|| RecordNode::incomplete(is_union, Name::from(tag)));
        let record = RecordRef(Arc::new(node));
        memo.borrow_mut().insert(Name::from(tag), record.clone());
        record
    }

    fn find_record(&self, is_union: bool, tag: &str) -> Option<RecordNode> {
        let table = if is_union { &self.index.unions } else { &self.index.structs };
        if let Some(definitions) = table.get(tag) {
            let same = self.same_text(definitions.iter().map(|definition| definition.span));
            return definitions
                .first()
                .filter(|_| same)
                .map(|definition| self.own_record(definition));
        }
        let space = if is_union { Space::Union } else { Space::Struct };
        let found = match self.headers.find(space, tag) {
            Lookup::Several => return None,
            Lookup::One(found) => foreign_record(&found),
            Lookup::None => None,
        };
        if found.as_ref().is_some_and(|found| !found.is_doubtful()) {
            return found;
        }
        // Some of the kernel's own definitions cannot be parsed, or hide members in macros; the model has the
        // same records written out.
        let known = match model().find(space, tag) {
            Lookup::One(found) => foreign_record(&found),
            _ => None,
        };
        known.or(found)
    }

    /// The tag that a macro puts in the place of `tag`, as in `#define ctx_buff __sk_buff`.
    fn renamed(&self, tag: &str) -> Option<&str> {
        let definition = self.macro_def(tag).filter(|definition| definition.params.is_none())?;
        match lex(&definition.body)[..] {
            [Token { kind: TokenKind::Ident, .. }] if definition.body != tag => {
                Some(&definition.body)
            }
            _ => None,
        }
    }

    /// A record defined in the file.
    fn own_record(&self, record: &RecordType) -> RecordNode {
        let source = Source { text: self.text.clone(), base: 0 };
        RecordNode::defined(record.clone(), self.pack_at(record.span), source, &self.index.errors)
    }

    /// The type called `words`: C's own words, or a typedef.
    fn named_type(&self, words: &str) -> Option<Ty> {
        if let Some(known) = self.memo.typedefs.borrow().get(words) {
            return known.clone();
        }
        let found = self.find_typedef(words);
        self.memo.typedefs.borrow_mut().insert(Name::from(words), found.clone());
        found
    }

    fn find_typedef(&self, name: &str) -> Option<Ty> {
        if let Some(places) = self.index.typedefs.get(name) {
            return one(places.iter().map(|at| self.resolve(&self.index.declarator(*at).ty)));
        }
        if let Some(types) = self.index.local_typedefs.get(name) {
            return one(types.iter().map(|ty| self.resolve(ty)));
        }
        if let Some(ty) = builtin::base_type(name).or_else(|| builtin::scalar_typedef(name)) {
            return Some(ty);
        }
        let found = match self.headers.find(Space::Typedef, name) {
            Lookup::Several => return None,
            Lookup::One(found) => self.typedef_in(&found, name),
            Lookup::None => None,
        };
        let found = found.or_else(|| match model().find(Space::Typedef, name) {
            Lookup::One(found) => self.typedef_in(&found, name),
            _ => None,
        });
        found.or_else(|| self.macro_type(name))
    }

    /// The type that the object-like macro `name` stands for: `#define __aligned_u64 __u64 …`.
    fn macro_type(&self, name: &str) -> Option<Ty> {
        let definition = self.macro_def(name).filter(|definition| definition.params.is_none())?;
        let starts =
            lex(&definition.body).first().is_some_and(|token| token.kind == TokenKind::Ident);
        if !starts || definition.body == name || definition.body.len() > MAX_TYPE {
            return None;
        }
        let _level = self.enter()?;
        Some(self.declared_type(&definition.body)).filter(|ty| *ty != Ty::Unknown)
    }

    /// The type that `text` alone denotes, as in front of a declared name.
    pub(crate) fn declared_type(&self, text: &str) -> Ty {
        let parsed =
            syntax::parse_fragment(&format!("{text} __declared;"), FragmentKind::Item, None);
        let Some(Fragment::Items(items)) = parsed else { return Ty::Unknown };
        match &items[..] {
            [Item::Declaration(declaration)] => match &declaration.declarators[..] {
                [declarator] if declarator.name == "__declared" => self.resolve(&declarator.ty),
                _ => Ty::Unknown,
            },
            _ => Ty::Unknown,
        }
    }

    fn typedef_in(&self, found: &Found<'_>, name: &str) -> Option<Ty> {
        let Some(Content::Declaration(declaration)) = found.content() else { return None };
        let declarator =
            declaration.declarators.iter().find(|declarator| declarator.name == name)?;
        let source = found.source();
        let context = Context { scope: &FileScope, pack: found.pack(), source: Some(&source) };
        Some(self.resolve_in(&declarator.ty, context))
    }
}

/// The record with a tag that a header defines.
fn foreign_record(found: &Found<'_>) -> Option<RecordNode> {
    let Some(Content::Declaration(declaration)) = found.content() else { return None };
    match &declaration.base {
        Type::Record(record) if record.members.is_some() => {
            Some(RecordNode::defined((**record).clone(), found.pack(), found.source(), &[]))
        }
        _ => None,
    }
}

/// The value all of `types` have in common.
fn one(mut types: impl Iterator<Item = Ty>) -> Option<Ty> {
    let first = types.next()?;
    types.all(|ty| ty == first).then_some(first)
}
