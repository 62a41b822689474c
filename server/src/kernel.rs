//! The target kernel as a user writes it.

use kernel_model::Version;

/// Why a text does not name a target kernel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// Not two numbers with a dot between them.
    #[error("`{0}` is not a kernel version: expected two numbers such as `6.18`")]
    Malformed(String),
    /// A version outside the modelled range.
    #[error("kernel {version} is not modelled: choose {oldest} to {newest}")]
    NotModelled {
        /// What was asked for.
        version: Version,
        /// The oldest choice.
        oldest: Version,
        /// The newest choice.
        newest: Version,
    },
}

/// Reads `X.Y`.
pub fn parse(text: &str) -> Result<Version, KernelError> {
    let version: Version = text.parse().map_err(|_| KernelError::Malformed(text.to_owned()))?;
    if version.is_modelled() {
        return Ok(version);
    }
    let [oldest, .., newest] = Version::MODELLED;
    Err(KernelError::NotModelled { version, oldest, newest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_modelled_kernels_are_targets() {
        assert_eq!(parse("6.12"), Ok(Version::new(6, 12)));
        let message = |text| parse(text).expect_err("is no target").to_string();
        assert_eq!(
            message("six"),
            "`six` is not a kernel version: expected two numbers such as `6.18`"
        );
        assert_eq!(message("4.9"), "kernel 4.9 is not modelled: choose 5.10 to 6.19");
    }
}
