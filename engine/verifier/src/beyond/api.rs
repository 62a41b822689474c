//! Which calls matter, and what their arguments are.

use isa::{Callee, Insn, Pc, Reg};
use kernel_model::TypeFlags;

use super::shadow::By;
use crate::cfg;
use crate::cx::Cx;

/// A call, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Api {
    /// `bpf_dynptr_from_mem(data, size, flags, dynptr)`
    FromMem,
    /// `bpf_dynptr_from_skb(ctx, flags, dynptr)` and its like.
    FromPacket,
    /// `bpf_ringbuf_reserve_dynptr(map, size, flags, dynptr)`
    Reserve,
    /// `bpf_ringbuf_submit_dynptr(dynptr, flags)`, and discard.
    Release,
    /// `bpf_dynptr_clone(dynptr, clone)`
    Clone,
    /// `bpf_dynptr_read(to, length, dynptr, offset, flags)`
    Read,
    /// `bpf_dynptr_write(dynptr, offset, from, length, flags)`
    Write,
    /// `bpf_dynptr_data(dynptr, offset, length)`, and `bpf_dynptr_slice(dynptr, offset, buffer, length)`.
    Slice(By),
    /// `bpf_dynptr_adjust(dynptr, start, end)`
    Adjust,
    /// `bpf_dynptr_size(dynptr)`
    Size,
    /// `bpf_dynptr_copy(to, offset, from, offset, length)`
    Copy,
    /// `bpf_dynptr_memset(dynptr, offset, length, byte)`, and the functions that read memory into a dynptr.
    Fill,
    /// `bpf_skb_pull_data(skb, length)`, and that of XDP.
    Pull,
    /// It changes where the packet begins or ends.
    Geometry,
    /// It copies bytes of the packet; what is left to do if a slice is NULL.
    LoadBytes,
    /// It writes to the packet by offset.
    StoreBytes,
    /// A global function of the program.
    Global(u32),
    /// A function of the program that is followed in place.
    Static,
    /// Another one.
    Other,
}

/// A call at an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// What is called.
    pub api: Api,
    /// Its name; empty for functions of the program.
    pub name: &'static str,
    /// How many arguments it takes.
    pub count: u8,
    /// The arguments that are memory it fills, as bits; bit 0 is R1.
    pub fills: u8,
    /// What a result that is no pointer says: 0 or a negative error.
    pub is_status: bool,
    /// Nothing reads the result.
    pub is_ignored: bool,
}

/// What functions do of which no names are needed.
const APIS: [(&str, Api); 23] = [
    ("bpf_dynptr_from_mem", Api::FromMem),
    ("bpf_dynptr_from_skb", Api::FromPacket),
    ("bpf_dynptr_from_xdp", Api::FromPacket),
    ("bpf_dynptr_from_skb_meta", Api::FromPacket),
    ("bpf_ringbuf_reserve_dynptr", Api::Reserve),
    ("bpf_ringbuf_submit_dynptr", Api::Release),
    ("bpf_ringbuf_discard_dynptr", Api::Release),
    ("bpf_dynptr_clone", Api::Clone),
    ("bpf_dynptr_read", Api::Read),
    ("bpf_dynptr_write", Api::Write),
    ("bpf_dynptr_data", Api::Slice(By::Data)),
    ("bpf_dynptr_slice", Api::Slice(By::Slice)),
    ("bpf_dynptr_slice_rdwr", Api::Slice(By::SliceRdwr)),
    ("bpf_dynptr_adjust", Api::Adjust),
    ("bpf_dynptr_size", Api::Size),
    ("bpf_dynptr_copy", Api::Copy),
    ("bpf_dynptr_memset", Api::Fill),
    ("bpf_skb_pull_data", Api::Pull),
    ("bpf_xdp_pull_data", Api::Pull),
    ("bpf_skb_load_bytes", Api::LoadBytes),
    ("bpf_xdp_load_bytes", Api::LoadBytes),
    ("bpf_skb_store_bytes", Api::StoreBytes),
    ("bpf_xdp_store_bytes", Api::StoreBytes),
];

impl Api {
    fn named(name: &str) -> Option<Self> {
        if let Some((_, api)) = APIS.iter().find(|(known, _)| *known == name) {
            return Some(*api);
        }
        // `bpf_probe_read_kernel_dynptr` and its like.
        let fills =
            name.ends_with("_dynptr") && (name.contains("_read_") || name.contains("_from_user"));
        fills.then_some(Self::Fill)
    }

