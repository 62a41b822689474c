//! Compilers that were found, so that they are not searched for each check.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::compile::{CompileError, CompileSettings, Compiler};
use crate::config::{Clang, Config};

/// A compiler, and the setting it was found by.
type Known = (Option<Clang>, Arc<Compiler>);

/// The compilers of a process, by the setting that names them.
#[derive(Debug, Default)]
pub struct Compilers {
    known: Mutex<Vec<Known>>,
}

impl Compilers {
    /// The compiler of a configuration. One that is not found is searched again the next time: it may be installed
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn of(&self, config: &Config) -> Result<Arc<Compiler>, CompileError> {
        let known = self.lock().iter().find(|(clang, _)| *clang == config.clang).cloned();
        // One that was removed, or replaced by another version, is searched again as well.
        if let Some((_, compiler)) = known.filter(|(_, compiler)| compiler.is_current()) {
            return Ok(compiler);
        }
        let found = Arc::new(Compiler::find(CompileSettings::of(config))?);
        let mut known = self.lock();
        known.retain(|(clang, _)| *clang != config.clang);
        known.push((config.clang.clone(), Arc::clone(&found)));
        Ok(found)
    }

    /// A poisoned lock still guards usable values: they are inserted whole.
    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
