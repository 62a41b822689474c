//! Integer constants with the type C gives them, and the arithmetic of constant expressions.

use syntax::ast::{BinaryOp, UnaryOp};

use crate::Ty;

/// A constant with its C type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// The value; always within the range of the type.
    pub(crate) value: i128,
    /// The type.
    pub(crate) kind: Kind,
}

/// The type of a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Width, at most 64.
    bits: u8,
    /// Whether negative values exist.
    signed: bool,
    /// An address: it may be compared and cast, but arithmetic would need the size of its target.
    pointer: bool,
}

impl Kind {
    pub(crate) const INT: Kind = Kind { bits: 32, signed: true, pointer: false };
    pub(crate) const UINT: Kind = Kind { bits: 32, signed: false, pointer: false };
    pub(crate) const LONG: Kind = Kind { bits: 64, signed: true, pointer: false };
    pub(crate) const ULONG: Kind = Kind { bits: 64, signed: false, pointer: false };
    pub(crate) const POINTER: Kind = Kind { bits: 64, signed: false, pointer: true };

    /// An integer type of up to 64 bits.
    pub(crate) fn int(bits: u8, signed: bool) -> Option<Kind> {
        matches!(bits, 8 | 16 | 32 | 64).then_some(Kind { bits, signed, pointer: false })
    }

    /// The type a value has after conversion to `ty`; nothing for types without integer values.
    pub(crate) fn of(ty: &Ty) -> Option<Kind> {
        match ty {
            Ty::Int { bits, signed } => Kind::int(*bits, *signed),
            Ty::Enum => Some(Kind::UINT),
            Ty::Pointer { .. } => Some(Kind::POINTER),
            _ => None,
        }
    }

    /// The type as the rest of the crate names it.
    pub(crate) fn ty(self) -> Ty {
        if self.pointer {
            Ty::pointer_to(Ty::Void)
        } else {
            Ty::Int { bits: self.bits, signed: self.signed }
        }
    }

    /// The type after the integer promotions.
    pub(crate) fn promoted(self) -> Kind {
        if self.bits < 32 { Kind::INT } else { self }
    }

    /// The common type of two operands (the usual arithmetic conversions).
    pub(crate) fn common(self, other: Kind) -> Kind {
        let (a, b) = (self.promoted(), other.promoted());
        let bits = a.bits.max(b.bits);
        let signed = [a, b].iter().all(|kind| kind.signed || kind.bits < bits);
        Kind { bits, signed, pointer: a.pointer || b.pointer }
    }

    fn min(self) -> i128 {
        if self.signed { -(1i128 << (self.bits - 1)) } else { 0 }
    }

    fn max(self) -> i128 {
        (1i128 << (self.bits - u8::from(self.signed))) - 1
    }

    fn holds(self, value: i128) -> bool {
        (self.min()..=self.max()).contains(&value)
    }

    /// `value` reduced modulo two to the width, into the range of the type.
    fn wrap(self, value: i128) -> Value {
        let low = value & ((1i128 << self.bits) - 1);
        let value = if self.signed && low > self.max() { low - (1i128 << self.bits) } else { low };
        Value { value, kind: self }
    }

    /// `value` if it is in range, or wrapped for unsigned types; signed overflow has no value.
    fn checked(self, value: i128) -> Option<Value> {
        (!self.signed || self.holds(value)).then(|| self.wrap(value))
    }
}

impl Value {
    pub(crate) fn int(value: i32) -> Value {
        Value { value: i128::from(value), kind: Kind::INT }
    }

    pub(crate) fn bool(value: bool) -> Value {
        Value::int(i32::from(value))
    }

    /// A size or offset in bytes.
    pub(crate) fn size(value: u64) -> Value {
        Value { value: i128::from(value), kind: Kind::ULONG }
    }

    /// A value known without its type: the first of `int`, `long` and `unsigned long` that holds it.
    pub(crate) fn untyped(value: i128) -> Value {
        let kind = [Kind::INT, Kind::LONG].into_iter().find(|kind| kind.holds(value));
        kind.unwrap_or(Kind::ULONG).wrap(value)
    }

