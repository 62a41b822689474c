//! The file of a baseline: JSON with a line per finding, sorted, so that its changes can be reviewed and merged.

use std::fs::{self, File};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Baseline, BaselineError, Fingerprint};
use crate::fix::replace_file;

/// The version of the form.
const VERSION: u32 = 1;

#[derive(Deserialize)]
struct Document {
    version: u32,
    findings: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    file: String,
    rule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    text: String,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    count: usize,
}

fn one() -> usize {
    1
}

fn is_one(count: &usize) -> bool {
    *count == 1
}

/// Reads the baseline at `path`.
pub(super) fn read(path: &Path) -> Result<Baseline, BaselineError> {
    let bytes =
        fs::read(path).map_err(|cause| BaselineError::Read { path: path.to_owned(), cause })?;
    let wrong = |message| BaselineError::Content { path: path.to_owned(), message };
    let document: Document =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if document.version != VERSION {
        let version = document.version;
        return Err(wrong(format!("version {version}, and this program knows version {VERSION}")));
    }
    let mut baseline = Baseline::default();
    for Entry { file, rule, function, text, count } in document.findings {
        let counts = baseline.files.entry(file).or_default();
        let known = counts.entry(Fingerprint { rule, function, text }).or_insert(0);
        *known = known.saturating_add(count);
    }
    Ok(baseline)
}

/// Writes the baseline at `path`; a reader sees the old one or the new one.
pub(super) fn write(path: &Path, baseline: &Baseline) -> Result<(), BaselineError> {
    let failed = |cause| BaselineError::Write { path: path.to_owned(), cause };
    let mut text = format!("{{\"version\":{VERSION},\"findings\":[");
    let mut separator = "\n";
    for (file, counts) in &baseline.files {
        for (print, count) in counts {
            let entry = Entry {
                file: file.clone(),
                rule: print.rule.clone(),
                function: print.function.clone(),
                text: print.text.clone(),
                count: *count,
            };
            let line = serde_json::to_string(&entry)
                .map_err(|error| failed(std::io::Error::from(error).into()))?;
            text.push_str(separator);
            text.push_str(&line);
            separator = ",\n";
        }
    }
    text.push_str("\n]}\n");
    // Created first, so that it has the permissions that the user's new files have.
    File::options().create(true).append(true).open(path).map_err(|error| failed(error.into()))?;
    replace_file(path, &text).map_err(failed)
}
