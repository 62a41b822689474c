//! Builds the book into `target/book`: `cargo run -p book`.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?;
    let target = root.join("target/book");
    std::fs::create_dir_all(&target)?;
    let html = book::build(root, &target)?;
    let broken = book::links::broken(&html)?;
    ensure!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
    writeln!(io::stdout(), "{}", html.join("index.html").display())?;
    Ok(())
}
