//! What dynptrs give and refuse at run time, one case a line. What the kernel shows on packets in one piece and on XDP
//! frames is compared with recordings elsewhere; here are layouts and orders of checks that they do not reach.

use isa::assemble;
use runtime::{
    EventAccess, FaultKind, Image, Input, Layout, Machine, Options, Outcome, PacketInput, Slices,
};

/// Kfuncs that programs here call: `@bpf_dynptr_slice` stands for the call.
const KFUNCS: [&str; 15] = [
    "bpf_dynptr_from_skb",
    "bpf_dynptr_from_xdp",
    "bpf_dynptr_slice",
    "bpf_dynptr_slice_rdwr",
    "bpf_dynptr_adjust",
    "bpf_dynptr_is_null",
    "bpf_dynptr_is_rdonly",
    "bpf_dynptr_size",
    "bpf_dynptr_clone",
    "bpf_dynptr_copy",
    "bpf_dynptr_memset",
    "bpf_dynptr_from_skb_meta",
    "bpf_probe_read_kernel_dynptr",
    "bpf_probe_read_kernel_str_dynptr",
    "bpf_xdp_pull_data",
];

/// A run on a packet of 64 bytes that count up.
#[derive(Clone, Debug, Default)]
struct Setup {
    layout: Layout,
    metadata: Vec<u8>,
    slices: Slices,
    options: Options,
}

impl Setup {
    fn split(linear: u32, fragments: &[u32]) -> Self {
        let fragments = fragments.to_vec();
        let layout = Layout { linear: Some(linear), fragments, ..Layout::default() };
        Self { layout, ..Self::default() }
    }

    fn cloned() -> Self {
        let layout = Layout { cloned: true, ..Layout::default() };
        Self { layout, ..Self::default() }
    }

