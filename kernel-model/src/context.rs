//! What a program sees through its context pointer, and through the socket pointers it gets from there.

use crate::generated::contexts::{LAYOUTS, POINTER_LAYOUTS};
use crate::{AttachType, Capability, ProgramType};

/// A structure of the user-space interface that a context or socket pointer points to.
#[derive(PartialEq, Eq, Debug)]
pub struct Record {
    /// The name without `struct`: `__sk_buff`.
    pub name: &'static str,
    /// Its size in bytes.
    pub size: u32,
    /// Its fields, by offset. Members of unions overlap.
    pub fields: &'static [ContextField],
    /// Where the row is known from.
    pub source: &'static str,
}

/// A field of a context structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContextField {
    /// The name in C.
    pub name: &'static str,
    /// The type in C; an array has its length behind it, as in `__u32[5]`.
    pub c_type: &'static str,
    /// Where it begins, in bytes from the start of the structure.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
}

impl ContextField {
    /// The size of one element, which is the field itself if it is no array.
    pub fn element_size(&self) -> u32 {
        let elements = self
            .c_type
            .split_once('[')
            .and_then(|(_, rest)| rest.strip_suffix(']')?.parse::<u32>().ok());
        match elements {
            Some(elements) if elements > 0 => self.size / elements,
            _ => self.size,
        }
    }
}

/// What the verifier makes of a context (`is_valid_access` of a program type) or of a socket pointer.
#[derive(PartialEq, Eq, Debug)]
pub struct ContextLayout {
    /// The structure, if it has one.
    pub record: Option<&'static Record>,
    /// Which bytes may be accessed, and how; of regions that overlap, one must allow it.
    pub regions: &'static [Region],
    /// Whether the context is an array of words, one for each argument of the BTF function the program is for.
    pub btf_args: bool,
    /// Where the row is known from.
    pub source: &'static str,
}

/// Some bytes of a context that are accessed alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// The name of the field; empty for bytes without one.
    pub name: &'static str,
    /// Where the bytes begin.
    pub offset: u32,
    /// How many there are.
    pub size: u32,
    /// The size of an element of an array, and of the region itself if it is none.
    pub element: u32,
    /// Which loads are allowed.
    pub read: Option<Width>,
    /// Which stores are allowed.
    pub write: Option<Width>,
    /// What a load gives.
    pub value: FieldValue,
    /// What the loader must be allowed to do, or there is no access.
    pub capability: Capability,
}

/// Which accesses to a [`Region`] are allowed. All but [`Width::Unaligned`] must be aligned to their own size,
/// counted from the start of the context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Width {
    /// A whole element.
    Exact,
    /// 1, 2, 4 or 8 bytes anywhere inside an element.
    Narrow,
    /// 1, 2 or 4 bytes from the start of the region.
    First,
    /// 2 bytes anywhere inside, or 4.
    Halves,
    /// As [`Width::Narrow`], and 8 bytes over two elements.
    Wide,
    /// As [`Width::Exact`], and 8 bytes over two elements.
    ExactWide,
    /// As [`Width::Narrow`], and 4 bytes from the start although the field has 2.
    Padded,
    /// 1, 2, 4 or 8 bytes that begin inside the region, up to its end.
    Unbounded,
    /// 1, 2, 4 or 8 bytes anywhere inside, aligned or not.
    Unaligned,
}

/// What a load from a context gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FieldValue {
    /// A number.
    Scalar,
    /// A pointer to the packet (`PTR_TO_PACKET`).
    Packet,
    /// A pointer to the metadata in front of the packet (`PTR_TO_PACKET_META`).
    PacketMeta,
    /// The end of the packet (`PTR_TO_PACKET_END`).
    PacketEnd,
    /// `PTR_TO_SOCK_COMMON`, or NULL.
    SockCommonOrNull,
    /// `PTR_TO_SOCKET`.
    Sock,
    /// `PTR_TO_SOCKET`, or NULL.
    SockOrNull,
    /// `PTR_TO_FLOW_KEYS`.
    FlowKeys,
    /// `PTR_TO_TP_BUFFER`: the buffer a writable tracepoint lends.
    TpBuffer,
    /// A trusted pointer to this kernel structure (`PTR_TO_BTF_ID | PTR_TRUSTED`).
    Trusted(&'static str),
}

