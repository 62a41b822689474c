//! The semantic view of one file: what its names mean, with its headers and the kernel model behind it.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use elsa::FrozenMap;
use rustc_hash::{FxBuildHasher, FxHashMap};
use smol_str::SmolStr;
use syntax::ast::{self, Attrs, Declaration, Declarator, DirectiveKind, Macro, Name, Placed, Type};
use syntax::{Parsed, TokenKind, lex};
use text::Span;

use crate::calls::CallGraph;
use crate::expand::MacroBody;
use crate::header::{Content, Found, Lookup, Space, model, same_tokens, scan};
use crate::index::{DeclaredAt, FileIndex};
use crate::layout::Layout;
use crate::value::Value;
use crate::{FileScope, Headers, MapDef, Program, RecordRef, Ty, maps, programs};

/// What the names of one file mean. Building it walks the syntax once; everything else is computed when
/// asked for, and kept.
#[derive(Debug)]
pub struct Sema {
    pub(crate) text: Arc<str>,
    pub(crate) index: FileIndex,
    pub(crate) headers: Headers,
    /// Where `#pragma pack` changes the limit in force, in the order of the text.
    packs: Vec<(u32, Option<u8>)>,
    pub(crate) memo: Memo,
}

/// A record, kept alive so that its address stays in use, and its layout unless it is being computed.
pub(crate) type KnownLayout = (RecordRef, Option<Arc<Layout>>);

/// Answers given before.
#[derive(Default)]
pub(crate) struct Memo {
    /// How many computations are nested now.
    depth: Cell<u32>,
    /// How many more steps the outermost of them may take.
    fuel: Cell<u32>,
    /// Structures, then unions.
    pub(crate) records: [RefCell<FxHashMap<Name, RecordRef>>; 2],
    pub(crate) typedefs: RefCell<FxHashMap<Name, Option<Ty>>>,
    pub(crate) constants: RefCell<FxHashMap<Name, Option<Value>>>,
    /// By the address of the record.
    pub(crate) layouts: RefCell<FxHashMap<usize, KnownLayout>>,
    pub(crate) macros: RefCell<FxHashMap<Name, Option<Arc<MacroBody>>>>,
    /// Types written in the kernel model's rows.
    pub(crate) written: RefCell<FxHashMap<&'static str, Ty>>,
    globals: FrozenMap<Name, Box<Option<Global>>, FxBuildHasher>,
    maps: OnceCell<Vec<MapDef>>,
    programs: OnceCell<Vec<Program>>,
    pub(crate) calls: OnceCell<CallGraph>,
}

/// One level of a computation; ends when dropped.
pub(crate) struct Level<'a>(&'a Cell<u32>);

/// How deep computations may nest: real code stays far below, and the stack holds far more.
const MAX_DEPTH: u32 = 200;
/// How many steps one question may take; stops macros that double at each level.
const MAX_STEPS: u32 = 100_000;

/// A function with its body.
#[derive(Clone, Debug)]
pub struct FunctionDef {
    /// The function.
    pub ast: Arc<ast::Function>,
    /// It comes from a header: its spans mean nothing in the file.
    pub foreign: bool,
}

/// What a function declaration says.
#[derive(Clone, Debug)]
pub struct Prototype {
    /// `extern`.
    pub is_extern: bool,
    /// What it returns.
    pub ret: Ty,
    /// Its parameters; a name may be empty.
    pub params: Vec<(Name, Ty)>,
    /// Attributes, such as `__ksym` and `__weak`.
    pub attrs: Attrs,
}

/// A variable at file scope.
#[derive(Clone, Debug)]
pub struct Global {
    /// Its type.
    pub ty: Ty,
    /// The variable itself is `const` (not only what it points to).
    pub is_const: bool,
    /// `volatile`: a loader may set a `const volatile` variable before the program is loaded.
    pub is_volatile: bool,
    /// `static`.
    pub is_static: bool,
    /// `extern` without an initialiser.
    pub is_extern: bool,
    /// The string of `SEC("…")`.
    pub section: Option<String>,
    /// It defines a map.
    pub is_map: bool,
    /// Where the name stands; nothing if it is declared in a header.
    pub name_span: Option<Span>,
}

