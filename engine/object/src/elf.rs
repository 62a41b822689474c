//! The ELF file: sections, symbols and relocations, with all names and bounds checked.

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, Rel, SectionHeader, Sym};

use crate::{Error, Problem};

/// The tables of an ELF file.
pub(crate) struct Elf<'d> {
    pub(crate) endian: btf::Endian,
    /// All sections; the first one is empty by convention.
    pub(crate) sections: Vec<Section<'d>>,
    pub(crate) symbols: Vec<Symbol<'d>>,
    /// The section of the symbols.
    pub(crate) symbol_section: usize,
}

pub(crate) struct Section<'d> {
    pub(crate) name: &'d str,
    pub(crate) kind: elf::SectionType,
    /// Whether it holds instructions.
    pub(crate) code: bool,
    /// Its length in memory.
    pub(crate) size: u64,
    /// Its bytes; none for `SHT_NOBITS`.
    pub(crate) data: &'d [u8],
    /// The section that relocations in it are for.
    pub(crate) target: usize,
}

#[derive(Clone, Copy)]
pub(crate) struct Symbol<'d> {
    pub(crate) name: &'d str,
    pub(crate) kind: elf::SymbolType,
    pub(crate) binding: elf::SymbolBind,
    pub(crate) visibility: elf::SymbolVisibility,
    /// Index of its section, or one of `SHN_*`.
    pub(crate) section: u16,
    pub(crate) value: u64,
    pub(crate) size: u64,
}

/// One entry of a `SHT_REL` section.
#[derive(Clone, Copy)]
pub(crate) struct Relocation {
    /// Where, in bytes from the beginning of the section concerned.
    pub(crate) offset: u64,
    pub(crate) symbol: usize,
}

impl Symbol<'_> {
    /// Whether it is defined elsewhere.
    pub(crate) fn is_extern(&self) -> bool {
        self.section == elf::SHN_UNDEF.0
            && matches!(self.binding, elf::STB_GLOBAL | elf::STB_WEAK)
            && self.kind == elf::STT_NOTYPE
    }

    pub(crate) fn is_hidden(&self) -> bool {
        matches!(self.visibility, elf::STV_HIDDEN | elf::STV_INTERNAL)
    }

    pub(crate) fn is_local(&self) -> bool {
        self.binding == elf::STB_LOCAL
    }
}

impl<'d> Elf<'d> {
    pub(crate) fn parse(data: &'d [u8]) -> Result<Self, Error> {
        let broken = |error: object::read::Error| Problem::Elf(error.to_string()).plain();
        let header = elf::FileHeader64::<Endianness>::parse(data).map_err(broken)?;
        let endian = header.endian().map_err(broken)?;
        if header.e_machine(endian) != elf::EM_BPF {
            return Err(Problem::NotBpf("another machine").plain());
        }
        if header.e_type(endian) != elf::ET_REL {
            return Err(Problem::NotBpf("not relocatable").plain());
        }
        let table = header.sections(endian, data).map_err(broken)?;
        let mut sections = Vec::with_capacity(table.len());
        for section in table.iter() {
            let name = table.section_name(endian, section).map_err(broken)?;
            let name = utf8(name)?;
            let kind = section.sh_type(endian);
            let bytes =
                section.data(endian, data).map_err(|error| broken(error).in_section(name))?;
            sections.push(Section {
                name,
                kind,
                code: section.sh_flags(endian).contains(elf::SHF_EXECINSTR),
                size: section.sh_size(endian),
                data: bytes,
                target: section.sh_info(endian) as usize,
            });
        }
        let table = table.symbols(endian, data, elf::SHT_SYMTAB).map_err(broken)?;
        if table.is_empty() {
            return Err(Problem::NoSymbols.plain());
        }
        let symbols = table
            .iter()
            .map(|symbol| {
                Ok(Symbol {
                    name: utf8(symbol.name(endian, table.strings()).map_err(broken)?)?,
                    kind: symbol.st_type(),
                    binding: symbol.st_bind(),
                    visibility: symbol.st_visibility(),
                    section: symbol.st_shndx(endian).0,
                    value: symbol.st_value(endian),
                    size: symbol.st_size(endian),
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Elf {
            endian: match endian {
                Endianness::Little => btf::Endian::Little,
                Endianness::Big => btf::Endian::Big,
            },
            sections,
            symbols,
            symbol_section: table.section().0,
        })
    }

    /// The first section of this name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.sections.iter().position(|section| section.name == name)
    }

    /// The relocations in the `SHT_REL` section at `index`.
    pub(crate) fn relocations(&self, index: usize) -> impl Iterator<Item = Relocation> + '_ {
        let data = self.sections.get(index).map_or(&[][..], |section| section.data);
        let endian = match self.endian {
            btf::Endian::Little => Endianness::Little,
            btf::Endian::Big => Endianness::Big,
        };
        let entries = object::pod::slice_from_all_bytes::<elf::Rel64<Endianness>>(data);
        entries.unwrap_or_default().iter().map(move |entry| Relocation {
            offset: entry.r_offset(endian),
            symbol: entry.r_sym(endian) as usize,
        })
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Problem::Elf("a name is not UTF-8".to_owned()).plain())
}
