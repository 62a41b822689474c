//! Maps that cannot be created, and what older kernels do not have.

use bpf_object::{Definition, Linked, Object};
use kernel_model::Version;

use crate::program::{Options, Program};
use crate::testing::{CLASSIFIER, corpus, linked, options, types, with_code};
use crate::{Capabilities, Verdict, verify};

fn verdict(linked: &Linked<'_>, name: &str, kernel: Version, capabilities: Capabilities) -> String {
    let program = linked.programs.iter().find(|program| program.name == name);
    let options = Options { kernel, capabilities, ..options() };
    let program = program.unwrap_or_else(|| panic!("no program {name}"));
    match verify(&Program::new(linked, program, types(), options)).verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Reject(reject) => format!("{} {}", reject.errno.0, reject.message),
        Verdict::Unsupported(what) => format!("unsupported: {what}"),
    }
}

/// The numbers of a map: type, sizes of key and value, entries, flags.
fn numbers([map_type, key_size, value_size, max_entries, flags]: [u32; 5]) -> Definition {
    Definition { map_type, key_size, value_size, max_entries, flags, ..Definition::default() }
}

/// What is said of a program whose only map is another one.
fn with_map(definition: Definition, capabilities: Capabilities) -> String {
    let object = corpus("maps/kinds");
    let mut linked = linked(&object);
    let map = linked.maps.iter_mut().find(|map| map.name == "hash").expect("a map");
    map.definition = definition;
    let said =
        verdict(&linked, "hash_lookup_update_delete", Version::NEWEST_MODELLED, capabilities);
    said.replace("map `hash` cannot be created: ", "")
}

#[test]
fn maps_are_created_or_not() {
    const HASH: [u32; 5] = [1, 4, 8, 16, 0];
    let table = [
        ([1, 0, 8, 16, 0], "-22 a key has 0 bytes, and the type hash takes 1 or more"),
        ([1, 4, 8, 0, 0], "-22 max_entries is 0, and the type hash takes 1 or more"),
        (
            [1, 4, 8, (1 << 27) + 1, 0],
            "-7 max_entries is 134217729, and the type hash takes at most 134217728",
        ),
        (
            [1, 4, 1 << 22, 1, 0],
            "-7 key and value have 4194308 bytes, and the type hash takes at most 4194255",
        ),
        ([1, 4, 8, 16, 1 << 10], "-22 the type hash does not take the flag BPF_F_MMAPABLE"),
        ([1, 4, 8, 16, 1 << 30], "-22 the type hash does not take the flag 0x40000000"),
        ([1, 4, 8, 16, 3 << 3], "-22 it has both BPF_F_RDONLY and BPF_F_WRONLY"),
        ([1, 4, 8, 16, 3 << 7], "-22 it has both BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG"),
        ([2, 8, 8, 16, 0], "-22 a key has 8 bytes, and the type array takes 4"),
        (
            [2, 4, u32::MAX, 1, 0],
            "-7 a value has 4294967295 bytes, and the type array takes at most 2147483647",
        ),
        (
            [2, 4, 1 << 30, 1 << 30, 0],
            "-12 there is no memory for 1073741824 elements of 1073741824 bytes",
        ),
        (
            [6, 4, 32769, 1, 0],
            "-7 a value has 32769 bytes, and the type percpu_array takes 1 to 32768",
        ),
        (
            [7, 4, 12, 1, 0],
            "-22 a value has 12 bytes, and the type stack_trace takes 8 or more, in steps of 8",
        ),
        (
            [7, 4, 1024, 1, 0],
            "-22 a value has 1024 bytes, and it takes up to 127 entries of 8 bytes",
        ),
        ([9, 4, 8, 16, 1], "-524 the type lru_hash does not take the flag BPF_F_NO_PREALLOC"),
        ([11, 8, 8, 16, 0], "-22 the type lpm_trie needs the flag BPF_F_NO_PREALLOC"),
        ([12, 4, 4, 16, 0], "-22 it is not said what the maps are like that it holds"),
        ([16, 4, 4, 9000, 0], "-7 max_entries is 9000, and the type cpumap takes at most 8192"),
        (
            [24, 4, 8, 0, 1],
            "-22 the type sk_storage needs the types of key and value, and the key must be an int",
        ),
        (
            [27, 0, 0, 5000, 0],
            "-22 max_entries is 5000, and the type ringbuf takes 4096 or more, powers of two",
        ),
        (
            [33, 0, 0, (1 << 20) + 1, 1 << 10],
            "-7 max_entries is 1048577, and an arena has at most 1048576 pages",
        ),
        ([99, 4, 4, 1, 0], "-22 there is no type of maps with the number 99"),
    ];
    assert_eq!(with_map(numbers(HASH), Capabilities::ALL), "accept");
    for (map, expected) in table {
        assert_eq!(with_map(numbers(map), Capabilities::ALL), expected, "{map:?}");
    }
    let extra = Definition { extra: 1, ..numbers(HASH) };
    assert_eq!(with_map(extra, Capabilities::ALL), "-22 the type hash takes no map_extra");
    let lru = with_map(numbers([9, 4, 8, 16, 0]), Capabilities::NONE);
    assert_eq!(lru, "-1 maps of the type lru_hash need CAP_BPF");
}

