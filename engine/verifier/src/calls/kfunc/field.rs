//! Timers, work queues and task work: fields of map values that calls are given.

use isa::Reg;

use crate::cx::{Check, Cx};
use crate::program::MapId;
use crate::state::State;

/// A map, and the lookup that an inner map comes from; 0 if none (`map_ptr`, `map_uid`).
pub(crate) type MapOfCall = (MapId, u32);

/// A timer in a map value; the map (`process_timer_func`).
pub(crate) fn timer(cx: &mut Cx<'_>, _state: &State, reg: Reg) -> Check<MapOfCall> {
    cx.unsupported(format!("the timer in {reg:?}"))
}
