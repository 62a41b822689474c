//! An entry point for fuzzing: whatever is run ends, within its budget, without a panic.

use isa::{Callee, Endian, Insn, RawInsn};

use crate::helpers;
use crate::image::Image;
use crate::input::{Input, Layout, Options, PacketInput};
use crate::machine::Machine;

const BUDGET: u64 = 1 << 12;
const MEMORY: usize = 1 << 20;
/// The opcode of a call.
const CALL: u8 = 0x85;
/// Types of programs with different contexts and packets.
const TYPES: [&str; 8] = [
    "sched_cls",
    "xdp",
    "socket_filter",
    "cgroup_skb",
    "netfilter",
    "flow_dissector",
    "sk_lookup",
    "syscall",
];

/// Runs bytes as instructions. Each is made one of those that there are, with registers that exist; calls are those of
/// functions that are modelled. The first instructions leave the context in R6, the stack in R7 and, for packets, the
/// beginning of the packet in R8.
///
/// # Panics
///
/// If a run takes more than its budget, or does not come out the same the second time.
pub fn fuzz_run(bytes: &[u8]) {
    let Some((setup, code)) = bytes.split_first_chunk::<4>() else { return };
    let name = TYPES[usize::from(setup[0]) % TYPES.len()];
    let Some(program_type) = kernel_model::program_type(name) else { return };
    let kfuncs: Vec<&str> = helpers::modelled().collect();
    let mut insns = prelude(name);
    let opcodes = opcodes();
    for slot in code.as_chunks::<8>().0 {
        let insn = insn(*slot, &opcodes, &kfuncs);
        if insn.opcode == CALL {
            insns.extend(arguments(*slot));
        }
        insns.push(insn);
        if insns.last().is_some_and(|insn| insn.opcode == 0x18) {
            insns.push(RawInsn::default());
        }
    }
    insns.push(RawInsn { opcode: 0x95, ..RawInsn::default() });
    let image = Image::of_instructions(program_type, &insns, &kfuncs);
    let options = Options { memory: MEMORY, events: 64, stack_fill: setup[1] };
    let Ok(mut machine) = Machine::new(&image, &options) else { return };
    let layout = Layout {
        linear: Some(u32::from(setup[2])),
        fragments: vec![u32::from(setup[3])],
        list: if setup[3] & 1 == 0 { vec![16] } else { Vec::new() },
        cloned: setup[3] & 2 == 0,
    };
    let metadata = vec![7; usize::from(setup[2] & 28)];
    let packet = PacketInput { bytes: (0..200).collect(), metadata, layout };
    let input =
        Input { packet: Some(packet), context: vec![0; 64], budget: BUDGET, ..Input::default() };
    let first = machine.run(&input);
    assert!(first.insns <= BUDGET);
    machine.reset();
    assert_eq!(machine.run(&input), first);
}

fn prelude(program_type: &str) -> Vec<RawInsn> {
    let copy = |dst, src| RawInsn { opcode: 0xbf, dst, src, ..RawInsn::default() };
    let mut insns = vec![copy(6, 1), copy(7, 10)];
    insns.push(RawInsn { opcode: 0x07, dst: 7, imm: -64, ..RawInsn::default() });
    let data = match program_type {
        "sched_cls" | "cgroup_skb" => Some(76),
        "xdp" => Some(0),
        _ => None,
    };
    insns.extend(data.map(|off| RawInsn { opcode: 0x61, dst: 8, src: 6, off, imm: 0 }));
    insns
}

/// Arguments of a call: the context, places on the stack, the packet, small numbers, or what is there.
fn arguments(slot: [u8; 8]) -> Vec<RawInsn> {
    let bits = u32::from_le_bytes([slot[1], slot[5], slot[6], slot[7]]);
    let mut insns = Vec::new();
    for dst in 1..6_u8 {
        let choice = bits >> (3 * u32::from(dst)) & 7;
        let copy = |src| RawInsn { opcode: 0xbf, dst, src, ..RawInsn::default() };
        let number = |imm| RawInsn { opcode: 0xb7, dst, imm, ..RawInsn::default() };
        let add = |imm| RawInsn { opcode: 0x07, dst, imm, ..RawInsn::default() };
        match choice {
            0 => insns.push(copy(6)),
            1 => insns.push(copy(7)),
            2 => insns.extend([copy(7), add(16)]),
            3 => insns.extend([copy(7), add(32)]),
            4 => insns.push(copy(8)),
            5 => insns.push(number(0)),
            6 => insns.push(number(i32::from(slot[usize::from(dst) + 2]))),
            _ => {}
        }
    }
    insns
}

/// The opcodes that some instruction has.
fn opcodes() -> Vec<u8> {
    let mut opcodes: Vec<u8> = (0..=u8::MAX)
        .filter(|&opcode| {
            let raw = [RawInsn { opcode, ..RawInsn::default() }, RawInsn::default()];
            let reg = [RawInsn { opcode, src: 1, ..RawInsn::default() }, RawInsn::default()];
            [raw, reg].iter().any(|raw| {
                isa::Program::decode(&raw[..]).is_ok() || isa::Program::decode(&raw[..1]).is_ok()
            })
        })
        .collect();
    // Calls are what there is most to find in.
    opcodes.extend([CALL; 32]);
    opcodes
}

fn insn(slot: [u8; 8], opcodes: &[u8], functions: &[&str]) -> RawInsn {
    let mut raw = RawInsn::from_bytes(slot, Endian::Little);
    raw.opcode = opcodes.get(usize::from(slot[0]) % opcodes.len()).copied().unwrap_or(0);
    (raw.dst, raw.src) = (raw.dst % 11, raw.src % 11);
    if raw.opcode == CALL {
        let function = usize::from(slot[4]) % functions.len().max(1);
        (raw.dst, raw.off) = (0, 0);
        let helper =
            functions.get(function).and_then(|name| kernel_model::function(name)?.helper_id());
        match helper {
            Some(id) => (raw.src, raw.imm) = (0, i32::try_from(id).unwrap_or(0)),
            None => (raw.src, raw.imm) = (2, i32::try_from(function).unwrap_or(0)),
        }
    } else {
        // Small numbers lead somewhere.
        raw.off %= 64;
        raw.imm %= 256;
    }
    // Fields that must be zero are more often right than wrong.
    let forms = [
        raw,
        RawInsn { off: 0, ..raw },
        RawInsn { src: 0, ..raw },
        RawInsn { imm: 0, ..raw },
        RawInsn { off: 0, src: 0, ..raw },
        RawInsn { off: 0, imm: 0, ..raw },
        RawInsn { src: 0, imm: 0, ..raw },
    ];
    let good = |raw: &RawInsn| {
        let decoded = isa::Program::decode(&[*raw]);
        decoded.is_ok_and(|program| {
            !program.iter().any(|(_, insn)| matches!(insn, Insn::Call(Callee::Subprogram(_))))
        })
    };
    forms.into_iter().find(good).unwrap_or(raw)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    /// For a second, or less where nothing else is left of the suite's time.
    #[test]
    fn smoke() {
        let start = Instant::now();
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut runs = 0;
        while start.elapsed() < Duration::from_secs(1) {
            let mut bytes = Vec::new();
            for _ in 0..20 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                bytes.extend(state.to_le_bytes());
            }
            super::fuzz_run(&bytes);
            runs += 1;
        }
        assert!(runs > 0);
    }
}
