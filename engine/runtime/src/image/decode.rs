//! From instructions to [`Op`]s: jumps, calls and maps become places in tables.

use std::sync::Arc;

use bpf_object::{Linked, Resolution};
use btf::TypeId;
use isa::{
    AddrSpaceCast, Alu, AluOp, AtomicOp, Callee, Cond, Imm64, Insn, Jump, NarrowSize, Pc, RawInsn,
    SignExtension, Size, Source, SwapBits, SwapKind, Width,
};
use kernel_model::ProgramType;

use super::{CODE, Image};
use crate::helpers;
use crate::op::{Callable, CallableKind, Code, Op};

/// In [`Op::src`] of a packet load: there is no index register.
pub(crate) const NO_REGISTER: u8 = 0xff;

impl Image {
    /// Appends the instructions of a program; returns the place of each slot.
    pub(super) fn decode(&mut self, names: KernelNames<'_>, insns: &[RawInsn]) -> Vec<u32> {
        // What is no instruction matters when it is reached: the kernel does not look at the fields of dead code.
        let (decoded, _) = isa::Program::decode_partial(insns);
        let first = self.ops.len();
        // What is not the beginning of an instruction leads to the end, where there is none.
        let end = first + decoded.iter().count();
        let place = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let mut places = vec![place(end); decoded.slot_count() + 1];
        for (index, (pc, _)) in decoded.iter().enumerate() {
            if let Some(entry) = places.get_mut(pc.index()) {
                *entry = place(first + index);
            }
        }
        let mut one = Decoder { image: self, names, places: &places, end: place(end) };
        for (pc, insn) in decoded.iter() {
            let op = one.op(pc, insn);
            one.image.ops.push(op);
            one.image.slots.push(pc.0);
        }
        self.ops.push(op(Code::Bad, 0, 0, 0, 0));
        self.slots.push(place(decoded.slot_count()));
        places
    }

    /// The place of a callable in the table, which it is put into if it is new.
    fn callable(&mut self, name: Arc<str>, known: bool) -> i64 {
        let found = self.calls.iter().position(|call| call.name == name);
        let index = found.unwrap_or_else(|| {
            let what = match helpers::find(&name) {
                Some(helper) => CallableKind::Modelled(helper),
                None if known => CallableKind::NotModelled,
                None => CallableKind::Missing,
            };
            let row = kernel_model::function(&name);
            let changes_packet = row.is_some_and(|row| row.changes_packet);
            self.calls.push(Callable { name, what, changes_packet });
            self.calls.len() - 1
        });
        i64::try_from(index).unwrap_or(i64::MAX)
    }
}

impl Callable {
    pub(crate) fn is_modelled(&self) -> bool {
        matches!(self.what, CallableKind::Modelled(_))
    }
}

/// A program type for what cannot be: an image without a program.
pub(super) fn no_type() -> &'static ProgramType {
    &kernel_model::program_types()[0]
}

fn op(code: Code, dst: u8, src: u8, target: u32, imm: i64) -> Op {
    Op { code, dst, src, target, imm }
}

/// What says which function or variable of the kernel a number stands for.
#[derive(Clone, Copy)]
pub(super) enum KernelNames<'a> {
    /// The externs that linking gave the numbers of the kernel's types.
    Linked(&'a Linked<'a>),
    /// The place in a list.
    Listed(&'a [&'a str]),
}

struct Decoder<'i, 'a> {
    image: &'i mut Image,
    names: KernelNames<'a>,
    places: &'a [u32],
    end: u32,
}

impl Decoder<'_, '_> {
    fn target(&self, pc: Option<Pc>) -> u32 {
        pc.and_then(|pc| self.places.get(pc.index()).copied()).unwrap_or(self.end)
    }

