//! Attach types, and sets of program types.

use std::fmt;

pub use crate::generated::attach::AttachType;
use crate::generated::attach::{ATTACH_ROWS, AttachRow};
use crate::{ProgramType, Version};

impl AttachType {
    /// The number in `enum bpf_attach_type`.
    pub fn id(self) -> u32 {
        self as u32
    }

    /// The kernel's name in lower case without the prefix: `cgroup_inet4_bind`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The first release that has it.
    pub fn since(self) -> Version {
        self.row().since
    }

    /// One sentence on what a program attached with it sees.
    pub fn what(self) -> &'static str {
        self.row().what
    }

    /// Where the row is known from.
    pub fn source(self) -> &'static str {
        self.row().source
    }

    /// The attach type called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attach| attach.name() == name)
    }

    /// The attach type with the number `id`.
    pub fn from_id(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|attach| attach.id() == id)
    }

    fn row(self) -> &'static AttachRow {
        &ATTACH_ROWS[self as usize]
    }
}

impl fmt::Display for AttachType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of program types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ProgramSet(pub(crate) u64);

impl ProgramSet {
    /// No program type.
    pub const EMPTY: Self = Self(0);

    /// Whether the program type is in the set.
    pub fn contains(self, program: &ProgramType) -> bool {
        self.0 >> program.id & 1 == 1
    }

    /// The program types in the set, in the kernel's order.
    pub fn iter(self) -> impl Iterator<Item = &'static ProgramType> {
        crate::program_types().iter().filter(move |program| self.contains(program))
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for ProgramSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|program| program.name)).finish()
    }
}