#[test]
fn maps_of_maps_hold_what_their_pattern_says() {
    let object = corpus("maps/kinds");
    let linked = linked(&object);
    let program = linked.programs.iter().find(|program| {
        let mut maps = program.map_references.iter().map(|one| &linked.maps[one.map.0].name);
        maps.any(|name| name == "array_of_maps")
    });
    let name = program.expect("a program with a map of maps").name.clone();
    let said = |change: fn(&mut bpf_object::Map)| {
        let mut linked = linked.clone();
        linked.maps.iter_mut().for_each(change);
        verdict(&linked, &name, Version::NEWEST_MODELLED, Capabilities::ALL)
    };
    assert_eq!(said(|_| ()), "accept");
    let held = said(|map| map.definition.value_size *= if map.name == "inner_b" { 2 } else { 1 });
    let expected = "-22 map `array_of_maps` cannot be created: element 1 is `inner_b`, whose value_size is not as declared";
    assert_eq!(held, expected);
    let pattern = said(|map| {
        if let Some(inner) = &mut map.inner {
            inner.map_type = 3;
            (inner.key_size, inner.value_size) = (4, 4);
        }
    });
    assert!(pattern.starts_with("-524 "), "{pattern}");
    let short = said(|map| map.definition.max_entries = map.definition.max_entries.min(1));
    assert!(short.starts_with("-7 "), "{short}");
}

/// What a kernel says of a program of the corpus whose code is replaced.
fn of_kernel(text: &str, kernel: Version) -> String {
    replaced(CLASSIFIER, text, kernel, Capabilities::ALL)
}

/// The same of a program of an object.
fn replaced(
    program: (&str, &str),
    text: &str,
    kernel: Version,
    capabilities: Capabilities,
) -> String {
    let options = Options { kernel, capabilities, ..options() };
    with_code(program, text, options, |program| match verify(&program).verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Reject(reject) => reject.message,
        Verdict::Unsupported(what) => format!("unsupported: {what}"),
    })
}

#[test]
fn speculation_is_masked_or_stopped() {
    let table = [
        // The load that is only made by speculation is stopped.
        ("r0 = 0\nif r0 == 0 goto +1\nr0 = *(u64 *)(r0 + 0)\nexit", "accept"),
        ("r0 = 0\nif r0 == 0 goto +1\nr0 = r9\nexit", "accept"),
        ("r0 = 0\nif r1 != 0 goto +1\nr0 = r9\nexit", "R1 pointer comparison prohibited"),
        ("r2 = r10\nr3 = -8\nr2 += r3\n*(u64 *)(r2 + 0) = 1\nr0 = 0\nexit", "accept"),
        (
            "r2 = r10\nr3 = -600\nr2 += r3\nr0 = 0\nexit",
            "R2 stack pointer arithmetic goes out of range, prohibited for !root; off=-600",
        ),
        (
            "r2 = r10\nr3 = 8\nr2 += r3\nr0 = 0\nexit",
            "R2 stack pointer arithmetic goes out of range, prohibited for !root; off=8",
        ),
        (
            "r3 = 8\nr1 += r3\nr0 = 0\nexit",
            "R1 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root",
        ),
        (
            "r0 = *(u32 *)(r1 + 0)\nr2 = r10\nr2 -= r0\nr0 = 0\nexit",
            "R2 subtraction from stack pointer prohibited",
        ),
        (
            "r3 = -8\nr0 = *(u32 *)(r1 + 0)\nr2 = 0\nif r0 == 0 goto +1\nr2 = r10\nr2 += r3\nr0 = 0\nexit",
            "R2 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root",
        ),
    ];
    for (text, expected) in table {
        let said =
            replaced(("asm/loops", "counted"), text, Version::NEWEST_MODELLED, Capabilities::NONE);
        assert_eq!(said, expected, "{text}");
    }
}

