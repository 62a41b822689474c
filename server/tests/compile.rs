//! The compile step: with scripts that behave like broken compilers, and with the real clang.

#![cfg(unix)]

#[path = "compile/fake.rs"]
mod fake;
#[path = "compile/real.rs"]
mod real;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bpf_analyzer::cancel::Cancel;
use bpf_analyzer::compile::{CompileError, CompileRequest, CompileSettings, Compiled, Compiler};
use bpf_analyzer::config::Config;
use bpf_analyzer::headers::Headers;
use tempfile::TempDir;

/// A workspace with a cache of its own.
struct Workspace {
    dir: TempDir,
    config: Config,
    cancel: Cancel,
    text: Option<Arc<str>>,
    unsaved: Vec<(PathBuf, Arc<str>)>,
}

impl Workspace {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("can create a directory");
        let workspace = Self {
            dir,
            config: Config::default(),
            cancel: Cancel::default(),
            text: None,
            unsaved: Vec::new(),
        };
        for (path, text) in files {
            workspace.write(path, text);
        }
        workspace
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().canonicalize().expect("exists").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("has a parent")).expect("can create");
        fs::write(path, text).expect("can write");
    }

    fn settings(&self, search_path: &Path) -> CompileSettings {
        CompileSettings {
            clang: self.config.clang.clone(),
            search_path: search_path.into(),
            time_limit: Duration::from_secs(60),
            patience: None,
            cache: Some(self.path("cache")),
            cache_bytes: 1 << 24,
        }
    }

    fn compile(&self, compiler: &Compiler, path: &str) -> Result<Compiled, CompileError> {
        compiler.compile(&CompileRequest {
            path: &self.path(path),
            text: self.text.as_ref(),
            unsaved: &self.unsaved,
            config: &self.config,
            headers: &Headers::default(),
            flags: &[],
            cancel: &self.cancel,
        })
    }
}