    /// A dynptr is among the arguments; only programs with such calls are looked at.
    fn is_of_dynptrs(self) -> bool {
        !matches!(
            self,
            Self::Pull
                | Self::Geometry
                | Self::LoadBytes
                | Self::StoreBytes
                | Self::Global(_)
                | Self::Static
                | Self::Other
        )
    }

    /// The result is 0 or a negative error.
    fn gives_status(self, name: &str) -> bool {
        match self {
            Self::Read
            | Self::Write
            | Self::Adjust
            | Self::Copy
            | Self::FromMem
            | Self::FromPacket
            | Self::Reserve
            | Self::Clone
            | Self::Pull
            | Self::Geometry
            | Self::LoadBytes
            | Self::StoreBytes => true,
            Self::Fill => !name.contains("_str_"),
            Self::Release
            | Self::Slice(_)
            | Self::Size
            | Self::Global(_)
            | Self::Static
            | Self::Other => false,
        }
    }

    /// The dynptr it works on.
    pub(super) fn dynptr(self) -> Option<Reg> {
        match self {
            Self::Read => Some(Reg::R3),
            Self::Release
            | Self::Clone
            | Self::Write
            | Self::Slice(_)
            | Self::Adjust
            | Self::Size
            | Self::Copy
            | Self::Fill => Some(Reg::R1),
            _ => None,
        }
    }

    /// The dynptr it makes.
    pub(super) fn makes(self) -> Option<Reg> {
        match self {
            Self::FromMem | Self::Reserve => Some(Reg::R4),
            Self::FromPacket => Some(Reg::R3),
            Self::Clone => Some(Reg::R2),
            _ => None,
        }
    }
}

/// The calls of the program, by instruction; `None` if none of them is about dynptrs.
pub(super) fn calls(cx: &Cx<'_>) -> Option<Vec<Option<Call>>> {
    let mut is_of_dynptrs = false;
    let mut calls = vec![None; cx.program.len()];
    for (pc, insn) in cx.program.code.iter() {
        let Insn::Call(callee) = insn else { continue };
        let call = call(cx, pc, *callee);
        is_of_dynptrs |= call.api.is_of_dynptrs();
        if let Some(place) = calls.get_mut(pc.index()) {
            *place = Some(call);
        }
    }
    is_of_dynptrs.then_some(calls)
}

fn call(cx: &Cx<'_>, pc: Pc, callee: Callee) -> Call {
    let behind = cx.aux.get(pc.index() + 1).map_or(u16::MAX, |aux| aux.live_regs);
    let mut call = Call {
        api: Api::Other,
        name: "",
        count: 0,
        fills: 0,
        is_status: false,
        is_ignored: behind & 1 == 0,
    };
    let function = match callee {
        Callee::Subprogram(offset) => {
            let subprog = offset.target(pc).and_then(|target| cfg::subprog_at(cx, target));
            let info =
                subprog.and_then(|subprog| Some((subprog, cx.subprogs.get(subprog as usize)?)));
            if let Some((subprog, info)) = info {
                call.count = 5;
                call.api = if info.is_global { Api::Global(subprog) } else { Api::Static };
            }
            return call;
        }
        Callee::Helper(id) => u32::try_from(id.0).ok().and_then(kernel_model::helper),
        Callee::Kfunc { id, .. } => {
            let kfunc = cx.kfuncs.get(id);
            call.count = kfunc.map_or(0, |kfunc| u8::try_from(kfunc.params.len()).unwrap_or(5));
            kfunc.and_then(|kfunc| kernel_model::kfunc(kfunc.name)).map(|(function, _)| function)
        }
    };
    let Some(function) = function else { return call };
    call.name = function.name;
    if let Some(proto) = function.protos.first() {
        call.count = u8::try_from(proto.args.len()).unwrap_or(5);
        let filled = TypeFlags::MEM_WRITE.union(TypeFlags::MEM_UNINIT);
        for (index, arg) in proto.args.iter().enumerate() {
            if arg.flags.0 & filled.0 != 0 {
                call.fills |= 1 << index;
            }
        }
    }
    call.api = Api::named(function.name).unwrap_or(match function.changes_geometry {
        true => Api::Geometry,
        false => Api::Other,
    });
    call.is_status = call.api.gives_status(function.name);
    call
}
