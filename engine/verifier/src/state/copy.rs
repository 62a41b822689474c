//! Copies of states, which are made wherever paths part. A copy over a state that is no longer needed reuses its memory.

use super::{Frame, Path, State};

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
