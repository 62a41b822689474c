//! What the kernel's messages are about: a table, by their texts.

/// What has to be told about a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum About {
    /// A pointer that may be NULL.
    Nullable,
    /// A register that does not hold the pointer it should.
    Pointer,
    /// A register without a value.
    Value,
    /// A number or an unknown offset that is not known well enough.
    Range,
    /// A packet pointer that was not compared with the end of the packet, or not far enough.
    Packet,
    /// Something acquired that is not given back.
    Reference,
    /// The result of the program or of a callback.
    Result,
    /// A section of code that was opened by a call of one of these.
    Section(&'static [&'static str]),
    /// A dynptr that a call takes.
    Dynptr,
    /// Nothing that happened before.
    Here,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Advice {
    /// The message; `*` stands for anything.
    pub pattern: &'static str,
    /// What it is about.
    pub about: About,
    /// What would make the kernel take the program; empty if there is no general answer.
    pub help: &'static str,
    /// The lint rule that finds the same mistake; empty if there is none.
    pub rule: &'static str,
}

const fn row(
    pattern: &'static str,
    about: About,
    help: &'static str,
    rule: &'static str,
) -> Advice {
    Advice { pattern, about, help, rule }
}

/// Calls that open a section which must be closed.
const LOCKS: &[&str] = &["bpf_spin_lock", "bpf_res_spin_lock", "bpf_res_spin_lock_irqsave"];
const RCU: &[&str] = &["bpf_rcu_read_lock"];
const PREEMPT: &[&str] = &["bpf_preempt_disable"];
const IRQ: &[&str] = &["bpf_local_irq_save", "bpf_res_spin_lock_irqsave"];
const ATOMIC: &[&str] = &[
    "bpf_spin_lock",
    "bpf_res_spin_lock",
    "bpf_rcu_read_lock",
    "bpf_preempt_disable",
    "bpf_local_irq_save",
];

const CHECK_NULL: &str = "compare the pointer with NULL and leave if it is, before it is used";
const CHECK_RANGE: &str = "compare the number with a constant before it is used, as unsigned or from both sides; a mask such as `i &= 63` does too";
const CHECK_PACKET: &str = "compare `pointer + length` with `data_end` and leave if it is beyond, for each pointer that is used";
const GIVE_BACK: &str = "give it back on every path to the end, also where an error is handled";
const OTHER_PROGRAM: &str = "use a program type that may call it, or another function; `bpf-analyzer explain` and the hover text in the editor list who may call what";
const CLOSE: &str = "close the section on every path before this point";

use About::{Dynptr, Here, Nullable, Packet, Pointer, Range, Reference, Result, Section, Value};

