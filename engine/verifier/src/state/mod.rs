//! What is known at a point of a path: a value that is copied where paths part.

mod copy;
mod frame;
mod reg;
mod stack;

pub use frame::Frame;
pub(crate) use frame::slot_of;
pub(crate) use reg::{ADD_CONST, ADD_CONST32, ADD_CONST64, AT_END, BEYOND_END};
pub use reg::{Detail, DynptrKind, IrqKind, IterState, Reg, RegKind, RegType};
pub use stack::{SlotKind, StackSlot};

use isa::Pc;

/// The place of an explored state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StateId(pub u32);

/// What is known at a point of a path (`struct bpf_verifier_state`).
#[derive(PartialEq, Debug)]
pub struct State {
    /// The frames, outermost first; at most 8.
    pub frames: Vec<Frame>,
    /// What was acquired, in order.
    pub refs: Vec<Reference>,
    /// How many locks are held.
    pub active_locks: u32,
    /// The identity of the lock taken last; 0 if none is held.
    pub active_lock_id: u32,
    /// What the lock taken last is in.
    pub active_lock_ptr: LockOwner,
    /// The interrupt state saved last; 0 if none.
    pub active_irq_id: u32,
    /// How many preemption-disabled sections are open.
    pub active_preempt_locks: u32,
    /// How many RCU read sections are open; 6.18 knows at most one.
    pub active_rcu_locks: u32,
    /// The path is only executed speculatively by the processor.
    pub speculative: bool,
    /// The program may sleep here.
    pub in_sleepable: bool,
    /// What matters to exploration alone.
    pub path: Path,
}

/// How a state was reached, for pruning, precision and loops.
#[derive(PartialEq, Debug)]
pub struct Path {
    /// The first instruction since the parent.
    pub first_insn: Pc,
    /// The last instruction before the state was stored; `None` at the beginning.
    pub last_insn: Option<Pc>,
    /// The instruction that comes next (`insn_idx`).
    pub pc: Pc,
    /// The explored state that this one continues.
    pub parent: Option<StateId>,
    /// Jumps and stack accesses since the parent, in order (`jmp_history`).
    pub history: Vec<Step>,
    /// How many states are yet to be explored from here.
    pub branches: u32,
    /// How many explored states are in front.
    pub depth: u32,
    /// How many iterations of callbacks were unrolled.
    pub callback_unroll_depth: u32,
    /// How often a `may_goto` was taken.
    pub may_goto_depth: u32,
    /// The state equals an explored one in a loop (`equal_state`).
    pub equal: Option<StateId>,
    /// What is dead was forgotten (`cleaned`).
    pub cleaned: bool,
    /// The last visit that an observer has seen; of a stored state, the one at which it was stored.
    pub visit: Option<crate::observe::Visit>,
    /// How far the path was recorded ([`crate::explain::trace`]); 0 if it is not.
    pub trace: u32,
    /// What is known on the path beside what the kernel knows ([`crate::beyond`]); 0 for nothing.
    pub shadow: u32,
}

/// An entry of [`Path::history`] (`struct bpf_jmp_history_entry`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The instruction.
    pub pc: Pc,
    /// The one before it on the path; `None` at the beginning.
    pub prev: Option<Pc>,
    /// The stack slot it reads or writes through a register, as frame and slot.
    pub stack: Option<(u8, u8)>,
    /// Its first operand is a stack pointer, which is compared (`INSN_F_DST_REG_STACK`).
    pub lhs_is_stack: bool,
    /// Its second operand is (`INSN_F_SRC_REG_STACK`).
    pub rhs_is_stack: bool,
    /// Registers and slots that are equal at this jump: up to six, each a frame with a register or a slot
    /// (`linked_regs`).
    pub linked: Linked,
}

/// Up to six registers and spilled registers that hold equal numbers (`struct linked_regs`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Linked {
    /// The entries in use come first.
    pub entries: [Option<LinkedReg>; 6],
}

/// A register or a spilled register, with its frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkedReg {
    /// The frame.
    pub frame: u8,
    /// The register, or the slot if `is_slot`.
    pub index: u8,
    /// It is a slot of the stack.
    pub is_slot: bool,
}

/// What locks are in (`active_lock_ptr`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum LockOwner {
    /// No lock is held.
    #[default]
    None,
    /// A value of this map, from this lookup.
    Map(crate::program::MapId, u32),
    /// An object of this type of the program.
    Object(btf::TypeId),
}

/// Something acquired (`struct bpf_reference_state`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reference {
    /// What it is.
    pub kind: RefKind,
    /// Its identity.
    pub id: u32,
    /// Where it was acquired.
    pub pc: Pc,
    /// Of locks: what they are in.
    pub owner: LockOwner,
}

/// What was acquired (`enum ref_state_type`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RefKind {
    /// An object.
    Ptr,
    /// A saved interrupt state.
    Irq,
    /// A `bpf_spin_lock`.
    Lock,
    /// A `bpf_res_spin_lock`.
    ResLock,
    /// A `bpf_res_spin_lock` that disabled interrupts.
    ResLockIrq,
}

impl State {
    /// The state in which the program or a subprogram that is verified alone begins.
    pub fn new(subprog: u32, start: Pc) -> Self {
        Self {
            frames: vec![Frame::new(None, 0, subprog)],
            refs: Vec::new(),
            active_locks: 0,
            active_lock_id: 0,
            active_lock_ptr: LockOwner::None,
            active_irq_id: 0,
            active_preempt_locks: 0,
            active_rcu_locks: 0,
            speculative: false,
            in_sleepable: false,
            path: Path {
                first_insn: start,
                last_insn: None,
                pc: start,
                parent: None,
                history: Vec::new(),
                branches: 1,
                depth: 0,
                callback_unroll_depth: 0,
                may_goto_depth: 0,
                equal: None,
                cleaned: false,
                visit: None,
                trace: 0,
                shadow: 0,
            },
        }
    }

    /// The innermost frame.
    pub fn frame(&self) -> &Frame {
        self.frames.last().expect("a state has a frame")
    }

    /// The innermost frame.
    pub fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a state has a frame")
    }

    /// A register of the innermost frame.
    pub fn reg(&self, reg: isa::Reg) -> &Reg {
        self.frame().reg(reg)
    }

    /// A register of the innermost frame.
    pub fn reg_mut(&mut self, reg: isa::Reg) -> &mut Reg {
        self.frame_mut().reg_mut(reg)
    }

    /// The frame that a stack pointer points to (`func`).
    pub fn frame_of(&self, pointer: &Reg) -> &Frame {
        &self.frames[pointer.frame as usize]
    }

    /// Calls `f` with every register of every frame, and with every spilled register (`bpf_for_each_reg_in_vstate`).
    pub fn each_reg(&mut self, mut f: impl FnMut(&mut Reg)) {
        for frame in &mut self.frames {
            frame.regs.iter_mut().for_each(&mut f);
            frame
                .stack
                .iter_mut()
                .filter(|slot| slot.is_spilled())
                .for_each(|slot| f(&mut slot.spilled));
        }
    }

    /// An object with this identity is held.
    pub fn holds(&self, id: u32) -> bool {
        self.refs.iter().any(|held| held.kind == RefKind::Ptr && held.id == id)
    }
}
