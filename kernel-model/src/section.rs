//! ELF section names of programs, as libbpf reads them.

use crate::generated::sections::SECTIONS;
use crate::{AttachType, ProgramType};

/// A name that libbpf knows (a row of its `section_defs`).
#[derive(PartialEq, Eq, Debug)]
pub struct SectionRow {
    /// The name without the part that the user chooses: `fentry.s`.
    pub name: &'static str,
    /// What may follow the name.
    pub form: SectionForm,
    /// The type of the program.
    pub program_type: &'static ProgramType,
    /// The attach type the loader names (`expected_attach_type`); nothing if it leaves the number 0.
    pub attach: Option<AttachType>,
    /// Whether the program is loaded as sleepable.
    pub sleepable: bool,
    /// Whether the program is loaded with support for fragments.
    pub frags: bool,
    /// What the part behind the slash means, as `<function>`; empty if there is none.
    pub target: &'static str,
    /// Whether libbpf before 1.0, and loaders that follow it, take longer names that begin with this one.
    pub sloppy: bool,
    /// Where the row is known from.
    pub source: &'static str,
}

/// What may follow the name of a [`SectionRow`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SectionForm {
    /// Nothing.
    Exact,
    /// Nothing, or a slash and a target.
    OptionalTarget,
}

/// What a section name says about its program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SectionInfo {
    /// The type of the program.
    pub program_type: &'static ProgramType,
    /// The attach type the loader names (`expected_attach_type`); nothing if it leaves the number 0.
    pub attach: Option<AttachType>,
    /// Whether the program is loaded as sleepable.
    pub sleepable: bool,
    /// Whether the program is loaded with support for fragments.
    pub frags: bool,
    /// Whether the program is loaded by default; a leading `?` says no.
    pub autoload: bool,
    /// What stands behind the slash and is not part of the name: `tcp_connect` in `kprobe/tcp_connect`.
    pub target: Option<String>,
    /// Whether only loaders with the rules of libbpf before 1.0 take the name: `xdp_prog`, `tc/entry`.
    pub legacy: bool,
}

/// What the section name `text` says. Data sections and unknown names say nothing.
pub fn section(text: &str) -> Option<SectionInfo> {
    let (autoload, name) = match text.strip_prefix('?') {
        Some(rest) => (false, rest),
        None => (true, text),
    };
    let info = |row: &'static SectionRow, target: &str, legacy| SectionInfo {
        program_type: row.program_type,
        attach: row.attach,
        sleepable: row.sleepable,
        frags: row.frags,
        autoload,
        target: Some(target).filter(|target| !target.is_empty()).map(str::to_owned),
        legacy,
    };
    if let Some((row, target)) = SECTIONS.iter().find_map(|row| Some((row, row.matches(name)?))) {
        return Some(info(row, target, false));
    }
    let (row, rest) = SECTIONS
        .iter()
        .filter_map(|row| Some((row, row.begins(name)?)))
        .max_by_key(|(row, _)| row.name.len())?;
    Some(info(row, rest.trim_start_matches('/'), true))
}

/// All names that libbpf knows.
pub fn sections() -> &'static [SectionRow] {
    &SECTIONS
}

impl SectionRow {
    /// What follows the row's name in `name` if loaders with the old rules take it. A letter right behind the
    /// name is more likely another word (`tcp_ca` is not `tc`), so it is not taken.
    fn begins<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = name.strip_prefix(self.name)?;
        (self.sloppy && !rest.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(rest)
    }

    /// The target in `name` if the row is about it; an empty one if `name` has none.
    fn matches<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = name.strip_prefix(self.name)?;
        match self.form {
            _ if rest.is_empty() => Some(rest),
            SectionForm::Exact => None,
            SectionForm::OptionalTarget => rest.strip_prefix('/'),
        }
    }
}
