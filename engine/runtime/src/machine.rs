//! A machine: an image with memory, maps, a packet and a stack; it runs programs one after the other.

use std::fmt;
use std::sync::Arc;

use crate::deferred::DeferredTable;
use crate::event::{Access, Event, Target};
use crate::fault::{Death, Fault, FaultKind, Given, Location, Origin, Site, Stop};
use crate::image::Image;
use crate::input::{Input, Options, Outcome, Route, Task};
use crate::interp::STACK;
use crate::kfuncs::conntrack::ConnectionTable;
use crate::maps::{self, MapTable};
use crate::memory::{Address, AllocId, Lifetime, Memory};
use crate::message::Message;
use crate::op::OpIndex;
use crate::packet::Packet;
use crate::sockets::{Known, Socket};
use crate::trace::Trace;
use crate::{context, packet};

/// A machine that runs an image.
pub struct Machine<'i> {
    pub(crate) image: &'i Image,
    /// All that pointers of the program can point to.
    pub memory: Memory,
    pub(crate) maps: MapTable,
    pub(crate) frames: Vec<Frame>,
    /// The allocations of frames by depth, of this run.
    stack: Vec<AllocId>,
    /// The instruction being executed, whenever something outside of the loop looks.
    pub(crate) pc: u32,
    /// The function of the kernel that is being executed, in [`Image::calls`].
    pub(crate) callee: Option<usize>,
    /// What it was given.
    pub(crate) arguments: [u64; 5],
    pub(crate) budget: u64,
    /// What is left of the budget.
    pub(crate) left: u64,
    pub(crate) context: context::Context,
    pub(crate) packet: Option<Packet>,
    pub(crate) events: Vec<Event>,
    /// The resilient locks that the program holds.
    pub(crate) held: Vec<Address>,
    /// How many tail calls there were.
    pub(crate) tail_calls: u32,
    /// The state of the generator that stands for chance.
    pub(crate) random: u64,
    /// The time in nanoseconds, which stands still.
    pub(crate) now: u64,
    /// What the program has printed.
    pub(crate) printed: Vec<String>,
    pub(crate) routes: Vec<Route>,
    pub(crate) sockets: Vec<Socket>,
    /// The sockets that the program has come to know.
    pub(crate) known_sockets: Vec<Known>,
    pub(crate) connections: ConnectionTable,
    /// Control groups that the program has come to know: number and `struct cgroup`.
    pub(crate) groups: Vec<(u64, Address)>,
    /// Where a `struct path` is, and what it leads to.
    pub(crate) paths: Vec<(Address, String)>,
    /// The message of a program for sockets.
    pub(crate) message: Option<Message>,
    /// The cookie of a session, once the program has asked for it.
    pub(crate) session: Option<Address>,
    /// What the secrets of the kernel are made of.
    pub(crate) seed: u64,
    /// What the program of an iterator has written.
    pub(crate) sequence: Vec<u8>,
    /// The task that the program runs in.
    pub(crate) current: Task,
    /// Its `struct task_struct`, once the program has asked for it.
    pub(crate) task: Option<Address>,
    task_before: Option<Address>,
    /// Memory of user space.
    pub(crate) user: Vec<(u64, Vec<u8>)>,
    /// What a system call returns, as programs of control groups see and set it.
    pub(crate) return_value: i32,
    /// What is to be done after the run.
    pub(crate) deferred: DeferredTable,
    /// As it was when the maps were kept.
    deferred_before: DeferredTable,
    /// What slices of packets give.
    pub(crate) slices: crate::input::Slices,
    pub(crate) trace: Option<&'i mut dyn Trace>,
    options: Options,
}

/// A function that is open.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Where to go on.
    pub(crate) return_to: u32,
    /// The instruction that called.
    pub(crate) called_at: u32,
    /// R6 to R9 of the caller.
    pub(crate) saved: [u64; 4],
    pub(crate) frame_pointer: Address,
    /// How often `may_goto` still goes on.
    pub(crate) loops: u32,
}

impl fmt::Debug for Machine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("program", &self.image.name()).finish_non_exhaustive()
    }
}

/// Runs an image once, on a machine of its own.
///
/// # Errors
///
/// If the maps do not fit into the memory allowed.
pub fn run(image: &Image, input: &Input, options: &Options) -> Result<Outcome, Fault> {
    Ok(Machine::new(image, options)?.run(input))
}

