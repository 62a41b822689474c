//! Copies of states, which are made wherever paths part. A copy over a state that is no longer needed reuses its memory.

use isa::Pc;

use super::{Frame, LockOwner, Path, State};

impl Clone for State {
    fn clone(&self) -> Self {
        let Self {
            frames,
            refs,
            active_locks,
            active_lock_id,
            active_lock_ptr,
            active_irq_id,
            active_preempt_locks,
            active_rcu_locks,
            speculative,
            in_sleepable,
            path,
        } = self;
        Self {
            frames: frames.clone(),
            refs: refs.clone(),
            active_locks: *active_locks,
            active_lock_id: *active_lock_id,
            active_lock_ptr: *active_lock_ptr,
            active_irq_id: *active_irq_id,
            active_preempt_locks: *active_preempt_locks,
            active_rcu_locks: *active_rcu_locks,
            speculative: *speculative,
            in_sleepable: *in_sleepable,
            path: path.clone(),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        let Self {
            frames,
            refs,
            active_locks,
            active_lock_id,
            active_lock_ptr,
            active_irq_id,
            active_preempt_locks,
            active_rcu_locks,
            speculative,
            in_sleepable,
            path,
        } = self;
        frames.clone_from(&source.frames);
        refs.clone_from(&source.refs);
        *active_locks = source.active_locks;
        *active_lock_id = source.active_lock_id;
        *active_lock_ptr = source.active_lock_ptr;
        *active_irq_id = source.active_irq_id;
        *active_preempt_locks = source.active_preempt_locks;
        *active_rcu_locks = source.active_rcu_locks;
        *speculative = source.speculative;
        *in_sleepable = source.in_sleepable;
        path.clone_from(&source.path);
    }
}

impl Clone for Path {
    fn clone(&self) -> Self {
        Self { history: self.history.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        let mut history = std::mem::take(&mut self.history);
        history.clone_from(&source.history);
        *self = Self { history, ..*source };
    }
}

impl Clone for Frame {
    fn clone(&self) -> Self {
        Self { stack: self.stack.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        let mut stack = std::mem::take(&mut self.stack);
        stack.clone_from(&source.stack);
        *self = Self { stack, ..*source };
    }
}

impl State {
    /// A state without frames, to be put in the place of one that is worked on.
    pub(crate) const fn hollow() -> Self {
        Self {
            frames: Vec::new(),
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
                first_insn: Pc(0),
                last_insn: None,
                pc: Pc(0),
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
}
