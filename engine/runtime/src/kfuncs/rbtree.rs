//! Red-black trees of the program's objects. Programs see the shape of a tree, so nodes are where the kernel would have
//! them; they are laid out as there: parent and colour, right and left child, and the root of the tree.

use super::objects;
use crate::fault::{FaultKind, Stop};
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;
use crate::memory::{Address, Memory};

pub(crate) const TABLE: &Table = &[
    ("bpf_rbtree_add_impl", bpf_rbtree_add_impl),
    ("bpf_rbtree_first", bpf_rbtree_first),
    ("bpf_rbtree_left", bpf_rbtree_left),
    ("bpf_rbtree_remove", bpf_rbtree_remove),
    ("bpf_rbtree_right", bpf_rbtree_right),
    ("bpf_rbtree_root", bpf_rbtree_root),
];

const RIGHT: u64 = 8;
const LEFT: u64 = 16;
const OWNER: u64 = 24;
/// In a root: the first node.
const FIRST: u64 = 8;
/// The lowest bit of a parent: the node is black.
const BLACK: u64 = 1;
/// The most steps of one operation: more are only taken in a tree that is broken.
const STEPS: u32 = 4096;

/// A side of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    fn offset(self) -> u64 {
        match self {
            Self::Left => LEFT,
            Self::Right => RIGHT,
        }
    }
}

/// A tree while it is changed.
struct Tree<'m> {
    memory: &'m mut Memory,
    root: Address,
    steps: u32,
}

impl<'m> Tree<'m> {
    fn new(memory: &'m mut Memory, root: Address) -> Self {
        Self { memory, root, steps: 0 }
    }

    fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > STEPS {
            return Err(FaultKind::NotModelled("a tree with a circle".to_owned()).into());
        }
        Ok(())
    }

    fn get(&self, at: Address, offset: u64) -> Result<u64, Stop> {
        self.memory.read_u64(at.wrapping_add(offset))
    }

    fn set(&mut self, at: Address, offset: u64, value: u64) -> Result<(), Stop> {
        self.memory.put(at.wrapping_add(offset), &value.to_le_bytes())
    }

    fn child(&self, node: Address, side: Side) -> Result<Address, Stop> {
        self.get(node, side.offset())
    }

    fn set_child(&mut self, node: Address, side: Side, child: Address) -> Result<(), Stop> {
        self.set(node, side.offset(), child)
    }

    fn parent(&self, node: Address) -> Result<Address, Stop> {
        Ok(self.get(node, 0)? & !3)
    }

    fn set_parent(&mut self, node: Address, parent: Address) -> Result<(), Stop> {
        let colour = self.get(node, 0)? & BLACK;
        self.set(node, 0, parent | colour)
    }

    /// Nothing is black.
    fn is_black(&self, node: Address) -> Result<bool, Stop> {
        Ok(node == 0 || self.get(node, 0)? & BLACK != 0)
    }

    fn paint(&mut self, node: Address, black: bool) -> Result<(), Stop> {
        let parent = self.parent(node)?;
        self.set(node, 0, parent | u64::from(black))
    }

    fn side_of(&self, node: Address, parent: Address) -> Result<Side, Stop> {
        Ok(if self.child(parent, Side::Left)? == node { Side::Left } else { Side::Right })
    }

    /// Puts `new` where `old` is under its parent.
    fn replace(&mut self, old: Address, new: Address) -> Result<(), Stop> {
        let parent = self.parent(old)?;
        if parent == 0 {
            self.set(self.root, 0, new)?;
        } else {
            let side = self.side_of(old, parent)?;
            self.set_child(parent, side, new)?;
        }
        if new == 0 { Ok(()) } else { self.set_parent(new, parent) }
    }

    /// Moves a node down to `side`; its child of the other side comes up.
    fn rotate(&mut self, node: Address, side: Side) -> Result<(), Stop> {
        let up = self.child(node, side.other())?;
        let middle = self.child(up, side)?;
        self.set_child(node, side.other(), middle)?;
        if middle != 0 {
            self.set_parent(middle, node)?;
        }
        self.replace(node, up)?;
        self.set_child(up, side, node)?;
        self.set_parent(node, up)
    }

    /// Balances the tree behind a new node.
    fn inserted(&mut self, mut node: Address) -> Result<(), Stop> {
        loop {
            self.step()?;
            let parent = self.parent(node)?;
            if parent == 0 {
                return self.paint(node, true);
            }
            if self.is_black(parent)? {
                return Ok(());
            }
            let above = self.parent(parent)?;
            let side = self.side_of(parent, above)?;
            let uncle = self.child(above, side.other())?;
            if !self.is_black(uncle)? {
                self.paint(parent, true)?;
                self.paint(uncle, true)?;
                self.paint(above, false)?;
                node = above;
                continue;
            }
            let mut up = parent;
            if self.child(parent, side.other())? == node {
                self.rotate(parent, side)?;
                up = node;
            }
            self.paint(up, true)?;
            self.paint(above, false)?;
            return self.rotate(above, side.other());
        }
    }

    fn leftmost(&mut self, mut node: Address) -> Result<Address, Stop> {
        loop {
            self.step()?;
            match self.child(node, Side::Left)? {
                0 => return Ok(node),
                left => node = left,
            }
        }
    }

    /// The node behind one that has nothing on its left.
    fn next(&mut self, node: Address) -> Result<Address, Stop> {
        match self.child(node, Side::Right)? {
            0 => self.parent(node),
            right => self.leftmost(right),
        }
    }

    fn remove(&mut self, node: Address) -> Result<(), Stop> {
        if self.get(self.root, FIRST)? == node {
            let next = self.next(node)?;
            self.set(self.root, FIRST, next)?;
        }
        let (left, right) = (self.child(node, Side::Left)?, self.child(node, Side::Right)?);
        let (child, parent, side, black);
        if left == 0 || right == 0 {
            child = if left == 0 { right } else { left };
            parent = self.parent(node)?;
            side = if parent == 0 { Side::Left } else { self.side_of(node, parent)? };
            black = self.is_black(node)?;
            self.replace(node, child)?;
        } else {
            let heir = self.leftmost(right)?;
            black = self.is_black(heir)?;
            child = self.child(heir, Side::Right)?;
            if heir == right {
                (parent, side) = (heir, Side::Right);
            } else {
                (parent, side) = (self.parent(heir)?, Side::Left);
                self.replace(heir, child)?;
                self.set_child(heir, Side::Right, right)?;
                self.set_parent(right, heir)?;
            }
            self.replace(node, heir)?;
            self.set_child(heir, Side::Left, left)?;
            self.set_parent(left, heir)?;
            let colour = self.is_black(node)?;
            self.paint(heir, colour)?;
        }
        if black { self.removed(child, parent, side) } else { Ok(()) }
    }

    /// Balances the tree where a black node is missing: at `node`, which is on this side of `parent` and may be nothing.
    fn removed(&mut self, mut node: Address, parent: Address, side: Side) -> Result<(), Stop> {
        let (mut parent, mut side) = (parent, side);
        while parent != 0 && self.is_black(node)? {
            self.step()?;
            let mut sibling = self.child(parent, side.other())?;
            if !self.is_black(sibling)? {
                self.paint(sibling, true)?;
                self.paint(parent, false)?;
                self.rotate(parent, side)?;
                sibling = self.child(parent, side.other())?;
            }
            let (near, far) = (self.child(sibling, side)?, self.child(sibling, side.other())?);
            if self.is_black(near)? && self.is_black(far)? {
                self.paint(sibling, false)?;
                node = parent;
                parent = self.parent(node)?;
                if parent != 0 {
                    side = self.side_of(node, parent)?;
                }
                continue;
            }
            if self.is_black(far)? {
                self.paint(near, true)?;
                self.paint(sibling, false)?;
                self.rotate(sibling, side.other())?;
                sibling = near;
            }
            let colour = self.is_black(parent)?;
            self.paint(sibling, colour)?;
            self.paint(parent, true)?;
            let far = self.child(sibling, side.other())?;
            if far != 0 {
                self.paint(far, true)?;
            }
            return self.rotate(parent, side);
        }
        if node == 0 { Ok(()) } else { self.paint(node, true) }
    }
}

/// `int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node, bool (less)(struct bpf_rb_node *a, const
/// struct bpf_rb_node *b), void *meta__ign, u64 off)`
///
/// A node that is in a list or tree already is dropped.
fn bpf_rbtree_add_impl(m: &mut Machine<'_>, [root, node, less, ..]: [u64; 5]) -> Result<u64, Stop> {
    if m.memory.read_u64(node.wrapping_add(OWNER))? != 0 {
        objects::refuse(m, node)?;
        return Ok(error(errno::EINVAL) & 0xffff_ffff);
    }
    let (mut parent, mut side, mut first) = (0, Side::Left, true);
    let mut at = m.memory.read_u64(root)?;
    while at != 0 {
        parent = at;
        side = match m.call_back(less, [node, parent, 0, 0, 0])? {
            0 => Side::Right,
            _ => Side::Left,
        };
        first &= side == Side::Left;
        at = m.memory.read_u64(parent.wrapping_add(side.offset()))?;
    }
    let mut tree = Tree::new(&mut m.memory, root);
    tree.set(node, 0, parent)?;
    tree.set_child(node, Side::Left, 0)?;
    tree.set_child(node, Side::Right, 0)?;
    match parent {
        0 => tree.set(root, 0, node)?,
        parent => tree.set_child(parent, side, node)?,
    }
    if first {
        tree.set(root, FIRST, node)?;
    }
    tree.inserted(node)?;
    tree.set(node, OWNER, root)?;
    Ok(0)
}

