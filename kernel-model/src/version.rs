//! Kernel versions and the range of them that the rows describe.

use std::fmt;
use std::str::FromStr;

/// A kernel release such as 6.18. Stable updates do not change the interface, so there is no third part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version {
    /// The part before the dot.
    pub major: u16,
    /// The part behind the dot.
    pub minor: u16,
}

impl Version {
    /// The newest release whose behaviour the rows describe; the target when the user names none.
    pub const NEWEST_MODELLED: Version = Version::new(6, 18);

    /// Every release that can be named as a target, oldest first. The last one is known only in part.
    pub const MODELLED: [Version; 30] = modelled();

    /// The release `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Whether the release can be named as a target.
    pub fn is_modelled(self) -> bool {
        Self::MODELLED.contains(&self)
    }
}

/// 5.10 to 5.19, then 6.0 to 6.19.
const fn modelled() -> [Version; 30] {
    let mut list = [Version::new(5, 10); 30];
    let mut minor: u16 = 0;
    while minor < 10 {
        list[minor as usize] = Version::new(5, 10 + minor);
        minor += 1;
    }
    minor = 0;
    while minor < 20 {
        list[10 + minor as usize] = Version::new(6, minor);
        minor += 1;
    }
    list
}

impl Default for Version {
    fn default() -> Self {
        Self::NEWEST_MODELLED
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Why a text is not a kernel version.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseVersionError {
    /// The text is not two numbers with a dot between them.
    #[error("`{0}` is not a kernel version: expected two numbers such as `6.18`")]
    Malformed(String),
}

impl FromStr for Version {
    type Err = ParseVersionError;

    /// Accepts `6.18`, and what `uname -r` prints (`6.18.44-generic`), whose rest is ignored.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ParseVersionError::Malformed(text.to_owned());
        let text = text.trim();
        let (major, rest) = text.split_once('.').ok_or_else(malformed)?;
        let minor = match rest.find(|c: char| !c.is_ascii_digit()) {
            None => rest,
            Some(end) if rest[end..].starts_with(['.', '-', '+']) => &rest[..end],
            Some(_) => return Err(malformed()),
        };
        let number = |digits: &str| {
            if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
        };
        Ok(Self {
            major: number(major).ok_or_else(malformed)?,
            minor: number(minor).ok_or_else(malformed)?,
        })
    }
}
