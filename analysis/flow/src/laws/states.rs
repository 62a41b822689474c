//! Merging states: an upper bound of both, the same from either side, idempotent, and finite when widened.

use domains::Interval;
use proptest::prelude::*;

use super::exits;
use super::numbers::{covers, num};
use crate::state::{Merge, State, Tri};
use crate::value::{Num, ObjId, Ptr, ROOT_PATH, Value};

fn value() -> impl Strategy<Value = Value> {
    let pointer = (0_u32..2, 0_i128..40).prop_map(|(object, at)| {
        Value::Ptr(Ptr { obj: ObjId(object), path: ROOT_PATH, bytes: Interval::constant(at) })
    });
    prop_oneof![4 => num().prop_map(Value::Num), 2 => pointer, 1 => Just(Value::Unknown)]
}

/// A state with one dynptr and one slice, as the interpreter leaves it.
fn template() -> State {
    let text = "int f(struct __sk_buff *skb)\n{\nstruct bpf_dynptr d;\nchar buf[8];\n\
        bpf_dynptr_from_skb(skb, 0, &d);\nvoid *p = bpf_dynptr_slice_rdwr(&d, 0, buf, 8);\nreturn 0;\n}\n";
    let exits = exits(text, &[]).expect("a small function");
    let [exit] = &exits[..] else { panic!("one way out, not {}", exits.len()) };
    assert_eq!((exit.state.dynptrs.len(), exit.state.slices.len()), (1, 1));
    State { mem: State::new().mem, ..exit.state.clone() }
}

/// States with a dynptr, a slice and up to four cells of memory; `shape` is what keeps them apart.
fn state_of(shape: impl Strategy<Value = (Tri, bool)>) -> impl Strategy<Value = State> {
    let cells = prop::collection::btree_map(0_u32..4, value(), 0..5);
    let template = template();
    (shape, cells, [num(), num(), num(), num()]).prop_map(
        move |((null, private), cells, numbers)| {
            let [start, size, offset, length] = numbers;
            let mut state = template.clone();
            state.private = private;
            for (object, value) in cells {
                state.mem.insert((ObjId(object), ROOT_PATH), value);
            }
            for dynptr in state.dynptrs.values_mut() {
                (dynptr.start, dynptr.size) = (start.clone(), size.clone());
            }
            for slice in state.slices.values_mut() {
                (slice.offset, slice.length) = (offset.clone(), length.clone());
                slice.null = null;
            }
            state
        },
    )
}

fn state() -> impl Strategy<Value = State> {
    state_of((prop_oneof![Just(Tri::Yes), Just(Tri::Maybe)], any::<bool>()))
}

fn state_of_one_shape() -> impl Strategy<Value = State> {
    state_of(Just((Tri::Maybe, false)))
}

/// Whether what `part` may be, `whole` may be.
fn state_covers(whole: &State, part: &State) -> bool {
    let memory = whole.mem.iter().all(|(key, value)| match (value, part.mem.get(key)) {
        (Value::Unknown, Some(_)) => true,
        (Value::Num(whole), Some(Value::Num(part))) => covers(whole, part),
        (Value::Ptr(whole), Some(Value::Ptr(part))) => {
            whole.key() == part.key() && whole.bytes.join(part.bytes) == whole.bytes
        }
        _ => false,
    });
    let dynptrs = whole.dynptrs.iter().all(|(key, whole)| {
        part.dynptrs.get(key).is_some_and(|part| {
            covers(&whole.start, &part.start) && covers(&whole.size, &part.size)
        })
    });
    let slices = whole.slices.iter().all(|(key, whole)| {
        part.slices.get(key).is_some_and(|part| {
            covers(&whole.offset, &part.offset) && covers(&whole.length, &part.length)
        })
    });
    memory && dynptrs && slices
}

proptest! {
    #[test]
    fn merging_with_itself_adds_nothing(state in state(), widen in any::<bool>()) {
        let mut merged = state.clone();
        prop_assert_eq!(merged.merge(&state, widen), Merge::Same);
        prop_assert_eq!(merged, state);
    }

    #[test]
    fn only_shapes_keep_states_apart(a in state(), b in state()) {
        let alike = a.same_shape(&b);
        prop_assert_eq!(alike, b.same_shape(&a));
        let before = a.clone();
        let mut merged = a;
        prop_assert_eq!(merged.merge(&b, false) != Merge::Apart, alike);
        prop_assert!(alike || merged == before, "what is apart stays as it is");
    }

    #[test]
    fn merging_gives_one_upper_bound_from_either_side(a in state_of_one_shape(), b in state_of_one_shape()) {
        let (mut left, mut right) = (a.clone(), b.clone());
        let came = left.merge(&b, false);
        right.merge(&a, false);
        prop_assert!(state_covers(&left, &a) && state_covers(&left, &b));
        prop_assert!(state_covers(&left, &right) && state_covers(&right, &left));
        prop_assert!(came == Merge::Grew || left == a);
        prop_assert_eq!(left.merge(&b, false), Merge::Same, "a second time adds nothing");
    }

    #[test]
    fn widening_is_an_upper_bound(a in state_of_one_shape(), b in state_of_one_shape()) {
        let mut widened = a.clone();
        widened.merge(&b, true);
        prop_assert!(state_covers(&widened, &a) && state_covers(&widened, &b));
    }

    #[test]
    fn widening_ends(states in prop::collection::vec(state_of_one_shape(), 200)) {
        // A number can lose its expression, its 64 known bits one by one, and each end can step through a few
        // thresholds; there are at most 8 numbers. What grows after that grows for ever.
        let mut widened = states[0].clone();
        let late = states.iter().cycle().take(1_000).filter(|state| widened.merge(state, true) == Merge::Grew).count();
        prop_assert!(late <= 8 * (1 + 64 + 2 * 8), "grew {late} times");
        prop_assert!(states.iter().all(|state| widened.merge(state, true) == Merge::Same));
    }
}

/// Ever new states, each beyond the last: the chain that only widening ends.
#[test]
fn counting_up_ends_soon() {
    let count = |value: i128| {
        let mut state = State::new();
        state.mem.insert((ObjId(0), ROOT_PATH), Value::Num(Num::constant(value)));
        state
    };
    let mut widened = count(0);
    let grew =
        (1..10_000).filter(|value| widened.merge(&count(*value), true) == Merge::Grew).count();
    assert!(grew <= 80, "grew {grew} times");
}
