//! Prints the JSON Schema of `bpf-analyzer.toml`; `cargo xtask codegen` runs it.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let schema = serde_json::to_string_pretty(&bpf_analyzer::config::schema())?;
    writeln!(io::stdout(), "{schema}")
}
