//! What is wrong is said with its place.

use bpf_object::Object;

use crate::{file, linked};

#[test]
fn programs_that_refer_to_nothing_fail_alone() {
    linked("missing.bpf.o", |linked| {
        let failures: Vec<_> = linked
            .failures
            .iter()
            .map(|failure| (failure.name.as_str(), failure.error.to_string()))
            .collect();
        let expected = [
            ("missing_function", "extern `kfunc_missing` is not in the kernel"),
            ("changed_function", "extern `kfunc_changed` has another type than"),
            ("missing_option", "extern `CONFIG_MISSING` is not in the kernel"),
            ("wrong_option", "value `m` of extern `CONFIG_MADE_TRISTATE` does not fit its type"),
            ("missing_symbol", "extern `symbol_missing` is not in the kernel"),
            ("wrong_variable", "extern `some_variable` has another type than"),
            ("indirectly", "`through_a_subprogram`, offset 0x0: extern `kfunc_missing`"),
            ("undeclared_function", "extern `undeclared` is not supported: it is neither"),
        ];
        assert_eq!(failures.len(), expected.len(), "{failures:?}");
        for ((name, message), (expected_name, expected)) in failures.iter().zip(expected) {
            assert_eq!(*name, expected_name);
            assert!(message.contains(expected), "{name}: {message}");
            assert!(message.starts_with("section `"), "{name}: {message}");
        }
        let names: Vec<&str> = linked.programs.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["fine"]);
    });
}

#[test]
fn what_is_no_object_is_refused() {
    let whole = file("maps.bpf.o");
    let change = |at: usize, byte: u8| {
        let mut changed = whole.clone();
        changed[at] = byte;
        changed
    };
    let cases = [
        (Vec::new(), "malformed ELF"),
        (b"#include <linux/bpf.h>".to_vec(), "malformed ELF"),
        (whole[..100].to_vec(), "malformed ELF"),
        (change(4, 1), "malformed ELF"),
        (change(18, 62), "not a relocatable BPF object: another machine"),
        (change(16, 2), "not a relocatable BPF object: not relocatable"),
    ];
    for (bytes, expected) in cases {
        let message = Object::parse(&bytes).expect_err(expected).to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn malformed_types_are_named_with_their_place() {
    let whole = file("maps.bpf.o");
    let magic = whole.windows(2).position(|pair| pair == [0x9f, 0xeb]).expect("has types");
    let mut changed = whole.clone();
    changed[magic + 2] = 9;
    let message = Object::parse(&changed).expect_err("version 9").to_string();
    assert_eq!(message, "section `.BTF`: BTF is malformed at byte 0x2: version 9 is not known");
    let mut changed = whole;
    // The kind of the first type.
    changed[magic + 24 + 7] = 30;
    let message = Object::parse(&changed).expect_err("kind 30").to_string();
    assert_eq!(
        message,
        "section `.BTF`: BTF is malformed at byte 0x18: type [1] has unknown kind 30"
    );
}
