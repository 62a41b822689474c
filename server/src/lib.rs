//! The shipped program: arguments, configuration, files and exit codes around the analysis. Only this
//! crate touches files, threads, the clock and the terminal.

pub mod baseline;
pub mod cancel;
mod capabilities;
pub mod changes;
pub mod cli;
pub mod compile;
pub mod config;
pub mod files;
pub mod fix;
pub mod focus;
pub mod fuzz;
pub mod headers;
pub mod kernel;
pub mod linter;
pub mod lsp;
pub mod merge;
pub mod messages;
pub mod packets;
pub mod parallel;
mod paths;
pub mod quick;
pub mod report;
pub mod rules;
pub mod run;
pub mod selection;
pub mod session;
pub mod source;
mod spelling;
pub mod suppress;
pub mod tests;
pub mod types;
pub mod verify;
pub mod wishes;
