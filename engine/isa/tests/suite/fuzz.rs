//! A second of what the fuzz target does.

use std::time::{Duration, Instant};

use isa::{Program, fuzz_decode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::arbitrary::raw;

#[test]
fn any_bytes_do_for_a_second() {
    let mut runner = TestRunner::default();
    let slots = vec(raw(), 0..64).prop_map(|slots| {
        slots.into_iter().flat_map(|slot| slot.to_bytes(isa::Endian::Little)).collect::<Vec<u8>>()
    });
    let bytes = prop_oneof![slots, vec(any::<u8>(), 0..256)];
    let end = Instant::now() + Duration::from_secs(1);
    let mut some_decoded = false;
    while Instant::now() < end {
        let bytes = bytes.new_tree(&mut runner).expect("a value").current();
        some_decoded |= Program::from_bytes(&bytes, isa::Endian::Little).is_ok();
        fuzz_decode(&bytes);
    }
    assert!(some_decoded);
}
