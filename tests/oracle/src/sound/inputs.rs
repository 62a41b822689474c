//! What programs are run on: packets that look like something, in all layouts, and whatever else they are given.

use bpf_object::{Map, MapKind};
use fastrand::Rng;
use runtime::{Image, Input, Layout, Machine, PacketInput, Slices};
use verifier::{MapId, Program};

/// `BPF_F_RDONLY_PROG`.
const READ_ONLY: u32 = 1 << 7;

/// The length of metadata: a multiple of four, up to 32.
const METADATA: usize = 16;

/// An input of a program, by chance.
pub fn input(random: &mut Rng, image: &Image, budget: u64) -> Input {
    let ty = image.program_type();
    let is_xdp = ty.name == "xdp";
    let has_packet = ty.packet != kernel_model::Packet::None || ty.name == "netfilter";
    // The context of programs without a packet may hold pointers, which no bytes are.
    let is_random = has_packet && !is_xdp && random.bool();
    let context =
        if is_random { bytes(random, 192) } else { vec![0; if is_xdp { 24 } else { 512 }] };
    let packet = has_packet.then(|| packet(random, !is_xdp || image.takes_fragments()));
    Input {
        packet,
        context,
        budget,
        seed: random.u64(..),
        now: random.u64(..1 << 40),
        slices: *random
            .choice([Slices::AsLaidOut, Slices::Buffer, Slices::Poisoned].iter())
            .unwrap_or(&Slices::AsLaidOut),
        ..Input::default()
    }
}

/// Bytes of which many are at the ends of what they can be, where bounds are wrong first.
fn bytes(random: &mut Rng, len: usize) -> Vec<u8> {
    let style = random.u8(..6);
    let byte = |random: &mut Rng| match style {
        0 => 0,
        1 => 0xff,
        2 => random.u8(..2),
        3 => random.u8(..16),
        4 => *random.choice([0, 1, 0x7f, 0x80, 0xfe, 0xff].iter()).unwrap_or(&0),
        _ => random.u8(..),
    };
    (0..len).map(|_| byte(random)).collect()
}

/// Lengths of the headers that programs ask for, alone and on top of each other: Ethernet, a tag, IP, UDP, TCP.
const LENGTHS: [usize; 12] = [14, 15, 16, 18, 22, 34, 38, 42, 54, 58, 62, 74];

/// A packet that may look like IP.
fn packet(random: &mut Rng, fragments: bool) -> PacketInput {
    let len = if random.bool() {
        *random.choice(LENGTHS.iter()).unwrap_or(&14)
    } else {
        let most = *random.choice([20, 64, 128, 600, 2000].iter()).unwrap_or(&64);
        random.usize(14..=most)
    };
    let mut packet = bytes(random, len);
    headers(random, &mut packet);
    let all = u32::try_from(len).unwrap_or(14);
    let linear =
        if fragments && random.bool() { random.u32(14..=all.max(15)).min(all) } else { all };
    let layout = Layout { linear: Some(linear), cloned: random.u8(..) < 64, ..Layout::default() };
    let metadata = if random.u8(..) < 64 { bytes(random, METADATA) } else { Vec::new() };
    PacketInput { bytes: packet, layout, metadata }
}

/// Headers that programs look for: Ethernet, a VLAN tag, IPv4 or IPv6, TCP or UDP.
fn headers(random: &mut Rng, packet: &mut [u8]) {
    let mut at = 12;
    if random.u8(..) < 40 {
        put(packet, at, &[0x81, 0x00]);
        at += 4;
    }
    let protocol = *random.choice([6, 17, 1, 58, 47].iter()).unwrap_or(&6);
    match random.u8(..4) {
        0 => return,
        1 => {
            put(packet, at, &[0x86, 0xdd, 0x60]);
            put(packet, at + 8, &[protocol]);
        }
        _ => {
            let words = if random.bool() { 5 } else { random.u8(5..16) };
            put(packet, at, &[0x08, 0x00, 0x40 | words]);
            put(packet, at + 2 + 9, &[protocol]);
        }
    }
    let ports = if random.bool() { [0, 80] } else { [0, 53] };
    put(packet, at + 2 + 22, &ports);
}

fn put(packet: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in packet.iter_mut().skip(at).zip(bytes) {
        *place = *byte;
    }
}

/// Puts elements into the maps that take any.
pub fn fill(random: &mut Rng, program: &Program<'_>, machine: &mut Machine<'_>) {
    for (index, facts) in program.maps.iter().enumerate() {
        let id = MapId { index: u32::try_from(index).unwrap_or(u32::MAX), inner: false };
        // Locks, pointers and the like are no bytes.
        let is_plain = program.record(id).is_some_and(|record| record.fields.is_empty());
        if !is_plain || !takes_bytes(facts.map) || random.u8(..) < 64 {
            continue;
        }
        let definition = &facts.map.definition;
        let (key, value) = (definition.key_size as usize, definition.value_size as usize);
        for number in 0..random.u32(1..6).min(definition.max_entries) {
            let mut bytes_of_key = number.to_le_bytes().to_vec();
            if random.bool() {
                bytes_of_key = bytes(random, key);
            }
            bytes_of_key.resize(key, 0);
            let value = bytes(random, value);
            // A map may refuse what has no meaning to it.
            let _ = machine.set_map_entry(index, &bytes_of_key, &value);
        }
    }
}

/// The values of the map are bytes that programs make something of.
fn takes_bytes(map: &Map) -> bool {
    const KINDS: [u32; 7] = [1, 2, 5, 6, 9, 10, 11];
    let definition = &map.definition;
    KINDS.contains(&definition.map_type)
        && definition.value_size < 1 << 12
        && definition.flags & READ_ONLY == 0
        && !matches!(map.kind, MapKind::Config)
}
