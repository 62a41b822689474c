//! The call graph and callbacks.

use crate::sema;

const FILE: &str = r#"
#define VIA(x) leaf(x)
#define TWICE(x) VIA(VIA(x))
#define LOOP(n, f) bpf_loop(n, f, &ctx, 0)
#define CONSTANT 5
#define SELF(x) SELF(x)
#define CALL other()
static int leaf(int x) { return x; }
static int other(void) { return SELF(1); }
static int by_macro(void) { return TWICE(CONSTANT); }
static int by_object(void) { return CALL; }
static int first(u32 i, void *ctx) { return 0; }
static int second(u32 i, void *ctx) { return leaf(1); }
static int third(void *map, void *key, void *value) { return 0; }
static int each(void *map, void *key, void *value, void *ctx) { return 0; }
static int found(struct task_struct *task, void *vma, void *ctx) { return 0; }
static int work(void *map, int *key, void *value) { return 0; }
static long drained(struct bpf_dynptr *p, void *ctx) { return 0; }
static int hidden(int leaf) { return leaf; }
static int ping(int n) { return pong(n); }
static int pong(int n) { return ping(n) + bpf_get_smp_processor_id(); }
int run(void *c) {
    int ctx;
    bpf_loop(10, first, &ctx, 0);
    LOOP(3, second);
    bpf_timer_set_callback(&t, &third);
    if (by_macro()) { by_object(); }
    bpf_user_ringbuf_drain(&rb, (void *)drained, &ctx, 0);
    bpf_for_each_map_elem(&map, each, &ctx, 0);
    bpf_find_vma(task, 0, found, &ctx, 0);
    bpf_wq_set_callback(&wq, work, 0);
    return ({ ping(1); });
}
"#;

#[test]
fn callees() {
    let sema = sema(FILE);
    let callees =
        |name| -> Vec<_> { sema.callees(name).iter().map(|name| name.as_str()).collect() };
    assert_eq!(callees("leaf"), [] as [&str; 0]);
    assert_eq!(callees("hidden"), [] as [&str; 0]);
    assert_eq!(callees("nothing"), [] as [&str; 0]);
    assert_eq!(callees("pong"), ["ping", "bpf_get_smp_processor_id"]);
    assert!(callees("by_macro").contains(&"leaf"));
    assert!(callees("by_object").contains(&"other"));
    let run = callees("run");
    for name in ["bpf_loop", "first", "second", "third", "drained", "by_macro", "by_object", "ping"]
    {
        assert!(run.contains(&name), "{name} in {run:?}");
    }
    assert!(!run.contains(&"leaf") && !run.contains(&"ctx"));
    let callers: Vec<_> = sema.callers("leaf").iter().map(|name| name.as_str()).collect();
    assert_eq!(callers, ["by_macro", "second"]);
}

#[test]
fn reaching() {
    let sema = sema(FILE);
    assert!(sema.reaches("run", |name| name == "leaf"));
    assert!(sema.reaches("ping", |name| name == "bpf_get_smp_processor_id"));
    assert!(sema.reaches("ping", |name| name == "ping"));
    assert!(!sema.reaches("ping", |name| name == "leaf"));
    assert!(!sema.reaches("leaf", |_| true));
}

#[test]
fn callbacks() {
    let sema = sema(FILE);
    let callback = |name| sema.is_callback(name).map(|kind| (kind.helper.as_str(), kind.argument));
    assert_eq!(callback("first"), Some(("bpf_loop", 1)));
    assert_eq!(callback("second"), Some(("bpf_loop", 1)));
    assert_eq!(callback("third"), Some(("bpf_timer_set_callback", 1)));
    assert_eq!(callback("drained"), Some(("bpf_user_ringbuf_drain", 1)));
    assert_eq!(callback("each"), Some(("bpf_for_each_map_elem", 1)));
    assert_eq!(callback("found"), Some(("bpf_find_vma", 2)));
    assert_eq!(callback("work"), Some(("bpf_wq_set_callback", 1)));
    for name in ["leaf", "run", "by_macro", "nothing"] {
        assert_eq!(callback(name), None, "{name}");
    }
}