    fn run(&self, program_type: &str, text: &str) -> Outcome {
        // Longer names first, as some begin with others.
        let mut names: Vec<_> = KFUNCS.iter().enumerate().collect();
        names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
        let text = names.iter().fold(text.to_owned(), |text, (number, name)| {
            text.replace(&format!("@{name}"), &format!("call kfunc({number})"))
        });
        let program = assemble(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let program_type = kernel_model::program_type(program_type).expect("is a type");
        let image = Image::of_instructions(program_type, &program.encode(), &KFUNCS);
        let mut machine = Machine::new(&image, &self.options).expect("fits");
        let packet = PacketInput {
            bytes: (0..64).collect(),
            metadata: self.metadata.clone(),
            layout: self.layout.clone(),
        };
        let slices = self.slices;
        machine.run(&Input { packet: Some(packet), slices, ..Input::default() })
    }

    fn skb(&self, text: &str) -> Outcome {
        self.run("sched_cls", &format!("{}{text}\nexit", made("@bpf_dynptr_from_skb")))
    }

    fn xdp(&self, text: &str) -> Outcome {
        self.run("xdp", &format!("{}{text}\nexit", made("@bpf_dynptr_from_xdp")))
    }
}

/// A dynptr over the packet at `r10 - 16`; the context is in R9.
fn made(call: &str) -> String {
    format!("r9 = r1\nr2 = 0\nr3 = r10\nr3 += -16\n{call}\n")
}

/// A call of a slice with a buffer of 64 bytes at `r10 - 80`, which begins with 0x77, or without one.
fn slice(call: &str, offset: u32, len: u32, buffer: bool) -> String {
    let buffer = if buffer { "r3 = r10\nr3 += -80" } else { "r3 = 0" };
    format!(
        "*(u64 *)(r10 - 80) = 0x77\nr1 = r10\nr1 += -16\nr2 = {offset}\n{buffer}\nr4 = {len}\n{call}\n"
    )
}

/// A result as a kfunc has it, an `int`.
fn int(outcome: &Outcome) -> i32 {
    assert_eq!(outcome.fault, None);
    #[expect(clippy::cast_possible_truncation, reason = "an int")]
    let int = outcome.retval as i32;
    int
}

#[test]
fn slices_are_direct_or_copies_by_where_the_bytes_lie() {
    use EventAccess::{Buffer, Direct, Null};
    // Linear bytes, fragments, offset, length, with a buffer; what an skb and an XDP frame give.
    type Case = (u32, &'static [u32], u32, u32, bool, EventAccess, EventAccess);
    let cases: &[Case] = &[
        (64, &[], 0, 64, true, Direct, Direct),
        (64, &[], 0, 64, false, Direct, Direct),
        (64, &[], 1, 64, true, Null, Null),
        (64, &[], 64, 0, false, Direct, Direct),
        (64, &[], 65, 0, true, Null, Null),
        (32, &[32], 16, 16, true, Direct, Direct),
        (32, &[32], 16, 17, true, Buffer, Buffer),
        (32, &[32], 16, 17, false, Null, Null),
        (32, &[32], 32, 0, false, Direct, Direct),
        (32, &[32], 32, 32, true, Buffer, Direct),
        (32, &[32], 32, 32, false, Null, Direct),
        (32, &[16, 16], 40, 16, true, Buffer, Buffer),
        (32, &[16, 16], 48, 16, true, Buffer, Direct),
    ];
    for &(linear, fragments, offset, len, buffer, skb, xdp) in cases {
        let setup = Setup::split(linear, fragments);
        let text = slice("@bpf_dynptr_slice", offset, len, buffer);
        for (outcome, wanted) in [(setup.skb(&text), skb), (setup.xdp(&text), xdp)] {
            let case = (linear, fragments, offset, len, buffer);
            assert_eq!(outcome.fault, None, "{case:?}");
            let event = outcome.events.last().expect("the slice is noted");
            assert_eq!((event.offset, event.len, event.result), (offset, len, wanted), "{case:?}");
            assert_eq!(outcome.retval == 0, wanted == Null, "{case:?}");
        }
    }
}

#[test]
fn bytes_read_through_a_slice_are_those_of_the_packet() {
    for setup in [Setup::default(), Setup::split(21, &[43]), Setup::split(16, &[4, 2, 42])] {
        let text = slice("@bpf_dynptr_slice", 20, 4, true) + "r0 = *(u32 *)(r0 + 0)";
        assert_eq!(setup.skb(&text).retval, 0x1716_1514);
        assert_eq!(setup.xdp(&text).retval, 0x1716_1514);
    }
}

#[test]
fn a_written_copy_changes_the_packet_only_when_it_is_written_back() {
    let store = slice("@bpf_dynptr_slice_rdwr", 20, 4, true) + "*(u8 *)(r0 + 0) = 0xff\nr0 = 0";
    let changed = |setup: &Setup| setup.skb(&store).packet.expect("is one")[20] == 0xff;
    assert!(changed(&Setup::default()));
    assert!(!changed(&Setup::split(22, &[42])));
    let back = store
        + "\nr1 = r10\nr1 += -16\nr2 = 20\nr3 = r10\nr3 += -80\nr4 = 4\nr5 = 0\n\
        call bpf_dynptr_write#202";
    let outcome = Setup::split(22, &[42]).skb(&back);
    assert_eq!(outcome.packet.expect("is one")[20], 0xff);
    assert_eq!(outcome.layout.linear, Some(24), "what was written has become linear");
}

#[test]
fn slices_can_be_forced_into_the_buffer_and_unused_buffers_filled() {
    let first = "r1 = *(u8 *)(r10 - 80)\nr0 = r1";
    let text = slice("@bpf_dynptr_slice", 4, 8, true) + first;
    let with = |slices| Setup { slices, ..Setup::default() }.skb(&text).retval;
    assert_eq!(with(Slices::AsLaidOut), 0x77);
    assert_eq!(with(Slices::Buffer), 4);
    assert_eq!(with(Slices::Poisoned), 0xa5);
    let none = slice("@bpf_dynptr_slice", 4, 8, false) + "r0 = *(u8 *)(r0 + 0)";
    for slices in [Slices::Buffer, Slices::Poisoned] {
        assert_eq!(Setup { slices, ..Setup::default() }.skb(&none).retval, 4);
    }
}

#[test]
fn a_slice_ends_with_what_moves_the_packet() {
    let text = slice("@bpf_dynptr_slice", 4, 8, true)
        + "r8 = r0\nr1 = r9\nr2 = 64\ncall bpf_skb_pull_data#39\nr0 = *(u8 *)(r8 + 0)";
    for setup in [Setup::default(), Setup::split(32, &[32])] {
        let fault = setup.skb(&text).fault.expect("the slice is gone");
        assert!(matches!(fault.kind, FaultKind::Dead { .. }), "{fault}");
        assert!(fault.to_string().contains("bpf_skb_pull_data"), "{fault}");
    }
}

#[test]
fn a_slice_reaches_no_further_than_was_asked_for() {
    for call in ["@bpf_dynptr_slice", "@bpf_dynptr_slice_rdwr"] {
        let text = slice(call, 4, 8, true) + "r0 = *(u8 *)(r0 + 8)";
        let fault = Setup::default().skb(&text).fault.expect("too far");
        assert!(matches!(fault.kind, FaultKind::OutOfBounds { .. }), "{fault}");
    }
    let text = slice("@bpf_dynptr_slice", 4, 8, true) + "*(u8 *)(r0 + 0) = 1";
    let fault = Setup::default().skb(&text).fault.expect("not to be written");
    assert!(matches!(fault.kind, FaultKind::ReadOnly { .. }), "{fault}");
}

#[test]
fn the_same_slice_in_a_loop_costs_no_memory() {
    let text = "r6 = 20000\nagain: r1 = r10\nr1 += -16\nr2 = 4\nr3 = 0\nr4 = 8\n@bpf_dynptr_slice\n\
        r6 += -1\nif r6 != 0 goto again\nr0 = *(u8 *)(r0 + 0)";
    let options = Options { memory: 1 << 20, ..Options::default() };
    let outcome = Setup { options, ..Setup::default() }.skb(text);
    assert_eq!((outcome.retval, outcome.fault), (4, None));
}

#[test]
fn errors_come_in_the_order_of_the_kernel() {
    let null = "*(u64 *)(r10 - 16) = 0\n*(u64 *)(r10 - 8) = 0\n";
    let call = |what: &str, a: i64, b: i64, c: i64, d: i64| {
        format!("r1 = r10\nr1 += -16\nr2 = {a}\nr3 = {b}\nr4 = {c}\nr5 = {d}\n{what}")
    };
    let (adjust, memset) = ("@bpf_dynptr_adjust", "@bpf_dynptr_memset");
    let cases = [
        (call(adjust, 8, 4, 0, 0), -22),
        (call(adjust, 65, 64, 0, 0), -22),
        (call(adjust, 4, 65, 0, 0), -34),
        (call(adjust, 64, 64, 0, 0), 0),
        (null.to_owned() + &call(adjust, 0, 0, 0, 0), -22),
        (null.to_owned() + &call("@bpf_dynptr_size", 0, 0, 0, 0), -22),
        (null.to_owned() + &call("@bpf_dynptr_is_null", 0, 0, 0, 0), 1),
        (null.to_owned() + &call("@bpf_dynptr_is_rdonly", 0, 0, 0, 0), 0),
        (null.to_owned() + &call(memset, 0, 0, 1, 0), 0),
        (null.to_owned() + &call(memset, 0, 1, 1, 0), -7),
        (null.to_owned() + &call(memset, 1, 0, 1, 0), -7),
        (call(memset, 60, 5, 1, 0), -7),
        (call(memset, 60, 4, 1, 0), 0),
    ];
    for (text, wanted) in &cases {
        assert_eq!(int(&Setup::default().skb(text)), *wanted, "{text}");
    }
    let read_only = made("@bpf_dynptr_from_skb") + &call(memset, 60, 50, 1, 0) + "\nexit";
    assert_eq!(int(&Setup::default().run("cgroup_skb", &read_only)), -22);
}

#[test]
fn filling_a_clone_leaves_it_shared_and_writing_does_not() {
    let fill = "r1 = r10\nr1 += -16\nr2 = 0\nr3 = 4\nr4 = 9\n@bpf_dynptr_memset";
    let outcome = Setup::cloned().skb(fill);
    assert!(outcome.layout.cloned);
    assert_eq!(outcome.packet.expect("is one")[..5], [9, 9, 9, 9, 4]);
    let write = "r1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -16\nr4 = 4\nr5 = 0\ncall bpf_dynptr_write#202";
    assert!(!Setup::cloned().skb(write).layout.cloned);
}

#[test]
fn metadata_is_a_packet_of_its_own() {
    let made = made("@bpf_dynptr_from_skb_meta");
    let setup = Setup { metadata: vec![1, 2, 3, 4], ..Setup::default() };
    let run = |setup: &Setup, text: &str| setup.run("sched_cls", &format!("{made}{text}\nexit"));
    let third = slice("@bpf_dynptr_slice", 2, 2, true) + "r0 = *(u16 *)(r0 + 0)";
    assert_eq!(run(&setup, &third).retval, 0x0403);
    let size = "r1 = r10\nr1 += -16\n@bpf_dynptr_size";
    assert_eq!(run(&setup, size).retval, 4);
    assert_eq!(run(&Setup::default(), size).retval, 0);
    let read_only = "r1 = r10\nr1 += -16\n@bpf_dynptr_is_rdonly";
    assert_eq!(run(&setup, read_only).retval, 0);
    let layout = Layout { cloned: true, ..Layout::default() };
    assert_eq!(run(&Setup { layout, ..setup }, read_only).retval, 1);
}

#[test]
fn a_frame_that_shrank_leaves_the_buffer_as_it_was() {
    let text = "r1 = r9\nr2 = -20\ncall bpf_xdp_adjust_tail#65\n".to_owned()
        + &slice("@bpf_dynptr_slice", 50, 4, true)
        + "r0 = *(u8 *)(r0 + 0)";
    assert_eq!(Setup::default().xdp(&text).retval, 0x77);
    let read = "r1 = r9\nr2 = -20\ncall bpf_xdp_adjust_tail#65\n\
        r1 = r10\nr1 += -80\nr2 = 4\nr3 = r10\nr3 += -16\nr4 = 50\nr5 = 0\ncall bpf_dynptr_read#201";
    assert_eq!(int(&Setup::default().xdp(read)), -22);
}

#[test]
fn memory_outside_is_copied_in() {
    // "hi!" at r10 - 24, to offset 30 of a packet whose linear part ends at 32.
    let text = |call: &str, size: u32, from: &str| {
        format!(
            "*(u64 *)(r10 - 24) = 0x216968\nr1 = r10\nr1 += -16\nr2 = 30\nr3 = {size}\n{from}\n{call}"
        )
    };
    let (here, nowhere) = ("r4 = r10\nr4 += -24", "r4 = 16");
    let plain = "@bpf_probe_read_kernel_dynptr";
    let string = "@bpf_probe_read_kernel_str_dynptr";
    for setup in [Setup::default(), Setup::split(32, &[32])] {
        let outcome = setup.skb(&text(plain, 3, here));
        assert_eq!(int(&outcome), 0);
        assert_eq!(outcome.packet.expect("is one")[30..34], *b"hi!\x21");
        let outcome = setup.skb(&text(string, 20, here));
        assert_eq!(int(&outcome), 4);
        assert_eq!(outcome.packet.expect("is one")[30..35], *b"hi!\x00\x22");
        assert_eq!(int(&setup.skb(&text(string, 2, here))), 2);
        assert_eq!(int(&setup.skb(&text(string, 0, nowhere))), 0);
        assert_eq!(int(&setup.skb(&text(string, 40, here))), -7);
        assert_eq!(int(&setup.skb(&text(plain, 3, nowhere))), -34);
    }
}

#[test]
fn bytes_that_are_no_dynptr_end_the_run() {
    for words in [(1, 0), (1, -1), (1, 0x1fff_ffff)] {
        let text = format!(
            "*(u64 *)(r10 - 16) = {}\n*(u32 *)(r10 - 8) = {}\n*(u32 *)(r10 - 4) = -1\n{}",
            words.0,
            words.1,
            slice("@bpf_dynptr_slice", 1, 1, true)
        );
        let fault = Setup::default().skb(&text).fault.expect("no dynptr");
        assert!(matches!(fault.kind, FaultKind::Argument { .. }), "{fault}");
    }
}
