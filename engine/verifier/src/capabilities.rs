//! What the loader of a program is allowed to do, and what the verifier makes of that.

use kernel_model::Capability;

use crate::program::Program;

/// The capabilities that a loader has. `CAP_SYS_ADMIN` stands for all others (`bpf_ns_capable` of
/// kernel/bpf/token.c).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Capabilities(u8);

impl Capabilities {
    /// None, as programs are loaded by if the system lets anybody load programs.
    pub const NONE: Self = Self(0);

    /// All of them.
    pub const ALL: Self = Self::NONE
        .with(Capability::Bpf)
        .with(Capability::Perfmon)
        .with(Capability::NetAdmin)
        .with(Capability::SysAdmin);

    /// These and one more.
    #[must_use]
    pub const fn with(self, one: Capability) -> Self {
        Self(self.0 | bit(one))
    }

    /// The loader may do what asks for this one.
    pub const fn has(self, one: Capability) -> bool {
        let wanted = bit(one);
        wanted == 0 || self.0 & (wanted | bit(Capability::SysAdmin)) != 0
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Capability>>(all: T) -> Self {
        all.into_iter().fold(Self::NONE, Self::with)
    }
}

const fn bit(one: Capability) -> u8 {
    match one {
        Capability::None => 0,
        Capability::Bpf => 1,
        Capability::Perfmon => 1 << 1,
        Capability::NetAdmin => 1 << 2,
        Capability::SysAdmin => 1 << 3,
    }
}

/// The kernel takes it that processors are to be kept from guessing (`cpu_mitigations_off` of kernel/cpu.c says no).
impl Program<'_> {
    /// The loader may do what asks for this capability (`bpf_token_capable` of kernel/bpf/token.c).
    pub(crate) const fn may(&self, one: Capability) -> bool {
        self.options.capabilities.has(one)
    }

    /// Loops, functions and knowledge of exact numbers are to be had (`env->bpf_capable`).
    pub(crate) const fn is_bpf_capable(&self) -> bool {
        self.may(Capability::Bpf)
    }

    /// Addresses may be seen by the program and by others (`env->allow_ptr_leaks`).
    pub(crate) const fn allows_ptr_leaks(&self) -> bool {
        self.may(Capability::Perfmon)
    }

    /// Bytes of the stack that were never written may be read (`env->allow_uninit_stack`).
    pub(crate) fn allows_uninit_stack(&self) -> bool {
        self.may(Capability::Perfmon) && !self.lacks("uninitialised_stack_reads")
    }

    /// Processors may guess which way jumps go (`env->bypass_spec_v1`).
    pub(crate) const fn bypasses_spec_v1(&self) -> bool {
        self.may(Capability::Perfmon)
    }

    /// Processors may load what was in memory before a store (`env->bypass_spec_v4`).
    pub(crate) const fn bypasses_spec_v4(&self) -> bool {
        self.may(Capability::Perfmon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_administrator_may_do_everything() {
        let administrator = Capabilities::NONE.with(Capability::SysAdmin);
        let all =
            [Capability::Bpf, Capability::Perfmon, Capability::NetAdmin, Capability::SysAdmin];
        assert!(all.iter().all(|&one| administrator.has(one)));
        assert!(all.iter().all(|&one| !Capabilities::NONE.has(one)));
        assert!(Capabilities::NONE.has(Capability::None));
        assert_eq!(all.into_iter().collect::<Capabilities>(), Capabilities::ALL);
        let some = Capabilities::NONE.with(Capability::Bpf).with(Capability::NetAdmin);
        assert!(some.has(Capability::Bpf) && !some.has(Capability::Perfmon));
    }
}
