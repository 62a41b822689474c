//! Names that are unique where C wants them to be.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Btf, Kind, Type, TypeId};

/// What types, enumerators and functions are called.
pub(super) struct Names {
    /// Types that are not the first of their name: which one they are, from 2.
    repeated: FxHashMap<TypeId, u32>,
    /// The same of enumerators.
    repeated_values: FxHashMap<(TypeId, usize), u32>,
    /// Declarations, and the type of the same name that stands for them.
    definitions: FxHashMap<TypeId, TypeId>,
    /// Enumerations without a name that others refer to.
    used: FxHashSet<TypeId>,
    kfuncs: Vec<Kfunc>,
}

/// A function that programs can call.
#[derive(Clone, Copy)]
pub(super) struct Kfunc {
    pub(super) id: TypeId,
    /// It leaves the caller's scratch registers alone.
    pub(super) fast: bool,
}

/// Names the compiler has taken, with which the first type of the name would clash.
const TAKEN: [&str; 2] = ["__builtin_va_list", "__builtin_ms_va_list"];

impl Names {
    pub(super) fn of(btf: &Btf<'_>) -> Self {
        let mut names = Names {
            repeated: FxHashMap::default(),
            repeated_values: FxHashMap::default(),
            definitions: FxHashMap::default(),
            used: FxHashSet::default(),
            kfuncs: Vec::new(),
        };
        names.tags(btf);
        names.ordinary_names(btf);
        names.references(btf);
        names
    }

    /// Structures, unions and enumerations share a name space.
    fn tags(&mut self, btf: &Btf<'_>) {
        let mut count: FxHashMap<&str, u32> = FxHashMap::default();
        let mut first: FxHashMap<(&str, Kind), TypeId> = FxHashMap::default();
        let named = |ty: &Type<'_>| !ty.name().is_empty();
        let is_declaration =
            |ty: &Type<'_>| ty.kind() == Kind::Fwd || ty.kind().is_enum() && ty.entries() == 0;
        for ty in btf.types().filter(named).filter(|ty| !is_declaration(ty)) {
            if ty.kind().is_composite() || ty.kind().is_enum() {
                self.count(&mut count, ty.name(), ty.id());
                first.entry((ty.name(), tag_kind(ty))).or_insert(ty.id());
            }
        }
        for ty in btf.types().filter(named).filter(is_declaration) {
            if let Some(&definition) = first.get(&(ty.name(), tag_kind(ty))) {
                self.definitions.insert(ty.id(), definition);
            } else {
                self.count(&mut count, ty.name(), ty.id());
                first.insert((ty.name(), tag_kind(ty)), ty.id());
            }
        }
    }

    /// Typedefs, enumerators and functions share another one.
    fn ordinary_names(&mut self, btf: &Btf<'_>) {
        let mut count: FxHashMap<&str, u32> = TAKEN.iter().map(|&name| (name, 1)).collect();
        for ty in btf.types() {
            match ty.kind() {
                Kind::Typedef => self.count(&mut count, ty.name(), ty.id()),
                Kind::Int | Kind::Float if super::print::keyword_type(ty).is_none() => {
                    self.count(&mut count, ty.name(), ty.id());
                }
                Kind::Enum | Kind::Enum64 => {
                    for (index, enumerator) in ty.enumerators().iter().enumerate() {
                        let count = count.entry(enumerator.name()).or_default();
                        *count += 1;
                        if *count > 1 {
                            self.repeated_values.insert((ty.id(), index), *count);
                        }
                    }
                }
                _ => {}
            }
        }
        self.find_kfuncs(btf, |name| count.contains_key(name));
    }

