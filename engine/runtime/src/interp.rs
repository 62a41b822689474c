//! The interpreter: one loop over [`Op`]s, with registers in a local array.
//!
//! Instructions are not counted one by one. Wherever execution does not simply go on with the next one, those since the
//! last such place are taken from the budget, which no loop escapes.

use crate::fault::{FaultKind, Stop};
use crate::image::CODE;
use crate::machine::{Frame, Machine};
use crate::memory::{Address, split};
use crate::op::{CallableKind, Code, Op, OpIndex};
use crate::trace::Step;

/// How many functions may be open at the same time (`MAX_CALL_FRAMES`).
pub(crate) const FRAMES: usize = 8;
/// How often a function may pass a `may_goto` (`BPF_MAX_LOOPS`).
const LOOPS: u32 = 8 * 1024 * 1024;
/// The bytes of a frame of the stack (`MAX_BPF_STACK`).
pub(crate) const STACK: usize = 512;

/// What the loop works on.
struct State {
    r: [u64; 16],
    /// The next instruction.
    pc: usize,
    /// Where the instructions that have not been counted begin.
    block: usize,
}

impl Machine<'_> {
    /// Calls a function of the program by its address, as helpers do with callbacks.
    ///
    /// # Errors
    ///
    /// If it faults or throws, or the address is not that of a function.
    pub fn call_back(&mut self, function: Address, args: [u64; 5]) -> Result<u64, Stop> {
        let (id, offset) = split(function);
        let entry = u32::try_from(offset).ok().filter(|_| id == CODE);
        let entry =
            entry.ok_or(FaultKind::NotModelled("a callback that is no function".to_owned()))?;
        self.call(entry, args)
    }

    /// Runs from an instruction to the end of its function.
    pub(crate) fn call(&mut self, entry: u32, args: [u64; 5]) -> Result<u64, Stop> {
        if self.trace.is_some() {
            self.execute::<true>(entry, args)
        } else {
            self.execute::<false>(entry, args)
        }
    }

    fn execute<const TRACED: bool>(&mut self, entry: u32, args: [u64; 5]) -> Result<u64, Stop> {
        let base = self.frames.len();
        let entry = entry as usize;
        let mut state = State { r: [0; 16], pc: entry, block: entry };
        state.r[1..6].copy_from_slice(&args);
        state.r[10] = self.enter(0, [0; 4])?;
        let result = self.steps::<TRACED>(&mut state, base);
        self.left = self.left.saturating_sub((state.pc - state.block) as u64);
        result
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        reason = "instructions work on halves of registers and on immediates as bits"
    )]
    #[allow(clippy::too_many_lines, reason = "a flat dispatch, one arm for each instruction")]
    fn steps<const TRACED: bool>(&mut self, state: &mut State, base: usize) -> Result<u64, Stop> {
        let image = self.image;
        let ops = image.ops.as_slice();
        let State { r, pc: out_pc, block: out_block } = state;
        let (mut pc, mut block) = (*out_pc, *out_block);
        let mut left = self.left;

        macro_rules! stop {
            ($error:expr) => {{
                (*out_pc, *out_block) = (pc, block);
                self.left = left;
                return Err($error.into());
            }};
        }
        macro_rules! fault {
            ($error:expr) => {{
                self.pc = (pc - 1) as u32;
                stop!($error)
            }};
        }
        // Counts the instructions up to here.
        macro_rules! count {
            () => {{
                let used = (pc - block) as u64;
                block = pc;
                match left.checked_sub(used) {
                    Some(rest) => left = rest,
                    None => {
                        left = 0;
                        fault!(FaultKind::Budget(self.budget))
                    }
                }
            }};
        }
        macro_rules! go {
            ($target:expr) => {{
                count!();
                pc = $target as usize;
                block = pc;
            }};
        }
        loop {
            let Some(op) = ops.get(pc) else { fault!(FaultKind::LeftProgram) };
            if TRACED && let Some(trace) = &mut self.trace {
                let (op, depth) = (OpIndex(pc as u32), self.frames.len() - 1);
                let (memory, packet) = (&self.memory, self.packet.as_ref());
                trace.step(&Step { op, depth, registers: r, image, memory, packet });
            }
            pc += 1;
            let (d, s) = ((op.dst & 15) as usize, (op.src & 15) as usize);
            macro_rules! alu64 {
                ($b:expr, $f:expr) => {{
                    let f: fn(u64, u64) -> u64 = $f;
                    r[d] = f(r[d], $b)
                }};
            }
            macro_rules! alu32 {
                ($b:expr, $f:expr) => {{
                    let f: fn(u32, u32) -> u32 = $f;
                    r[d] = f(r[d] as u32, $b as u32).into()
                }};
            }
            macro_rules! when {
                ($condition:expr) => {{
                    if $condition {
                        go!(op.target)
                    }
                }};
            }
            macro_rules! load {
                ($size:literal, $ty:ty, $bytes:ident => $value:expr) => {{
                    let address = r[s].wrapping_add(op.imm as u64);
                    r[d] = match self.memory.load::<$size>(address) {
                        Some(bytes) => {
                            let $bytes = <$ty>::from_le_bytes(*bytes);
                            $value
                        }
                        None => {
                            self.pc = (pc - 1) as u32;
                            match self.load_slowly(address, $size) {
                                Ok(value) => {
                                    let $bytes = value as $ty;
                                    $value
                                }
                                Err(error) => stop!(error),
                            }
                        }
                    };
                }};
            }
            macro_rules! store {
                ($ty:ty, $value:expr) => {{
                    let address = r[d].wrapping_add(op.imm as u64);
                    let value = $value as $ty;
                    if !self.memory.store(address, value.to_le_bytes()) {
                        self.pc = (pc - 1) as u32;
                        if let Err(error) = self.store_slowly(address, &value.to_le_bytes()) {
                            stop!(error)
                        }
                    }
                }};
            }
            match op.code {
                Code::Add64R => alu64!(r[s], |a, b| a.wrapping_add(b)),
                Code::Add64I => alu64!(op.imm as u64, |a, b| a.wrapping_add(b)),
                Code::Sub64R => alu64!(r[s], |a, b| a.wrapping_sub(b)),
                Code::Sub64I => alu64!(op.imm as u64, |a, b| a.wrapping_sub(b)),
                Code::Mul64R => alu64!(r[s], |a, b| a.wrapping_mul(b)),
                Code::Mul64I => alu64!(op.imm as u64, |a, b| a.wrapping_mul(b)),
                Code::Div64R => alu64!(r[s], |a, b| a.checked_div(b).unwrap_or(0)),
                Code::Div64I => alu64!(op.imm as u64, |a, b| a.checked_div(b).unwrap_or(0)),
                Code::Sdiv64R => alu64!(r[s], signed_div64),
                Code::Sdiv64I => alu64!(op.imm as u64, signed_div64),
                Code::Or64R => alu64!(r[s], |a, b| a | b),
                Code::Or64I => alu64!(op.imm as u64, |a, b| a | b),
                Code::And64R => alu64!(r[s], |a, b| a & b),
                Code::And64I => alu64!(op.imm as u64, |a, b| a & b),
                Code::Lsh64R => alu64!(r[s], |a, b| a.wrapping_shl(b as u32)),
                Code::Lsh64I => alu64!(op.imm as u64, |a, b| a.wrapping_shl(b as u32)),
                Code::Rsh64R => alu64!(r[s], |a, b| a.wrapping_shr(b as u32)),
                Code::Rsh64I => alu64!(op.imm as u64, |a, b| a.wrapping_shr(b as u32)),
                Code::Mod64R => alu64!(r[s], |a, b| a.checked_rem(b).unwrap_or(a)),
                Code::Mod64I => alu64!(op.imm as u64, |a, b| a.checked_rem(b).unwrap_or(a)),
                Code::Smod64R => alu64!(r[s], signed_mod64),
                Code::Smod64I => alu64!(op.imm as u64, signed_mod64),
                Code::Xor64R => alu64!(r[s], |a, b| a ^ b),
                Code::Xor64I => alu64!(op.imm as u64, |a, b| a ^ b),
                Code::Arsh64R => alu64!(r[s], |a, b| (a as i64).wrapping_shr(b as u32) as u64),
                Code::Arsh64I => {
                    alu64!(op.imm as u64, |a, b| (a as i64).wrapping_shr(b as u32) as u64);
                }
                Code::Add32R => alu32!(r[s], |a, b| a.wrapping_add(b)),
                Code::Add32I => alu32!(op.imm, |a, b| a.wrapping_add(b)),
                Code::Sub32R => alu32!(r[s], |a, b| a.wrapping_sub(b)),
                Code::Sub32I => alu32!(op.imm, |a, b| a.wrapping_sub(b)),
                Code::Mul32R => alu32!(r[s], |a, b| a.wrapping_mul(b)),
                Code::Mul32I => alu32!(op.imm, |a, b| a.wrapping_mul(b)),
                Code::Div32R => alu32!(r[s], |a, b| a.checked_div(b).unwrap_or(0)),
                Code::Div32I => alu32!(op.imm, |a, b| a.checked_div(b).unwrap_or(0)),
                Code::Sdiv32R => alu32!(r[s], signed_div32),
                Code::Sdiv32I => alu32!(op.imm, signed_div32),
                Code::Or32R => alu32!(r[s], |a, b| a | b),
                Code::Or32I => alu32!(op.imm, |a, b| a | b),
                Code::And32R => alu32!(r[s], |a, b| a & b),
                Code::And32I => alu32!(op.imm, |a, b| a & b),
                Code::Lsh32R => alu32!(r[s], |a, b| a.wrapping_shl(b)),
                Code::Lsh32I => alu32!(op.imm, |a, b| a.wrapping_shl(b)),
                Code::Rsh32R => alu32!(r[s], |a, b| a.wrapping_shr(b)),
                Code::Rsh32I => alu32!(op.imm, |a, b| a.wrapping_shr(b)),
                Code::Mod32R => alu32!(r[s], |a, b| a.checked_rem(b).unwrap_or(a)),
                Code::Mod32I => alu32!(op.imm, |a, b| a.checked_rem(b).unwrap_or(a)),
                Code::Smod32R => alu32!(r[s], signed_mod32),
                Code::Smod32I => alu32!(op.imm, signed_mod32),
                Code::Xor32R => alu32!(r[s], |a, b| a ^ b),
                Code::Xor32I => alu32!(op.imm, |a, b| a ^ b),
                Code::Arsh32R => alu32!(r[s], |a, b| (a as i32).wrapping_shr(b) as u32),
                Code::Arsh32I => alu32!(op.imm, |a, b| (a as i32).wrapping_shr(b) as u32),
                Code::Mov64R => r[d] = r[s],
                Code::Mov64I => r[d] = op.imm as u64,
                Code::Mov32R => r[d] = r[s] as u32 as u64,
                Code::Mov32I => r[d] = op.imm as u32 as u64,
                Code::Movsx8To32 => r[d] = r[s] as i8 as i32 as u32 as u64,
                Code::Movsx16To32 => r[d] = r[s] as i16 as i32 as u32 as u64,
                Code::Movsx8To64 => r[d] = r[s] as i8 as i64 as u64,
                Code::Movsx16To64 => r[d] = r[s] as i16 as i64 as u64,
                Code::Movsx32To64 => r[d] = r[s] as i32 as i64 as u64,
                Code::Neg64 => r[d] = r[d].wrapping_neg(),
                Code::Neg32 => r[d] = (r[d] as u32).wrapping_neg().into(),
                Code::Swap16 => r[d] = (r[d] as u16).swap_bytes().into(),
                Code::Swap32 => r[d] = (r[d] as u32).swap_bytes().into(),
                Code::Swap64 => r[d] = r[d].swap_bytes(),
                Code::Keep16 => r[d] = (r[d] as u16).into(),
                Code::Keep32 => r[d] = (r[d] as u32).into(),
                Code::Keep64 => {}
                Code::CastToKernel => r[d] = self.arena_to_kernel(r[s]),
                Code::CastToUser => r[d] = crate::arena::user(r[s]),
                Code::Load8 => load!(1, u8, v => v.into()),
                Code::Load16 => load!(2, u16, v => v.into()),
                // A word of the context may be a pointer.
                Code::Load32 => {
                    let address = r[s].wrapping_add(op.imm as u64);
                    r[d] = match self.memory.load::<4>(address) {
                        Some(bytes) => u32::from_le_bytes(*bytes).into(),
                        None => {
                            self.pc = (pc - 1) as u32;
                            match self.load_slowly(address, 4) {
                                Ok(value) => value,
                                Err(error) => stop!(error),
                            }
                        }
                    };
                }
                Code::Load64 => load!(8, u64, v => v),
                Code::LoadSx8 => load!(1, u8, v => v as i8 as i64 as u64),
                Code::LoadSx16 => load!(2, u16, v => v as i16 as i64 as u64),
                Code::LoadSx32 => load!(4, u32, v => v as i32 as i64 as u64),
                Code::LoadPacket => {
                    self.pc = (pc - 1) as u32;
                    match self.load_packet(op, r) {
                        Ok(Some(value)) => {
                            // What the verifier takes as destroyed holds nothing of use.
                            r[1..6].fill(0);
                            r[0] = value;
                        }
                        // The function ends, as the kernel's rewriting of the instruction has it.
                        Ok(None) => {
                            r[0] = 0;
                            count!();
                            if let Some(value) = self.leave(base, r, &mut pc) {
                                (*out_pc, *out_block) = (pc, pc);
                                self.left = left;
                                return Ok(value);
                            }
                            block = pc;
                        }
                        Err(error) => stop!(error),
                    }
                }
                Code::Store8R => store!(u8, r[s]),
                Code::Store16R => store!(u16, r[s]),
                Code::Store32R => store!(u32, r[s]),
                Code::Store64R => store!(u64, r[s]),
                Code::Store8I => store!(u8, op.target),
                Code::Store16I => store!(u16, op.target),
                Code::Store32I => store!(u32, op.target),
                Code::Store64I => store!(u64, op.target as i32 as i64),
                Code::Atomic => {
                    self.pc = (pc - 1) as u32;
                    if let Err(error) = self.atomic(op, r) {
                        stop!(error)
                    }
                }
                Code::JeqR => when!(r[d] == r[s]),
                Code::JeqI => when!(r[d] == op.imm as u64),
                Code::JneR => when!(r[d] != r[s]),
                Code::JneI => when!(r[d] != op.imm as u64),
                Code::JsetR => when!(r[d] & r[s] != 0),
                Code::JsetI => when!(r[d] & op.imm as u64 != 0),
                Code::JgtR => when!(r[d] > r[s]),
                Code::JgtI => when!(r[d] > op.imm as u64),
                Code::JgeR => when!(r[d] >= r[s]),
                Code::JgeI => when!(r[d] >= op.imm as u64),
                Code::JltR => when!(r[d] < r[s]),
                Code::JltI => when!(r[d] < op.imm as u64),
                Code::JleR => when!(r[d] <= r[s]),
                Code::JleI => when!(r[d] <= op.imm as u64),
                Code::JsgtR => when!(r[d] as i64 > r[s] as i64),
                Code::JsgtI => when!(r[d] as i64 > op.imm),
                Code::JsgeR => when!(r[d] as i64 >= r[s] as i64),
                Code::JsgeI => when!(r[d] as i64 >= op.imm),
                Code::JsltR => when!((r[d] as i64) < r[s] as i64),
                Code::JsltI => when!((r[d] as i64) < op.imm),
                Code::JsleR => when!(r[d] as i64 <= r[s] as i64),
                Code::JsleI => when!(r[d] as i64 <= op.imm),
                Code::Jeq32R => when!(r[d] as u32 == r[s] as u32),
                Code::Jeq32I => when!(r[d] as u32 == op.imm as u32),
                Code::Jne32R => when!(r[d] as u32 != r[s] as u32),
                Code::Jne32I => when!(r[d] as u32 != op.imm as u32),
                Code::Jset32R => when!(r[d] as u32 & r[s] as u32 != 0),
                Code::Jset32I => when!(r[d] as u32 & op.imm as u32 != 0),
                Code::Jgt32R => when!(r[d] as u32 > r[s] as u32),
                Code::Jgt32I => when!(r[d] as u32 > op.imm as u32),
                Code::Jge32R => when!(r[d] as u32 >= r[s] as u32),
                Code::Jge32I => when!(r[d] as u32 >= op.imm as u32),
                Code::Jlt32R => when!((r[d] as u32) < r[s] as u32),
                Code::Jlt32I => when!((r[d] as u32) < op.imm as u32),
                Code::Jle32R => when!(r[d] as u32 <= r[s] as u32),
                Code::Jle32I => when!(r[d] as u32 <= op.imm as u32),
                Code::Jsgt32R => when!(r[d] as i32 > r[s] as i32),
                Code::Jsgt32I => when!(r[d] as i32 > op.imm as i32),
                Code::Jsge32R => when!(r[d] as i32 >= r[s] as i32),
                Code::Jsge32I => when!(r[d] as i32 >= op.imm as i32),
                Code::Jslt32R => when!((r[d] as i32) < r[s] as i32),
                Code::Jslt32I => when!((r[d] as i32) < op.imm as i32),
                Code::Jsle32R => when!(r[d] as i32 <= r[s] as i32),
                Code::Jsle32I => when!(r[d] as i32 <= op.imm as i32),
                Code::Goto => go!(op.target),
                Code::MayGoto => match self.frames.last_mut() {
                    Some(frame) if frame.loops > 0 => frame.loops -= 1,
                    _ => go!(op.target),
                },
                Code::CallLocal => {
                    self.pc = (pc - 1) as u32;
                    count!();
                    match self.enter(pc as u32, [r[6], r[7], r[8], r[9]]) {
                        Ok(frame_pointer) => r[10] = frame_pointer,
                        Err(error) => stop!(error),
                    }
                    pc = op.target as usize;
                    block = pc;
                }
                Code::CallKernel => {
                    self.pc = (pc - 1) as u32;
                    count!();
                    self.left = left;
                    let result = self.call_kernel(op, [r[1], r[2], r[3], r[4], r[5]]);
                    left = self.left;
                    match result {
                        Ok(value) => r[0] = value,
                        Err(Stop::TailCall(entry)) => {
                            pc = entry as usize;
                            block = pc;
                        }
                        Err(error) => stop!(error),
                    }
                }
                Code::Exit => {
                    count!();
                    if let Some(value) = self.leave(base, r, &mut pc) {
                        (*out_pc, *out_block) = (pc, pc);
                        self.left = left;
                        return Ok(value);
                    }
                    block = pc;
                }
                Code::Bad => fault!(FaultKind::LeftProgram),
            }
        }
    }

    /// Opens a frame; returns its frame pointer.
    fn enter(&mut self, return_to: u32, saved: [u64; 4]) -> Result<u64, Stop> {
        let depth = self.frames.len();
        if depth >= FRAMES {
            return Err(FaultKind::CallDepth(FRAMES).into());
        }
        let frame_pointer = self.stack_frame(depth)?;
        self.frames.push(Frame {
            return_to,
            called_at: self.pc,
            saved,
            frame_pointer,
            loops: LOOPS,
        });
        Ok(frame_pointer)
    }

    /// Closes a frame; returns the result if it was the one that the loop began with.
    #[inline]
    fn leave(&mut self, base: usize, r: &mut [u64; 16], pc: &mut usize) -> Option<u64> {
        let frame = self.frames.pop();
        self.end_stack_frame(self.frames.len());
        let caller = self.frames.last().filter(|_| self.frames.len() > base);
        let (Some(frame), Some(caller)) = (frame, caller) else { return Some(r[0]) };
        r[6..10].copy_from_slice(&frame.saved);
        r[10] = caller.frame_pointer;
        *pc = frame.return_to as usize;
        None
    }

    fn call_kernel(&mut self, op: &Op, args: [u64; 5]) -> Result<u64, Stop> {
        let image = self.image;
        let index = usize::try_from(op.imm).unwrap_or(usize::MAX);
        let call = image.calls.get(index).ok_or(FaultKind::Internal("no such callable"))?;
        match call.what {
            CallableKind::Modelled(helper) => {
                let outer = self.callee.replace(index);
                let result = helper(self, args);
                if result.is_ok() {
                    // Pointers into the packet end here, so that a fault can name this call: if it moved, and if the
                    // kernel says of the function that it may have.
                    if call.changes_packet {
                        crate::packet::renew(self)?;
                    } else {
                        crate::packet::renew_if_moved(self)?;
                    }
                    self.callee = outer;
                }
                result
            }
            CallableKind::NotModelled => Err(FaultKind::NotModelled(call.name.to_string()).into()),
            CallableKind::Missing => Err(FaultKind::NoSuchFunction(call.name.to_string()).into()),
        }
    }
}

/// `i64::MIN / -1` is `i64::MIN`, as the kernel makes sure of.
#[expect(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "bits of a register")]
fn signed_div64(a: u64, b: u64) -> u64 {
    if b == 0 { 0 } else { (a as i64).wrapping_div(b as i64) as u64 }
}

#[expect(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "bits of a register")]
fn signed_mod64(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { (a as i64).wrapping_rem(b as i64) as u64 }
}

#[expect(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "bits of a register")]
fn signed_div32(a: u32, b: u32) -> u32 {
    if b == 0 { 0 } else { (a as i32).wrapping_div(b as i32) as u32 }
}

#[expect(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "bits of a register")]
fn signed_mod32(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { (a as i32).wrapping_rem(b as i32) as u32 }
}
