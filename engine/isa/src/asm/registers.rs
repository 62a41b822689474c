//! Words: registers, numbers, sizes.

use super::lexer::Token;
use super::{AsmError, AsmErrorKind};
use crate::{Imm, Offset, Reg, Size, Width};

/// A register under the name of the half that is used.
#[derive(Clone, Copy)]
pub(super) struct Named<'t> {
    pub(super) width: Width,
    pub(super) reg: Reg,
    pub(super) token: Token<'t>,
}

/// The register a word names: `r0` to `r10`, `w0` to `w10`.
pub(super) fn register(token: Token<'_>) -> Option<Named<'_>> {
    let (letter, number) = token.text.split_at_checked(1)?;
    let width = match letter {
        "r" => Width::Bits64,
        "w" => Width::Bits32,
        _ => return None,
    };
    let plain = number == "0" || !number.starts_with('0') && !number.starts_with('+');
    let reg = plain.then(|| number.parse().ok()).flatten().and_then(Reg::from_number)?;
    Some(Named { width, reg, token })
}

/// A number as written, with its sign.
#[derive(Clone, Copy)]
pub(super) struct Number<'t> {
    negative: bool,
    /// Beyond 64 bits: the largest there is, which fits nowhere.
    magnitude: u128,
    hex: bool,
    token: Token<'t>,
}

impl<'t> Number<'t> {
    /// Reads a word; decimal, or hexadecimal behind `0x`.
    pub(super) fn read(negative: bool, token: Token<'t>) -> Option<Self> {
        let text = token.text;
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let (digits, radix) = digits.map_or((text, 10), |digits| (digits, 16));
        let valid = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        let magnitude = valid.then(|| u128::from_str_radix(digits, radix).unwrap_or(u128::MAX))?;
        Some(Self { negative, magnitude, hex: radix == 16, token })
    }

    fn signed(&self) -> Option<i128> {
        let magnitude = i128::try_from(self.magnitude).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    fn fit<T>(&self, value: Option<T>, range: &'static str) -> Result<T, AsmError> {
        let sign = if self.negative { "-" } else { "" };
        let number = format!("{sign}{}", self.token.text);
        value.ok_or_else(|| self.token.error(AsmErrorKind::Range { number, range }))
    }

    fn try_into<T: TryFrom<i128>>(self) -> Option<T> {
        T::try_from(self.signed()?).ok()
    }

    /// An immediate; in hexadecimal also the bits of a negative one.
    pub(super) fn imm(self) -> Result<Imm, AsmError> {
        let bits = if self.hex && !self.negative {
            self.try_into::<u32>().map(u32::cast_signed)
        } else {
            self.try_into()
        };
        self.fit(bits.map(Imm), "32 bits")
    }

    /// An immediate of 64 bits, with or without a sign.
    pub(super) fn imm64(self) -> Result<u64, AsmError> {
        let bits = self.try_into::<u64>().or_else(|| self.try_into().map(i64::cast_unsigned));
        self.fit(bits, "64 bits")
    }

    pub(super) fn offset(self) -> Result<Offset, AsmError> {
        self.near().map(Offset)
    }

    /// 16 bits with a sign.
    pub(super) fn near(self) -> Result<i16, AsmError> {
        self.fit(self.try_into(), "-32768 to 32767")
    }

    /// 32 bits with a sign.
    pub(super) fn far(self) -> Result<i32, AsmError> {
        self.fit(self.try_into(), "-2147483648 to 2147483647")
    }

    /// 32 bits without a sign.
    pub(super) fn unsigned(self) -> Result<u32, AsmError> {
        self.fit(self.try_into(), "0 to 4294967295")
    }
}

/// The size of a type without sign.
pub(super) fn size(name: &str) -> Option<Size> {
    Size::ALL.into_iter().find(|size| crate::disasm::unsigned(*size) == name)
}
