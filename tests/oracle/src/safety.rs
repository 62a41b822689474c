//! Programs that are never given to a kernel, whatever they show.

use bpf_object::Program;
use isa::RawInsn;

/// Why a program is not loaded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Danger {
    /// A run would really transmit the packet, or hand it to a socket.
    #[error("calls helper {0}, which sends packets away")]
    Sends(i32),
    /// The verifier of Linux 6.18 splits the state at each AND of a number that is 0 or -1, and fails badly when there
    /// are too many states: a bitwise CRC oopses it.
    #[error("masks with a number that is 0 or -1 in a loop, which can crash the verifier")]
    SplitsInLoop,
}

/// Helpers that send or redirect packets: `bpf_clone_redirect`, `bpf_redirect`, `bpf_redirect_map`,
/// `bpf_sk_redirect_map`, `bpf_msg_redirect_map`, `bpf_msg_redirect_hash`, `bpf_sk_redirect_hash`,
/// `bpf_redirect_neigh`, `bpf_redirect_peer`.
const SENDERS: [i32; 9] = [13, 23, 51, 52, 60, 71, 72, 152, 155];

/// `bpf_loop` and `bpf_for_each_map_elem`: their callbacks are loops without a jump back.
const LOOPERS: [i32; 2] = [181, 164];

const CLASS: u8 = 0x07;
const ALU: u8 = 0x04;
const ALU64: u8 = 0x07;
const JMP: u8 = 0x05;
const JMP32: u8 = 0x06;
const OPERATION: u8 = 0xf0;
const BY_REGISTER: u8 = 0x08;
const AND: u8 = 0x50;
const NEG: u8 = 0x80;
const MOV: u8 = 0xb0;
const ARSH: u8 = 0xc0;
const CALL: u8 = 0x85;
const GOTOL: u8 = 0x06;

/// What is dangerous about a linked program, if anything.
pub fn danger(program: &Program) -> Option<Danger> {
    danger_of(&program.insns)
}

fn danger_of(insns: &[RawInsn]) -> Option<Danger> {
    let helper = |insn: &RawInsn| (insn.opcode == CALL && insn.src == 0).then_some(insn.imm);
    if let Some(sender) = insns.iter().filter_map(helper).find(|id| SENDERS.contains(id)) {
        return Some(Danger::Sends(sender));
    }
    let jumps_back = |insn: &RawInsn| match insn.opcode & CLASS {
        JMP | JMP32 if insn.opcode == GOTOL => insn.imm < 0,
        JMP | JMP32 => insn.opcode != CALL && insn.off < 0,
        _ => false,
    };
    let loops =
        |insn: &RawInsn| jumps_back(insn) || helper(insn).is_some_and(|id| LOOPERS.contains(&id));
    (insns.iter().any(loops) && splits(insns)).then_some(Danger::SplitsInLoop)
}

/// Whether some register is masked that may be 0 or -1: the outcome of a negation or of shifting a sign over all bits.
/// Looked for in the order of the text, whatever the control flow is.
fn splits(insns: &[RawInsn]) -> bool {
    let mut all_or_nothing = [false; 16];
    for insn in insns {
        if !matches!(insn.opcode & CLASS, ALU | ALU64) {
            continue;
        }
        let (dst, src) = (usize::from(insn.dst & 0xf), usize::from(insn.src & 0xf));
        let by_register = insn.opcode & BY_REGISTER != 0;
        all_or_nothing[dst] = match insn.opcode & OPERATION {
            AND if all_or_nothing[dst] || by_register && all_or_nothing[src] => return true,
            NEG => true,
            MOV => by_register && all_or_nothing[src],
            ARSH => !by_register && insn.imm >= 31,
            _ => false,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insn(opcode: u8, dst: u8, off: i16, imm: i32) -> RawInsn {
        RawInsn { opcode, dst, src: 0, off, imm }
    }

    #[test]
    fn a_bitwise_crc_is_dangerous_only_in_a_loop() {
        let mask = [insn(0x57, 2, 0, 1), insn(0x87, 2, 0, 0), insn(0x57, 2, 0, 0x6db8_8320)];
        assert_eq!(danger_of(&mask), None);
        let mut crc = mask.to_vec();
        crc.push(insn(0xa5, 1, -4, 1500));
        assert_eq!(danger_of(&crc), Some(Danger::SplitsInLoop));
        let mut callback = mask.to_vec();
        callback.push(insn(CALL, 0, 0, 181));
        assert_eq!(danger_of(&callback), Some(Danger::SplitsInLoop));
    }

    #[test]
    fn a_mask_of_anything_else_is_not() {
        let counted = [insn(0x57, 2, 0, 1), insn(0x07, 2, 0, 1), insn(0xa5, 1, -3, 8)];
        assert_eq!(danger_of(&counted), None);
    }

    #[test]
    fn senders_are_dangerous_but_kernel_functions_of_that_number_are_not() {
        assert_eq!(danger_of(&[insn(CALL, 0, 0, 13)]), Some(Danger::Sends(13)));
        let kfunc = RawInsn { src: 2, ..insn(CALL, 0, 0, 13) };
        assert_eq!(danger_of(&[kfunc]), None);
    }
}
