//! What a verification carries along: notes on instructions, identities, explored states, the log.

use std::fmt::{self, Write as _};

use isa::Pc;

use crate::cfg::{Flow, Subprog};
use crate::explore::Explored;
use crate::log::Log;
use crate::observe::Observer;
use crate::program::{MapId, Program};
use crate::state::{Reg, RegKind, RegType, State};

/// Why a verification ends before its end.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// The kernel refuses the program.
    Reject(Box<Reject>),
    /// Something is not modelled; what.
    Unsupported(Box<str>),
}

/// The kernel's refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reject {
    /// What `bpf(2)` returns.
    pub errno: Errno,
    /// What the kernel says, line by line; empty if it says nothing.
    pub message: String,
}

/// Errors of `bpf(2)`, negated as the kernel returns them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Errno(pub i32);

#[expect(missing_docs, reason = "the names are those of errno(3)")]
impl Errno {
    pub const EPERM: Self = Self(-1);
    pub const ENOENT: Self = Self(-2);
    pub const ESRCH: Self = Self(-3);
    pub const E2BIG: Self = Self(-7);
    pub const EBADF: Self = Self(-9);
    pub const ENOMEM: Self = Self(-12);
    pub const EACCES: Self = Self(-13);
    pub const EFAULT: Self = Self(-14);
    pub const EBUSY: Self = Self(-16);
    pub const EEXIST: Self = Self(-17);
    pub const EINVAL: Self = Self(-22);
    pub const ENOSPC: Self = Self(-28);
    pub const EDOM: Self = Self(-33);
    pub const ERANGE: Self = Self(-34);
    pub const ELOOP: Self = Self(-40);
    pub const EPROTO: Self = Self(-71);
    pub const EOPNOTSUPP: Self = Self(-95);
    pub const ENOTSUPP: Self = Self(-524);
}

impl Stop {
    /// The kernel says one more thing before it gives up.
    #[must_use]
    pub(crate) fn and_says(mut self, line: &str) -> Self {
        if let Self::Reject(reject) = &mut self {
            if !reject.message.is_empty() {
                reject.message.push('\n');
            }
            reject.message.push_str(line);
        }
        self
    }
}

/// The result of a check.
pub(crate) type Check<T = ()> = Result<T, Stop>;

/// Refuses the program: `reject!(EACCES, "R{} !read_ok", number)`.
macro_rules! reject {
    ($errno:ident, $($message:tt)+) => {
        return Err($crate::cx::Stop::Reject(Box::new($crate::cx::Reject {
            errno: $crate::cx::Errno::$errno,
            message: format!($($message)+),
        })))
    };
}
pub(crate) use reject;

/// What was found out about an instruction (`struct bpf_insn_aux_data`).
#[derive(Clone, Debug, Default)]
pub(crate) struct InsnAux {
    /// The type of the pointer it accesses memory through; all paths must agree.
    pub ptr_type: Option<RegType>,
    /// The map it takes, for lookups and tail calls; `None` in `Some` if paths differ.
    pub map: Option<Option<MapId>>,
    /// The registers that are read before they are written from here on, as bits.
    pub live_regs: u16,
    /// A state may be stored here, because jumps lead here.
    pub prune_point: bool,
    /// Jumps lead here, so that the way must be remembered (`jmp_point`).
    pub jump_point: bool,
    /// A state is always stored here.
    pub force_checkpoint: bool,
    /// It calls a synchronous callback.
    pub calls_callback: bool,
    /// It steps an iterator.
    pub steps_iterator: bool,
    /// Its strongly connected component; 0 if it is in none.
    pub scc: u32,
    /// How it is masked against speculation, if it is.
    pub masking: Option<crate::scalar::sanitize::Masking>,
    /// A barrier stands in front of it, so that it is not executed speculatively (`nospec`).
    pub nospec: bool,
    /// A barrier stands behind it (`nospec_result`).
    pub nospec_result: bool,
    /// It was reached, not only by speculation.
    pub seen: bool,
    /// It is a call that may be patched away (`fastcall`).
    pub fastcall_pattern: bool,
    /// How many pairs of spills surround that call.
    pub fastcall_spills: u8,
    /// Room for notes of its own of one room, by name, so that rooms do not collide.
    pub call: crate::calls::CallNote,
}

/// What comes after an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// The instruction behind it.
    Fall,
    /// This one.
    Jump(Pc),
    /// Nothing: the path ends.
    End,
}