    fn find_kfuncs(&mut self, btf: &Btf<'_>, taken: impl Fn(&str) -> bool) {
        let mut tagged: Vec<(TypeId, bool)> = Vec::new();
        let mut fast: FxHashSet<TypeId> = FxHashSet::default();
        for tag in btf.types().filter(|ty| ty.kind() == Kind::DeclTag) {
            let target = tag.target().unwrap_or_default();
            match tag.name() {
                "bpf_kfunc" if tag.component().is_none() => tagged.push((target, false)),
                "bpf_fastcall" => {
                    fast.insert(target);
                }
                _ => {}
            }
        }
        let mut seen = FxHashSet::default();
        let functions = tagged.into_iter().filter_map(|(id, _)| btf.get(id)).filter(|ty| {
            let is_function = ty.kind() == Kind::Func
                && ty.target().and_then(|id| btf.get(id)).map(|ty| ty.kind())
                    == Some(Kind::FuncProto);
            is_function && !taken(ty.name()) && seen.insert(ty.name().to_owned())
        });
        let mut kfuncs: Vec<_> = functions
            .map(|ty| (ty.name().to_owned(), Kfunc { id: ty.id(), fast: fast.contains(&ty.id()) }))
            .collect();
        kfuncs.sort_by(|a, b| a.0.cmp(&b.0));
        self.kfuncs = kfuncs.into_iter().map(|(_, kfunc)| kfunc).collect();
    }

    fn references(&mut self, btf: &Btf<'_>) {
        let is_anonymous_enum = |id: &TypeId| {
            btf.get(*id).is_some_and(|ty| ty.kind().is_enum() && ty.name().is_empty())
        };
        for ty in btf.types() {
            let array = ty.array().map(|array| array.element);
            let target = match ty.kind() {
                Kind::Func | Kind::Var | Kind::DeclTag => None,
                _ => ty.target(),
            };
            let members = ty.members();
            let ids = members.iter().map(|member| member.ty).chain(array).chain(target);
            self.used.extend(ids.filter(is_anonymous_enum));
        }
    }

    fn count<'b>(&mut self, count: &mut FxHashMap<&'b str, u32>, name: &'b str, id: TypeId) {
        let count = count.entry(name).or_default();
        *count += 1;
        if *count > 1 {
            self.repeated.insert(id, *count);
        }
    }

    /// The type that is meant by a declaration; any other type itself.
    pub(super) fn definition(&self, id: TypeId) -> TypeId {
        self.definitions.get(&id).copied().unwrap_or(id)
    }

    /// Whether an enumeration without a name belongs to something.
    pub(super) fn is_used(&self, id: TypeId) -> bool {
        self.used.contains(&id)
    }

    pub(super) fn kfuncs(&self) -> Vec<Kfunc> {
        self.kfuncs.clone()
    }

    /// `struct task_struct`. What is declared must be replaced by its definition before.
    pub(super) fn tagged(&self, ty: Type<'_>) -> String {
        format!("{} {}", keyword(ty), self.ordinary(ty))
    }

    /// The name alone.
    pub(super) fn ordinary(&self, ty: Type<'_>) -> String {
        flavoured(identifier(ty.name()), self.repeated.get(&ty.id()).copied())
    }

    pub(super) fn value(&self, ty: Type<'_>, index: usize, name: &str) -> String {
        flavoured(identifier(name), self.repeated_values.get(&(ty.id(), index)).copied())
    }
}

fn flavoured(name: String, repeated: Option<u32>) -> String {
    match repeated {
        Some(number) => format!("{name}___{number}"),
        None => name,
    }
}

/// Structures, unions and enumerations, whether declared or defined.
fn tag_kind(ty: Type<'_>) -> Kind {
    match ty.kind() {
        Kind::Fwd if ty.flag() => Kind::Union,
        Kind::Fwd => Kind::Struct,
        Kind::Enum64 => Kind::Enum,
        kind => kind,
    }
}

/// The word in front of a tag.
pub(super) fn keyword(ty: Type<'_>) -> &'static str {
    match tag_kind(ty) {
        Kind::Union => "union",
        Kind::Enum => "enum",
        _ => "struct",
    }
}

/// Words of C that cannot be names in any version that compilers for BPF read.
const RESERVED: [&str; 36] = [
    "_Bool", "asm", "auto", "break", "case", "char", "const", "continue", "default", "do",
    "double", "else", "enum", "extern", "float", "for", "goto", "if", "inline", "int", "long",
    "register", "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch",
    "typedef", "union", "unsigned", "void", "volatile", "while",
];

/// `name` if C takes it, else something that it takes. Types of other languages and of broken input have such names.
pub(super) fn identifier(name: &str) -> String {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| !c.is_ascii_digit());
    if begins && name.chars().all(valid) && !RESERVED.contains(&name) {
        return name.to_owned();
    }
    let rest = name.chars().map(|c| if valid(c) { c } else { '_' });
    std::iter::once('_').chain(rest).collect()
}