/// The table; the first row that fits counts.
pub(super) const TABLE: &[Advice] = &[
    row("R* invalid mem access 'rdonly_mem_or_null'", Nullable, CHECK_NULL, "missing-null-check"),
    row("R* invalid mem access 'mem_or_null'", Nullable, CHECK_NULL, "missing-null-check"),
    row(
        "R* pointer arithmetic on rdonly_mem_or_null *",
        Nullable,
        CHECK_NULL,
        "missing-null-check",
    ),
    row("R* pointer arithmetic on mem_or_null *", Nullable, CHECK_NULL, "missing-null-check"),
    row("R* invalid mem access '*_or_null*'", Nullable, CHECK_NULL, ""),
    row(
        "R* pointer arithmetic on *_or_null* prohibited, null-check it first",
        Nullable,
        CHECK_NULL,
        "",
    ),
    row("Possibly NULL pointer passed to *", Nullable, CHECK_NULL, ""),
    row("R* type=*_or_null* expected=*", Nullable, CHECK_NULL, ""),
    row("R* invalid mem access 'scalar'", Pointer, "", ""),
    row("R* invalid mem access *", Pointer, "", ""),
    row("R* !read_ok", Value, "give the variable a value on every path", ""),
    row("invalid access to packet, *", Packet, CHECK_PACKET, ""),
    row("invalid access to memory, *", Range, CHECK_RANGE, "slice-out-of-bounds"),
    row("invalid access to map value, *", Range, CHECK_RANGE, ""),
    row("invalid access to * off=* size=*", Range, CHECK_RANGE, ""),
    row("R* unbounded memory access*", Range, CHECK_RANGE, ""),
    row("R* min value is negative*", Range, CHECK_RANGE, ""),
    row("R* min value is outside of the allowed memory range", Range, CHECK_RANGE, ""),
    row("R* max value is outside of the allowed memory range", Range, CHECK_RANGE, ""),
    row(
        "R* invalid zero-sized read*",
        Range,
        "make sure that the length is at least 1",
        "zero-length-access",
    ),
    row(
        "invalid zero-sized read*",
        Range,
        "make sure that the length is at least 1",
        "zero-length-access",
    ),
    row("math between * pointer and *", Range, CHECK_RANGE, ""),
    row("value * makes * pointer be out of bounds", Range, CHECK_RANGE, ""),
    row(
        "R4 must be a known constant",
        Range,
        "pass a constant; a variable that is always the same is not enough",
        "non-constant-slice-length",
    ),
    row("R* is not a known constant'", Range, "pass a constant", "non-constant-slice-length"),
    row("Unreleased reference id=* alloc_insn=*", Reference, GIVE_BACK, ""),
    row(
        "At program exit the register *",
        Result,
        "return a number in that range on every path",
        "",
    ),
    row("At callback return the register *", Result, "return 0 to go on or 1 to stop", ""),
    row("At async callback return the register *", Result, "return 0", ""),
    row("At subprogram exit the register *", Result, "", ""),
    row("R0 leaks addr as return value", Result, "return a number, not a pointer", ""),
    row(
        "Expected an initialized dynptr as arg #*",
        Dynptr,
        "build the dynptr before, on every path",
        "uninitialised-dynptr",
    ),
    row("Dynptr has to be an uninitialized dynptr", Dynptr, "use a dynptr variable of its own", ""),
    row(
        "cannot overwrite referenced dynptr",
        Dynptr,
        "submit or discard the record first",
        "referenced-dynptr-overwritten",
    ),
    row(
        "arg * is an unacquired reference",
        Dynptr,
        "give it back once only",
        "dynptr-released-twice",
    ),
    row(
        "arg#* expected pointer to stack or const struct bpf_dynptr",
        Pointer,
        "make the dynptr a local variable",
        "dynptr-not-on-stack",
    ),
    row(
        "R* type=* expected=fp, dynptr_ptr",
        Pointer,
        "make the dynptr a local variable",
        "dynptr-not-on-stack",
    ),
    row(
        "Unsupported reg type * for bpf_dynptr_from_mem data",
        Pointer,
        "pass a map value; global variables are map values too",
        "dynptr-from-stack-memory",
    ),
    row(
        "the prog does not allow writes to packet data",
        Here,
        "use `bpf_dynptr_slice`, which programs of this type may call",
        "slice-rdwr-not-allowed",
    ),
    row(
        "cannot release unowned const bpf_dynptr",
        Here,
        "release it in the function that has built it",
        "release-in-global-function",
    ),
    row(
        "R* cannot write into rdonly_mem",
        Pointer,
        "use `bpf_dynptr_slice_rdwr` for a slice that is written, and write it back",
        "store-to-read-only-slice",
    ),
    row("R* cannot write into *", Pointer, "", ""),
    row(
        "R2 type=rdonly_mem expected=*",
        Pointer,
        "copy the bytes to a local variable first",
        "slice-as-map-argument",
    ),
    row(
        "R2 type=mem expected=*",
        Pointer,
        "copy the bytes to a local variable first",
        "slice-as-map-argument",
    ),
    row("R* type=* expected=*", Pointer, "", ""),
    row(
        "invalid read from stack *",
        Here,
        "give the whole variable a value before it is read or passed, its padding too",
        "",
    ),
    row("invalid write to stack *", Here, "stay within the variable", ""),
    row(
        "invalid func unknown#*",
        Here,
        "the function is newer than the kernel, or there is none with this number",
        "not-in-target-kernel",
    ),
    row("program of this type cannot use helper *", Here, OTHER_PROGRAM, ""),
    row("calling kernel function * is not allowed", Here, OTHER_PROGRAM, ""),
    row(
        "cannot call GPL-restricted function from non-GPL compatible program",
        Here,
        "set the licence to \"GPL\" or one that is compatible",
        "",
    ),
    row(
        "cannot call kernel function from non-GPL compatible program",
        Here,
        "set the licence to \"GPL\" or one that is compatible",
        "",
    ),
    row(
        "helper call might sleep in a non-sleepable prog",
        Here,
        "load the program as sleepable (`SEC(\"….s/…\")`), if its type allows it",
        "",
    ),
    row(
        "program must be sleepable to call sleepable kfunc *",
        Here,
        "load the program as sleepable (`SEC(\"….s/…\")`), if its type allows it",
        "",
    ),
    row(
        "sleepable helper * in *",
        Section(ATOMIC),
        "call it before the section is opened or after it is closed",
        "",
    ),
    row(
        "kernel func * is sleepable within *",
        Section(ATOMIC),
        "call it before the section is opened or after it is closed",
        "",
    ),
    row(
        "function calls are not allowed while holding a lock",
        Section(LOCKS),
        "call it before the lock is taken or after it is given back",
        "",
    ),
    row(
        "global function calls are not allowed while holding a lock*",
        Section(LOCKS),
        "make the function `static`, or call it without the lock",
        "",
    ),
    row("*cannot be used inside bpf_spin_lock-ed region", Section(LOCKS), CLOSE, ""),
    row("*cannot be used inside bpf_rcu_read_lock-ed region", Section(RCU), CLOSE, ""),
    row("*cannot be used inside bpf_preempt_disable-ed region", Section(PREEMPT), CLOSE, ""),
    row("*cannot be used inside bpf_local_irq_save-ed region", Section(IRQ), CLOSE, ""),
    row(
        "infinite loop detected at insn *",
        Here,
        "let the loop change something that its condition depends on, or use `bpf_for` or `bpf_loop`",
        "",
    ),
    row(
        "BPF program is too large. Processed *",
        Here,
        "let paths join again: fewer iterations, `bpf_loop`, `bpf_for`, or global functions, which are verified once",
        "",
    ),
    row(
        "The sequence of * jumps is too complex.",
        Here,
        "split the function: global functions are verified once",
        "",
    ),
    row(
        "combined stack size of * calls is *",
        Here,
        "move large variables to a map, such as a per-CPU array",
        "",
    ),
    row(
        "the call stack of * frames is too deep*",
        Here,
        "call fewer functions within one another",
        "",
    ),
    row("unreachable insn *", Here, "remove the code that cannot be reached", ""),
    row(
        "invalid bpf_context access *",
        Here,
        "read fields of the context by their names and sizes, and only those that programs of this type may",
        "",
    ),
    row(
        "dereference of modified ctx ptr *",
        Pointer,
        "use the context as it was given, without arithmetic on it",
        "",
    ),
    row("frame pointer is read only", Here, "", ""),
    row(
        "map `*` cannot be created: max_entries is 0*",
        Here,
        "give the map max_entries, or say with --max-entries what the loader sets",
        "",
    ),
    row("div by zero", Here, "", ""),
];

/// The row for a message.
pub(super) fn of(message: &str) -> Option<&'static Advice> {
    TABLE.iter().find(|row| fits(row.pattern, message))
}

/// Whether a text is what a pattern describes.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(mut part) = parts.next() else { return rest.is_empty() };
    for next in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        part = next;
    }
    rest.ends_with(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit() {
        let cases = [
            ("a *b", "a xb", true),
            ("a *b", "a b", true),
            ("a *b", "a bc", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*a*", "bab", true),
            ("a*a", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn messages_find_their_rows() {
        let rule = |text| of(text).map(|row| row.rule);
        assert_eq!(rule("R0 invalid mem access 'rdonly_mem_or_null'"), Some("missing-null-check"));
        assert_eq!(rule("R0 invalid mem access 'map_value_or_null'"), Some(""));
        assert_eq!(rule("invalid func unknown#212"), Some("not-in-target-kernel"));
        assert_eq!(rule("something else"), None);
    }
}