    /// An integer literal with its suffixes.
    pub(crate) fn literal(value: u64, unsigned: bool, long: bool) -> Value {
        let kind = match (unsigned, long) {
            (false, false) => Kind::INT,
            (true, false) => Kind::UINT,
            (false, true) => Kind::LONG,
            (true, true) => Kind::ULONG,
        };
        let value = i128::from(value);
        if kind.holds(value) { kind.wrap(value) } else { Value::untyped(value) }
    }

    pub(crate) fn is_true(self) -> bool {
        self.value != 0
    }

    pub(crate) fn convert(self, kind: Kind) -> Value {
        kind.wrap(self.value)
    }

    /// Converts as a cast to `ty` does.
    pub(crate) fn cast(self, ty: &Ty) -> Option<Value> {
        match ty {
            Ty::Bool => Some(Value {
                value: i128::from(self.is_true()),
                kind: Kind { bits: 8, signed: false, pointer: false },
            }),
            _ => Kind::of(ty).map(|kind| self.convert(kind)),
        }
    }

    /// Applies `op`; dereferencing and addresses have no constant value.
    pub(crate) fn unary(self, op: UnaryOp) -> Option<Value> {
        let promoted = self.convert(self.kind.promoted());
        match op {
            UnaryOp::Not => Some(Value::bool(!self.is_true())),
            _ if self.kind.pointer => None,
            UnaryOp::Plus => Some(promoted),
            UnaryOp::Neg => promoted.kind.checked(-promoted.value),
            UnaryOp::BitNot => Some(promoted.kind.wrap(!promoted.value)),
            UnaryOp::Deref | UnaryOp::AddrOf => None,
        }
    }

    /// Applies `op`, `&&` and `||` included; nothing for division by zero, shifts out of range, signed
    /// overflow and arithmetic on addresses.
    pub(crate) fn binary(self, op: BinaryOp, right: Value) -> Option<Value> {
        match op {
            BinaryOp::LogAnd => return Some(Value::bool(self.is_true() && right.is_true())),
            BinaryOp::LogOr => return Some(Value::bool(self.is_true() || right.is_true())),
            BinaryOp::Shl | BinaryOp::Shr => return self.shift(op, right),
            _ => {}
        }
        let kind = self.kind.common(right.kind);
        let (a, b) = (kind.wrap(self.value).value, kind.wrap(right.value).value);
        let compared = match op {
            BinaryOp::Lt => Some(a < b),
            BinaryOp::Le => Some(a <= b),
            BinaryOp::Gt => Some(a > b),
            BinaryOp::Ge => Some(a >= b),
            BinaryOp::Eq => Some(a == b),
            BinaryOp::Ne => Some(a != b),
            _ => None,
        };
        if let Some(result) = compared {
            return Some(Value::bool(result));
        }
        if kind.pointer {
            return None;
        }
        let exact = match op {
            BinaryOp::Add => a.checked_add(b)?,
            BinaryOp::Sub => a.checked_sub(b)?,
            BinaryOp::Mul => a.checked_mul(b)?,
            BinaryOp::Div => a.checked_div(b)?,
            BinaryOp::Rem => a.checked_rem(b)?,
            BinaryOp::BitAnd => a & b,
            BinaryOp::BitOr => a | b,
            BinaryOp::BitXor => a ^ b,
            _ => return None,
        };
        kind.checked(exact)
    }

    /// Shifts. `1 << 31` is undefined in C but gives `INT_MIN` with every compiler, and flags rely on it.
    fn shift(self, op: BinaryOp, right: Value) -> Option<Value> {
        let kind = self.kind.promoted();
        let amount =
            u32::try_from(right.value).ok().filter(|amount| *amount < u32::from(kind.bits))?;
        if kind.pointer || right.kind.pointer {
            return None;
        }
        let value = kind.wrap(self.value).value;
        Some(kind.wrap(if op == BinaryOp::Shl { value << amount } else { value >> amount }))
    }

    /// Reverses the lowest `bytes` bytes (2, 4 or 8); the result is unsigned and as wide.
    pub(crate) fn swap_bytes(self, bytes: u8) -> Option<Value> {
        let kind = Kind::int(bytes.checked_mul(8)?, false)?;
        let raw = kind.wrap(self.value).value;
        let swapped =
            (0..u32::from(bytes)).fold(0i128, |sum, i| sum << 8 | (raw >> (8 * i)) & 0xff);
        Some(kind.wrap(swapped))
    }
}
