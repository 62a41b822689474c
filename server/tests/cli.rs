//! The built command as a user runs it: exit codes, output, input of every kind.

mod cli {
    pub(crate) mod bad_input;
    pub(crate) mod baseline;
    pub(crate) mod changes;
    pub(crate) mod configuration;
    pub(crate) mod files;
    pub(crate) mod output;
    pub(crate) mod sandbox;
    pub(crate) mod stdin;
    pub(crate) mod suppressions;
    pub(crate) mod usage;
}
