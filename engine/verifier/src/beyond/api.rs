//! Which calls matter, and what their arguments are.

use std::sync::LazyLock;

use isa::{Callee, Insn, Pc, Reg};
use kernel_model::{Function, TypeFlags};
use rustc_hash::FxHashMap;

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
    /// `bpf_dynptr_is_null(dynptr)`, `bpf_dynptr_is_rdonly(dynptr)`
    Query,
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
const APIS: [(&str, Api); 25] = [
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
    ("bpf_dynptr_is_null", Api::Query),
    ("bpf_dynptr_is_rdonly", Api::Query),
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
            | Self::Query
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
            | Self::Query
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

/// Functions of the kernel, by name.
static FUNCTIONS: LazyLock<FxHashMap<&'static str, Call>> = LazyLock::new(|| {
    kernel_model::functions().map(|function| (function.name, Call::of(function))).collect()
});

impl Call {
    /// A call of which nothing is known.
    const UNKNOWN: Self =
        Self { api: Api::Other, name: "", count: 0, fills: 0, is_status: false, is_ignored: false };

    fn of(function: &'static Function) -> Self {
        let name = function.name;
        let by_geometry = if function.changes_geometry { Api::Geometry } else { Api::Other };
        let api = Api::named(name).unwrap_or(by_geometry);
        let mut call = Self { api, name, is_status: api.gives_status(name), ..Self::UNKNOWN };
        call.count = u8::try_from(function.params.len()).unwrap_or(5).min(5);
        if let Some(proto) = function.protos.first() {
            let filled = TypeFlags::MEM_WRITE.union(TypeFlags::MEM_UNINIT);
            for (index, arg) in proto.args.iter().enumerate() {
                if arg.flags.0 & filled.0 != 0 {
                    call.fills |= 1 << index;
                }
            }
        }
        call
    }
}

/// The calls of the program, by instruction; `None` if none of them is about dynptrs.
pub(super) fn calls(cx: &Cx<'_>) -> Option<Vec<Option<Call>>> {
    let found = cx.program.code.iter().filter_map(|(pc, insn)| match insn {
        Insn::Call(callee) => Some((pc, call(cx, pc, *callee))),
        _ => None,
    });
    let found: Vec<(Pc, Call)> = found.collect();
    if !found.iter().any(|(_, call)| call.api.is_of_dynptrs()) {
        return None;
    }
    let mut calls = vec![None; cx.program.len()];
    for (pc, call) in found {
        if let Some(place) = calls.get_mut(pc.index()) {
            *place = Some(call);
        }
    }
    Some(calls)
}

fn call(cx: &Cx<'_>, pc: Pc, callee: Callee) -> Call {
    let name = match callee {
        Callee::Subprogram(offset) => {
            let subprog = offset.target(pc).and_then(|target| cfg::subprog_at(cx, target));
            let info = subprog.and_then(|index| Some((index, cx.subprogs.get(index as usize)?)));
            return info.map_or(Call::UNKNOWN, |(subprog, info)| {
                let api = if info.is_global { Api::Global(subprog) } else { Api::Static };
                Call { api, count: 5, ..Call::UNKNOWN }
            });
        }
        Callee::Helper(id) => {
            u32::try_from(id.0).ok().and_then(kernel_model::helper).map(|function| function.name)
        }
        Callee::Kfunc { id, .. } => cx.kfuncs.get(id).map(|kfunc| kfunc.name),
    };
    let known = name.and_then(|name| FUNCTIONS.get(name)).copied().unwrap_or(Call::UNKNOWN);
    let behind = cx.aux.get(pc.index() + 1).map_or(u16::MAX, |aux| aux.live_regs);
    Call { is_ignored: behind & 1 == 0, ..known }
}
