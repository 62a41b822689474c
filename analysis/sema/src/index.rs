//! What a file itself defines, by name: one walk over its syntax, nothing evaluated.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use syntax::ast::{
    Declaration, Directive, DirectiveKind, Enumerator, Function, Item, Macro, Name, Placed,
    RecordType, Stmt, StmtKind, Type, Unit,
};
use text::Span;

use syntax::walk::{self, Visitor};

/// A place in a table of [`FileIndex`]: a declaration and one of its declarators.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeclaredAt {
    pub(crate) declaration: usize,
    pub(crate) declarator: usize,
}

/// An enumeration and a position in it.
pub(crate) type EnumeratorAt = (Arc<[Enumerator]>, usize);

/// The tables of a file.
#[derive(Debug, Default)]
pub(crate) struct FileIndex {
    /// Functions with a body, in the order of the text.
    pub(crate) functions: Vec<Placed<Function>>,
    /// For each function, where what stands in front of its name begins: behind the item before it.
    pub(crate) fronts: Vec<u32>,
    /// By name into `functions`; the first of several.
    pub(crate) function_names: FxHashMap<Name, usize>,
    /// Declarations at file scope, in the order of the text.
    pub(crate) declarations: Vec<Placed<Declaration>>,
    /// Variables and prototypes by name.
    pub(crate) ordinary: FxHashMap<Name, Vec<DeclaredAt>>,
    /// Typedefs at file scope by name.
    pub(crate) typedefs: FxHashMap<Name, Vec<DeclaredAt>>,
    /// Typedefs inside functions: their names are types, their meaning depends on the place.
    pub(crate) local_typedefs: FxHashMap<Name, Vec<Type>>,
    /// Structures with a body by tag.
    pub(crate) structs: FxHashMap<Name, Vec<RecordType>>,
    /// Unions with a body by tag.
    pub(crate) unions: FxHashMap<Name, Vec<RecordType>>,
    /// Enumerators by name.
    pub(crate) enumerators: FxHashMap<Name, Vec<EnumeratorAt>>,
    /// Regions that could not be read.
    pub(crate) errors: Vec<Span>,
    /// Macro definitions by name.
    pub(crate) macros: FxHashMap<Name, Vec<Macro>>,
}

impl FileIndex {
    pub(crate) fn new(unit: &Unit) -> FileIndex {
        let mut index = FileIndex { errors: unit.errors.clone(), ..FileIndex::default() };
        for directive in &unit.directives {
            index.add_directive(directive);
        }
        let mut front = 0;
        for item in &unit.items {
            let span = match item {
                Item::Function(function) => {
                    index.fronts.push(front);
                    index.add_function(function);
                    function.span()
                }
                Item::Declaration(declaration) => {
                    index.add_declaration(declaration);
                    declaration.span
                }
            };
            front = span.end;
        }
        index
    }

    fn add_directive(&mut self, directive: &Directive) {
        if let DirectiveKind::Define(definition) = &directive.kind {
            self.macros.entry(definition.name.clone()).or_default().push(definition.clone());
        }
    }

    fn add_function(&mut self, function: &Placed<Function>) {
        let origin = function.origin();
        if origin.has_types {
            let mut types = TypeCollector { index: self };
            walk::ty(&function.ret, &mut types);
            function.params.iter().for_each(|param| walk::ty(&param.ty, &mut types));
            walk::block(&function.body, &mut types);
        }
        self.function_names.entry(origin.name.clone()).or_insert(self.functions.len());
        self.functions.push(function.clone());
    }

    fn add_declaration(&mut self, declaration: &Placed<Declaration>) {
        let mut types = TypeCollector { index: self };
        walk::declaration(declaration, &mut types);
        let table = if declaration.is_typedef { &mut self.typedefs } else { &mut self.ordinary };
        for (position, declarator) in declaration.declarators.iter().enumerate() {
            let at = DeclaredAt { declaration: self.declarations.len(), declarator: position };
            table.entry(declarator.name.clone()).or_default().push(at);
        }
        self.declarations.push(declaration.clone());
    }

    fn add_type(&mut self, ty: &Type) {
        match ty {
            Type::Record(record) => {
                if let (Some(tag), Some(_)) = (&record.tag, &record.members) {
                    let table = if record.is_union { &mut self.unions } else { &mut self.structs };
                    table.entry(tag.clone()).or_default().push((**record).clone());
                }
            }
            Type::Enum(enumeration) => {
                if let Some(enumerators) = &enumeration.enumerators {
                    let shared: Arc<[Enumerator]> = enumerators.as_slice().into();
                    for (position, enumerator) in enumerators.iter().enumerate() {
                        let entry = self.enumerators.entry(enumerator.name.clone()).or_default();
                        entry.push((shared.clone(), position));
                    }
                }
            }
            _ => {}
        }
    }
}

/// Puts every type with a body into the tables, wherever it stands.
struct TypeCollector<'a> {
    index: &'a mut FileIndex,
}

impl Visitor for TypeCollector<'_> {
    fn ty(&mut self, ty: &Type) {
        self.index.add_type(ty);
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let StmtKind::Decl(local) = &stmt.kind else { return };
        for declarator in local.0.declarators.iter().filter(|_| local.0.is_typedef) {
            let entry = self.index.local_typedefs.entry(declarator.name.clone()).or_default();
            entry.push(declarator.ty.clone());
        }
    }
}
