//! Types of arithmetic.

use sema::Ty;
use syntax::ast::BinaryOp;
use text::Span;

use crate::mir::{Expr, ExprKind};

/// The type of an arithmetic result after C's usual conversions, as far as the analysis needs it.
fn arithmetic_type(op: BinaryOp, left: &Ty, right: &Ty) -> Ty {
    use BinaryOp::{Eq, Ge, Gt, Le, LogAnd, LogOr, Lt, Ne, Shl, Shr};
    match op {
        Lt | Le | Gt | Ge | Eq | Ne | LogAnd | LogOr => return Ty::INT,
        Shl | Shr => return promote(left),
        _ => {}
    }
    match (left, right) {
        (Ty::Pointer { .. } | Ty::Array { .. }, Ty::Pointer { .. } | Ty::Array { .. }) => {
            Ty::Int { bits: 64, signed: true }
        }
        (Ty::Pointer { .. }, _) => left.clone(),
        (_, Ty::Pointer { .. }) => right.clone(),
        _ => match (promote(left), promote(right)) {
            (Ty::Int { bits: a, signed: sa }, Ty::Int { bits: b, signed: sb }) => {
                let bits = a.max(b);
                let signed = (sa || a < bits) && (sb || b < bits);
                Ty::Int { bits, signed }
            }
            (Ty::Int { .. }, other) | (other, _) => other,
        },
    }
}

fn promote(ty: &Ty) -> Ty {
    match ty {
        Ty::Int { bits, .. } if *bits < 32 => Ty::INT,
        Ty::Bool | Ty::Enum => Ty::INT,
        other => other.clone(),
    }
}

pub(super) fn binary(op: BinaryOp, left: Expr, right: Expr, span: Span) -> Expr {
    let ty = arithmetic_type(op, &left.ty, &right.ty);
    Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), ty, span }
}
