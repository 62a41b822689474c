//! What dynptrs and helpers give for each place where the bytes of a packet can lie. What is in fragments of an skb, and
//! what a clone is, no test run of a kernel shows: the expectations are those of `bpf_dynptr_slice`, `skb_ensure_writable`
//! and `pskb_expand_head` in Linux 6.18.

use isa::assemble;
use runtime::{EventAccess, Image, Input, Layout, Machine, Options, Outcome, PacketInput};

const KFUNCS: [&str; 9] = [
    "bpf_dynptr_from_skb",
    "bpf_dynptr_from_xdp",
    "bpf_dynptr_slice",
    "bpf_dynptr_slice_rdwr",
    "bpf_dynptr_size",
    "bpf_dynptr_memset",
    "bpf_dynptr_from_skb_meta",
    "bpf_dynptr_is_rdonly",
    "bpf_xdp_pull_data",
];

/// Runs a program on 100 bytes that count up. The context is in R6.
fn run(program_type: &str, layout: &Layout, metadata: usize, text: &str) -> Outcome {
    let text = KFUNCS.iter().enumerate().fold(format!("r6 = r1\n{text}"), |text, (index, name)| {
        text.replace(&format!("call {name}\n"), &format!("call kfunc({index})\n"))
    });
    let program = assemble(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let program_type = kernel_model::program_type(program_type).expect("is a type");
    let image = Image::of_instructions(program_type, &program.encode(), &KFUNCS);
    let mut machine = Machine::new(&image, &Options::default()).expect("fits");
    let metadata = (0xf0..=u8::MAX).take(metadata).collect();
    let packet = PacketInput { bytes: (0..100).collect(), metadata, layout: layout.clone() };
    machine.run(&Input { packet: Some(packet), ..Input::default() })
}

fn layout(linear: u32, fragments: &[u32], list: &[u32]) -> Layout {
    Layout {
        linear: Some(linear),
        fragments: fragments.to_vec(),
        list: list.to_vec(),
        cloned: false,
    }
}

fn cloned(layout: Layout) -> Layout {
    Layout { cloned: true, ..layout }
}

/// A dynptr over the packet is at -16, zeros are at -64, and a slice is asked for; R0 becomes 0 for NULL, 1 for a pointer to
/// the bytes and 2 for the buffer, plus 16 times the first byte. The first call is one of a kfunc, so that nothing is known
/// before.
fn slice(kind: &str, function: &str, offset: u32, len: u32, buffer: bool) -> String {
    let buffer = if buffer { "r3 = r10\nr3 += -64\n" } else { "r3 = 0\n" };
    format!(
        "*(u64 *)(r10 - 64) = 0\nr1 = r6\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_{kind}\n\
         r1 = r10\nr1 += -16\nr2 = {offset}\n{buffer}r4 = {len}\ncall {function}\n\
         r7 = r10\nr7 += -64\nr8 = 0\nif r0 == 0 goto end\nr8 = *(u8 *)(r0 + 0)\nr8 <<= 4\nr8 |= 1\n\
         if r0 != r7 goto end\nr8 += 1\nend: r0 = r8\nexit"
    )
}

const NULL: (u64, EventAccess) = (0, EventAccess::Null);

fn direct(byte: u64) -> (u64, EventAccess) {
    (byte << 4 | 1, EventAccess::Direct)
}

fn buffer(byte: u64) -> (u64, EventAccess) {
    (byte << 4 | 2, EventAccess::Buffer)
}

#[test]
fn slices() {
    let skb = layout(40, &[30], &[30]);
    let xdp = layout(40, &[30, 30], &[]);
    // The type, the layout, offset and length, and what comes with a buffer and without.
    let cases = [
        ("skb", &skb, 0, 40, direct(0), direct(0)),
        ("skb", &skb, 39, 1, direct(39), direct(39)),
        ("skb", &skb, 39, 2, buffer(39), NULL),
        ("skb", &skb, 40, 8, buffer(40), NULL),
        ("skb", &skb, 66, 8, buffer(66), NULL),
        ("skb", &skb, 99, 1, buffer(99), NULL),
        ("skb", &skb, 99, 2, NULL, NULL),
        ("xdp", &xdp, 0, 40, direct(0), direct(0)),
        ("xdp", &xdp, 39, 2, buffer(39), NULL),
        ("xdp", &xdp, 40, 30, direct(40), direct(40)),
        ("xdp", &xdp, 69, 1, direct(69), direct(69)),
        ("xdp", &xdp, 69, 2, buffer(69), NULL),
        ("xdp", &xdp, 70, 30, direct(70), direct(70)),
        ("xdp", &xdp, 92, 9, NULL, NULL),
    ];
    for (kind, layout, offset, len, with, without) in cases {
        let program_type = if kind == "skb" { "sched_cls" } else { "xdp" };
        for function in ["bpf_dynptr_slice", "bpf_dynptr_slice_rdwr"] {
            for (has_buffer, (result, access)) in [(true, with), (false, without)] {
                let program = slice(kind, function, offset, len, has_buffer);
                let outcome = run(program_type, layout, 0, &program);
                let case = format!("{kind} {offset} {len} {has_buffer}");
                assert_eq!(outcome.fault, None, "{case}");
                assert_eq!(outcome.retval, result, "{case}");
                let event = outcome.events.last().expect("is recorded");
                assert_eq!(
                    (event.offset, event.len, event.result),
                    (offset, len, access),
                    "{case}"
                );
            }
        }
    }
    // Without packet write the dynptr is read-only.
    let program = slice("skb", "bpf_dynptr_slice_rdwr", 0, 8, true);
    assert_eq!(run("cgroup_skb", &skb, 0, &program).retval, 0);
}

/// Where the bytes lie after calls, and whether the skb is still a clone.
#[test]
fn what_makes_bytes_linear_or_private() {
    let nonlinear = layout(40, &[30], &[30]);
    let write = |offset: u32, len: u32| {
        format!(
            "*(u64 *)(r10 - 64) = 0\nr1 = r6\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_skb\n\
             r1 = r10\nr1 += -16\nr2 = {offset}\nr3 = r10\nr3 += -64\nr4 = {len}\nr5 = 0\ncall bpf_dynptr_write#202\nexit"
        )
    };
    let memset = |offset: u32| {
        format!(
            "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_skb\n\
             r1 = r10\nr1 += -16\nr2 = {offset}\nr3 = 4\nr4 = 7\ncall bpf_dynptr_memset\nexit"
        )
    };
    let pull = |len: u32| format!("r1 = r6\nr2 = {len}\ncall bpf_skb_pull_data#39\nexit");
    let store = "r1 = *(u32 *)(r6 + 76)\n*(u8 *)(r1 + 0) = 9\nr0 = 0\nexit".to_owned();
    let cases = [
        // Only what is asked for is pulled, from fragments and from packets of the list.
        (&nonlinear, pull(0), 0, layout(40, &[30], &[30])),
        (&nonlinear, pull(50), 0, layout(50, &[20], &[30])),
        (&nonlinear, pull(75), 0, layout(75, &[], &[25])),
        (&nonlinear, pull(100), 0, layout(100, &[], &[])),
        (&nonlinear, pull(101), -12, layout(40, &[30], &[30])),
        (&nonlinear, write(20, 8), 0, layout(40, &[30], &[30])),
        (&nonlinear, write(44, 8), 0, layout(52, &[18], &[30])),
        (&nonlinear, write(96, 8), -7, layout(40, &[30], &[30])),
        (&cloned(layout(100, &[], &[])), pull(0), 0, layout(100, &[], &[])),
        (&cloned(layout(100, &[], &[])), write(20, 8), 0, layout(100, &[], &[])),
        (&cloned(layout(100, &[], &[])), store, 0, layout(100, &[], &[])),
        // Filling goes past what gives a clone bytes of its own, as long as they are linear.
        (&cloned(layout(100, &[], &[])), memset(8), 0, cloned(layout(100, &[], &[]))),
        (&cloned(nonlinear.clone()), memset(44), 0, layout(48, &[22], &[30])),
    ];
    for (before, program, result, after) in cases {
        let outcome = run("sched_cls", before, 0, &program);
        assert_eq!(outcome.fault, None, "{program}");
        let low = outcome.retval & 0xffff_ffff;
        assert_eq!(low, u64::from(i32::cast_unsigned(result)), "{program}");
        assert_eq!(outcome.layout, after, "{program}");
    }
}

#[test]
fn a_program_that_writes_slices_gets_bytes_of_its_own_at_its_entry() {
    let before = cloned(layout(100, &[], &[]));
    let writes = slice("skb", "bpf_dynptr_slice_rdwr", 0, 8, true);
    assert!(!run("sched_cls", &before, 0, &writes).layout.cloned);
    let reads = slice("skb", "bpf_dynptr_slice", 0, 8, true);
    assert!(run("sched_cls", &before, 0, &reads).layout.cloned);
}

#[test]
fn metadata_is_behind_a_dynptr_of_its_own() {
    let meta = "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_skb_meta\nr1 = r10\nr1 += -16\n";
    let size = format!("{meta}call bpf_dynptr_size\nexit");
    let rdonly = format!("{meta}call bpf_dynptr_is_rdonly\nexit");
    let first =
        format!("{meta}r2 = 0\nr3 = 0\nr4 = 4\ncall bpf_dynptr_slice\nr0 = *(u8 *)(r0 + 3)\nexit");
    let pulled = format!("r1 = r6\nr2 = 0\ncall bpf_skb_pull_data#39\n{size}");
    let own = layout(100, &[], &[]);
    let shared = cloned(own.clone());
    for (layout, program, result) in [
        (&own, &size, 8),
        (&own, &rdonly, 0),
        (&own, &first, 0xf3),
        (&own, &pulled, 8),
        (&shared, &size, 8),
        (&shared, &rdonly, 1),
        // What gives a clone bytes of its own loses the metadata.
        (&shared, &pulled, 0),
    ] {
        let outcome = run("sched_cls", layout, 8, program);
        assert_eq!(outcome.fault, None, "{program}");
        assert_eq!(outcome.retval, result, "{program}");
    }
}

/// A fault names what the pointer was and which call ended it.
#[test]
fn stale_pointers() {
    let make = "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_skb\n\
        r1 = r10\nr1 += -16\nr2 = 20\nr3 = 0\nr4 = 16\ncall bpf_dynptr_slice\nr7 = r0\n\
        r8 = *(u32 *)(r6 + 76)\nr1 = r6\nr2 = 0\ncall bpf_skb_pull_data#39\n";
    let cases = [
        (
            "r0 = *(u8 *)(r7 + 3)\nexit",
            "read of 1 bytes at offset 3 of the slice of 16 bytes at offset 20 of a dynptr from bpf_dynptr_slice at \
             instruction 11 of instructions, ended by bpf_skb_pull_data at instruction 16 of instructions",
        ),
        (
            "r0 = *(u8 *)(r8 + 3)\nexit",
            "read of 1 bytes at offset 3 of the linear part of the packet, ended by bpf_skb_pull_data at instruction 16 \
             of instructions",
        ),
    ];
    for (last, expected) in cases {
        let outcome = run("sched_cls", &layout(100, &[], &[]), 0, &format!("{make}{last}"));
        let fault = outcome.fault.expect("is stale").kind.to_string();
        assert_eq!(fault, expected);
    }
}

/// Helpers that make room, with what is at some places of the packet afterwards.
#[test]
fn room() {
    // Ethernet with IPv4 would be needed for most; the bytes count up, so that the protocol is 0x0c0d.
    let head = "r1 = r6\nr2 = 4\nr3 = 0\ncall bpf_skb_change_head#43\nexit";
    let outcome = run("sched_cls", &layout(40, &[60], &[]), 0, head);
    let packet = outcome.packet.expect("is there");
    assert_eq!((outcome.retval, packet.len(), &packet[..6]), (0, 104, &[0, 0, 0, 0, 0, 1][..]));
    let tail = "r1 = r6\nr2 = 6000\nr3 = 0\ncall bpf_skb_change_tail#38\nexit";
    let outcome = run("sched_cls", &layout(40, &[60], &[]), 0, tail);
    assert_eq!(outcome.layout, layout(6000, &[], &[]));
    let cut = "r1 = r6\nr2 = 50\nr3 = 0\ncall bpf_skb_change_tail#38\nexit";
    let outcome = run("sched_cls", &layout(40, &[30], &[30]), 0, cut);
    assert_eq!(outcome.layout, layout(40, &[10], &[]));
    let tags = "r1 = r6\nr2 = 0x81\nr3 = 5\ncall bpf_skb_vlan_push#18\nr1 = r6\nr2 = 0x81\nr3 = 6\ncall bpf_skb_vlan_push#18\n\
        r0 = *(u32 *)(r6 + 24)\nexit";
    let outcome = run("sched_cls", &layout(40, &[60], &[]), 0, tags);
    let packet = outcome.packet.expect("is there");
    assert_eq!(
        (outcome.retval, &packet[10..20]),
        (6, &[10, 11, 0x81, 0, 0, 5, 12, 13, 14, 15][..])
    );
    let unknown = "r1 = r6\nr2 = 4\nr3 = 1\nr4 = 0\ncall bpf_skb_adjust_room#50\nexit";
    let outcome = run("sched_cls", &layout(100, &[], &[]), 0, unknown);
    assert_eq!(outcome.retval.cast_signed(), -524);
}

#[test]
fn copies_that_are_sent_are_only_noted() {
    let send = "r1 = r6\nr2 = 3\nr3 = 0\ncall bpf_clone_redirect#13\nexit";
    let outcome = run("sched_cls", &layout(100, &[], &[]), 0, send);
    assert_eq!((outcome.retval, outcome.fault), (0, None));
    assert_eq!(outcome.events.last().map(|event| event.result), Some(EventAccess::Sent(3)));
}