/// A declared name with the text it stands in.
#[derive(Clone, Copy)]
pub(crate) struct Declared<'a> {
    pub(crate) declaration: &'a Declaration,
    pub(crate) declarator: &'a Declarator,
    pub(crate) text: &'a str,
    pub(crate) foreign: bool,
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Sema {
    /// The view of `parsed` with `headers`, in the order of inclusion.
    pub fn new(parsed: &Parsed, headers: &Headers) -> Sema {
        let text = parsed.text().clone();
        Sema {
            packs: packs(&text),
            text,
            index: FileIndex::new(parsed.unit()),
            headers: headers.clone(),
            memo: Memo::default(),
        }
    }

    /// The paths of the `#include` lines of a file, and whether they stand in `<…>`.
    pub fn includes(parsed: &Parsed) -> impl Iterator<Item = (&str, bool)> {
        parsed.unit().directives.iter().filter_map(|directive| match &directive.kind {
            DirectiveKind::Include { path, system } => Some((path.as_str(), *system)),
            _ => None,
        })
    }

    /// The functions defined in the file, in the order of the text.
    pub fn functions(&self) -> &[Placed<ast::Function>] {
        &self.index.functions
    }

    /// The function `name` with its body, from the file or a header.
    pub fn function(&self, name: &str) -> Option<FunctionDef> {
        if let Some(index) = self.index.function_names.get(name) {
            let ast = Arc::clone(self.index.functions.get(*index)?.shared());
            return Some(FunctionDef { ast, foreign: false });
        }
        let mut bodies =
            self.headers.all(Space::Ordinary, name).filter_map(|found| match found.content() {
                Some(Content::Function(function)) if function.name == name => {
                    Some((found, function))
                }
                _ => None,
            });
        let (first, ast) = bodies.next()?;
        let same = bodies.all(|(other, _)| same_tokens(first.text(), other.text()));
        same.then(|| FunctionDef { ast: ast.clone(), foreign: true })
    }

    /// What the declaration of the function `name` says; nothing if it is not declared. A function with a
    /// body declares itself.
    pub fn prototype(&self, name: &str) -> Option<Prototype> {
        let declared = self.declared(name, |declarator| matches!(declarator.ty, Type::Function(_)));
        if let Some(Declared { declaration, declarator, .. }) = declared
            && let Type::Function(function) = &declarator.ty
        {
            return Some(Prototype {
                is_extern: declaration.is_extern,
                ret: self.resolve(&function.ret),
                params: function
                    .params
                    .iter()
                    .map(|(name, ty)| (name.clone(), self.resolve(ty)))
                    .collect(),
                attrs: declaration.attrs.clone(),
            });
        }
        let function = self.function(name)?.ast;
        Some(Prototype {
            is_extern: false,
            ret: self.resolve(&function.ret),
            params: function
                .params
                .iter()
                .map(|param| (param.name.clone(), self.resolve(&param.ty)))
                .collect(),
            attrs: function.attrs.clone(),
        })
    }

    /// The variable `name` of file scope.
    pub fn global(&self, name: &str) -> Option<&Global> {
        if let Some(known) = self.memo.globals.get(name) {
            return known.as_ref();
        }
        let found = self.find_global(name);
        self.memo.globals.insert(SmolStr::from(name), Box::new(found)).as_ref()
    }

    fn find_global(&self, name: &str) -> Option<Global> {
        let found =
            self.declared(name, |declarator| !matches!(declarator.ty, Type::Function(_)))?;
        let Declared { declaration, declarator, foreign, .. } = found;
        let range = if foreign { Span::default() } else { declaration.span };
        let section = self.section_at(&declaration.attrs, range).map(|(section, _)| section);
        let (is_const, is_volatile) = found.qualifiers();
        Some(Global {
            ty: self.variable_type(&declarator.ty, declarator.init.as_ref(), &FileScope),
            is_const,
            is_volatile,
            is_static: declaration.is_static,
            is_extern: declaration.is_extern && declarator.init.is_none(),
            is_map: section.as_deref().is_some_and(maps::is_map_section),
            section,
            name_span: (!foreign).then_some(declarator.name_span),
        })
    }

    /// The maps defined in the file, in the order of the text.
    pub fn maps(&self) -> &[MapDef] {
        self.memo.maps.get_or_init(|| maps::collect(self))
    }

    /// The map `name`.
    pub fn map(&self, name: &str) -> Option<&MapDef> {
        self.maps().iter().find(|map| map.name == name)
    }

    /// The functions of the file that stand in a section, in the order of the text.
    pub fn programs(&self) -> &[Program] {
        self.memo.programs.get_or_init(|| programs::collect(self))
    }

    /// The section of `function` if it has one.
    pub fn program_of(&self, function: &str) -> Option<&Program> {
        self.programs().iter().find(|program| {
            self.index
                .functions
                .get(program.function)
                .is_some_and(|candidate| candidate.origin().name == function)
        })
    }

    /// The macro `name`, if all its definitions that can be seen read the same. A definition in the file
    /// hides those in headers.
    pub fn macro_def(&self, name: &str) -> Option<&Macro> {
        if let Some(definitions) = self.index.macros.get(name) {
            let (first, rest) = definitions.split_first()?;
            let same = |other: &Macro| {
                other.params == first.params && same_tokens(&other.body, &first.body)
            };
            return rest.iter().all(same).then_some(first);
        }
        match self.headers.find(Space::Macro, name) {
            Lookup::One(found) => match found.content() {
                Some(Content::Macro(definition)) => Some(definition),
                _ => None,
            },
            _ => None,
        }
    }

    /// All definitions of the macro `name`: those in the file, or else those in headers.
    pub(crate) fn macro_defs<'a>(&'a self, name: &'a str) -> Vec<&'a Macro> {
        if let Some(definitions) = self.index.macros.get(name) {
            return definitions.iter().collect();
        }
        let found =
            self.headers.all(Space::Macro, name).filter_map(|found| match found.content() {
                Some(Content::Macro(definition)) => Some(definition),
                _ => None,
            });
        found.collect()
    }

    /// Whether `name` is a macro, in whatever file it is defined.
    pub fn is_macro(&self, name: &str) -> bool {
        self.index.macros.contains_key(name)
            || self.headers.iter().any(|header| header.has(Space::Macro, name))
    }

    /// The first declaration of the ordinary name `name` that `wanted` accepts; one with an initialiser
    /// or without `extern` goes before the others of the file.
    pub(crate) fn declared(
        &self,
        name: &str,
        wanted: fn(&Declarator) -> bool,
    ) -> Option<Declared<'_>> {
        let own = self.index.ordinary.get(name).map(Vec::as_slice).unwrap_or_default();
        let own = own.iter().map(|at| self.index.declared(*at, &self.text));
        let own = own.filter(|declared| wanted(declared.declarator));
        let best = own.max_by_key(|declared| {
            let at = std::cmp::Reverse(declared.declarator.name_span.start);
            (declared.declarator.init.is_some(), !declared.declaration.is_extern, at)
        });
        best.or_else(|| {
            let mut foreign =
                self.headers.all(Space::Ordinary, name).chain(model().all(Space::Ordinary, name));
            foreign.find_map(|found| {
                declared_in(found, name).filter(|declared| wanted(declared.declarator))
            })
        })
    }

    /// Whether the texts at `spans` read the same.
    pub(crate) fn same_text(&self, mut spans: impl Iterator<Item = Span>) -> bool {
        let Some(first) = spans.next() else { return true };
        spans.all(|span| same_tokens(first.text(&self.text), span.text(&self.text)))
    }

    /// The limit of `#pragma pack` in force at `span`, in bytes.
    pub(crate) fn pack_at(&self, span: Span) -> Option<u64> {
        let behind = self.packs.partition_point(|(at, _)| *at <= span.start);
        let (_, limit) = self.packs.get(behind.checked_sub(1)?)?;
        limit.map(u64::from)
    }

    /// Pays for work that grows with the text rather than with the nesting, such as expanding a macro.
    pub(crate) fn spend(&self, steps: u32) {
        self.memo.fuel.set(self.memo.fuel.get().saturating_sub(steps));
    }

    /// Starts a nested step of a computation; nothing if it has gone too far.
    pub(crate) fn enter(&self) -> Option<Level<'_>> {
        let depth = self.memo.depth.get();
        if depth == 0 {
            self.memo.fuel.set(MAX_STEPS);
        }
        let fuel = self.memo.fuel.get();
        if depth >= MAX_DEPTH || fuel == 0 {
            return None;
        }
        self.memo.fuel.set(fuel - 1);
        self.memo.depth.set(depth + 1);
        Some(Level(&self.memo.depth))
    }
}