    #[allow(clippy::too_many_lines, reason = "a flat dispatch over the instructions")]
    fn op(&mut self, pc: Pc, insn: &Insn) -> Op {
        match *insn {
            Insn::Alu(alu) => arithmetic(&alu),
            Insn::Mov(mov) => {
                let (code, src, imm) = match (mov.width, mov.src) {
                    (Width::Bits64, Source::Reg(reg)) => (Code::Mov64R, reg.number(), 0),
                    (Width::Bits64, Source::Imm(imm)) => (Code::Mov64I, 0, imm.0.into()),
                    (Width::Bits32, Source::Reg(reg)) => (Code::Mov32R, reg.number(), 0),
                    (Width::Bits32, Source::Imm(imm)) => (Code::Mov32I, 0, imm.0.into()),
                };
                op(code, mov.dst.number(), src, 0, imm)
            }
            Insn::MovSx(mov) => {
                let code = match mov.extension {
                    SignExtension::S8To32 => Code::Movsx8To32,
                    SignExtension::S16To32 => Code::Movsx16To32,
                    SignExtension::S8To64 => Code::Movsx8To64,
                    SignExtension::S16To64 => Code::Movsx16To64,
                    SignExtension::S32To64 => Code::Movsx32To64,
                };
                op(code, mov.dst.number(), mov.src.number(), 0, 0)
            }
            Insn::Neg(neg) => {
                let code = match neg.width {
                    Width::Bits64 => Code::Neg64,
                    Width::Bits32 => Code::Neg32,
                };
                op(code, neg.dst.number(), 0, 0, 0)
            }
            Insn::ByteSwap(swap) => {
                let swaps = matches!(swap.kind, SwapKind::ToBe | SwapKind::Always);
                let code = match (swaps, swap.bits) {
                    (true, SwapBits::Bits16) => Code::Swap16,
                    (true, SwapBits::Bits32) => Code::Swap32,
                    (true, SwapBits::Bits64) => Code::Swap64,
                    (false, SwapBits::Bits16) => Code::Keep16,
                    (false, SwapBits::Bits32) => Code::Keep32,
                    (false, SwapBits::Bits64) => Code::Keep64,
                };
                op(code, swap.dst.number(), 0, 0, 0)
            }
            Insn::AddrSpaceCast(cast) => {
                let code = match cast.cast {
                    AddrSpaceCast::ArenaToKernel => Code::CastToKernel,
                    AddrSpaceCast::KernelToArena => Code::CastToUser,
                };
                op(code, cast.dst.number(), cast.src.number(), 0, 0)
            }
            Insn::LoadImm(load) => {
                let value = self.constant(pc, load.value);
                op(Code::Mov64I, load.dst.number(), 0, 0, value.cast_signed())
            }
            Insn::Load(load) | Insn::LoadAcquire(load) => {
                let code = match load.size {
                    Size::B => Code::Load8,
                    Size::H => Code::Load16,
                    Size::W => Code::Load32,
                    Size::DW => Code::Load64,
                };
                op(code, load.dst.number(), load.base.number(), 0, load.offset.0.into())
            }
            Insn::LoadSx(load) => {
                let code = match load.size {
                    NarrowSize::B => Code::LoadSx8,
                    NarrowSize::H => Code::LoadSx16,
                    NarrowSize::W => Code::LoadSx32,
                };
                op(code, load.dst.number(), load.base.number(), 0, load.offset.0.into())
            }
            Insn::LoadPacket(load) => {
                let index = load.index.map_or(NO_REGISTER, isa::Reg::number);
                op(Code::LoadPacket, 0, index, load.size.size().bytes(), load.offset.0.into())
            }
            Insn::Store(store) => {
                let (code, src, value) = match (store.src, store.size) {
                    (Source::Reg(reg), Size::B) => (Code::Store8R, reg.number(), 0),
                    (Source::Reg(reg), Size::H) => (Code::Store16R, reg.number(), 0),
                    (Source::Reg(reg), Size::W) => (Code::Store32R, reg.number(), 0),
                    (Source::Reg(reg), Size::DW) => (Code::Store64R, reg.number(), 0),
                    (Source::Imm(imm), Size::B) => (Code::Store8I, 0, imm.to_u32()),
                    (Source::Imm(imm), Size::H) => (Code::Store16I, 0, imm.to_u32()),
                    (Source::Imm(imm), Size::W) => (Code::Store32I, 0, imm.to_u32()),
                    (Source::Imm(imm), Size::DW) => (Code::Store64I, 0, imm.to_u32()),
                };
                op(code, store.base.number(), src, value, store.offset.0.into())
            }
            Insn::StoreRelease(store) => {
                let code = match store.size {
                    Size::B => Code::Store8R,
                    Size::H => Code::Store16R,
                    Size::W => Code::Store32R,
                    Size::DW => Code::Store64R,
                };
                op(code, store.base.number(), store.src.number(), 0, store.offset.0.into())
            }
            Insn::Atomic(atomic) => {
                let what = atomic_number(atomic.op) << 1 | u32::from(atomic.width == Width::Bits64);
                let (base, src) = (atomic.base.number(), atomic.src.number());
                op(Code::Atomic, base, src, what, atomic.offset.0.into())
            }
            Insn::Jump(ref jump) => conditional(jump, self.target(jump.offset.target(pc))),
            Insn::Goto(offset) => op(Code::Goto, 0, 0, self.target(offset.target(pc)), 0),
            Insn::GotoLong(offset) => op(Code::Goto, 0, 0, self.target(offset.target(pc)), 0),
            Insn::MayGoto(offset) => op(Code::MayGoto, 0, 0, self.target(offset.target(pc)), 0),
            Insn::Call(Callee::Subprogram(offset)) => {
                op(Code::CallLocal, 0, 0, self.target(offset.target(pc)), 0)
            }
            Insn::Call(Callee::Helper(id)) => {
                let row = u32::try_from(id.0).ok().and_then(|id| {
                    kernel_model::functions().find(|row| row.helper_id() == Some(id))
                });
                let missing = || {
                    let KernelNames::Linked(linked) = self.names else { return None };
                    linked.missing_function(id.0)
                };
                let name = match row.map(|row| row.name).or_else(missing) {
                    Some(name) => name.into(),
                    None => format!("helper {}", id.0).into(),
                };
                op(Code::CallKernel, 0, 0, 0, self.image.callable(name, row.is_some()))
            }
            Insn::Call(Callee::Kfunc { id, .. }) => {
                let name = self.extern_name(id.0);
                let known = name.is_some();
                let name = name.unwrap_or_else(|| format!("kernel function {}", id.0).into());
                op(Code::CallKernel, 0, 0, 0, self.image.callable(name, known))
            }
            Insn::Exit => op(Code::Exit, 0, 0, 0, 0),
        }
    }

