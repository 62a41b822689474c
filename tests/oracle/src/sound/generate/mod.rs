//! Programs that might have been written by somebody: generated from bytes, so that a fuzzer can steer them.
//!
//! A program is made of statements that keep to the conventions of compiled code: the context in R6, numbers in R7 to R9,
//! pointers that are checked before they are used, loops that end. Now and then one of them is left out or an instruction
//! is changed, so that the verifier is also asked where acceptance ends.

mod bytes;
mod memory;
mod statements;

use bpf_object::{FuncInfo, Linked, MapIndex, MapReference, Object};
use btf::TypeId;
use isa::{Callee, Imm64, Insn, Pc};

pub use bytes::Bytes;
use statements::Writer;

/// The object that generated programs are put into.
const BASE: &[u8] = include_bytes!("../../../data/generated.bpf.o");

/// What generated programs are put into, once for many of them.
pub struct Base {
    object: Object,
}

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// `SEC("tc")`
    Frame,
    /// `SEC("xdp")`
    Raw,
}

impl Flavour {
    /// Its place among the programs of the object.
    const fn index(self) -> usize {
        match self {
            Self::Frame => 0,
            Self::Raw => 1,
        }
    }
}

/// A generated program.
#[derive(Clone, Debug)]
pub struct Generated {
    /// What it is for.
    pub flavour: Flavour,
    /// As text for [`isa::assemble`].
    pub text: String,
}

/// Generates a program.
pub fn generate(bytes: &mut Bytes<'_>) -> Generated {
    let flavour = if bytes.below(3) == 0 { Flavour::Raw } else { Flavour::Frame };
    Generated { flavour, text: Writer::new(bytes, flavour).program() }
}

impl Base {
    /// The object, opened; `None` if it cannot be.
    pub fn open() -> Option<Self> {
        Some(Self { object: Object::parse(BASE).ok()? })
    }

    /// The object linked, into which [`put`] puts programs.
    pub fn link(&self) -> Option<Linked<'_>> {
        let kernel = bpf_object::vmlinux()?;
        Some(bpf_object::link(&self.object, &bpf_object::Kernel::new(kernel)))
    }
}

/// Puts a program in the place of the one of its flavour, and returns that place; nothing if it cannot be assembled, which
/// is a mistake of the generator or a jump that is too long.
pub fn put(linked: &mut Linked<'_>, generated: &Generated) -> Option<usize> {
    let kernel = bpf_object::vmlinux()?;
    let kfunc = |name: &str| {
        let function = kernel.find(name, btf::Kind::Func)?;
        let id = isa::BtfId(i32::try_from(function.id().0).ok()?);
        Some(Callee::Kfunc { id, module: isa::KfuncModule(0) })
    };
    let code = isa::assemble_with(&generated.text, kfunc).ok()?;
    let index = generated.flavour.index();
    let types = linked.object.btf.as_ref()?;
    let named = |name: &str| Some(types.find(name, btf::Kind::Func)?.id());
    let (computes, on_round) = (named("computes")?, named("on_round")?);
    let program = linked.programs.get_mut(index)?;
    let own = program.functions.first()?.ty;
    program.functions = functions(&code, own, computes, on_round);
    program.insns = code.encode();
    program.lines.clear();
    program.parts.clear();
    program.map_references = map_references(&code);
    Some(index)
}

/// The instructions that refer to maps.
fn map_references(code: &isa::Program) -> Vec<MapReference> {
    let reference = |(pc, insn): (Pc, &Insn)| {
        let Insn::LoadImm(load) = insn else { return None };
        let (Imm64::MapFd(map) | Imm64::MapValue { map, .. }) = load.value else { return None };
        let map = MapIndex(usize::try_from(map.0).ok()?);
        Some(MapReference { insn: pc.index(), map })
    };
    code.iter().filter_map(reference).collect()
}

/// Where the functions begin, with their types.
fn functions(
    code: &isa::Program,
    own: TypeId,
    computes: TypeId,
    on_round: TypeId,
) -> Vec<FuncInfo> {
    let mut all = vec![(Pc(0), own)];
    for (pc, insn) in code.iter() {
        all.extend(match insn {
            Insn::Call(Callee::Subprogram(offset)) => offset.target(pc).map(|at| (at, computes)),
            Insn::LoadImm(load) => match load.value {
                Imm64::Func(offset) => offset.target(pc).map(|at| (at, on_round)),
                _ => None,
            },
            _ => None,
        });
    }
    all.sort_by_key(|(pc, _)| *pc);
    all.dedup_by_key(|(pc, _)| *pc);
    all.into_iter().map(|(pc, ty)| FuncInfo { insn: pc.0, ty }).collect()
}
