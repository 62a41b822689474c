//! What the kernel that is asked about does not have yet: types of programs, ways to attach them, instructions.
//!
//! Such a kernel's own words come first where they are known; behind them stands what is missing and since when it is
//! there. Helpers, kfuncs and types of maps are looked at where they are used.

use isa::{Alu, AluOp, Atomic, AtomicOp, ByteSwap, Callee, Imm64, Insn, LoadImm, Stage, SwapKind};
use kernel_model::{AttachType, Version, feature};

use crate::cx::{Check, Cx, reject};
use crate::program::Program;

/// The type of the program, what it is for and its flags are known to the kernel (`bpf_prog_load`, which says nothing).
pub(super) fn check(cx: &Cx<'_>) -> Check {
    let program = cx.program;
    let kernel = program.options.kernel;
    if kernel >= Version::NEWEST_MODELLED {
        return Ok(());
    }
    let Some(ty) = program.ty else { return Ok(()) };
    if ty.since > kernel {
        reject!(EINVAL, "programs of the type {} were introduced in {}", ty.name, ty.since);
    }
    if let Some(attach) = program.attach.filter(|_| is_compared(ty.name))
        && attach.since() > kernel
    {
        let (name, since) = (attach.name(), attach.since());
        reject!(EINVAL, "programs for the attach type {name} were introduced in {since}");
    }
    if program.xdp_frags {
        needs(program, "xdp_frags", "XDP programs for frames with fragments")?;
    }
    match ty.name {
        "kprobe" if program.sleepable => {
            needs(program, "sleepable_uprobes", "sleepable programs for uprobes")
        }
        "struct_ops" if program.sleepable => {
            needs(program, "sleepable_struct_ops", "sleepable operations")
        }
        "tracing" if program.sleepable && program.attach == Some(AttachType::TraceIter) => {
            needs(program, "sleepable_iterators", "sleepable iterators")
        }
        _ => Ok(()),
    }
}

/// The kernel compares the attach types of such programs when they are loaded; that of others is looked at when they are
/// attached.
fn is_compared(ty: &str) -> bool {
    // Of `sk_reuseport`, only since it has attach types.
    let compared = super::attr::WITH_ATTACH_TYPE.contains(&ty) && ty != "sk_reuseport";
    compared || matches!(ty, "tracing" | "lsm")
}

fn needs(program: &Program<'_>, name: &str, what: &str) -> Check {
    match feature(name).filter(|_| program.lacks(name)) {
        Some(feature) => reject!(EINVAL, "{what} were introduced in {}", feature.since),
        None => Ok(()),
    }
}

/// An instruction that came with a release: its feature, what it is called, the kernel's words without it, and when.
struct Newer {
    feature: &'static str,
    what: &'static str,
    words: String,
    stage: Stage,
}

/// Instructions that were looked at are known to the kernel.
pub(crate) fn insn(cx: &Cx<'_>, insn: &Insn, stage: Stage) -> Check {
    if cx.program.options.kernel >= Version::NEWEST_MODELLED {
        return Ok(());
    }
    let Some(newer) = newer(insn).filter(|newer| newer.stage == stage) else { return Ok(()) };
    match feature(newer.feature).filter(|_| cx.program.lacks(newer.feature)) {
        Some(feature) => {
            reject!(EINVAL, "{}: {} introduced in {}", newer.words, newer.what, feature.since)
        }
        None => Ok(()),
    }
}

fn newer(insn: &Insn) -> Option<Newer> {
    use Stage::{Load, Step};
    let unknown = || format!("unknown opcode {:02x}", insn.opcode());
    let reserved = |family: &str| format!("BPF_{family} uses reserved fields");
    let (feature, what, words, stage) = match insn {
        Insn::LoadSx(_) => {
            ("sign_extending_loads", "loads that extend the sign were", reserved("LDX"), Load)
        }
        Insn::MovSx(_) => {
            ("sign_extending_moves", "moves that extend the sign were", reserved("MOV"), Step)
        }
        Insn::ByteSwap(ByteSwap { kind: SwapKind::Always, .. }) => {
            ("byte_swap", "unconditional swaps of bytes were", unknown(), Load)
        }
        Insn::Alu(Alu { op: AluOp::SignedDiv | AluOp::SignedMod, .. }) => {
            ("signed_division", "signed division was", reserved("ALU"), Step)
        }
        Insn::GotoLong(_) => ("long_jumps", "jumps of 32 bits were", unknown(), Load),
        Insn::MayGoto(_) => ("may_goto", "may_goto was", unknown(), Load),
        Insn::AddrSpaceCast(_) => ("addr_space_cast", "addr_space_cast was", reserved("MOV"), Step),
        Insn::Atomic(Atomic { op, .. }) if *op != (AtomicOp::Add { fetch: false }) => {
            ("atomics", "atomic operations but addition were", reserved("STX"), Load)
        }
        Insn::LoadAcquire(_) => {
            let words = "BPF_ATOMIC uses invalid atomic opcode 100".to_owned();
            ("load_acquire", "loads with acquire order were", words, Step)
        }
        Insn::StoreRelease(_) => {
            let words = "BPF_ATOMIC uses invalid atomic opcode 110".to_owned();
            ("load_acquire", "stores with release order were", words, Step)
        }
        Insn::LoadImm(LoadImm { value: Imm64::Func(_), .. }) => {
            let words = "unrecognized bpf_ld_imm64 insn".to_owned();
            ("function_address", "addresses of functions were", words, Load)
        }
        Insn::Call(Callee::Kfunc { .. }) => {
            ("kfuncs", "calls of kernel functions were", reserved("CALL"), Load)
        }
        _ => return None,
    };
    Some(Newer { feature, what, words, stage })
}
