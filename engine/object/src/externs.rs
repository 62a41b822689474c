//! What an object expects from the kernel: configuration, functions and variables.

use btf::{Btf, Kind, Linkage, TypeId};
use rustc_hash::FxHashMap;

use crate::elf::Elf;
use crate::{Error, Problem};

/// Something declared `__ksym` or `__kconfig`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extern {
    /// Its name.
    pub name: String,
    /// Whether the program can do without.
    pub weak: bool,
    /// What it is.
    pub kind: ExternKind,
    /// Its symbol in the file.
    pub(crate) symbol: usize,
}

/// What an [`Extern`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExternKind {
    /// Not declared in the type information.
    Undeclared,
    /// Declared, but of a section or type that loaders do not take.
    Unsupported(&'static str),
    /// A value of the kernel's configuration.
    Config(Config),
    /// A function of the kernel.
    Function {
        /// Its prototype in the object.
        prototype: TypeId,
    },
    /// A variable of the kernel whose type is known.
    Variable {
        /// Its type in the object.
        ty: TypeId,
    },
    /// An address of the kernel, declared as `void`.
    Address,
}

/// A value of the kernel's configuration, and where it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// How it is encoded.
    pub ty: ConfigType,
    /// Its size in bytes.
    pub size: u32,
    /// Its alignment in bytes.
    pub align: u32,
    /// Its place in the `.kconfig` map in bytes.
    pub offset: u32,
}

/// How a value of the configuration is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigType {
    /// `bool`.
    Bool,
    /// `char`.
    Char {
        /// Whether it has a sign.
        signed: bool,
    },
    /// An integer of 2, 4 or 8 bytes.
    Int {
        /// Whether it has a sign.
        signed: bool,
    },
    /// `enum libbpf_tristate`.
    Tristate,
    /// `char []`.
    Text,
}

impl Extern {
    /// The order in which libbpf keeps externs; configuration comes first, sorted so that no byte is wasted.
    fn order(&self) -> (u8, u32, u32, &str) {
        match self.kind {
            ExternKind::Undeclared | ExternKind::Unsupported(_) => (0, 0, 0, &self.name),
            ExternKind::Config(config) => (1, u32::MAX - config.align, config.size, &self.name),
            ExternKind::Function { .. } | ExternKind::Variable { .. } | ExternKind::Address => {
                (2, 0, 0, &self.name)
            }
        }
    }
}

/// The externs of an object without type information.
pub(crate) fn undeclared(elf: &Elf<'_>) -> Vec<Extern> {
    symbols(elf)
        .map(|(symbol, name, weak)| Extern {
            name: name.to_owned(),
            weak,
            kind: ExternKind::Undeclared,
            symbol,
        })
        .collect()
}

fn symbols<'e>(elf: &'e Elf<'_>) -> impl Iterator<Item = (usize, &'e str, bool)> {
    let externs = elf.symbols.iter().enumerate();
    externs
        .filter(|(_, symbol)| symbol.is_extern() && !symbol.name.is_empty())
        .map(|(index, symbol)| (index, symbol.name, symbol.binding == object::elf::STB_WEAK))
}

/// The externs of an object, in libbpf's order, with their places in `.kconfig`.
pub(crate) fn collect(elf: &Elf<'_>, btf: &Btf<'_>) -> Result<Vec<Extern>, Error> {
    let mut declared = FxHashMap::default();
    let mut sections = FxHashMap::default();
    for ty in btf.types() {
        if matches!(ty.kind(), Kind::Var | Kind::Func) {
            declared.entry(ty.name()).or_insert(ty);
        }
        for variable in ty.variables().iter() {
            sections.entry(variable.ty).or_insert(ty.name());
        }
    }
    let mut externs = Vec::new();
    for (symbol, name, weak) in symbols(elf) {
        let kind = match declared.get(name) {
            Some(ty) if ty.linkage() == Some(Linkage::Extern) => {
                let section = sections.get(&ty.id()).copied().unwrap_or_default();
                let target = ty.target().unwrap_or_default();
                kind_of(btf, ty.kind(), target, section)
                    .map_err(|problem| problem.of(name).in_section(section))?
            }
            Some(_) => ExternKind::Unsupported("BTF declares it with another linkage"),
            None => ExternKind::Undeclared,
        };
        externs.push(Extern { name: name.to_owned(), weak, kind, symbol });
    }
    externs.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut end = 0u32;
    for one in &mut externs {
        if let ExternKind::Config(config) = &mut one.kind {
            let start = end.checked_next_multiple_of(config.align);
            let next = start.and_then(|start| start.checked_add(config.size));
            let (Some(start), Some(next)) = (start, next) else {
                return Err(
                    Problem::BadExtern { name: one.name.clone(), reason: "too large" }.plain()
                );
            };
            (config.offset, end) = (start, next);
        }
    }
    Ok(externs)
}

fn kind_of(
    btf: &Btf<'_>,
    kind: Kind,
    target: TypeId,
    section: &str,
) -> Result<ExternKind, Problem> {
    Ok(match (section, kind) {
        (".kconfig", Kind::Func) => ExternKind::Unsupported("a function in .kconfig"),
        (".kconfig", _) => {
            let size = u32::try_from(btf.size_of(target)?).unwrap_or(u32::MAX);
            let align = u32::try_from(btf.align_of(target)?).unwrap_or(1).max(1);
            match config_type(btf, target) {
                Some(ty) if size > 0 => ExternKind::Config(Config { ty, size, align, offset: 0 }),
                _ => ExternKind::Unsupported("a type that configuration values cannot have"),
            }
        }
        (".ksyms", Kind::Func) => ExternKind::Function { prototype: target },
        (".ksyms", _) => match btf.resolve(target) {
            Some(ty) if ty.kind() == Kind::Void => ExternKind::Address,
            Some(ty) => ExternKind::Variable { ty: ty.id() },
            None => ExternKind::Unsupported("a malformed type"),
        },
        _ => ExternKind::Unsupported("it is neither __ksym nor __kconfig"),
    })
}

fn config_type(btf: &Btf<'_>, id: TypeId) -> Option<ConfigType> {
    let ty = btf.resolve(id)?;
    match ty.kind() {
        Kind::Int => {
            let (int, size) = (ty.int()?, ty.size()?);
            match size {
                1 if int.bool => Some(ConfigType::Bool),
                _ if int.bool => None,
                1 => Some(ConfigType::Char { signed: int.signed }),
                2 | 4 | 8 => Some(ConfigType::Int { signed: int.signed }),
                _ => None,
            }
        }
        Kind::Enum if ty.size() != Some(4) => None,
        Kind::Enum | Kind::Enum64 => {
            (ty.name() == "libbpf_tristate").then_some(ConfigType::Tristate)
        }
        Kind::Array => {
            let array = ty.array().filter(|array| array.length > 0)?;
            let element = btf.resolve(array.element)?;
            let int = element.int().filter(|int| !int.bool);
            (int.is_some() && element.size() == Some(1)).then_some(ConfigType::Text)
        }
        _ => None,
    }
}