fn declared_in<'a>(found: Found<'a>, name: &str) -> Option<Declared<'a>> {
    let Some(Content::Declaration(declaration)) = found.content() else { return None };
    let declarator = declaration.declarators.iter().find(|declarator| declarator.name == name)?;
    Some(Declared { declaration, declarator, text: found.text(), foreign: true })
}

impl FileIndex {
    pub(crate) fn declared<'a>(&'a self, at: DeclaredAt, text: &'a str) -> Declared<'a> {
        let declaration = &self.declarations[at.declaration];
        Declared {
            declaration,
            declarator: &declaration.declarators[at.declarator],
            text,
            foreign: false,
        }
    }

    pub(crate) fn declarator(&self, at: DeclaredAt) -> &Declarator {
        &self.declarations[at.declaration].declarators[at.declarator]
    }
}

impl Declared<'_> {
    /// Whether the variable itself is `const`, and whether it is `volatile`. Qualifiers are not part of the
    /// syntax tree; the words in front of the name tell. Behind a `*` they belong to the pointer.
    pub(crate) fn qualifiers(&self) -> (bool, bool) {
        let own =
            Span::new(self.declarator.span.start, self.declarator.name_span.start).text(self.text);
        if let Some(star) = own.rfind('*') {
            return qualifiers_in(&own[star..]);
        }
        let base_end = self.declaration.declarators.first().map_or(0, |first| first.span.start);
        qualifiers_in(Span::new(self.declaration.span.start, base_end).text(self.text))
    }
}

