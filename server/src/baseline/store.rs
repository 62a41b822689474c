//! Baselines by path, read again only when the file changed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use diagnostic::FileReport;

use super::{Baseline, BaselineError, Judged, Stale, directory, document, name};

/// The baselines of a run. Clones share what was read.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    read: Arc<Mutex<HashMap<PathBuf, Read>>>,
}

/// A baseline as it was then.
type Read = (Stamp, Arc<Baseline>);

/// What tells that a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl Baselines {
    /// Reads the baseline at `path`, an absolute path.
    ///
    /// # Errors
    ///
    /// If it cannot be read or understood.
    pub fn load(&self, path: &Path) -> Result<(), BaselineError> {
        self.at(path).map(drop)
    }

    /// Judges the findings of the file with the absolute path `file`, by rules of which `ran` tells whether they
    /// ran. A baseline that cannot be read knows nothing.
    pub fn judge(
        &self,
        path: &Path,
        file: &Path,
        report: &FileReport,
        ran: &dyn Fn(&str) -> bool,
    ) -> Judged {
        let baseline = self.at(path).unwrap_or_default();
        baseline.judge(&name(directory(path), file), report, ran)
    }

    /// What the baselines that were read know of files that are gone.
    pub fn of_missing_files(&self) -> Vec<Stale> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let each = read
            .iter()
            .flat_map(|(path, (_, baseline))| baseline.of_missing_files(directory(path)));
        let mut all: Vec<Stale> = each.collect();
        all.sort();
        all
    }

    fn at(&self, path: &Path) -> Result<Arc<Baseline>, BaselineError> {
        let metadata = fs::metadata(path)
            .map_err(|cause| BaselineError::Read { path: path.to_owned(), cause })?;
        let stamp = Stamp { modified: metadata.modified().ok(), bytes: metadata.len() };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, baseline)) = read.get(path)
            && *known == stamp
        {
            return Ok(Arc::clone(baseline));
        }
        let baseline = Arc::new(document::read(path)?);
        read.insert(path.to_owned(), (stamp, Arc::clone(&baseline)));
        Ok(baseline)
    }
}
