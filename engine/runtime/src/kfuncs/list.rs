//! Lists of the program's objects, laid out as the kernel's: a head is the next and the previous node, a node has in
//! addition the head of the list that it is in.

use super::objects;
use crate::fault::Stop;
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;
use crate::memory::{Address, Memory};

pub(crate) const TABLE: &Table = &[
    ("bpf_list_back", bpf_list_back),
    ("bpf_list_front", bpf_list_front),
    ("bpf_list_pop_back", bpf_list_pop_back),
    ("bpf_list_pop_front", bpf_list_pop_front),
    ("bpf_list_push_back_impl", bpf_list_push_back_impl),
    ("bpf_list_push_front_impl", bpf_list_push_front_impl),
];

/// Where the previous node and the owner are.
const PREVIOUS: u64 = 8;
const OWNER: u64 = 16;

fn set(memory: &mut Memory, at: Address, value: Address) -> Result<(), Stop> {
    memory.put(at, &value.to_le_bytes())
}

/// A head of zeros is an empty list.
fn initialise(memory: &mut Memory, head: Address) -> Result<(), Stop> {
    if memory.read_u64(head)? == 0 {
        set(memory, head, head)?;
        set(memory, head.wrapping_add(PREVIOUS), head)?;
    }
    Ok(())
}

/// `__bpf_list_add`: a node that is in a list or tree already is dropped.
fn push(m: &mut Machine<'_>, head: Address, node: Address, back: bool) -> Result<u64, Stop> {
    initialise(&mut m.memory, head)?;
    if m.memory.read_u64(node.wrapping_add(OWNER))? != 0 {
        objects::refuse(m, node)?;
        return Ok(error(errno::EINVAL) & 0xffff_ffff);
    }
    let memory = &mut m.memory;
    let (before, after) = if back {
        (memory.read_u64(head.wrapping_add(PREVIOUS))?, head)
    } else {
        (head, memory.read_u64(head)?)
    };
    set(memory, node, after)?;
    set(memory, node.wrapping_add(PREVIOUS), before)?;
    set(memory, before, node)?;
    set(memory, after.wrapping_add(PREVIOUS), node)?;
    set(memory, node.wrapping_add(OWNER), head)?;
    Ok(0)
}

/// The first or last node, 0 if there is none.
fn end(m: &mut Machine<'_>, head: Address, back: bool) -> Result<Address, Stop> {
    initialise(&mut m.memory, head)?;
    let node = m.memory.read_u64(head.wrapping_add(if back { PREVIOUS } else { 0 }))?;
    Ok(if node == head { 0 } else { node })
}

fn pop(m: &mut Machine<'_>, head: Address, back: bool) -> Result<u64, Stop> {
    let node = end(m, head, back)?;
    if node == 0 {
        return Ok(0);
    }
    let memory = &mut m.memory;
    let after = memory.read_u64(node)?;
    let before = memory.read_u64(node.wrapping_add(PREVIOUS))?;
    set(memory, before, after)?;
    set(memory, after.wrapping_add(PREVIOUS), before)?;
    set(memory, node, node)?;
    set(memory, node.wrapping_add(PREVIOUS), node)?;
    set(memory, node.wrapping_add(OWNER), 0)?;
    Ok(node)
}

/// `int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta__ign, u64 off)`
fn bpf_list_push_front_impl(m: &mut Machine<'_>, [head, node, ..]: [u64; 5]) -> Result<u64, Stop> {
    push(m, head, node, false)
}

/// `int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta__ign, u64 off)`
fn bpf_list_push_back_impl(m: &mut Machine<'_>, [head, node, ..]: [u64; 5]) -> Result<u64, Stop> {
    push(m, head, node, true)
}

/// `struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head)`
fn bpf_list_pop_front(m: &mut Machine<'_>, [head, ..]: [u64; 5]) -> Result<u64, Stop> {
    pop(m, head, false)
}

/// `struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *head)`
fn bpf_list_pop_back(m: &mut Machine<'_>, [head, ..]: [u64; 5]) -> Result<u64, Stop> {
    pop(m, head, true)
}

/// `struct bpf_list_node *bpf_list_front(struct bpf_list_head *head)`
fn bpf_list_front(m: &mut Machine<'_>, [head, ..]: [u64; 5]) -> Result<u64, Stop> {
    end(m, head, false)
}

/// `struct bpf_list_node *bpf_list_back(struct bpf_list_head *head)`
fn bpf_list_back(m: &mut Machine<'_>, [head, ..]: [u64; 5]) -> Result<u64, Stop> {
    end(m, head, true)
}
