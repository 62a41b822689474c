//! Kfuncs: arguments, effects and results by their types, the names of their parameters and their flags.

pub(crate) mod field;
mod special;
mod table;
pub(crate) mod types;

pub(crate) use special::Special;
pub(crate) use table::Table;

use isa::{BtfId, KfuncModule, Pc};

use crate::cx::{Check, Cx, Next};
use crate::state::State;

/// The kfunc exists and may be called by the program (`add_kfunc_call`); asked before anything is followed.
pub(crate) fn add(cx: &mut Cx<'_>, pc: Pc, _id: BtfId, _module: KfuncModule) -> Check {
    cx.unsupported(format!("the kfunc at {pc}"))
}

/// A call of a kfunc (`check_kfunc_call`).
pub(crate) fn call(
    cx: &mut Cx<'_>,
    _state: &mut State,
    pc: Pc,
    _id: BtfId,
    _module: KfuncModule,
) -> Check<Next> {
    cx.unsupported(format!("the kfunc at {pc}"))
}

/// Calls that were reached can be made; after everything was followed (`fixup_kfunc_call`).
pub(crate) fn fixup(cx: &mut Cx<'_>) -> Check {
    cx.unsupported("the calls of kfuncs")
}
