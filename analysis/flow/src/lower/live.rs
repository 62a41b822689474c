//! Temporaries that live inside one block. Most results of calls do; forgetting them keeps states small
//! and lets more of them be equal.

use rustc_hash::FxHashMap;

use crate::mir::{
    Block, Expr, ExprKind, InstKind, Local, LocalId, Place, PlaceBase, Proj, Terminator,
};

/// Notes for each block the temporaries that only it mentions.
pub(super) fn find_temporaries(locals: &[Local], blocks: &mut [Block]) {
    let mut home: FxHashMap<LocalId, Option<usize>> = FxHashMap::default();
    for (index, block) in blocks.iter().enumerate() {
        mentions(block, &mut |id| {
            if locals[id.0 as usize].name.is_empty() {
                let home = home.entry(id).or_insert(Some(index));
                if *home != Some(index) {
                    *home = None;
                }
            }
        });
    }
    for (id, home) in home {
        if let Some(block) = home {
            blocks[block].temporaries.push(id);
        }
    }
    for block in blocks {
        block.temporaries.sort_unstable();
    }
}

/// Calls `note` for each variable that a block reads, writes or takes the address of.
fn mentions(block: &Block, note: &mut impl FnMut(LocalId)) {
    for inst in &block.insts {
        match &inst.kind {
            InstKind::Declare(id) => note(*id),
            InstKind::Zero(place) => in_place(place, note),
            InstKind::Assign { place, value } => {
                in_place(place, note);
                in_expr(value, note);
            }
            InstKind::Call { dst, args, .. } => {
                note(*dst);
                args.iter().for_each(|arg| in_expr(arg, note));
            }
            InstKind::Eval(expr) => in_expr(expr, note),
            InstKind::Havoc(places) => places.iter().for_each(|place| in_place(place, note)),
        }
    }
    match &block.term {
        Terminator::Branch { cond: value, .. }
        | Terminator::Switch { value, .. }
        | Terminator::Return { value: Some(value), .. } => in_expr(value, note),
        Terminator::Unreachable
        | Terminator::Goto(_)
        | Terminator::Choice(_)
        | Terminator::Return { value: None, .. } => {}
    }
}

fn in_place(place: &Place, note: &mut impl FnMut(LocalId)) {
    match &place.base {
        PlaceBase::Local(id) => note(*id),
        PlaceBase::Global(_) => {}
        PlaceBase::Deref(pointer) => in_expr(pointer, note),
    }
    for step in &place.proj {
        if let Proj::Index { index, .. } = step {
            in_expr(index, note);
        }
    }
}

fn in_expr(expr: &Expr, note: &mut impl FnMut(LocalId)) {
    match &expr.kind {
        ExprKind::Const(_) | ExprKind::Str | ExprKind::Function(_) | ExprKind::SizeOf(_) => {}
        ExprKind::Load(place) | ExprKind::AddrOf(place) => in_place(place, note),
        ExprKind::Unary(_, inner) | ExprKind::Cast(inner) => in_expr(inner, note),
        ExprKind::Binary(_, left, right) => {
            in_expr(left, note);
            in_expr(right, note);
        }
        ExprKind::Unknown(parts) => parts.iter().for_each(|part| in_expr(part, note)),
    }
}
