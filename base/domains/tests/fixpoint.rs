//! The solver on small graphs: order, loops, widening and the budget.

use domains::fixpoint::{Domain, Flow, Node, solve};
use domains::{Comparison, Interval};
use proptest::prelude::*;

/// An interval that widens from its third visit on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counter(Interval);

impl Domain for Counter {
    fn join_into(&mut self, other: Self, visits: u32) -> bool {
        let old = self.0;
        let joined = old.join(other.0);
        self.0 = if visits < 3 { joined } else { old.widen(joined, &Interval::TYPE_LIMITS) };
        self.0 != old
    }
}

/// Sets of up to 64 things; finite, so it never widens.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bits(u64);

impl Domain for Bits {
    fn join_into(&mut self, other: Self, _visits: u32) -> bool {
        let old = self.0;
        self.0 |= other.0;
        self.0 != old
    }
}

fn graph(edges: &[(u32, u32)], count: usize) -> Vec<Vec<Node>> {
    let mut successors = vec![Vec::new(); count];
    for &(from, to) in edges {
        successors[from as usize].push(Node(to));
    }
    successors
}

/// `for (i = 0; i < limit; i++) body;` as entry 0, head 1, body 2, exit 3.
fn loop_bounds(limit: i128, budget: u32) -> (Option<Interval>, Option<Interval>, bool) {
    let flow = Flow::new(&graph(&[(0, 1), (1, 2), (2, 1), (1, 3)], 4), Node(0));
    assert!(flow.is_head(Node(1)) && !flow.is_head(Node(2)) && !flow.is_head(Node(3)));
    let limit = Interval::constant(limit);
    let solution =
        solve(&flow, [(Node(0), Counter(Interval::constant(0)))], budget, |node, &Counter(i)| {
            match node {
                Node(0) => vec![(Node(1), Counter(i))],
                Node(1) => {
                    let inside = i.refine(Comparison::Lt, limit).0.map(|i| (Node(2), Counter(i)));
                    let after = i.refine(Comparison::Ge, limit).0.map(|i| (Node(3), Counter(i)));
                    inside.into_iter().chain(after).collect()
                }
                Node(2) => vec![(Node(1), Counter(i + Interval::constant(1)))],
                _ => Vec::new(),
            }
        });
    let state = |node: usize| solution.states[node].map(|Counter(i)| i);
    (state(2), state(3), solution.complete)
}

#[test]
fn a_counted_loop_is_bounded_in_its_body_and_behind() {
    let (body, exit, complete) = loop_bounds(1000, 100);
    assert!(complete);
    assert_eq!(body, Interval::new(0, 999));
    assert_eq!(exit.map(Interval::lo), Some(1000));
    let (body, exit, _) = loop_bounds(0, 100);
    assert_eq!(
        (body, exit),
        (None, Interval::new(0, 0)),
        "nothing arrives in a loop that never runs"
    );
}

#[test]
fn an_exhausted_budget_is_told() {
    assert!(!loop_bounds(1000, 3).2);
    assert!(!loop_bounds(1000, 0).2);
}

#[test]
fn a_diamond_joins_before_it_goes_on() {
    let flow = Flow::new(&graph(&[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)], 6), Node(0));
    assert_eq!(flow.order().first(), Some(&Node(0)));
    let mut taken = Vec::new();
    let solution = solve(&flow, [(Node(0), Bits(1))], 100, |node, bits| {
        taken.push(node);
        let targets: &[u32] = match node.0 {
            0 => &[1, 2],
            1 | 2 => &[3],
            3 => &[4],
            _ => &[],
        };
        targets.iter().map(|&target| (Node(target), Bits(bits.0 | 1 << target))).collect()
    });
    assert_eq!(solution.steps, 5, "each reachable node once: {taken:?}");
    assert_eq!(solution.states[4], Some(Bits(0b11111)));
    assert_eq!(solution.states[5], None, "unreachable");
}

#[test]
fn odd_graphs_are_harmless() {
    assert_eq!(Flow::new(&[], Node(0)).order(), []);
    let flow = Flow::new(&graph(&[(0, 9), (0, 0)], 1), Node(7));
    assert!(flow.is_head(Node(0)) && !flow.is_head(Node(9)));
    let solution = solve(&flow, [(Node(0), Bits(1)), (Node(9), Bits(1))], 10, |_, &bits| {
        vec![(Node(9), bits)]
    });
    assert!(solution.complete);
    let long: Vec<(u32, u32)> = (0..100_000).map(|n| (n, n + 1)).collect();
    let flow = Flow::new(&graph(&long, 100_001), Node(0));
    assert_eq!(flow.order().last(), Some(&Node(100_000)));
}

proptest! {
    /// On any graph the result is what reachability computed edge by edge gives, and every cycle has
    /// a head.
    #[test]
    fn solves_reachability(edges in prop::collection::vec((0_u32..12, 0_u32..12), 0..40)) {
        let successors = graph(&edges, 12);
        let flow = Flow::new(&successors, Node(0));
        let solution = solve(&flow, [(Node(0), Bits(1))], 10_000, |node, bits| {
            successors[node.index()].iter().map(|&to| (to, Bits(bits.0 | 1 << to.0))).collect()
        });
        prop_assert!(solution.complete);
        let mut through = vec![0_u64; 12];
        through[0] = 1;
        for _ in 0..200 {
            for &(from, to) in &edges {
                if through[from as usize] != 0 {
                    through[to as usize] |= through[from as usize] | 1 << to;
                }
            }
        }
        let found: Vec<u64> = solution.states.iter().map(|state| state.map_or(0, |bits| bits.0)).collect();
        prop_assert_eq!(found, through);
        let position = |node: u32| flow.order().iter().position(|n| n.0 == node);
        for &(from, to) in &edges {
            prop_assert!(position(from) < position(to) || flow.is_head(Node(to)));
        }
    }
}
