//! `cargo xtask dist`: what users install. One static program, and the archive, the wheel and the extension for VS Code
//! that contain it, with a bill of materials and checksums.

mod archive;
mod metadata;
mod program;
mod sbom;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use sha2::{Digest as _, Sha256};

use metadata::Metadata;
use program::Program;

/// The parts of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The program alone; its path is printed
    Program,
    /// The program with completions, manual pages and licences
    Archive,
    /// The bill of materials (CycloneDX)
    Sbom,
    /// The Python package (needs maturin)
    Wheel,
    /// The extension for VS Code (needs node and npm)
    Vsix,
}

/// What is made.
pub(crate) struct Options {
    /// The platform; this machine's if left out.
    pub(crate) target: Option<String>,
    /// Where to; `dist` in the target directory if left out.
    pub(crate) out: Option<PathBuf>,
    /// The parts; all if empty.
    pub(crate) only: Vec<Part>,
}

/// Makes the parts of a release of the repository at `root`.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let metadata = Metadata::read(root, options.target.as_deref())?;
    let program = program::build(root, &metadata)?;
    if options.only == [Part::Program] {
        writeln!(io::stdout().lock(), "{}", program.path.display())?;
        return Ok(());
    }
    let out = options.out.clone().unwrap_or_else(|| metadata.target_directory.join("dist"));
    fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    let out = fs::canonicalize(&out)?;
    let mut files = Vec::new();
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let sbom = sbom::write(&metadata, &program)?;
    if wanted(Part::Sbom) {
        let path = out.join(format!("{}.cdx.json", name(&metadata)));
        fs::write(&path, &sbom)?;
        files.push(path);
    }
    if wanted(Part::Archive) {
        files.push(archive::write(root, &metadata, &program, &sbom, &out)?);
    }
    if wanted(Part::Wheel) {
        files.push(wheel(root, &metadata, &out)?);
    }
    if wanted(Part::Vsix) {
        files.push(vsix(root, &metadata, &program, &out)?);
    }
    files.push(checksums(&out, &files)?);
    let mut said = io::stdout().lock();
    for file in files {
        writeln!(said, "{}", file.display())?;
    }
    Ok(())
}

/// The name that archives begin with.
fn name(metadata: &Metadata) -> String {
    format!("bpf-analyzer-{}-{}", metadata.version, metadata.triple)
}

/// The Python package. maturin calls cargo, which finds everything compiled: flags and target are the same.
fn wheel(root: &Path, metadata: &Metadata, out: &Path) -> Result<PathBuf> {
    let staged = empty(&metadata.target_directory.join("dist-wheel"))?;
    let mut maturin = Command::new("maturin");
    maturin.args(["build", "--release", "--quiet", "--target", &metadata.triple, "--out"]);
    maturin.arg(&staged).current_dir(root);
    program::set_flags(&mut maturin, metadata);
    ran(&mut maturin).context("the wheel needs maturin: pip install maturin")?;
    only_file(&staged, "whl", out)
}

/// The extension for VS Code. It brings its own checks.
fn vsix(root: &Path, metadata: &Metadata, program: &Program, out: &Path) -> Result<PathBuf> {
    let platform = match metadata.triple.as_str() {
        "x86_64-unknown-linux-gnu" => "linux-x64",
        "aarch64-unknown-linux-gnu" => "linux-arm64",
        "x86_64-unknown-linux-musl" => "alpine-x64",
        "aarch64-unknown-linux-musl" => "alpine-arm64",
        "x86_64-apple-darwin" => "darwin-x64",
        "aarch64-apple-darwin" => "darwin-arm64",
        other => {
            bail!("there is no name for {other} in VS Code; leave the extension out with --only")
        }
    };
    let mut node = Command::new("node");
    node.args(["vsix/build.mjs", "--target", platform, "--server"]).arg(&program.path);
    ran(node.current_dir(root)).context("the extension needs node and npm")?;
    let name = format!("bpf-analyzer-{platform}-{}.vsix", metadata.version);
    let made = metadata.target_directory.join("vsix").join(&name);
    let path = out.join(&name);
    fs::copy(&made, &path).with_context(|| made.display().to_string())?;
    Ok(path)
}

/// `SHA256SUMS` of the files, which `sha256sum --check` reads.
fn checksums(out: &Path, files: &[PathBuf]) -> Result<PathBuf> {
    let mut text = String::new();
    let mut files: Vec<&PathBuf> = files.iter().collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        writeln!(text, "{}  {name}", sha256(&fs::read(file)?))?;
    }
    let path = out.join("SHA256SUMS");
    fs::write(&path, text)?;
    Ok(path)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An empty directory.
fn empty(path: &Path) -> Result<PathBuf> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| path.display().to_string())?;
    }
    fs::create_dir_all(path)?;
    Ok(path.to_owned())
}

/// Moves the only file with this extension into `out`.
fn only_file(directory: &Path, extension: &str, out: &Path) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new(extension)) {
            found.push(path);
        }
    }
    let [made] = found.as_slice() else {
        bail!("{}: expected one .{extension}, found {}", directory.display(), found.len());
    };
    let path = out.join(made.file_name().unwrap_or_default());
    fs::copy(made, &path)?;
    Ok(path)
}

/// Runs a command to its end. What it prints is shown as messages: standard output lists what was made.
fn ran(command: &mut Command) -> Result<()> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run {shown}"))?;
    io::stderr().lock().write_all(&output.stdout)?;
    ensure!(output.status.success(), "{shown} ended with {}", output.status);
    Ok(())
}
