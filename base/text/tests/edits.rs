//! Edits against a text built piece by piece.

use proptest::prelude::*;
use text::{Edit, EditError, Span, apply_edits};

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("short text")
}

/// What is kept, then what is cut out and put in its place.
type Piece = (String, String, String);

proptest! {
    #[test]
    fn disjoint_edits_in_any_order_rebuild_the_text(
        pieces in prop::collection::vec(("[aä🐝\n]{1,4}", "[bß]{0,3}", "[c€]{0,3}"), 0..8),
        seed: u64,
    ) {
        let (mut before, mut after, mut edits) = (String::new(), String::new(), Vec::new());
        let pieces: Vec<Piece> = pieces;
        for (kept, cut, put) in pieces {
            before.push_str(&kept);
            after.push_str(&kept);
            let start = offset(before.len());
            before.push_str(&cut);
            after.push_str(&put);
            edits.push(Edit::replace(Span::new(start, offset(before.len())), put));
        }
        edits.sort_by_key(|edit| u64::from(edit.span.start).wrapping_mul(seed | 1));
        prop_assert_eq!(apply_edits(&before, &edits), Ok(after));
    }

    #[test]
    fn any_edits_are_applied_or_refused(
        text in "[aä🐝\n]{0,6}",
        spans in prop::collection::vec((0_u32..20, 0_u32..20), 0..4),
    ) {
        let edits: Vec<Edit> = spans.iter().map(|&(start, end)| Edit::replace(Span::new(start, end), "x")).collect();
        if let Ok(after) = apply_edits(&text, &edits) {
            let cut: u32 = edits.iter().map(|edit| edit.span.len()).sum();
            prop_assert_eq!(after.len() + cut as usize, text.len() + edits.len());
        }
    }
}

#[test]
fn insertions_at_one_place_keep_their_order() {
    let edits = [Edit::insert(1, "x"), Edit::insert(1, "y"), Edit::replace(Span::new(1, 2), "B")];
    assert_eq!(apply_edits("abc", &edits), Ok("axyBc".to_owned()));
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |edits: &[Edit]| apply_edits("aä", edits).expect_err("does not fit");
    let cut = |start, end| Edit::replace(Span::new(start, end), "");
    assert_eq!(refused(&[cut(0, 2)]), EditError::OutOfBounds(2));
    assert_eq!(refused(&[cut(2, 3)]), EditError::OutOfBounds(2));
    assert_eq!(refused(&[cut(0, 9)]), EditError::OutOfBounds(9));
    assert_eq!(refused(&[cut(0, 1), cut(0, 3)]), EditError::Overlap(0));
    assert_eq!(refused(&[Edit::insert(4, "x")]), EditError::OutOfBounds(4));
}
