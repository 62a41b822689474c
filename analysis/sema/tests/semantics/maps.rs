//! Maps and programs of a file.

use crate::{int, sema, ty, with_headers};
use sema::{MapDef, Sema};

fn map<'a>(sema: &'a Sema, name: &str) -> &'a MapDef {
    sema.map(name).unwrap_or_else(|| panic!("{name} is a map"))
}

#[test]
fn btf_style() {
    let text = r#"
        #define ENTRIES 1024
        #define KIND BPF_MAP_TYPE_HASH
        struct value { u64 a; u32 b; };
        struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, ENTRIES * 2); __type(key, u32);
                 __type(value, struct value); __uint(map_flags, BPF_F_NO_PREALLOC);
                 __uint(pinning, LIBBPF_PIN_BY_NAME); } flows SEC(".maps");
        struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } events SEC(".maps");
        struct { __uint(type, KIND); __uint(key_size, sizeof(int)); __uint(value_size, 12); } sized SEC(".maps");
        struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, u8[16]); };
        struct inner one SEC(".maps"), two SEC(".maps");
        struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __array(values, struct inner); } nested SEC(".maps");
        struct { int (*type)[BPF_MAP_TYPE_ARRAY]; u32 *key; struct value *value; int (*max_entries)[4]; } raw SEC(".maps");
        struct { __uint(type, BPF_MAP_TYPE_HASH); } not_a_map;
    "#;
    let sema = sema(text);
    let names: Vec<_> = sema.maps().iter().map(|map| map.name.as_str()).collect();
    assert_eq!(names, ["flows", "events", "sized", "one", "two", "nested", "raw"]);

    let flows = map(&sema, "flows");
    assert_eq!(flows.map_type.as_deref(), Some("BPF_MAP_TYPE_LRU_HASH"));
    assert_eq!(flows.key, Some(int(32, false)));
    assert_eq!(flows.value, Some(ty(&sema, "struct value")));
    assert_eq!(
        (flows.key_size, flows.value_size, flows.max_entries),
        (Some(4), Some(16), Some(2048))
    );
    assert_eq!((flows.flags, flows.pinning.as_deref()), (Some(1), Some("LIBBPF_PIN_BY_NAME")));
    assert_eq!((flows.span.text(text), flows.legacy), ("flows", false));

    let events = map(&sema, "events");
    assert_eq!(
        (events.max_entries, events.key_size, events.key.is_none()),
        (Some(1 << 20), None, true)
    );
    let sized = map(&sema, "sized");
    assert_eq!(sized.map_type.as_deref(), Some("BPF_MAP_TYPE_HASH"));
    assert_eq!((sized.key_size, sized.value_size), (Some(4), Some(12)));
    assert_eq!(sized.key, Some(int(32, true)));
    assert_eq!(map(&sema, "two").value_size, Some(16));
    assert_eq!(map(&sema, "nested").values, Some(ty(&sema, "struct inner")));
    let raw = map(&sema, "raw");
    assert_eq!(raw.map_type.as_deref(), Some("BPF_MAP_TYPE_ARRAY"));
    assert_eq!((raw.key_size, raw.value_size, raw.max_entries), (Some(4), Some(16), Some(4)));
}

#[test]
fn legacy_style() {
    let text = r#"
        struct bpf_map_def SEC("maps") a = { .type = BPF_MAP_TYPE_HASH, .key_size = sizeof(u64),
            .value_size = sizeof(struct v), .max_entries = 100, .map_flags = 1 };
        struct bpf_map_def SEC("maps/b") b = { BPF_MAP_TYPE_ARRAY, 4, 8, 16 };
        struct bpf_elf_map SEC("maps") c = { .type = BPF_MAP_TYPE_LPM_TRIE, .size_key = 8, .size_value = 4,
            .max_elem = 7, .pinning = 2 };
        struct v { u32 x[3]; };
    "#;
    let sema = sema(text);
    let row = |name| {
        let map = map(&sema, name);
        (map.map_type.as_deref(), map.key_size, map.value_size, map.max_entries, map.legacy)
    };
    assert_eq!(row("a"), (Some("BPF_MAP_TYPE_HASH"), Some(8), Some(12), Some(100), true));
    assert_eq!(row("b"), (Some("BPF_MAP_TYPE_ARRAY"), Some(4), Some(8), Some(16), true));
    assert_eq!(row("c"), (Some("BPF_MAP_TYPE_LPM_TRIE"), Some(8), Some(4), Some(7), true));
    let a = map(&sema, "a");
    assert_eq!((a.value.clone(), a.flags), (Some(ty(&sema, "struct v")), Some(1)));
    assert_eq!(map(&sema, "c").pinning.as_deref(), Some("2"));
}

