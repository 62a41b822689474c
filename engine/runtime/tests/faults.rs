//! What faults say: for each kind the instruction and its line, what a pointer was made for and by which call, and what
//! ended it. The programs are in `programs/faults.bpf.c`; `{here}`, `{made}` and `{ended}` are the places marked there.

use bpf_object::{Kernel, Object, link, vmlinux};
use isa::RawInsn;
use runtime::{FaultKind, Image, Input, Layout, Machine, Options, PacketInput};

const OBJECT: &[u8] = include_bytes!("programs/faults.bpf.o");
const SOURCE: &str = include_str!("programs/faults.bpf.c");

/// Programs and what their faults say.
const FAULTS: [(&str, &str); 16] = [
    ("through_null", "read of 8 bytes through NULL at {here}"),
    (
        "through_a_number",
        "read of 8 bytes through 0x123456789abc, which is not a pointer at {here}",
    ),
    (
        "beyond_a_slice",
        "read of 1 bytes at offset 16 of the slice of 16 bytes at offset 4 of packet from bpf_dynptr_slice at {made}, \
         which has 16 bytes at {here}",
    ),
    (
        "beyond_a_value",
        "read of 8 bytes at offset 8 of a value of map table, which has 8 bytes at {here}",
    ),
    (
        "beyond_the_packet",
        "read of 1 bytes at offset 64 of the linear part of the packet, which has 64 bytes at {here}",
    ),
    (
        "beyond_a_record",
        "write of 1 bytes at offset 20 of a record of ring buffer ring from bpf_ringbuf_reserve at {made}, which has 16 \
         bytes at {here}",
    ),
    (
        "written_though_read_only",
        "write of 1 bytes to the slice of 14 bytes at offset 0 of packet from bpf_dynptr_slice at {made}, which is \
         read-only at {here}",
    ),
    (
        "slice_of_a_packet_that_moved",
        "read of 1 bytes at offset 2 of the slice of 8 bytes at offset 6 of packet from bpf_dynptr_slice at {made}, \
         ended by bpf_skb_pull_data at {ended} at {here}",
    ),
    (
        "field_that_cannot_be_written",
        "write of 4 bytes at offset 0 of the context of a sched_cls program at {here}",
    ),
    (
        "argument_that_is_none",
        "argument 1 of bpf_skb_pull_data is not an skb but offset 0 of the slice of 8 bytes at offset 0 of packet from \
         bpf_dynptr_slice at {made} at {here}",
    ),
    ("not_modelled", "bpf_lwt_seg6_action is not modelled at {here}"),
    ("no_such_function", "call of bpf_no_such_kfunc, which the kernel does not have at {here}"),
    ("endless", "the budget of 10000 instructions is used up at {here}"),
    ("too_deep", "calls are nested deeper than 8 at {here}"),
    ("too_much_memory", "more than 1048576 bytes of memory are needed at {here}"),
    ("leaves", "execution leaves the program at instruction 1 of instructions"),
];

fn fault(program: &str) -> runtime::Fault {
    let options = Options { memory: 1 << 20, ..Options::default() };
    // The compiler leaves no program.
    let image = if program == "leaves" {
        let program_type = kernel_model::program_type("sched_cls").expect("is a type");
        let insn = RawInsn { opcode: 0xb7, ..RawInsn::default() };
        Image::of_instructions(program_type, &[insn], &[])
    } else {
        let object = Object::parse(OBJECT).expect("is well-formed");
        let linked = link(&object, &Kernel::new(vmlinux().expect("there are types")));
        let index = linked.programs.iter().position(|one| one.name == program);
        Image::new(&linked, index.expect("is there")).expect("can be made ready")
    };
    let mut machine = Machine::new(&image, &options).expect("fits");
    let layout = Layout { linear: Some(64), ..Layout::default() };
    let packet = PacketInput { bytes: (0..64).collect(), layout, ..PacketInput::default() };
    let input = Input { packet: Some(packet), budget: 10_000, ..Input::default() };
    *machine.run(&input).fault.expect("is a fault")
}

/// The line with a mark.
fn line(mark: &str, program: &str) -> Option<usize> {
    let comment = format!("// {mark}: {program}");
    SOURCE.lines().position(|line| line.ends_with(&comment)).map(|line| line + 1)
}

/// The text with numbers of instructions, which compilers choose, left out.
fn without_instructions(text: &str) -> String {
    let mut parts = text.split(" (instruction ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (number, rest) = part.split_once(')').expect("is closed");
        assert!(number.parse::<u32>().is_ok(), "{number}");
        text + rest
    })
}

#[test]
fn faults_name_instruction_line_and_origin() {
    for (program, expected) in FAULTS {
        let fault = fault(program);
        let mut expected = expected.to_owned();
        for mark in ["here", "made", "ended"] {
            let line = line(mark, program).map(|line| format!("line {line}"));
            let place = format!("{{{mark}}}");
            assert_eq!(expected.contains(&place), line.is_some(), "{program}: {mark}");
            expected = expected.replace(&place, &line.unwrap_or_default());
        }
        let text = fault.to_string();
        assert_eq!(without_instructions(&text), expected, "{program}");
        // Each place is told with its instruction.
        assert!(text.contains("instruction"), "{text}");
    }
}

/// Which of the kinds are in the table, so that a new one is not forgotten.
#[test]
fn every_kind_is_told() {
    let kind = |kind: &FaultKind| match kind {
        FaultKind::Null { .. } => 0,
        FaultKind::NotAPointer { .. } => 1,
        FaultKind::OutOfBounds { .. } => 2,
        FaultKind::ReadOnly { .. } => 3,
        FaultKind::Dead { .. } => 4,
        FaultKind::Context { .. } => 5,
        FaultKind::Argument { .. } => 6,
        FaultKind::NotModelled(_) => 7,
        FaultKind::Budget(_) => 8,
        FaultKind::MemoryLimit(_) => 9,
        FaultKind::CallDepth(_) => 10,
        FaultKind::LeftProgram => 11,
        FaultKind::NoSuchFunction(_) => 12,
        // Mistakes of the runtime itself, which no program can be written for.
        _ => 13,
    };
    let mut seen: Vec<i32> = FAULTS.iter().map(|(program, _)| kind(&fault(program).kind)).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..13).collect::<Vec<_>>());
}
