//! What the kernel learnt in which release, where programs notice it.

use crate::Version;
use crate::generated::features::FEATURES;

/// Something that programs can do from a release on, or a rule that changed with it.
#[derive(PartialEq, Eq, Debug)]
pub struct Feature {
    /// A short name for code: `bounded_loops`.
    pub name: &'static str,
    /// The first release that has it.
    pub since: Version,
    /// One sentence on what it is.
    pub what: &'static str,
    /// What kind of thing it is.
    pub group: FeatureGroup,
    /// The first twelve digits of the commit that brought it; empty if it was not looked up.
    pub commit: &'static str,
    /// Where the row is known from.
    pub source: &'static str,
}

/// What kind of thing a [`Feature`] is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FeatureGroup {
    /// Instructions.
    Instructions,
    /// Loops and the flow of control.
    Control,
    /// What the verifier believes.
    Verifier,
    /// Calls into the kernel.
    Kfuncs,
    /// Dynptrs.
    Dynptr,
    /// Kernel objects, locks and collections.
    Objects,
    /// Maps.
    Maps,
    /// Ways to attach programs.
    Attach,
}

/// The feature called `name`.
pub fn feature(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|row| row.name == name)
}

/// All features, by group and release.
pub fn features() -> &'static [Feature] {
    &FEATURES
}

impl Version {
    /// Whether the release has the feature called `name`; features nobody knows are not there.
    pub fn has(self, name: &str) -> bool {
        feature(name).is_some_and(|row| row.since <= self)
    }
}