#[test]
fn older_kernels_do_not_know_newer_instructions() {
    let table = [
        (
            "r0 = (s8)r1\nexit",
            [6, 5],
            "BPF_MOV uses reserved fields: moves that extend the sign were introduced in 6.6",
        ),
        (
            "r0 = *(s8 *)(r1 + 0)\nexit",
            [6, 5],
            "BPF_LDX uses reserved fields: loads that extend the sign were introduced in 6.6",
        ),
        (
            "r0 = bswap16 r0\nexit",
            [6, 1],
            "unknown opcode d7: unconditional swaps of bytes were introduced in 6.6",
        ),
        ("r0 = 0\nmay_goto +0\nexit", [6, 8], "unknown opcode e5: may_goto was introduced in 6.9"),
        (
            "r0 = 0\ngotol +0\nexit",
            [6, 1],
            "unknown opcode 06: jumps of 32 bits were introduced in 6.6",
        ),
        (
            "*(u64 *)(r10 - 8) = 0\nr0 = load_acquire((u64 *)(r10 - 8))\nexit",
            [6, 12],
            "BPF_ATOMIC uses invalid atomic opcode 100: loads with acquire order were introduced in 6.15",
        ),
        ("r0 = *(u64 *)(r10 - 8)\nexit", [6, 1], "invalid read from stack off -8+0 size 8"),
        ("r0 = 0\nexit", [5, 10], "accept"),
        // What is not reached is not looked at.
        ("r0 = 0\nif r0 == 0 goto +1\nr0 = (s8)r0\nexit", [6, 5], "accept"),
    ];
    for (text, [major, minor], expected) in table {
        assert_eq!(of_kernel(text, Version::new(major, minor)), expected, "{text}");
    }
    assert_eq!(of_kernel("r0 = *(u64 *)(r10 - 8)\nexit", Version::new(6, 3)), "accept");
}

#[test]
fn older_kernels_do_not_know_newer_types_of_programs() {
    let object = corpus("run/contexts");
    let linked = linked(&object);
    let expected = "-22 programs of the type netfilter were introduced in 6.4";
    assert_eq!(verdict(&linked, "netfilter_hook", Version::new(6, 3), Capabilities::ALL), expected);
}

/// An object of the tests of this crate.
fn own_object(name: &str) -> Object {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/");
    let bytes = std::fs::read(format!("{root}{name}.bpf.o")).expect("it is compiled");
    Object::parse(&bytes).expect("an object")
}

#[test]
fn extensions_fit_what_they_replace() {
    let table = [
        ("replaces", "accept"),
        ("reads_packet", "accept"),
        ("reads_behind_packet", "invalid access to packet, off=13 size=1, R1(id=0,off=13,r=0)"),
        ("changes_packet", "Extension program changes packet data, while original does not"),
        ("changes_packet_as_well", "accept"),
        ("takes_a_number", "accept"),
        // Only the kinds of results are compared.
        ("returns_more", "accept"),
        (
            "returns_nothing",
            "Return type UNKNOWN of returns_nothing() doesn't match type INT of decides()",
        ),
        ("takes_less", "takes_less() has 1 args while adds() has 2"),
        ("takes_a_long", "arg1 in takes_a_long() has size 8 while adds() has 4"),
        (
            "takes_another_context",
            "arg0 takes_another_context(struct xdp_md *) doesn't match decides(struct __sk_buff *)",
        ),
        ("replaces_what_is_hidden", "Cannot replace static functions"),
        (
            "replaces_nothing",
            "unsupported: it replaces `nothing` of a program that is not known; --target names its object",
        ),
        ("calls_helper_of_others", "program of this type cannot use helper bpf_get_retval#186"),
    ];
    let (target, object) = (own_object("extended"), own_object("extensions"));
    let (target, linked) = (linked(&target), linked(&object));
    for (name, expected) in table {
        let program = linked.programs.iter().find(|program| program.name == name);
        let program = program.unwrap_or_else(|| panic!("no program {name}"));
        let bpf_object::Attach::Program { name: function } = &program.load.target else {
            panic!("{name} replaces nothing");
        };
        let extends = crate::Extension::find(&target, function, None);
        let program = Program::extending(&linked, program, types(), options(), extends);
        let said = match verify(&program).verdict {
            Verdict::Accept => "accept".to_owned(),
            Verdict::Reject(reject) => reject.message.lines().next().unwrap_or("").to_owned(),
            Verdict::Unsupported(what) => format!("unsupported: {what}"),
        };
        assert_eq!(said, expected, "{name}");
    }
}
