//! Map definitions: BTF-style (`SEC(".maps")`) and legacy (`struct bpf_map_def SEC("maps")`).

use syntax::ast::{Declaration, Declarator, Expr, ExprKind, MapMember, Member, Name, Type};
use text::Span;

use crate::expand::Expansion;
use crate::{FileScope, Sema, Ty};

/// A map defined in the file. A property that is not written, or not known, is `None`.
#[derive(Clone, Debug)]
pub struct MapDef {
    /// The variable's name.
    pub name: Name,
    /// Where the name stands.
    pub span: Span,
    /// `BPF_MAP_TYPE_HASH` and so on.
    pub map_type: Option<String>,
    /// The type of the keys.
    pub key: Option<Ty>,
    /// The type of the values.
    pub value: Option<Ty>,
    /// The size of a key in bytes.
    pub key_size: Option<u64>,
    /// The size of a value in bytes.
    pub value_size: Option<u64>,
    /// The number of entries; the size in bytes of a ring buffer.
    pub max_entries: Option<u64>,
    /// `BPF_F_…`.
    pub flags: Option<u64>,
    /// The way of pinning as written: `LIBBPF_PIN_BY_NAME`.
    pub pinning: Option<String>,
    /// What the maps inside a map of maps look like, or the programs of a program array.
    pub values: Option<Ty>,
    /// Defined the old way, by a structure of numbers.
    pub legacy: bool,
}

/// Whether variables in `section` are maps.
pub(crate) fn is_map_section(section: &str) -> bool {
    section == ".maps" || is_legacy_section(section)
}

fn is_legacy_section(section: &str) -> bool {
    section == "maps" || section.starts_with("maps/")
}

pub(crate) fn collect(sema: &Sema) -> Vec<MapDef> {
    let mut maps = Vec::new();
    for declaration in &sema.index.declarations {
        let section = sema.section_at(&declaration.attrs, declaration.span);
        let Some((section, _)) = section.filter(|(section, _)| is_map_section(section)) else {
            continue;
        };
        if declaration.is_typedef || declaration.is_extern {
            continue;
        }
        for declarator in &declaration.declarators {
            let map = Builder { sema, map: empty(declarator, is_legacy_section(&section)) };
            maps.push(map.build(declaration, declarator));
        }
    }
    maps
}

fn empty(declarator: &Declarator, legacy: bool) -> MapDef {
    MapDef {
        name: declarator.name.clone(),
        span: declarator.name_span,
        map_type: None,
        key: None,
        value: None,
        key_size: None,
        value_size: None,
        max_entries: None,
        flags: None,
        pinning: None,
        values: None,
        legacy,
    }
}

/// The members of `struct bpf_map_def` in order, for initialisers without names.
const LEGACY_ORDER: [&str; 5] = ["type", "key_size", "value_size", "max_entries", "map_flags"];

struct Builder<'a> {
    sema: &'a Sema,
    map: MapDef,
}

impl Builder<'_> {
    fn build(mut self, declaration: &Declaration, declarator: &Declarator) -> MapDef {
        let init = declarator.init.as_ref().map(|init| &init.kind);
        if let (true, Some(ExprKind::InitList(items))) = (self.map.legacy, init) {
            for (position, (name, value)) in items.iter().enumerate() {
                let ordered = LEGACY_ORDER.get(position).copied();
                if let Some(name) = name.as_deref().or(ordered) {
                    self.number(name, value);
                }
            }
        } else {
            let written = match &declaration.base {
                Type::Record(record) => record.members.clone(),
                _ => None,
            };
            let members = written.or_else(|| match self.sema.resolve(&declarator.ty) {
                Ty::Record(record) => record.definition().and_then(|body| body.members.clone()),
                _ => None,
            });
            members.iter().flatten().for_each(|member| self.member(member));
        }
        self.map.key_size = self.map.key_size.or_else(|| self.sema.size_of(self.map.key.as_ref()?));
        self.map.value_size =
            self.map.value_size.or_else(|| self.sema.size_of(self.map.value.as_ref()?));
        self.map
    }

    fn member(&mut self, member: &Member) {
        let Some(name) = member.name.as_deref() else { return };
        match (&member.map, &member.ty) {
            (Some(MapMember::Uint(value)), _) => self.number(name, value),
            (Some(MapMember::Type(ty) | MapMember::Array(ty)), _) => self.ty(name, ty),
            // What the macros stand for: `int (*name)[value]` and `type *name`.
            (None, Type::Pointer { to, .. }) => match &**to {
                Type::Array(_, Some(value)) => self.number(name, value),
                ty => self.ty(name, ty),
            },
            (None, Type::Array(ty, _)) => self.ty(name, ty),
            (None, _) => {}
        }
    }

    fn ty(&mut self, name: &str, ty: &Type) {
        let ty = Some(self.sema.resolve(ty)).filter(|ty| *ty != Ty::Unknown);
        match name {
            "key" => self.map.key = ty,
            "value" => self.map.value = ty,
            "values" => self.map.values = ty,
            _ => {}
        }
    }

    /// A property given as a number; the names are those of libbpf's and of iproute2's definitions.
    fn number(&mut self, name: &str, value: &Expr) {
        let number =
            || self.sema.fold(value, &FileScope).and_then(|value| u64::try_from(value).ok());
        match name {
            "type" => self.map.map_type = self.symbol(value),
            "key_size" | "size_key" => {
                (self.map.key_size, self.map.key) = (number(), self.measured(value));
            }
            "value_size" | "size_value" => {
                (self.map.value_size, self.map.value) = (number(), self.measured(value));
            }
            "max_entries" | "max_elem" => self.map.max_entries = number(),
            "map_flags" | "flags" => self.map.flags = number(),
            "pinning" => self.map.pinning = self.symbol(value),
            _ => {}
        }
    }

    /// The type whose size `value` asks for.
    fn measured(&self, value: &Expr) -> Option<Ty> {
        let ty = match &value.kind {
            ExprKind::SizeofType(ty) => self.sema.resolve(ty),
            ExprKind::SizeofExpr(operand) => self.sema.type_of(operand, &FileScope),
            _ => return None,
        };
        (ty != Ty::Unknown).then_some(ty)
    }

    /// A symbolic constant by its name, through macros that only rename it.
    fn symbol(&self, value: &Expr) -> Option<String> {
        let mut name = match &value.without_casts().kind {
            ExprKind::Ident(name) => name.clone(),
            ExprKind::Int { value, .. } => return Some(value.to_string()),
            _ => return None,
        };
        for _ in 0..8 {
            match self.sema.expand_name(&name, value.span) {
                Some(Expansion::Expr(Expr { kind: ExprKind::Ident(next), .. })) => name = next,
                _ => break,
            }
        }
        Some(name.to_string())
    }
}