#[test]
fn types_from_headers() {
    let header = "#define MAX 64\nstruct key { u8 a[3]; };\n";
    let text = "struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct key); __type(value, struct gone);
        __uint(max_entries, MAX); } m SEC(\".maps\");";
    let sema = with_headers(text, &[header]);
    let m = map(&sema, "m");
    assert_eq!((m.key_size, m.value_size, m.max_entries), (Some(3), None, Some(64)));
}

#[test]
fn sections_through_macros() {
    let text = r#"
        #define __entry(name) SEC(name) __attribute__((used))
        #define __fixed __entry("xdp")
        #define __maps __attribute__((section(".maps"), used))
        #define NOT_A_SECTION(x) __attribute__((x))
        struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); } m __maps;
        __entry("tc") int one(struct __sk_buff *skb) { return 0; }
        __fixed int two(struct xdp_md *ctx) { return 0; }
        NOT_A_SECTION(unused) static int three(void) { return 0; }
    "#;
    let sema = sema(text);
    let sections: Vec<_> = sema
        .programs()
        .iter()
        .map(|it| (it.section_text.as_str(), it.section_span.text(text)))
        .collect();
    assert_eq!(sections, [("tc", "\"tc\""), ("xdp", "__fixed")]);
    assert_eq!(map(&sema, "m").max_entries, Some(2));
    assert!(sema.global("m").is_some_and(|global| global.is_map));
}

#[test]
fn programs() {
    let text = r#"
        static int sub(void) { return 0; }
        SEC("tc") int ingress(struct __sk_buff *skb) { return sub(); }
        SEC("xdp") int pass(struct xdp_md *ctx) { return helper(); }
        SEC("kprobe/tcp_connect") int BPF_KPROBE(connect, struct sock *sk) { return 0; }
        SEC("no/such/section") int odd(void *ctx) { return 0; }
        static int helper(void) { return sub(); }
        char license[] SEC("license") = "GPL";
    "#;
    let sema = sema(text);
    let rows: Vec<_> = sema
        .programs()
        .iter()
        .map(|program| {
            let name = sema.functions()[program.function].name.as_str();
            let kind = program.info.as_ref().map(|info| info.program_type.name);
            (name, program.section_text.as_str(), kind)
        })
        .collect();
    let expected = [
        ("ingress", "tc", Some("sched_cls")),
        ("pass", "xdp", Some("xdp")),
        ("connect", "kprobe/tcp_connect", Some("kprobe")),
        ("odd", "no/such/section", None),
    ];
    assert_eq!(rows, expected);
    assert_eq!(sema.program_of("pass").map(|pass| pass.section_span.text(text)), Some("\"xdp\""));
    assert!(sema.program_of("sub").is_none());
    assert_eq!(sema.section_of("connect"), Some("kprobe/tcp_connect"));
    let target = sema
        .program_of("connect")
        .and_then(|it| it.info.as_ref())
        .and_then(|info| info.target.clone());
    assert_eq!(target.as_deref(), Some("tcp_connect"));
    let reaching = |name| -> Vec<_> {
        sema.programs_reaching(name).iter().map(|program| program.section_text.as_str()).collect()
    };
    assert_eq!(reaching("sub"), ["tc", "xdp"]);
    assert_eq!(reaching("helper"), ["xdp"]);
    assert_eq!(reaching("ingress"), ["tc"]);
}
