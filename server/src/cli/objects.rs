//! Objects for commands that work on compiled programs: read, or compiled from C.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use diagnostic::Finding;

use crate::cancel::Cancel;
use crate::compile::{CompileError, CompileRequest, CompileSettings, Compiler};
use crate::config::{Config, ConfigCache};
use crate::headers::Headers;
use crate::rules::Catalogue;

/// The largest object that is read, in bytes.
const MAX_OBJECT: u64 = 128 * 1024 * 1024;

/// Where objects come from.
pub(super) struct Objects<'c> {
    configs: ConfigCache<'c>,
    is_fixed: bool,
    headers: Headers,
    /// Looked for when it is needed.
    compiler: Option<Compiler>,
}

/// An object.
pub(super) struct Loaded {
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// The text it was compiled from, if it was.
    pub(super) source: Option<Arc<str>>,
    /// The configuration that holds for the file.
    pub(super) config: Arc<Config>,
}

/// Why there is no object.
pub(super) enum LoadError {
    /// The file is at fault; others may do.
    File(anyhow::Error),
    /// clang does not take the program; what it says.
    Rejected(Vec<Finding>),
    /// The command is at fault.
    Command(anyhow::Error),
}

impl<'c> Objects<'c> {
    /// With the configuration in `config`, or the nearest of each file.
    pub(super) fn new(catalogue: &'c Catalogue, config: Option<&Path>) -> anyhow::Result<Self> {
        let configs = match config {
            Some(path) => ConfigCache::fixed(catalogue, path)?,
            None => ConfigCache::new(catalogue),
        };
        Ok(Self {
            configs,
            is_fixed: config.is_some(),
            headers: Headers::default(),
            compiler: None,
        })
    }

    /// Where compilation databases are known.
    pub(super) fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The object in a file, or compiled from it if it is C.
    pub(super) fn load(&mut self, path: &Path) -> Result<Loaded, LoadError> {
        let absolute = std::path::absolute(path).map_err(|error| LoadError::File(error.into()))?;
        let directory = absolute.parent().unwrap_or(&absolute);
        let config =
            self.configs.for_directory(directory).map_err(|error| match self.is_fixed {
                true => LoadError::Command(error.into()),
                false => LoadError::File(error.into()),
            })?;
        if path.extension().is_none_or(|extension| extension != "c") {
            let bytes = read(path).map_err(LoadError::File)?;
            return Ok(Loaded { bytes, source: None, config });
        }
        let compiler = match &mut self.compiler {
            Some(compiler) => compiler,
            none => {
                let found = Compiler::find(CompileSettings::of(&config));
                none.insert(found.map_err(|error| LoadError::File(error.into()))?)
            }
        };
        let request = CompileRequest {
            path,
            text: None,
            unsaved: &[],
            config: &config,
            headers: &self.headers,
            flags: &[],
            cancel: &Cancel::default(),
        };
        match compiler.compile(&request) {
            Ok(compiled) => {
                let bytes = compiled.object.to_vec();
                Ok(Loaded { bytes, source: Some(Arc::clone(&compiled.source)), config })
            }
            Err(CompileError::Rejected(findings)) => Err(LoadError::Rejected(findings)),
            Err(error) => Err(LoadError::File(error.into())),
        }
    }
}

/// The bytes of an object.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let meta = fs::metadata(path)?;
    if meta.is_dir() {
        bail!("is a directory; name the objects in it");
    }
    if !meta.is_file() {
        // A device or pipe may never end.
        bail!("is no file");
    }
    if meta.len() > MAX_OBJECT {
        bail!("is larger than 128 MiB");
    }
    fs::read(path).context("cannot be read")
}