    fn constant(&mut self, pc: Pc, value: Imm64) -> u64 {
        let maps = self.image.maps.len();
        let map = |index: i32| usize::try_from(index).ok().filter(|index| *index < maps);
        match value {
            Imm64::Value(value) => value,
            Imm64::MapFd(isa::Fd(index)) | Imm64::MapIdx(isa::FdIndex(index)) => {
                map(index).map_or(0, Self::map_address)
            }
            Imm64::MapValue { map: isa::Fd(index), offset }
            | Imm64::MapIdxValue { map: isa::FdIndex(index), offset } => {
                map(index).map_or(0, |index| {
                    let value = Image::value_allocation(maps, index).at(offset.into());
                    if self.image.arena == Some(index) { crate::arena::user(value) } else { value }
                })
            }
            Imm64::BtfId { id, .. } => {
                let name = self.extern_name(id.0).unwrap_or_else(|| "of the kernel".into());
                let found = self.image.variables.iter().position(|known| *known == name);
                let index = found.unwrap_or_else(|| {
                    self.image.variables.push(name);
                    self.image.variables.len() - 1
                });
                Image::variable_allocation(maps, index).at(0)
            }
            Imm64::Func(offset) => CODE.at(self.target(offset.target(pc)).into()),
        }
    }

    fn map_address(index: usize) -> u64 {
        Image::map_address(index)
    }

