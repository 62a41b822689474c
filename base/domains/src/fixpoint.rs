//! The least solution, or with widening some solution, of data-flow equations over a graph.
//!
//! The equations are state[n] ⊒ entry[n] and state[m] ⊒ d for every (m, d) in transfer(n, state[n]).
//! Nodes are taken in reverse post-order, so that a node waits for its predecessors outside loops.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What flows along the edges.
pub trait Domain {
    /// Makes `self` an upper bound of itself and `other`; whether it grew. `visits` is how often the
    /// node has been taken before if it heads a loop, and 0 elsewhere: an implementation whose chains
    /// are infinite must widen from some count on. Every cycle has such a node.
    fn join_into(&mut self, other: Self, visits: u32) -> bool;
}

/// A node of the graph, by its index into the successor lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u32);

impl Node {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A graph prepared for solving.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Node by position in reverse post-order.
    order: Vec<Node>,
    /// Position in `order` by node.
    rank: Vec<u32>,
    /// Whether an edge from a later or the same position leads here, by node.
    is_head: Vec<bool>,
}

/// What [`solve`] found.
#[derive(Clone, Debug)]
pub struct Solution<D> {
    /// The state at the start of each node; `None` where nothing arrives.
    pub states: Vec<Option<D>>,
    /// How often a node was taken.
    pub steps: u32,
    /// Whether the equations hold. If not, the budget ran out and the states are no upper bound.
    pub complete: bool,
}

impl Flow {
    /// Orders the nodes reachable from `entry` in reverse post-order, the others behind them.
    /// `successors[n]` are the nodes the transfer at n may name; indices out of range are ignored.
    pub fn new(successors: &[Vec<Node>], entry: Node) -> Self {
        let count = successors.len();
        let mut seen = vec![false; count];
        let mut order = Vec::with_capacity(count);
        for root in [entry.index()].into_iter().chain(0..count) {
            let first = order.len();
            post_order(successors, root, &mut seen, &mut order);
            order[first..].reverse();
        }
        let mut rank = vec![0; count];
        for (position, node) in (0_u32..).zip(&order) {
            rank[node.index()] = position;
        }
        let mut is_head = vec![false; count];
        for (from, targets) in successors.iter().enumerate() {
            for target in targets.iter().filter(|target| target.index() < count) {
                is_head[target.index()] |= rank[target.index()] <= rank[from];
            }
        }
        Self { order, rank, is_head }
    }

    /// The nodes in reverse post-order.
    pub fn order(&self) -> &[Node] {
        &self.order
    }

    /// Whether the node heads a loop: the target of an edge that goes back in the order.
    pub fn is_head(&self, node: Node) -> bool {
        self.is_head.get(node.index()).copied().unwrap_or(false)
    }
}

/// Appends the nodes reachable from `root` and not yet seen, each behind its successors. Iterative:
/// a function of 10,000 statements is a path as long.
fn post_order(successors: &[Vec<Node>], root: usize, seen: &mut [bool], order: &mut Vec<Node>) {
    let mut stack: Vec<(usize, usize)> = Vec::new();
    if !std::mem::replace(seen.get_mut(root).unwrap_or(&mut true), true) {
        stack.push((root, 0));
    }
    while let Some((node, next)) = stack.last_mut() {
        match successors[*node].get(*next) {
            Some(target) => {
                *next += 1;
                let target = target.index();
                if !std::mem::replace(seen.get_mut(target).unwrap_or(&mut true), true) {
                    stack.push((target, 0));
                }
            }
            None => {
                order.extend(u32::try_from(*node).map(Node));
                stack.pop();
            }
        }
    }
}

/// Solves the equations from `entries`, taking at most `budget` nodes. `transfer` maps a node and the
/// state at its start to the states it sends on; it may leave successors out and name one twice, but
/// may name only successors the graph knows, or termination rests on the budget alone.
pub fn solve<D: Domain>(
    flow: &Flow,
    entries: impl IntoIterator<Item = (Node, D)>,
    budget: u32,
    mut transfer: impl FnMut(Node, &D) -> Vec<(Node, D)>,
) -> Solution<D> {
    let count = flow.rank.len();
    let mut solver = Solver {
        flow,
        states: std::iter::repeat_with(|| None).take(count).collect(),
        visits: vec![0; count],
        pending: BinaryHeap::new(),
        is_pending: vec![false; count],
    };
    for (node, state) in entries {
        solver.arrive(node, state);
    }
    let mut steps = 0;
    while let Some(node) = solver.next() {
        if steps == budget {
            return Solution { states: solver.states, steps, complete: false };
        }
        steps += 1;
        let sent = solver.states[node.index()].as_ref().map(|state| transfer(node, state));
        for (target, state) in sent.into_iter().flatten() {
            solver.arrive(target, state);
        }
    }
    Solution { states: solver.states, steps, complete: true }
}

/// The states so far and the nodes whose equations may not hold yet.
struct Solver<'f, D> {
    flow: &'f Flow,
    states: Vec<Option<D>>,
    /// How often each node was taken.
    visits: Vec<u32>,
    /// Ranks of the nodes to take, the first in reverse post-order on top.
    pending: BinaryHeap<Reverse<u32>>,
    is_pending: Vec<bool>,
}

impl<D: Domain> Solver<'_, D> {
    /// Joins a state into that of a node.
    fn arrive(&mut self, node: Node, new: D) {
        let index = node.index();
        let visits = if self.flow.is_head(node) { self.visits[index] } else { 0 };
        let grew = match self.states.get_mut(index) {
            Some(Some(old)) => old.join_into(new, visits),
            Some(unreached) => {
                *unreached = Some(new);
                true
            }
            None => false,
        };
        if grew && !std::mem::replace(&mut self.is_pending[index], true) {
            self.pending.push(Reverse(self.flow.rank[index]));
        }
    }

    /// Takes the next node.
    fn next(&mut self) -> Option<Node> {
        let Reverse(rank) = self.pending.pop()?;
        let node = self.flow.order[rank as usize];
        self.is_pending[node.index()] = false;
        self.visits[node.index()] += 1;
        Some(node)
    }
}
