//! The built command as a user runs it: exit codes, output, input of every kind.

mod cli {
    pub(crate) mod bad_input;
    pub(crate) mod baseline;
    pub(crate) mod changes;
    pub(crate) mod configuration;
    pub(crate) mod files;
    #[cfg(target_os = "linux")]
    pub(crate) mod interrupted;
    #[cfg(target_os = "linux")]
    pub(crate) mod names;
    pub(crate) mod output;
    pub(crate) mod run;
    pub(crate) mod sandbox;
    pub(crate) mod stdin;
    pub(crate) mod suppressions;
    #[cfg(target_os = "linux")]
    pub(crate) mod surroundings;
    #[cfg(target_os = "linux")]
    pub(crate) mod terminal;
    pub(crate) mod tests;
    pub(crate) mod usage;
    pub(crate) mod verify;
}
