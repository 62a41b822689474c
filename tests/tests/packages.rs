//! What `cargo xtask dist` makes, as users get it: a program without needs, an archive with everything in it, a Python
//! package that pip installs, a bill of materials that names every crate, and checksums.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use object::LittleEndian;
use object::elf::{DT_NEEDED, FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};
use serde_json::Value;
use tempfile::TempDir;
use tests::places::{SHIPPED_BUT_SLOW, python_tools, repository, search_path};

/// A finished release.
struct Release {
    directory: TempDir,
    files: Vec<PathBuf>,
    /// The archive, unpacked.
    unpacked: PathBuf,
}

static RELEASE: OnceLock<Release> = OnceLock::new();

impl Release {
    fn get() -> &'static Self {
        RELEASE.get_or_init(Self::make)
    }

    fn make() -> Self {
        let directory = tempfile::tempdir().expect("can create a directory");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut dist = Command::new(cargo);
        dist.args(["xtask", "dist", "--out"]).arg(directory.path().join("dist"));
        dist.current_dir(repository(".")).env("PATH", search_path(&[&python_tools()]));
        // What cargo sets for tests is not meant for the programs that are started.
        let out = output(dist.envs(SHIPPED_BUT_SLOW).env_remove("LD_LIBRARY_PATH"));
        let files: Vec<PathBuf> = out.lines().map(PathBuf::from).collect();
        let unpacked = directory.path().join("unpacked");
        fs::create_dir(&unpacked).expect("can create");
        let release = Self { directory, files, unpacked };
        let mut tar = Command::new("tar");
        output(tar.arg("-xzf").arg(release.file(".tar.gz")).arg("-C").arg(&release.unpacked));
        let mut entries = fs::read_dir(&release.unpacked).expect("is there");
        let top = entries.next().expect("is not empty").expect("is readable").path();
        assert!(entries.next().is_none(), "everything is in one directory");
        Self { unpacked: top, ..release }
    }

    /// The only file whose name ends so.
    fn file(&self, end: &str) -> &Path {
        let ends = |path: &&PathBuf| path.as_os_str().as_encoded_bytes().ends_with(end.as_bytes());
        let found: Vec<_> = self.files.iter().filter(ends).collect();
        let [path] = found.as_slice() else { panic!("expected one *{end}: {:?}", self.files) };
        path
    }

    fn program(&self) -> PathBuf {
        self.unpacked.join("bpf-analyzer")
    }

    fn read(&self, path: &str) -> String {
        let path = self.unpacked.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

fn finished(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What a command that must succeed prints.
fn output(command: &mut Command) -> String {
    let output = finished(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {said}", output.status);
    String::from_utf8(output.stdout).expect("prints UTF-8")
}

fn version() -> String {
    format!("bpf-analyzer {}\n", env!("CARGO_PKG_VERSION"))
}

#[test]
fn the_program_needs_no_library_and_nothing_of_its_surroundings() {
    let program = Release::get().program();
    let bytes = fs::read(&program).expect("is there");
    let bytes = bytes.as_slice();
    let elf = FileHeader64::<LittleEndian>::parse(bytes).expect("is a program for this machine");
    let headers = elf.program_headers(LittleEndian, bytes).expect("is whole");
    for header in headers {
        assert_ne!(header.p_type(LittleEndian), PT_INTERP, "a loader is asked for");
        let entries = header.dynamic(LittleEndian, bytes).expect("is whole").unwrap_or_default();
        let needed = entries.iter().filter(|entry| entry.d_tag.get(LittleEndian) == DT_NEEDED);
        assert_eq!(needed.count(), 0, "a library is asked for");
    }
    let mut bare = Command::new(&program);
    assert_eq!(output(bare.arg("--version").env_clear().current_dir("/")), version());
    let mut check = Command::new(&program);
    let check = check.args(["check", "--format=concise"]).arg(repository("examples")).env_clear();
    let found = finished(check);
    assert_eq!(found.status.code(), Some(1));
    let found = String::from_utf8(found.stdout).expect("prints UTF-8");
    assert!(found.contains("forgotten_write_back.bpf.c"), "{found}");
}

#[test]
fn the_archive_has_completions_pages_and_licences() {
    let release = Release::get();
    let commands = ["check", "verify", "run", "lsp", "explain", "rules", "completions"];
    for name in [
        "bpf-analyzer.bash",
        "_bpf-analyzer",
        "bpf-analyzer.fish",
        "bpf-analyzer.elv",
        "_bpf-analyzer.ps1",
    ] {
        let script = release.read(&format!("completions/{name}"));
        for word in commands.iter().chain(&["write-baseline"]) {
            assert!(script.contains(word), "completions/{name} does not know {word}");
        }
    }
    let page = release.read("man/bpf-analyzer.1");
    assert!(page.contains(".TH bpf-analyzer 1") && page.contains(".SH SUBCOMMANDS"), "{page}");
    for command in commands {
        let page = release.read(&format!("man/bpf-analyzer-{command}.1"));
        assert!(page.lines().count() > 10 && page.contains(".SH NAME"), "{page}");
    }
    assert!(release.read("man/bpf-analyzer-check.1").contains("Exit codes"));
    assert!(release.read("LICENSE-MIT").contains("MIT License"));
    assert!(release.read("LICENSE-APACHE").contains("Apache License"));
    assert!(release.read("README.md").starts_with("# bpf-analyzer\n"));
    assert!(release.read("CHANGELOG.md").starts_with("# Changelog\n"));
    let notices = release.read("THIRD_PARTY_NOTICES.md");
    for name in ["tree-sitter", "clap", "tower-lsp"] {
        assert!(notices.contains(&format!("| {name} |")), "the notices do not name {name}");
    }
}

#[test]
fn pip_installs_the_command() {
    let release = Release::get();
    let wheel = release.file(".whl");
    let name = wheel.file_name().expect("has a name").to_string_lossy();
    assert!(name.contains("-py3-none-manylinux"), "any Python on any Linux: {name}");
    let fresh = release.directory.path().join("venv");
    output(Command::new("python3").args(["-m", "venv"]).arg(&fresh));
    let mut pip = Command::new(fresh.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]);
    output(pip.arg(wheel));
    let command = fresh.join("bin/bpf-analyzer");
    assert_eq!(output(Command::new(&command).arg("--version").env_clear()), version());
    assert_eq!(
        fs::read(command).expect("is there"),
        fs::read(release.program()).expect("is there"),
        "it is the program of the archive"
    );
}

#[test]
fn the_bill_of_materials_names_every_crate() {
    let release = Release::get();
    let path = release.file(".cdx.json");
    let text = fs::read_to_string(path).expect("is there");
    assert_eq!(text, release.read("bpf-analyzer.cdx.json"), "the archive has it, too");
    let document: Value = serde_json::from_str(&text).expect("is JSON");
    let validate = "import sys\n\
        from cyclonedx.schema import SchemaVersion\n\
        from cyclonedx.validation.json import JsonStrictValidator\n\
        error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())\n\
        sys.exit(str(error) if error else 0)\n";
    let mut python = Command::new(python_tools().join("python"));
    output(python.args(["-c", validate]).arg(path));

    let named = |key: &str| -> BTreeSet<String> {
        let all = document[key].as_array().expect("is a list").iter();
        let name = |each: &Value| {
            Some(format!("{} v{}", each["name"].as_str()?, each["version"].as_str()?))
        };
        all.filter_map(name).collect()
    };
    // Another part of cargo than the one that was asked.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut tree = Command::new(cargo);
    tree.args([
        "tree",
        "--locked",
        "--package=bpf-analyzer",
        "--edges=normal,build",
        "--prefix=none",
    ]);
    let tree = output(tree.args(["--format={p}"]).current_dir(repository(".")));
    let expected: BTreeSet<String> = tree
        .lines()
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .filter(|name| !name.is_empty() && !name.starts_with("bpf-analyzer "))
        .collect();
    assert!(expected.len() > 100, "cargo tree names {} crates", expected.len());
    assert_eq!(named("components"), expected);
    let main = &document["metadata"]["component"];
    assert_eq!((&main["name"], &main["type"]), (&"bpf-analyzer".into(), &"application".into()));
    for component in document["components"].as_array().expect("is a list") {
        let expression = component["licenses"][0]["expression"].as_str().unwrap_or_default();
        assert!(!expression.is_empty(), "{component} has no licence");
    }
}

#[test]
fn the_checksums_are_those_of_all_files() {
    let release = Release::get();
    let sums = release.file("SHA256SUMS");
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(sums.parent().expect("has one"));
    let checked = output(&mut check);
    assert_eq!(checked.lines().count(), release.files.len() - 1, "all but itself: {checked}");
    release.file(".vsix");
}
