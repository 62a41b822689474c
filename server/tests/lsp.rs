//! Sessions with the built language server over standard input and output, which stay open throughout.

mod lsp {
    #[cfg(unix)]
    mod checks;
    #[expect(clippy::needless_pass_by_value, reason = "tests hand over what `json!` makes")]
    mod client;
    mod configuration;
    mod diagnostics;
    mod editing;
    mod faults;
    mod features;
    mod habits;
    #[cfg(unix)]
    mod layouts;
    mod workspace;
}