    fn extern_name(&self, id: i32) -> Option<Arc<str>> {
        match self.names {
            KernelNames::Linked(linked) => {
                let id = TypeId(id.cast_unsigned());
                let at = linked.externs.iter().position(|one| *one == Resolution::Type(id))?;
                linked.object.externs.get(at).map(|one| btf::essential_name(&one.name).into())
            }
            KernelNames::Listed(names) => {
                usize::try_from(id).ok().and_then(|id| names.get(id)).map(|name| (*name).into())
            }
        }
    }
}

/// The number of an operation in [`Op::target`].
fn atomic_number(op: AtomicOp) -> u32 {
    let index = AtomicOp::ALL.iter().position(|one| *one == op).unwrap_or(0);
    u32::try_from(index).unwrap_or(0)
}

macro_rules! forms {
    ($value:expr, $width:expr, $src:expr, { $($from:path => $r64:ident $i64:ident $r32:ident $i32:ident),* $(,)? }) => {
        match $value {
            $($from => match ($width, $src) {
                (Width::Bits64, Source::Reg(reg)) => (Code::$r64, reg.number(), 0),
                (Width::Bits64, Source::Imm(imm)) => (Code::$i64, 0, i64::from(imm.0)),
                (Width::Bits32, Source::Reg(reg)) => (Code::$r32, reg.number(), 0),
                (Width::Bits32, Source::Imm(imm)) => (Code::$i32, 0, i64::from(imm.0)),
            }),*
        }
    };
}

fn arithmetic(alu: &Alu) -> Op {
    let (code, src, imm) = forms!(alu.op, alu.width, alu.src, {
        AluOp::Add => Add64R Add64I Add32R Add32I,
        AluOp::Sub => Sub64R Sub64I Sub32R Sub32I,
        AluOp::Mul => Mul64R Mul64I Mul32R Mul32I,
        AluOp::Div => Div64R Div64I Div32R Div32I,
        AluOp::SignedDiv => Sdiv64R Sdiv64I Sdiv32R Sdiv32I,
        AluOp::Or => Or64R Or64I Or32R Or32I,
        AluOp::And => And64R And64I And32R And32I,
        AluOp::Lsh => Lsh64R Lsh64I Lsh32R Lsh32I,
        AluOp::Rsh => Rsh64R Rsh64I Rsh32R Rsh32I,
        AluOp::Mod => Mod64R Mod64I Mod32R Mod32I,
        AluOp::SignedMod => Smod64R Smod64I Smod32R Smod32I,
        AluOp::Xor => Xor64R Xor64I Xor32R Xor32I,
        AluOp::Arsh => Arsh64R Arsh64I Arsh32R Arsh32I,
    });
    op(code, alu.dst.number(), src, 0, imm)
}

fn conditional(jump: &Jump, target: u32) -> Op {
    let (code, src, imm) = forms!(jump.cond, jump.width, jump.rhs, {
        Cond::Eq => JeqR JeqI Jeq32R Jeq32I,
        Cond::Ne => JneR JneI Jne32R Jne32I,
        Cond::Set => JsetR JsetI Jset32R Jset32I,
        Cond::Gt => JgtR JgtI Jgt32R Jgt32I,
        Cond::Ge => JgeR JgeI Jge32R Jge32I,
        Cond::Lt => JltR JltI Jlt32R Jlt32I,
        Cond::Le => JleR JleI Jle32R Jle32I,
        Cond::SignedGt => JsgtR JsgtI Jsgt32R Jsgt32I,
        Cond::SignedGe => JsgeR JsgeI Jsge32R Jsge32I,
        Cond::SignedLt => JsltR JsltI Jslt32R Jslt32I,
        Cond::SignedLe => JsleR JsleI Jsle32R Jsle32I,
    });
    op(code, jump.lhs.number(), src, target, imm)
}
