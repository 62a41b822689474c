//! What a program leaves to be done later: timers, work queues and work of tasks. Nothing of it is done during a run;
//! [`Machine::run_deferred`] does it afterwards, in the order of time.

use crate::event::Event;
use crate::fault::{Fault, Origin, Stop};
use crate::helpers::errno;
use crate::image::Image;
use crate::machine::Machine;
use crate::memory::{Address, Lifetime};

/// How many there can be at the same time.
const MOST: usize = 4096;

/// Who calls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `struct bpf_timer`
    Timer,
    /// `struct bpf_wq`
    Work,
    /// `struct bpf_task_work`
    TaskWork,
}

/// Something in the value of a map that calls back.
#[derive(Clone, Debug)]
pub(crate) struct Deferred {
    kind: Kind,
    /// Where it is in the value.
    at: Address,
    map: usize,
    callback: Option<Address>,
    /// When it is due, and how many were started before it.
    due: Option<(u64, u64)>,
}

/// All that there is in the maps.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeferredTable {
    known: Vec<Deferred>,
    started: u64,
    /// The one that is calling back.
    running: Option<Address>,
}

impl DeferredTable {
    fn find(&mut self, kind: Kind, at: Address) -> Option<&mut Deferred> {
        self.known.iter_mut().find(|one| one.at == at && one.kind == kind)
    }

    /// Makes one ready for the value of a map; an errno if it was already.
    pub(crate) fn initialise(&mut self, kind: Kind, at: Address, map: usize) -> i32 {
        if self.find(kind, at).is_some() {
            return -errno::EBUSY;
        }
        if self.known.len() >= MOST {
            return -errno::ENOMEM;
        }
        self.known.push(Deferred { kind, at, map, callback: None, due: None });
        0
    }

    /// Says what it calls; an errno if it is not ready.
    pub(crate) fn set_callback(&mut self, kind: Kind, at: Address, callback: Address) -> i32 {
        match self.find(kind, at) {
            Some(one) => {
                one.callback = Some(callback);
                0
            }
            None => -errno::EINVAL,
        }
    }

    /// It calls back at this time; an errno if it calls nothing.
    pub(crate) fn start(&mut self, kind: Kind, at: Address, time: u64) -> i32 {
        self.started += 1;
        let order = self.started;
        match self.find(kind, at) {
            Some(one) if one.callback.is_some() => {
                // Work that waits already does so once.
                if kind == Kind::Timer || one.due.is_none() {
                    one.due = Some((time, order));
                }
                0
            }
            _ => -errno::EINVAL,
        }
    }

    /// Whether it waits to call back.
    pub(crate) fn is_waiting(&mut self, kind: Kind, at: Address) -> bool {
        self.find(kind, at).is_some_and(|one| one.due.is_some())
    }

    /// It does not call back any more: 1 if it would have, 0 if not, or an errno.
    pub(crate) fn cancel(&mut self, at: Address) -> i32 {
        let runs = self.running == Some(at);
        match self.find(Kind::Timer, at) {
            None => -errno::EINVAL,
            Some(_) if runs => -errno::EDEADLK,
            Some(one) => i32::from(one.due.take().is_some()),
        }
    }

    /// The next one to call back, which no longer waits.
    fn next(&mut self) -> Option<(u64, Deferred)> {
        let waiting = self.known.iter_mut().filter(|one| one.due.is_some());
        let one = waiting.min_by_key(|one| one.due)?;
        let (time, _) = one.due.take()?;
        Some((time, one.clone()))
    }
}

/// What was done after a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeferredOutcome {
    /// How often something called back.
    pub calls: usize,
    /// What was printed.
    pub printed: Vec<String>,
    /// What happened to dynptrs.
    pub events: Vec<Event>,
    /// How many instructions were executed.
    pub insns: u64,
    /// Why it ended early.
    pub fault: Option<Box<Fault>>,
}

impl Machine<'_> {
    /// Calls what programs have left to be done later, at most so many times, each with the budget of the last run: timers
    /// that are due last come last, and those that start themselves again count again. The time of the machine moves on
    /// to that of a timer. What belongs to an element that is gone is forgotten. A callback that faults is the last one.
    pub fn run_deferred(&mut self, most: usize) -> DeferredOutcome {
        self.events.clear();
        self.printed.clear();
        let mut outcome = DeferredOutcome::default();
        while outcome.calls < most {
            let Some((time, one)) = self.deferred.next() else { break };
            self.now = self.now.max(time);
            self.begin();
            self.deferred.running = Some(one.at);
            let result = self.call_deferred(&one);
            self.deferred.running = None;
            let result = result.map_err(|stop| self.explain(stop));
            outcome.insns += self.budget - self.left;
            self.finish();
            match result {
                Ok(called) => outcome.calls += usize::from(called),
                Err(fault) => {
                    outcome.fault = Some(Box::new(fault));
                    break;
                }
            }
        }
        outcome.printed = std::mem::take(&mut self.printed);
        outcome.events = std::mem::take(&mut self.events);
        outcome
    }

    /// Calls back with the element around it; false if there is none any more.
    fn call_deferred(&mut self, one: &Deferred) -> Result<bool, Stop> {
        let size = self.maps.sizes(one.map).1 as u64;
        let keys = self.map_entries(one.map).unwrap_or_default().into_iter().map(|(key, _)| key);
        for key in keys {
            let Some(value) = self.maps.get(one.map)?.lookup(&mut self.memory, &key)? else {
                continue;
            };
            if one.at.wrapping_sub(value) < size {
                let origin = Origin::Object { name: "the key of an element".into() };
                let key = self.memory.allocate_bytes(&key, origin, true, Lifetime::Run)?;
                let map = Image::map_address(one.map);
                let callback = one.callback.unwrap_or(0);
                self.call_back(callback, [map, key.at(0), value, 0, 0])?;
                return Ok(true);
            }
        }
        self.deferred.known.retain(|other| other.at != one.at);
        Ok(false)
    }
}
