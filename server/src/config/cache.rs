//! Finding the configuration of a file: the nearest one in the directories above it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Config, ConfigError, FILE_NAME, parse};
use crate::rules::Catalogue;

/// Configurations by directory, each file read once.
#[derive(Debug)]
pub struct ConfigCache<'c> {
    catalogue: &'c Catalogue,
    fixed: Option<Arc<Config>>,
    by_directory: HashMap<PathBuf, Arc<Config>>,
}

impl<'c> ConfigCache<'c> {
    /// Searches upward from each file.
    pub fn new(catalogue: &'c Catalogue) -> Self {
        Self { catalogue, fixed: None, by_directory: HashMap::new() }
    }

    /// Uses the configuration at `path` for all files.
    pub fn fixed(catalogue: &'c Catalogue, path: &Path) -> Result<Self, ConfigError> {
        let absolute = std::path::absolute(path)
            .map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        let text = fs::read_to_string(path)
            .map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        let config = Some(Arc::new(parse(&absolute, &text, catalogue)?));
        Ok(Self { catalogue, fixed: config, by_directory: HashMap::new() })
    }

    /// The configuration for files in `directory`, an absolute path.
    pub fn for_directory(&mut self, directory: &Path) -> Result<Arc<Config>, ConfigError> {
        if let Some(config) = &self.fixed {
            return Ok(Arc::clone(config));
        }
        let mut searched = Vec::new();
        let mut found = None;
        for dir in directory.ancestors() {
            if let Some(config) = self.by_directory.get(dir) {
                found = Some(Arc::clone(config));
                break;
            }
            searched.push(dir.to_owned());
            if let Some(config) = self.read(&dir.join(FILE_NAME))? {
                found = Some(Arc::new(config));
                break;
            }
        }
        let config = found.unwrap_or_default();
        for dir in searched {
            self.by_directory.insert(dir, Arc::clone(&config));
        }
        Ok(config)
    }

    fn read(&self, path: &Path) -> Result<Option<Config>, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => {
                let mut config = parse(path, &text, self.catalogue)?;
                if let Some(clang) = &mut config.clang {
                    clang.trusted = false;
                }
                Ok(Some(config))
            }
            Err(error) if absent(&error) => Ok(None),
            Err(cause) => Err(ConfigError::Read { path: path.to_owned(), cause }),
        }
    }
}

/// A directory that cannot be entered has no configuration either: its files cannot be read anyway, and
/// each of them says so.
fn absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
    )
}
