//! What goes along with an skb beside its bytes: tunnels, and marks of congestion.

use isa::assemble;
use runtime::{Image, Input, Layout, Machine, Options, Outcome, PacketInput};

fn run(bytes: Vec<u8>, layout: Layout, text: &str) -> Outcome {
    let text = format!("r9 = r1\n{text}\nexit");
    let program = assemble(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let program_type = kernel_model::program_type("sched_cls").expect("is a type");
    let image = Image::of_instructions(program_type, &program.encode(), &[]);
    let mut machine = Machine::new(&image, &Options::default()).expect("fits");
    let packet = PacketInput { bytes, layout, ..PacketInput::default() };
    let outcome = machine.run(&Input { packet: Some(packet), ..Input::default() });
    assert_eq!(outcome.fault, None, "{text}");
    outcome
}

/// The result of a program on a packet of zeros.
fn result(text: &str) -> i64 {
    run(vec![0; 64], Layout::default(), text).retval.cast_signed()
}

/// Stores words from `r10 - 48` on, where a `struct bpf_tunnel_key` begins, or something else.
fn words(words: &[u32]) -> String {
    let lines = words.iter().enumerate().map(|(index, word)| {
        let at = 48 - 4 * index;
        format!("*(u32 *)(r10 - {at}) = {}\n", word.cast_signed())
    });
    lines.collect()
}

fn call(function: &str, at: u32, size: u32, flags: u32) -> String {
    format!("r1 = r9\nr2 = r10\nr2 += -{at}\nr3 = {size}\nr4 = {flags}\ncall {function}\n")
}

const SET_KEY: &str = "bpf_skb_set_tunnel_key#21";
const GET_KEY: &str = "bpf_skb_get_tunnel_key#20";
const SET_OPTIONS: &str = "bpf_skb_set_tunnel_opt#30";
const GET_OPTIONS: &str = "bpf_skb_get_tunnel_opt#29";

#[test]
fn a_tunnel_is_read_as_it_was_set_with_its_ends_swapped() {
    // Number 7, to 1.2.3.4, service 8 and 64 hops, from 5.6.7.8.
    let key = words(&[7, 0x0102_0304, 9, 9, 9, 0x4008, 0, 0x0506_0708, 9, 9, 9]);
    let set = key + &call(SET_KEY, 48, 44, 0);
    let read = |at: u32| {
        set.clone() + &call(GET_KEY, 96, 44, 0x10) + &format!("r0 = *(u32 *)(r10 - {})", 96 - at)
    };
    // Where in the structure, and what is there.
    let cases = [
        (0, 7),
        (4, 0x0506_0708),
        (8, 0),
        // The key is there, a checksum is wanted, and nothing is to be cached; in the order of the network.
        (20, 0x0520_4008),
        (24, 0),
        (28, 0x0102_0304),
        (32, 0),
    ];
    for (at, wanted) in cases {
        assert_eq!(result(&read(at)), wanted, "at {at}");
    }
    let zero = set.clone() + &call(GET_KEY, 96, 44, 0) + "r0 = *(u16 *)(r10 - 74)";
    assert_eq!(result(&zero), 0, "flags are not asked for");
}

#[test]
fn tunnels_have_the_errors_of_the_kernel() {
    let zeros = words(&[0; 11]);
    let set = zeros.clone() + &call(SET_KEY, 48, 44, 0);
    let label = words(&[0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    let extension = words(&[0, 0, 0, 0, 0, 1 << 16, 0, 0, 0, 0, 0]);
    let cases = [
        (zeros.clone() + &call(GET_KEY, 48, 44, 0), -22),
        (zeros.clone() + &call(SET_KEY, 48, 44, 0x20), -22),
        (zeros.clone() + &call(SET_KEY, 48, 43, 0), -22),
        (zeros.clone() + &call(SET_KEY, 48, 28, 0), 0),
        (zeros.clone() + &call(SET_KEY, 48, 8, 0), 0),
        (label.clone() + &call(SET_KEY, 48, 44, 0), -22),
        (label + &call(SET_KEY, 48, 44, 1), 0),
        (extension + &call(SET_KEY, 48, 44, 1), -22),
        (set.clone() + &call(GET_KEY, 48, 44, 1), -71),
        (set.clone() + &call(GET_KEY, 48, 44, 2), -22),
        (set.clone() + &call(GET_KEY, 48, 8, 0), 0),
        (zeros.clone() + &call(SET_KEY, 48, 44, 1) + &call(GET_KEY, 48, 8, 1), -22),
        (zeros + &call(SET_OPTIONS, 48, 8, 0), -22),
        (set.clone() + &call(SET_OPTIONS, 48, 6, 0), -22),
        (set.clone() + &call(GET_OPTIONS, 48, 8, 0), -2),
        (set.clone() + &call(SET_OPTIONS, 48, 8, 0) + &call(GET_OPTIONS, 48, 4, 0), -12),
        (set + &call(SET_OPTIONS, 48, 8, 0) + &call(GET_OPTIONS, 48, 16, 0), 8),
    ];
    for (text, wanted) in &cases {
        assert_eq!(result(text), *wanted, "{text}");
    }
}

/// An Ethernet frame with a header of IPv4, whose checksum is right.
fn ipv4(service: u8) -> Vec<u8> {
    let mut bytes = vec![0; 12];
    bytes.extend([8, 0, 0x45, service, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    let sum = !sum(&bytes[14..]);
    bytes[24..26].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// The sum over a header, which is 0xffff if its checksum is right.
fn sum(header: &[u8]) -> u16 {
    let words = header.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1]));
    let sum: u32 = words.sum();
    u16::try_from((sum & 0xffff) + (sum >> 16)).expect("is a short header")
}

#[test]
fn congestion_is_marked_where_it_can_be() {
    let mark = "r1 = r9\ncall bpf_skb_ecn_set_ce#97";
    // What is in the header, the result, and what is in it then.
    for (service, marked, then) in [(0, 0, 0), (1, 1, 3), (2, 1, 3), (3, 1, 3), (0xb9, 1, 0xbb)] {
        let outcome = run(ipv4(service), Layout::default(), mark);
        assert_eq!(outcome.retval, marked, "{service}");
        let packet = outcome.packet.expect("is one");
        assert_eq!((packet[15], sum(&packet[14..34])), (then, 0xffff), "{service}");
    }
    let cloned = Layout { cloned: true, ..Layout::default() };
    assert_eq!(run(ipv4(1), cloned, mark).retval, 0, "the bytes are shared");
    let mut ipv6 = vec![0; 12];
    ipv6.extend([0x86, 0xdd, 0x60, 0x10]);
    ipv6.resize(54, 0);
    let outcome = run(ipv6, Layout::default(), mark);
    assert_eq!((outcome.retval, outcome.packet.expect("is one")[15]), (1, 0x30));
    assert_eq!(run(vec![0; 64], Layout::default(), mark).retval, 0, "no header is known");
}
