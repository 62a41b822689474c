//! Helpers and kfuncs: what a BPF program may call in the kernel.

use std::sync::LazyLock;

use crate::generated::functions::FUNCTIONS;
use crate::{AttachType, HelperProto, Kfunc, ProgramType, Version};

/// A kernel function that BPF C can call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// The name in C.
    pub name: &'static str,
    /// Helper or kfunc.
    pub kind: FunctionKind,
    /// The first release that has it. [`Function::source`] says where this is known from.
    pub since: Version,
    /// The return type in C.
    pub ret_type: &'static str,
    /// The fixed parameters, in order.
    pub params: &'static [Param],
    /// Whether further arguments may follow, as for `bpf_trace_printk`.
    pub variadic: bool,
    /// Whether a call ends every packet pointer (`ctx->data`) and every slice of an skb or xdp dynptr
    /// (the kernel's `bpf_helper_changes_pkt_data`, and the kfuncs it treats alike). `bpf_tail_call` is
    /// not marked: it returns only when it failed.
    pub changes_packet: bool,
    /// Whether a call moves offset 0 of the packet or changes its length, so that dynptrs made before
    /// it describe the old packet.
    pub changes_geometry: bool,
    /// What the result means.
    pub returns: Returns,
    /// Whether only sleepable programs may call it.
    pub sleepable: bool,
    /// One sentence on what it does.
    pub summary: &'static str,
    /// Which errors it gives and when; empty if none are recorded.
    pub errors: &'static str,
    /// Which programs may call it; empty if not recorded.
    pub programs: &'static str,
    /// Where the row is known from.
    pub source: &'static str,
    /// What the verifier asks of a call of a helper; [`Function::proto`] chooses among them.
    pub protos: &'static [HelperProto],
    /// What the verifier needs to know of a kfunc.
    pub kfunc: Option<Kfunc>,
}

impl Function {
    /// The prototype that a program of this type gets, made for this attach type (the kernel's `get_func_proto`).
    ///
    /// Prototypes for some functions or operations only ([`HelperProto::hooks`]) are found like the others. Without
    /// an attach type it is that of the first attach type that has the helper. Kfuncs have no prototype.
    pub fn proto(
        &self,
        program: &ProgramType,
        attach: Option<AttachType>,
    ) -> Option<&'static HelperProto> {
        self.protos.iter().find(|proto| proto.is_for(program, attach))
    }

    /// The helper number, or nothing for a kfunc.
    pub fn helper_id(&self) -> Option<u32> {
        match self.kind {
            FunctionKind::Helper { id } => Some(id),
            FunctionKind::Kfunc => None,
        }
    }

    /// The position of the first parameter with `role`.
    pub fn param_with_role(&self, role: Role) -> Option<usize> {
        self.params.iter().position(|param| param.role == role)
    }
}

/// How a program reaches a kernel function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FunctionKind {
    /// A function of the stable interface, called by number.
    Helper {
        /// The number in `enum bpf_func_id`.
        id: u32,
    },
    /// An exported kernel function, called by its BTF id and free to change between releases.
    Kfunc,
}

/// One parameter of a [`Function`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Param {
    /// The name in the kernel's declaration, without the suffixes that steer the verifier; a length
    /// declared as `x__sz` or `x__szk` is `x_size`.
    pub name: &'static str,
    /// The type in C.
    pub c_type: &'static str,
    /// What the function does with the argument.
    pub role: Role,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// For memory: the position of the parameter that holds its length in bytes.
    pub size_param: Option<u8>,
}

/// What a function does with an argument.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// A number, or an address that the function itself checks before it reads there.
    Scalar,
    /// A set of flag bits.
    Flags,
    /// A byte position in a packet, map value or dynptr.
    Offset,
    /// A length in bytes, known at run time.
    Size,
    /// A length in bytes that the verifier must know as a constant.
    ConstSize,
    /// Memory that is read.
    MemIn,
    /// Memory that is written; it may be uninitialised.
    MemOut,
    /// Memory that is read and written.
    MemInOut,
    /// A map.
    Map,
    /// Memory of the map's key size that is read.
    MapKey,
    /// Memory of the map's value size that is read.
    MapValueIn,
    /// Memory of the map's value size that is written.
    MapValueOut,
    /// The context of the program.
    Context,
    /// A stack dynptr that the call initialises.
    DynptrNew,
    /// An initialised dynptr; the call changes neither it nor its bytes.
    DynptrConst,
    /// An initialised dynptr whose view or bytes the call changes.
    DynptrMut,
    /// A reserved ring buffer dynptr that the call gives back.
    DynptrRelease,
    /// The buffer of a dynptr slice, used when the bytes are not contiguous; at least as long as the slice.
    SliceBuffer,
    /// A function of the program that the kernel calls back.
    Callback,
    /// Memory handed to the callback unread.
    CallbackContext,
    /// A NUL-terminated constant string.
    Str,
    /// Memory that receives a NUL-terminated string.
    StrOut,
    /// A `struct bpf_spin_lock` in a map value or allocated object.
    SpinLock,
    /// A `struct bpf_timer` (or `struct bpf_wq`) in a map value.
    Timer,
    /// Any other kernel object.
    Object,
    /// Not described.
    Unknown,
}

/// What the result of a function means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Returns {
    /// There is no result.
    Void,
    /// 0, or a negative errno.
    Status,
    /// A count of at least 0, or a negative errno.
    Length,
    /// A pointer that is never NULL.
    Pointer,
    /// A pointer, or NULL.
    NullablePointer,
    /// A number in which every value is meaningful.
    Scalar,
    /// True or false.
    Bool,
}

/// The function called `name`.
pub fn function(name: &str) -> Option<&'static Function> {
    let index = FUNCTIONS.binary_search_by(|row| row.name.cmp(name)).ok()?;
    Some(&FUNCTIONS[index])
}

/// The helper with this number.
pub fn helper(id: u32) -> Option<&'static Function> {
    static BY_ID: LazyLock<Vec<Option<&'static Function>>> = LazyLock::new(|| {
        let mut by_id = Vec::new();
        for row in &FUNCTIONS {
            let Some(id) = row.helper_id().and_then(|id| usize::try_from(id).ok()) else {
                continue;
            };
            if by_id.len() <= id {
                by_id.resize(id + 1, None);
            }
            by_id[id] = Some(row);
        }
        by_id
    });
    BY_ID.get(usize::try_from(id).ok()?).copied().flatten()
}

/// All functions, by name.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter()
}
