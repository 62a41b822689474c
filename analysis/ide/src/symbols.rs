//! The outline of a file: programs, maps, global variables and subprograms.

use syntax::ast::{Item, Type};
use text::Span;

use crate::{File, describe};

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A function that the kernel calls.
    Program,
    /// A function that programs call.
    Subprogram,
    /// A map.
    Map,
    /// Any other variable of file scope.
    Global,
}

/// Something with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// The section and type of a program, the type of a map.
    pub detail: String,
    /// What it is.
    pub kind: SymbolKind,
    /// All of it.
    pub span: Span,
    /// Its name.
    pub name_span: Span,
}

/// The symbols of a file, in the order of the text.
pub fn symbols(file: &File<'_>) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    for item in &file.parsed.unit().items {
        match item {
            Item::Function(function) => {
                let program = file.sema.program_of(&function.name);
                let detail = program.map_or(String::new(), |program| {
                    let info = program.info.as_ref();
                    let ty = info.map(|info| describe::program_type(info.program_type));
                    ty.unwrap_or_else(|| program.section_text.clone())
                });
                let kind =
                    if program.is_some() { SymbolKind::Program } else { SymbolKind::Subprogram };
                symbols.push(Symbol {
                    name: function.name.to_string(),
                    detail,
                    kind,
                    span: function.span.cover(function.name_span),
                    name_span: function.name_span,
                });
            }
            Item::Declaration(declaration) => {
                if declaration.is_typedef || declaration.is_extern {
                    continue;
                }
                for declarator in &declaration.declarators {
                    if declarator.name.is_empty() || matches!(declarator.ty, Type::Function(_)) {
                        continue;
                    }
                    let map = file.sema.map(&declarator.name);
                    symbols.push(Symbol {
                        name: declarator.name.to_string(),
                        detail: map.and_then(|map| map.map_type.clone()).unwrap_or_default(),
                        kind: if map.is_some() { SymbolKind::Map } else { SymbolKind::Global },
                        span: declaration.span.cover(declarator.name_span),
                        name_span: declarator.name_span,
                    });
                }
            }
        }
    }
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn programs_maps_globals_and_subprograms_are_told_apart() {
        let fixture = Fixture::new(
            "struct { __uint(type, BPF_MAP_TYPE_HASH); } counts SEC(\".maps\");\n\
             int seen, *last;\n\
             extern int elsewhere;\n\
             int declared(void);\n\
             static int helper(void) { return 0; }\n\
             SEC(\"xdp\") int prog(struct xdp_md *ctx) { return helper(); }\n\
             SEC(\"nonsense\") int odd(void *ctx) { return 0; }\n",
        );
        let symbols = fixture.ask(|file, _| symbols(file));
        let found: Vec<_> =
            symbols.iter().map(|s| (s.name.as_str(), s.kind, s.detail.as_str())).collect();
        assert_eq!(
            found,
            [
                ("counts", SymbolKind::Map, "BPF_MAP_TYPE_HASH"),
                ("seen", SymbolKind::Global, ""),
                ("last", SymbolKind::Global, ""),
                ("helper", SymbolKind::Subprogram, ""),
                ("prog", SymbolKind::Program, "xdp"),
                ("odd", SymbolKind::Program, "nonsense"),
            ]
        );
        assert!(symbols.iter().all(|symbol| symbol.span.contains(symbol.name_span)));
    }
}