/// A pointer of the verifier whose target has a layout of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PointerKind {
    /// `PTR_TO_SOCK_COMMON`.
    SockCommon,
    /// `PTR_TO_SOCKET`.
    Sock,
    /// `PTR_TO_TCP_SOCK`.
    TcpSock,
    /// `PTR_TO_XDP_SOCK`.
    XdpSock,
    /// `PTR_TO_FLOW_KEYS`.
    FlowKeys,
}

/// A load from memory or a store to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// A load.
    Read,
    /// A store.
    Write,
}

impl ContextLayout {
    /// The region that allows an access of `size` bytes at `offset`, or nothing if none does.
    ///
    /// Capabilities are left to the caller ([`Region::capability`]); an offset below 0 is never allowed.
    pub fn access(&self, offset: i64, size: u32, access: Access) -> Option<&'static Region> {
        let offset = u32::try_from(offset).ok()?;
        self.regions.iter().find(|region| region.allows(offset, size, access))
    }
}

impl Region {
    /// Whether an access of `size` bytes at `offset` from the start of the context is allowed.
    pub fn allows(&self, offset: u32, size: u32, access: Access) -> bool {
        let width = match access {
            Access::Read => self.read,
            Access::Write => self.write,
        };
        let (Some(width), Some(at)) = (width, offset.checked_sub(self.offset)) else {
            return false;
        };
        if at >= self.size || !matches!(size, 1 | 2 | 4 | 8) {
            return false;
        }
        let aligned = offset.is_multiple_of(size);
        let inside = u64::from(at) + u64::from(size) <= u64::from(self.size);
        let in_element = at / self.element == at.saturating_add(size - 1) / self.element;
        let exact = size == self.element && at.is_multiple_of(self.element);
        let two_elements = size == 8 && self.element == 4 && at.is_multiple_of(4);
        match width {
            Width::Exact => aligned && inside && exact,
            Width::Narrow => aligned && inside && in_element,
            Width::First => at == 0 && size <= 4,
            Width::Halves => aligned && inside && matches!(size, 2 | 4),
            Width::Wide => aligned && inside && (in_element || two_elements),
            Width::ExactWide => aligned && inside && (exact || two_elements),
            Width::Padded => aligned && (inside || (at == 0 && size == 4)),
            Width::Unbounded => aligned,
            Width::Unaligned => inside,
        }
    }
}

/// What a program of this type, made for this attach type, sees through its context pointer.
///
/// `ext` programs see the context of the program they replace a function of, so there is nothing for them.
pub fn context_layout(
    program: &ProgramType,
    attach: Option<AttachType>,
) -> Option<&'static ContextLayout> {
    let row = LAYOUTS.iter().find(|row| {
        row.programs.contains(program)
            || row
                .attached
                .iter()
                .any(|(name, with)| *name == program.name && attach == Some(*with))
    });
    let row = row.or_else(|| {
        // Without an attach type, the kernel's default is the first one that has a layout.
        LAYOUTS.iter().find(|row| {
            attach.is_none() && row.attached.iter().any(|(name, _)| *name == program.name)
        })
    })?;
    Some(&row.layout)
}

/// What a program sees through a socket pointer or the flow keys.
pub fn pointer_layout(kind: PointerKind) -> &'static ContextLayout {
    &POINTER_LAYOUTS[kind as usize]
}

/// All layouts of contexts.
pub fn context_layouts() -> impl Iterator<Item = &'static ContextLayout> {
    LAYOUTS.iter().map(|row| &row.layout)
}

/// A layout and who has it.
#[derive(Debug)]
pub(crate) struct LayoutRow {
    pub(crate) programs: crate::ProgramSet,
    pub(crate) attached: &'static [(&'static str, AttachType)],
    pub(crate) layout: ContextLayout,
}