/// `struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node)`
fn bpf_rbtree_remove(m: &mut Machine<'_>, [root, node, ..]: [u64; 5]) -> Result<u64, Stop> {
    if !is_in(m, root, node)? {
        return Ok(0);
    }
    let mut tree = Tree::new(&mut m.memory, root);
    tree.remove(node)?;
    tree.set(node, 0, node)?;
    tree.set(node, OWNER, 0)?;
    Ok(node)
}

fn is_in(m: &Machine<'_>, root: Address, node: Address) -> Result<bool, Stop> {
    Ok(m.memory.read_u64(node.wrapping_add(OWNER))? == root)
}

/// `struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root)`
fn bpf_rbtree_first(m: &mut Machine<'_>, [root, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.memory.read_u64(root.wrapping_add(FIRST))
}

/// `struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *root)`
fn bpf_rbtree_root(m: &mut Machine<'_>, [root, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.memory.read_u64(root)
}

/// `struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *root, struct bpf_rb_node *node)`
fn bpf_rbtree_left(m: &mut Machine<'_>, [root, node, ..]: [u64; 5]) -> Result<u64, Stop> {
    if is_in(m, root, node)? { m.memory.read_u64(node.wrapping_add(LEFT)) } else { Ok(0) }
}

/// `struct bpf_rb_node *bpf_rbtree_right(struct bpf_rb_root *root, struct bpf_rb_node *node)`
fn bpf_rbtree_right(m: &mut Machine<'_>, [root, node, ..]: [u64; 5]) -> Result<u64, Stop> {
    if is_in(m, root, node)? { m.memory.read_u64(node.wrapping_add(RIGHT)) } else { Ok(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Origin;
    use crate::memory::{AllocId, Lifetime};

    /// Checks what makes a tree red-black; returns its black height and nodes in order.
    fn check(tree: &Tree<'_>, node: Address, nodes: &mut Vec<Address>) -> u32 {
        if node == 0 {
            return 1;
        }
        let child = |side| tree.child(node, side).expect("is there");
        let (left, right) = (child(Side::Left), child(Side::Right));
        let black = tree.is_black(node).expect("is there");
        for one in [left, right] {
            assert!(black || tree.is_black(one).expect("is there"), "two red ones");
            assert!(one == 0 || tree.parent(one).expect("is there") == node);
        }
        let low = check(tree, left, nodes);
        nodes.push(node);
        assert_eq!(low, check(tree, right, nodes), "black heights");
        low + u32::from(black)
    }

    #[test]
    fn trees_stay_balanced_and_in_order() {
        const NODES: u64 = 64;
        let mut memory = Memory::new(1 << 20);
        let origin = Origin::Object { name: "nodes".into() };
        let id: AllocId = memory.allocate(32 * 65, origin, true, Lifetime::Run).expect("fits");
        let root = id.at(32 * 64);
        let node = |index: u64| id.at(0).wrapping_add(32 * index);
        let mut inside: Vec<Address> = Vec::new();
        let mut random = 1_u64;
        for _ in 0..4096 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let one = node(random >> 33 & (NODES - 1));
            let mut tree = Tree::new(&mut memory, root);
            if inside.contains(&one) {
                tree.remove(one).expect("is whole");
                inside.retain(|other| *other != one);
            } else {
                let (mut parent, mut side, mut first) = (0, Side::Left, true);
                let mut at = tree.get(root, 0).expect("is there");
                while at != 0 {
                    parent = at;
                    side = if one < parent { Side::Left } else { Side::Right };
                    first &= side == Side::Left;
                    at = tree.child(parent, side).expect("is there");
                }
                for (offset, value) in [(0, parent), (LEFT, 0), (RIGHT, 0)] {
                    tree.set(one, offset, value).expect("is there");
                }
                match parent {
                    0 => tree.set(root, 0, one).expect("is there"),
                    parent => tree.set_child(parent, side, one).expect("is there"),
                }
                if first {
                    tree.set(root, FIRST, one).expect("is there");
                }
                tree.inserted(one).expect("is whole");
                inside.push(one);
            }
            inside.sort_unstable();
            let mut nodes = Vec::new();
            let top = tree.get(root, 0).expect("is there");
            check(&tree, top, &mut nodes);
            assert_eq!(nodes, inside);
            let first = inside.first().copied().unwrap_or(0);
            assert_eq!(tree.get(root, FIRST).expect("is there"), first);
        }
    }
}