impl<'i> Machine<'i> {
    /// A machine with the maps of an image as they are at first.
    ///
    /// # Errors
    ///
    /// If they do not fit into the memory allowed.
    pub fn new(image: &'i Image, options: &Options) -> Result<Self, Fault> {
        let mut memory = Memory::new(options.memory);
        let maps = maps::create(image, &mut memory).map_err(|stop| Fault {
            kind: kind_of(stop),
            at: Location { program: image.name().into(), ..Location::default() },
            calls: Vec::new(),
        })?;
        memory.set_baseline();
        Ok(Self {
            image,
            memory,
            maps,
            frames: Vec::new(),
            stack: Vec::new(),
            pc: 0,
            callee: None,
            arguments: [0; 5],
            budget: 0,
            left: 0,
            context: context::Context::default(),
            packet: None,
            events: Vec::new(),
            held: Vec::new(),
            tail_calls: 0,
            random: 0,
            now: 0,
            printed: Vec::new(),
            routes: Vec::new(),
            sockets: Vec::new(),
            known_sockets: Vec::new(),
            connections: ConnectionTable::default(),
            groups: Vec::new(),
            paths: Vec::new(),
            message: None,
            session: None,
            seed: 0,
            sequence: Vec::new(),
            current: Task::default(),
            task: None,
            task_before: None,
            user: Vec::new(),
            return_value: 0,
            deferred: DeferredTable::default(),
            deferred_before: DeferredTable::default(),
            slices: crate::input::Slices::AsLaidOut,
            trace: None,
            options: options.clone(),
        })
    }

    /// Calls `trace` before each instruction from now on.
    pub fn set_trace(&mut self, trace: &'i mut dyn Trace) {
        self.trace = Some(trace);
    }

    /// What the maps hold now is what [`Machine::reset`] brings back from now on.
    pub fn keep_maps(&mut self) {
        self.memory.set_baseline();
        self.maps.keep();
        self.deferred_before = self.deferred.clone();
        self.task_before = self.task;
    }

    /// Makes maps as they were at first.
    pub fn reset(&mut self) {
        self.memory.reset();
        self.maps.reset();
        self.deferred = self.deferred_before.clone();
        self.task = self.task_before;
        self.known_sockets.clear();
        self.connections = ConnectionTable::default();
    }

    /// Runs the program. Maps stay as it leaves them.
    pub fn run(&mut self, input: &Input) -> Outcome {
        self.budget = input.budget;
        self.begin();
        self.events.clear();
        self.printed.clear();
        self.routes.clone_from(&input.routes);
        self.sockets.clone_from(&input.sockets);
        self.user.clone_from(&input.user);
        self.connections.set(&input.connections);
        self.groups.clear();
        self.paths.clear();
        self.sequence.clear();
        (self.session, self.seed) = (None, input.seed);
        self.return_value = 0;
        if self.current != input.task {
            self.current.clone_from(&input.task);
            // Another task is at another place.
            self.task = None;
        }
        (self.random, self.now) = (input.seed, input.now);
        self.slices = input.slices;
        let result = self.run_program(input);
        let insns = self.budget - self.left;
        let (retval, fault) = match result {
            Ok(value) => (value, None),
            Err(stop) => (0, Some(Box::new(self.explain(stop)))),
        };
        if let Some(trace) = self.trace.as_mut().filter(|_| fault.is_none()) {
            trace.end(retval);
        }
        let outcome = Outcome {
            retval,
            packet: packet::contents(self),
            metadata: packet::metadata(self),
            layout: packet::layout(self),
            context: context::contents(self),
            context_at_start: std::mem::take(&mut self.context.at_start),
            values: context::values(self),
            sequence: std::mem::take(&mut self.sequence),
            flow_keys: context::found_flow_keys(self),
            printed: std::mem::take(&mut self.printed),
            events: std::mem::take(&mut self.events),
            insns,
            fault,
        };
        self.packet = None;
        self.message = None;
        self.finish();
        outcome
    }

    /// Before the first instruction of a run or of a callback that comes later.
    pub(crate) fn begin(&mut self) {
        self.memory.begin_run();
        if let Some(trace) = &mut self.trace {
            trace.begin();
        }
        self.frames.clear();
        self.stack.clear();
        self.held.clear();
        (self.pc, self.callee) = (0, None);
        (self.left, self.tail_calls) = (self.budget, 0);
    }

    /// After the last instruction.
    pub(crate) fn finish(&mut self) {
        self.maps.end_run(&mut self.memory);
        self.memory.end_run();
    }