/// Whether `const` and `volatile` stand among the words of `text`, outside braces.
fn qualifiers_in(text: &str) -> (bool, bool) {
    let (mut is_const, mut is_volatile, mut depth) = (false, false, 0usize);
    for token in lex(text) {
        match (token.kind, token.span.text(text)) {
            (TokenKind::Punct(b'{'), _) => depth += 1,
            (TokenKind::Punct(b'}'), _) => depth = depth.saturating_sub(1),
            (TokenKind::Ident, "const" | "__const") if depth == 0 => is_const = true,
            (TokenKind::Ident, "volatile" | "__volatile__") if depth == 0 => is_volatile = true,
            _ => {}
        }
    }
    (is_const, is_volatile)
}

/// The places in `text` where `#pragma pack` changes the limit in force.
fn packs(text: &str) -> Vec<(u32, Option<u8>)> {
    if !text.contains("#pragma pack") && !text.contains("# pragma pack") {
        return Vec::new();
    }
    let mut stack = Vec::new();
    let mut packs = Vec::new();
    for token in lex(text).into_iter().filter(|token| token.kind == TokenKind::Directive) {
        let line = token.span.text(text).trim_start_matches('#').trim_start();
        let arguments =
            line.strip_prefix("pragma").and_then(|rest| rest.trim_start().strip_prefix("pack"));
        if let Some(arguments) = arguments {
            scan::change_pack(&mut stack, arguments);
            packs.push((token.span.start, stack.last().copied().flatten()));
        }
    }
    packs
}
