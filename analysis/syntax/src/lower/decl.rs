//! Items at file scope and declarations.

use text::Span;
use tree_sitter::Node;

use super::Lower;
use super::kinds::{Field, Kind};
use crate::ast::{Declaration, Declarator, Expr, Item, Type};
use crate::placed::Placed;

impl<'t> Lower<'_, 't> {
    /// The items below a translation unit, a linkage block or an error.
    pub(super) fn items(&mut self, node: Node<'t>, items: &mut Vec<Item>) {
        // What is masked at the start of the text is not part of the root.
        let mut from =
            if node.parent().is_none() { self.source.base } else { self.raw(node).start };
        let kids = self.open(node);
        for at in kids.clone() {
            let kid = self.kids[at];
            let raw = self.raw(kid.node);
            match kid.kind {
                Kind::FunctionDefinition => {
                    if let Some(function) = self.deeper(|lower| lower.function(kid.node, from)) {
                        items.push(Item::Function(Placed::new(function)));
                    }
                }
                Kind::Declaration | Kind::TypeDefinition => {
                    let declaration = self.declaration(kid.node, kid.kind, from);
                    items.push(Item::Declaration(Placed::new(declaration)));
                }
                Kind::Struct | Kind::Union | Kind::Enum => {
                    let declaration = self.bare_type(kid.node, kid.kind, from);
                    items.push(Item::Declaration(Placed::new(declaration)));
                }
                Kind::Linkage | Kind::DeclarationList => {
                    self.deeper(|lower| lower.items(kid.node, items));
                }
                Kind::Other if kid.node.is_error() => {
                    self.deeper(|lower| lower.items(kid.node, items));
                }
                _ => {}
            }
            from = match kid.kind {
                // Attributes behind the body belong to the type.
                Kind::Struct | Kind::Union | Kind::Enum => self.with_semicolon(raw).end,
                _ => raw.end,
            };
        }
        self.close(kids);
    }

    /// `struct x { … };`
    fn bare_type(&mut self, node: Node<'t>, kind: Kind, from: u32) -> Declaration {
        let base = self.specifier(node, kind);
        let raw = self.with_semicolon(self.raw(node));
        Declaration {
            span: self.placed(raw),
            is_typedef: false,
            is_extern: false,
            is_static: false,
            base,
            declarators: Vec::new(),
            attrs: self.attrs(from, raw.end, self.body_of(node)),
        }
    }

    /// A declaration or type definition; attributes are looked for from the offset `from` on.
    pub(super) fn declaration(&mut self, node: Node<'t>, kind: Kind, from: u32) -> Declaration {
        let raw = self.raw(node);
        let mut out = Declaration {
            span: self.placed(raw),
            is_typedef: kind == Kind::TypeDefinition,
            is_extern: false,
            is_static: false,
            base: Type::Unknown,
            declarators: Vec::new(),
            attrs: Default::default(),
        };
        let mut is_const = false;
        let mut body = None;
        let kids = self.open(node);
        for at in kids.clone() {
            let kid = self.kids[at];
            match (kid.field, kid.kind) {
                (Field::Type, kind) => {
                    out.base = self.specifier(kid.node, kind);
                    body = self.body_of(kid.node);
                }
                (_, Kind::Storage) => match self.text(kid.node) {
                    "extern" => out.is_extern = true,
                    "static" => out.is_static = true,
                    _ => {}
                },
                (_, Kind::Qualifier) => is_const |= self.text(kid.node) == "const",
                (Field::Declarator, _) => {
                    if let Some(declarator) = self.declared(kid.node, kid.kind, &out.base, is_const)
                    {
                        self.note_name(&declarator, out.is_typedef);
                        out.declarators.push(declarator);
                    }
                }
                _ => {}
            }
        }
        self.close(kids);
        out.attrs = self.attrs(from, raw.end, body);
        out
    }

    fn note_name(&mut self, declarator: &Declarator, is_typedef: bool) {
        if is_typedef {
            self.types.insert(declarator.name.clone());
        } else if self.in_function {
            self.locals.insert(declarator.name.clone());
        }
    }

    fn declared(
        &mut self,
        node: Node<'t>,
        kind: Kind,
        base: &Type,
        is_const: bool,
    ) -> Option<Declarator> {
        let (declarator, value) = if kind == Kind::InitDeclarator {
            let declarator = self.child(node, Field::Declarator)?.node;
            (declarator, self.child(node, Field::Value))
        } else {
            (node, None)
        };
        let declared = self.declarator(declarator, base.clone(), is_const);
        let init: Option<Expr> = value.map(|value| self.expr(value.node));
        let mut raw = self.raw(node);
        if declared.name.is_none() {
            raw = Span::empty(raw.start);
        }
        Some(Declarator {
            name: declared.name?,
            name_span: self.placed(declared.name_raw),
            span: self.placed(raw),
            ty: declared.ty,
            init,
        })
    }

    /// Offsets of the braces of a record or enum.
    pub(super) fn body_of(&self, node: Node<'t>) -> Option<Span> {
        let body =
            node.named_child(u32::try_from(node.named_child_count()).ok()?.checked_sub(1)?)?;
        matches!(super::kinds::kind(body), Kind::FieldList | Kind::EnumeratorList)
            .then(|| self.raw(body))
    }
}