/// A verification in progress (`struct bpf_verifier_env`).
pub(crate) struct Cx<'a> {
    /// What is verified.
    pub program: &'a Program<'a>,
    /// Notes on instructions, by slot.
    pub aux: Vec<InsnAux>,
    /// The functions, by their beginnings.
    pub subprogs: Vec<Subprog>,
    /// The order of instructions, and what is read of stacks where.
    pub flow: Flow,
    /// What was explored, and what is yet to be.
    pub explored: Explored,
    /// The kfuncs that the program calls.
    pub kfuncs: crate::calls::kfunc::Table<'a>,
    /// What the program sees through its context.
    pub layout: crate::memory::Layout,
    /// What it gets of its arguments.
    pub arguments: crate::memory::Arguments,
    /// References that come with arguments: the argument, and the identity of the reference.
    pub argument_refs: Vec<(usize, u32)>,
    /// Variables of the kernel that the program refers to.
    pub variables: crate::memory::Variables,
    /// The log.
    pub log: Log,
    /// The identity given last.
    pub last_id: u32,
    /// A `bpf_dynptr_slice_rdwr` asks for the prologue that un-clones the packet (`seen_direct_write`).
    pub seen_direct_write: bool,
    /// The program throws exceptions (`seen_exception`).
    pub seen_exception: bool,
    /// The subprogram that handles exceptions; 0 if none.
    pub exception_callback: u32,
    /// The paths, if they are recorded to explain a rejection.
    pub trace: Option<crate::explain::trace::Trace>,
    /// Looks for what is wrong although the kernel accepts it.
    pub beyond: Option<Box<crate::beyond::Beyond>>,
    /// The instruction being verified, and the one before it (`env->insn_idx`, `env->prev_insn_idx`).
    pub pc: Pc,
    /// The function whose paths are followed, by itself.
    pub following: u32,
    /// The one before.
    pub prev_pc: Option<Pc>,
    /// The instruction that a refusal beside all paths is about, or the chain of calls.
    pub blamed: Vec<Pc>,
    /// Sees what happens.
    pub observer: Option<&'a mut Observer<'a>>,
    /// How many visits of instructions the observer has seen.
    pub visits: u32,
    /// Asked from time to time whether anybody still waits for the verdict.
    pub go_on: Option<&'a GoOn<'a>>,
    /// It said no.
    pub is_interrupted: bool,
}

/// Says whether a verification is still wanted.
pub type GoOn<'a> = dyn Fn() -> bool + 'a;

impl<'a> Cx<'a> {
    /// The beginning of a verification.
    pub(crate) fn new(program: &'a Program<'a>) -> Self {
        Self {
            program,
            aux: vec![InsnAux::default(); program.len()],
            subprogs: Vec::new(),
            flow: Flow::default(),
            explored: Explored::default(),
            kfuncs: crate::calls::kfunc::Table::default(),
            layout: crate::memory::Layout::default(),
            arguments: crate::memory::Arguments::new(),
            argument_refs: Vec::new(),
            variables: crate::memory::Variables::new(),
            log: Log::new(program.options.log_level),
            last_id: 0,
            seen_direct_write: false,
            seen_exception: false,
            exception_callback: 0,
            trace: None,
            beyond: None,
            pc: Pc(0),
            following: 0,
            prev_pc: None,
            blamed: Vec::new(),
            observer: None,
            visits: 0,
            go_on: None,
            is_interrupted: false,
        }
    }
}

impl Cx<'_> {
    /// What is refused from here on is about this instruction, wherever paths lead.
    pub(crate) fn blame(&mut self, pc: Pc) {
        self.blamed.clear();
        self.blamed.push(pc);
    }

    /// A new identity.
    pub(crate) fn new_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// Any number (`__mark_reg_unknown`): exact for programs without privileges, of which nothing is pruned loosely.
    pub(crate) fn unknown(&self) -> Reg {
        Reg { precise: !self.program.is_bpf_capable(), ..Reg::unknown() }
    }

    /// What is in a register whose pointer became invalid (`mark_reg_invalid`).
    pub(crate) fn invalid(&self) -> Reg {
        if self.program.allows_ptr_leaks() { self.unknown() } else { Reg::NOT_INIT }
    }

    /// A line of the kernel's that refuses nothing (`verbose`).
    pub(crate) fn say(&mut self, line: fmt::Arguments<'_>) {
        if self.log.level != 0 {
            // Writing to a string does not fail.
            let _ = writeln!(self.log.text, "{line}");
        }
    }

    /// The program may sleep where the path is (`in_sleepable`).
    #[expect(clippy::unused_self, reason = "other kernels ask the program as well")]
    pub(crate) fn in_sleepable(&self, state: &State) -> bool {
        state.in_sleepable
    }

    /// The register is read: it must have been written (`check_reg_arg` with `SRC_OP`).
    pub(crate) fn read_reg(&mut self, state: &State, reg: isa::Reg) -> Check {
        self.log.touched_regs |= 1 << reg.number();
        if state.reg(reg).kind() == RegKind::NotInit {
            reject!(EACCES, "R{} !read_ok", reg.number());
        }
        Ok(())
    }

    /// The register is about to be written (`check_reg_arg` with `DST_OP_NO_MARK`).
    pub(crate) fn write_reg(&mut self, reg: isa::Reg) -> Check {
        self.log.touched_regs |= 1 << reg.number();
        if reg == isa::Reg::R10 {
            reject!(EACCES, "frame pointer is read only");
        }
        Ok(())
    }

    /// Registers without privileges must not leak addresses (`is_pointer_value`).
    pub(crate) fn leaks(&self, reg: &Reg) -> bool {
        !self.program.allows_ptr_leaks() && !reg.is_scalar()
    }

    /// Something is not modelled.
    #[expect(clippy::unused_self, reason = "reads as a sentence where it is used")]
    pub(crate) fn unsupported<T>(&self, what: impl Into<String>) -> Check<T> {
        Err(Stop::Unsupported(what.into().into_boxed_str()))
    }
}