    fn run_program(&mut self, input: &Input) -> Result<u64, Stop> {
        let image = self.image;
        let program = image.programs.first().ok_or(FaultKind::LeftProgram)?;
        let argument = context::create(self, program, input)?;
        if program.unclones
            && let Some(verdict) = packet::unshare_at_entry(self, program.program_type)?
        {
            return Ok(verdict);
        }
        let result = self.call(program.start, [argument, 0, 0, 0, 0]);
        let Err(Stop::Throw(cookie)) = result else { return result };
        // The frames are gone; the callback runs in the place of the program.
        let at = self.pc;
        while !self.frames.is_empty() {
            self.frames.pop();
            self.end_stack_frame(self.frames.len());
        }
        match image.program_at(at).and_then(|program| program.exception_callback) {
            Some(callback) => self.call(callback, [cookie, 0, 0, 0, 0]),
            None => Ok(cookie),
        }
    }

    pub(crate) fn explain(&self, stop: Stop) -> Fault {
        let calls = self.frames.iter().skip(1);
        let mut kind = kind_of(stop);
        if let Some(pointer) = kind.pointer_mut().filter(|pointer| pointer.is_made_by_a_call()) {
            pointer.made = pointer.maker.map(|op| self.image.site(op));
        }
        Fault {
            kind,
            at: self.location(),
            calls: calls.map(|frame| self.image.location(OpIndex(frame.called_at))).collect(),
        }
    }

    /// The place of the instruction that is being executed.
    pub fn location(&self) -> Location {
        self.image.location(OpIndex(self.pc))
    }

    /// The name of the function of the kernel that is being executed.
    pub fn callee(&self) -> Arc<str> {
        let call = self.callee.and_then(|index| self.image.calls.get(index));
        call.map_or_else(|| "the program".into(), |call| call.name.clone())
    }

    /// For what a call of the kernel ends: the function, and where it was called.
    pub fn death(&self) -> Death {
        Death::Call(Box::new(Site { function: self.callee(), at: self.location(), argument: None }))
    }

    /// The error for an argument that is not what the function takes.
    pub fn wrong_argument(&self, index: u8, expected: &'static str) -> Stop {
        let value = self.arguments.get(usize::from(index)).copied().unwrap_or(0);
        let given = Box::new(Given { value, pointer: self.memory.note(value) });
        FaultKind::Argument { function: self.callee(), index, expected, given }.into()
    }

    /// Keeps an event, unless there are too many.
    pub fn record(&mut self, event: Event) {
        if self.events.len() < self.options.events {
            self.events.push(event);
        }
    }

    /// Keeps what the program prints, unless it is too much.
    pub(crate) fn print(&mut self, text: &[u8]) {
        /// `MAX_BPRINTF_BUF`, with a zero at the end.
        const LONGEST: usize = 1023;
        let text = text.get(..LONGEST).unwrap_or(text);
        if self.printed.len() >= self.options.events {
            return;
        }
        let (function, at) = (self.callee(), self.location());
        let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let result = Access::Done;
        let target = Target::Printed(self.printed.len());
        self.printed.push(String::from_utf8_lossy(text).into_owned());
        self.record(Event { function, target, offset: 0, len, result, at });
    }

    /// The next number of the generator that stands for chance (splitmix64).
    pub fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The frame pointer of a new frame.
    pub(crate) fn stack_frame(&mut self, depth: usize) -> Result<Address, Stop> {
        let frame = match self.stack.get(depth) {
            Some(&frame) => {
                self.memory.revive(frame);
                frame
            }
            None => {
                let origin = Origin::Stack { frame: u8::try_from(depth).unwrap_or(u8::MAX) };
                let frame = self.memory.allocate(STACK, origin, true, Lifetime::Run)?;
                if self.options.stack_fill != 0 {
                    self.memory.bytes_mut(frame).unwrap_or_default().fill(self.options.stack_fill);
                }
                self.stack.push(frame);
                frame
            }
        };
        Ok(frame.at(STACK as i64))
    }

    /// Nothing may point to a frame any more.
    pub(crate) fn end_stack_frame(&mut self, depth: usize) {
        if let Some(&frame) = self.stack.get(depth) {
            self.memory.kill(frame, Death::Returned);
        }
    }
}

fn kind_of(stop: Stop) -> FaultKind {
    match stop {
        Stop::Fault(kind) => *kind,
        Stop::Throw(_) => FaultKind::Internal("an exception was not caught"),
        Stop::TailCall(_) => FaultKind::Internal("a tail call in a callback"),
    }
}
