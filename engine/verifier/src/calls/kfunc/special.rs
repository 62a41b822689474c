//! Kfuncs that the verifier knows by name.

/// A kfunc that the verifier treats in its own way (`enum special_kfunc_type`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Special {
    ObjNew,
    ObjDrop,
    PercpuObjNew,
    PercpuObjDrop,
    RefcountAcquire,
    ListPushFront,
    ListPushBack,
    ListPopFront,
    ListPopBack,
    ListFront,
    ListBack,
    RbtreeRemove,
    RbtreeAdd,
    RbtreeFirst,
    RbtreeRoot,
    RbtreeLeft,
    RbtreeRight,
    CastToKernCtx,
    RdonlyCast,
    RcuReadLock,
    RcuReadUnlock,
    DynptrFromSkb,
    DynptrFromXdp,
    DynptrFromSkbMeta,
    DynptrSlice,
    DynptrSliceRdwr,
    DynptrClone,
    Throw,
    Trap,
    WqSetCallback,
    TaskWorkSchedule,
    PreemptDisable,
    PreemptEnable,
    IterCssTaskNew,
    SessionCookie,
    GetKmemCache,
    LocalIrqSave,
    LocalIrqRestore,
    IterNumNew,
    IterNumNext,
    IterNumDestroy,
    ResSpinLock,
    ResSpinUnlock,
    ResSpinLockIrqsave,
    ResSpinUnlockIrqrestore,
}

/// The kernel's names.
const NAMES: [(&str, Special); 46] = [
    ("bpf_obj_new_impl", Special::ObjNew),
    ("bpf_obj_drop_impl", Special::ObjDrop),
    ("bpf_percpu_obj_new_impl", Special::PercpuObjNew),
    ("bpf_percpu_obj_drop_impl", Special::PercpuObjDrop),
    ("bpf_refcount_acquire_impl", Special::RefcountAcquire),
    ("bpf_list_push_front_impl", Special::ListPushFront),
    ("bpf_list_push_back_impl", Special::ListPushBack),
    ("bpf_list_pop_front", Special::ListPopFront),
    ("bpf_list_pop_back", Special::ListPopBack),
    ("bpf_list_front", Special::ListFront),
    ("bpf_list_back", Special::ListBack),
    ("bpf_rbtree_remove", Special::RbtreeRemove),
    ("bpf_rbtree_add_impl", Special::RbtreeAdd),
    ("bpf_rbtree_first", Special::RbtreeFirst),
    ("bpf_rbtree_root", Special::RbtreeRoot),
    ("bpf_rbtree_left", Special::RbtreeLeft),
    ("bpf_rbtree_right", Special::RbtreeRight),
    ("bpf_cast_to_kern_ctx", Special::CastToKernCtx),
    ("bpf_rdonly_cast", Special::RdonlyCast),
    ("bpf_rcu_read_lock", Special::RcuReadLock),
    ("bpf_rcu_read_unlock", Special::RcuReadUnlock),
    ("bpf_dynptr_from_skb", Special::DynptrFromSkb),
    ("bpf_dynptr_from_xdp", Special::DynptrFromXdp),
    ("bpf_dynptr_from_skb_meta", Special::DynptrFromSkbMeta),
    ("bpf_dynptr_slice", Special::DynptrSlice),
    ("bpf_dynptr_slice_rdwr", Special::DynptrSliceRdwr),
    ("bpf_dynptr_clone", Special::DynptrClone),
    ("bpf_throw", Special::Throw),
    ("__bpf_trap", Special::Trap),
    ("bpf_wq_set_callback_impl", Special::WqSetCallback),
    ("bpf_task_work_schedule_signal_impl", Special::TaskWorkSchedule),
    ("bpf_task_work_schedule_resume_impl", Special::TaskWorkSchedule),
    ("bpf_preempt_disable", Special::PreemptDisable),
    ("bpf_preempt_enable", Special::PreemptEnable),
    ("bpf_iter_css_task_new", Special::IterCssTaskNew),
    ("bpf_session_cookie", Special::SessionCookie),
    ("bpf_get_kmem_cache", Special::GetKmemCache),
    ("bpf_local_irq_save", Special::LocalIrqSave),
    ("bpf_local_irq_restore", Special::LocalIrqRestore),
    ("bpf_iter_num_new", Special::IterNumNew),
    ("bpf_iter_num_next", Special::IterNumNext),
    ("bpf_iter_num_destroy", Special::IterNumDestroy),
    ("bpf_res_spin_lock", Special::ResSpinLock),
    ("bpf_res_spin_unlock", Special::ResSpinUnlock),
    ("bpf_res_spin_lock_irqsave", Special::ResSpinLockIrqsave),
    ("bpf_res_spin_unlock_irqrestore", Special::ResSpinUnlockIrqrestore),
];

impl Special {
    /// The kfunc of this name, if the verifier knows it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, special)| *special)
    }

    /// It works on lists (`is_bpf_list_api_kfunc`).
    pub(crate) fn is_list(self) -> bool {
        matches!(
            self,
            Self::ListPushFront
                | Self::ListPushBack
                | Self::ListPopFront
                | Self::ListPopBack
                | Self::ListFront
                | Self::ListBack
        )
    }

    /// It works on trees (`is_bpf_rbtree_api_kfunc`).
    pub(crate) fn is_tree(self) -> bool {
        matches!(
            self,
            Self::RbtreeAdd
                | Self::RbtreeRemove
                | Self::RbtreeFirst
                | Self::RbtreeRoot
                | Self::RbtreeLeft
                | Self::RbtreeRight
        )
    }

    /// It takes or gives back a `bpf_res_spin_lock` (`is_bpf_res_spin_lock_kfunc`).
    pub(crate) fn is_res_spin_lock(self) -> bool {
        matches!(
            self,
            Self::ResSpinLock
                | Self::ResSpinUnlock
                | Self::ResSpinLockIrqsave
                | Self::ResSpinUnlockIrqrestore
        )
    }

    /// It may be called with a lock held (`kfunc_spin_allowed`).
    pub(crate) fn is_allowed_in_lock(self) -> bool {
        self.is_list()
            || self.is_tree()
            || self.is_res_spin_lock()
            || matches!(
                self,
                Self::RefcountAcquire | Self::IterNumNew | Self::IterNumNext | Self::IterNumDestroy
            )
    }

    /// A function of the program runs later (`is_async_callback_calling_kfunc`).
    pub(crate) fn calls_back_later(self) -> bool {
        matches!(self, Self::WqSetCallback | Self::TaskWorkSchedule)
    }
}
