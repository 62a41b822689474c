//! How long a file that is saved waits for the verdict on its programs, clang excluded, and where the time goes:
//! `cargo bench -p tests --bench quick`. It needs clang.

mod program;

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpf_analyzer::cancel::Cancel;
use bpf_analyzer::compile::{CompileSettings, Compiler};
use bpf_analyzer::config::Config;
use bpf_analyzer::headers::Headers;
use bpf_analyzer::quick::{CheckKind, CheckRequest, Times, check};
use bpf_analyzer::rules::Catalogue;
use bpf_analyzer::types::TypesCache;
use kernel_model::Version;
use serde_json::{Value, json};
use tests::lsp::Server;

/// Lines of the file.
const LINES: usize = 500;
/// How often everything is done; the first time is not counted but shown.
const ROUNDS: usize = 31;
/// What a save may take.
const BAR: &str = "bar <= 100 ms";

fn main() -> ExitCode {
    match figures() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn figures() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let text: Arc<str> = program::of_lines(LINES).into();
    let path = directory.path().canonicalize()?.join("quick.bpf.c");
    std::fs::write(&path, text.as_bytes())?;
    phases(&path, &text, directory.path())?;
    saves(&path, &text, directory.path())
}

/// Each phase in this process: of the first check, and in the middle of the others.
fn phases(path: &Path, text: &Arc<str>, directory: &Path) -> Result<(), Box<dyn Error>> {
    let (config, catalogue) = (Config::default(), Catalogue::shipped());
    let cache = Some(directory.join("cache/bpf-analyzer"));
    let compiler = Compiler::find(CompileSettings { cache, ..CompileSettings::of(&config) })?;
    for kind in CheckKind::ALL {
        let request = CheckRequest {
            kind,
            path,
            text,
            is_saved: true,
            unsaved: &[],
            config: &config,
            catalogue: &catalogue,
            types: &TypesCache::default(),
            layer: None,
            headers: &Headers::default(),
            kernel: Version::NEWEST_MODELLED,
            program: (kind != CheckKind::Verify).then_some("parse0"),
            names: &[],
            cancel: &Cancel::default(),
        };
        let mut all: Vec<Times> = Vec::new();
        for _ in 0..ROUNDS {
            all.push(check(&compiler, &request)?.times);
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{} of {LINES} lines, first and then (p50), ms", kind.name())?;
        type Part = fn(&Times) -> Duration;
        let parts: [(&str, Part); 6] = [
            ("object: clang, then the cache", |times| times.compile),
            ("types of the kernel, meanwhile", |times| times.types),
            ("parse", |times| times.parse),
            ("link", |times| times.link),
            ("check", |times| times.check),
            ("render", |times| times.render),
        ];
        for (name, part) in parts {
            let first = ms(part(&all[0]));
            let rest = median(all[1..].iter().map(part).collect());
            writeln!(out, "  {name:<34} {first:>8.2} {:>8.2}", ms(rest))?;
        }
    }
    Ok(())
}

/// From a save to the diagnostics of the verdict, as a client sees it: the object is in the cache each time.
fn saves(path: &Path, text: &str, directory: &Path) -> Result<(), Box<dyn Error>> {
    let program = Path::new(env!("CARGO_BIN_EXE_server-under-test"));
    let cache = directory.join("cache");
    let mut server =
        Server::start_with(program, directory, &[("XDG_CACHE_HOME", cache.as_os_str())])?;
    let uri = format!("file://{}", path.display());
    server.ask("initialize", &json!({ "processId": null, "capabilities": {} }))?;
    server.notify("initialized", &json!({}))?;
    let mut times = Vec::new();
    for version in 1..=ROUNDS {
        let document = json!({ "uri": uri, "languageId": "c", "version": version, "text": text });
        server.notify("textDocument/didOpen", &json!({ "textDocument": document }))?;
        published(&mut server, version)?;
        let begun = Instant::now();
        let saved = json!({ "textDocument": { "uri": uri } });
        server.notify("textDocument/didSave", &saved)?;
        let found = published(&mut server, version)?;
        times.push(begun.elapsed());
        if !found["diagnostics"].to_string().contains("verifier") {
            return Err("the verdict is missing".into());
        }
        server.notify("textDocument/didClose", &saved)?;
    }
    let first = ms(times.remove(0));
    let rest = ms(median(times));
    let what = "save to verdict, as a client sees it";
    writeln!(io::stdout(), "{what:<36} {first:>8.2} {rest:>8.2} ms   {BAR}")?;
    Ok(())
}

/// The next diagnostics of a version.
fn published(server: &mut Server, version: usize) -> Result<Value, Box<dyn Error>> {
    loop {
        let message = server.take(Duration::from_secs(60)).ok_or("the server is silent")?;
        let is_of_version = message["params"]["version"] == json!(version);
        if message["method"] == json!("textDocument/publishDiagnostics") && is_of_version {
            return Ok(message["params"].clone());
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
