//! Open documents, and what is being found out about them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;
use tower_lsp::jsonrpc::Error;
use tower_lsp::lsp_types::Url;

use super::analysis::{Analysed, Cancel, Revision};
use super::checks::Checks;
use super::document::Buffer;
use crate::config::Config;
use crate::source::looks_like_bpf;

/// The analysis of a document, nothing for one that is not open or not BPF C.
pub(super) type Answer = Result<Option<Arc<Analysed>>, Error>;

/// What is done with a document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    /// Findings and everything else.
    Lint,
    /// Everything but findings: a header.
    Assist,
    /// Nothing: other C is for other servers.
    None,
}

/// A document as the client sees it.
pub(super) struct Document {
    pub(super) buffer: Buffer,
    pub(super) version: i32,
    pub(super) path: PathBuf,
    /// It is the file at `path`, not something else that an editor shows under that name.
    pub(super) is_file: bool,
    pub(super) is_c: bool,
    /// Of the text and all it depends on.
    pub(super) revision: Revision,
    /// The last analysis, from which the next one is made.
    pub(super) base: Option<Arc<Analysed>>,
    pub(super) latest: Option<Arc<Analysed>>,
    pub(super) running: Option<(Revision, Cancel)>,
    pub(super) waiting: Vec<(Revision, oneshot::Sender<Answer>)>,
    /// There may be diagnostics on the client's screen.
    pub(super) published: bool,
    /// What was verified and run of it.
    pub(super) checks: Checks,
}

impl Document {
    /// What is done with it when its text is `text`.
    pub(super) fn interest(&self, text: &str, config: &Config) -> Interest {
        let included = config.includes(&self.path);
        let is_bpf = included
            || self.path.as_os_str().as_encoded_bytes().ends_with(b".bpf.c")
            || looks_like_bpf(text.as_bytes());
        if (self.is_c || included) && is_bpf && !self.is_header() {
            if config.excludes(&self.path) { Interest::Assist } else { Interest::Lint }
        } else if self.is_header() && text.contains("bpf") {
            Interest::Assist
        } else {
            Interest::None
        }
    }

    fn is_header(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "h")
    }

    /// Answers those who asked for this revision or an older one.
    pub(super) fn answer(&mut self, revision: Revision, answer: &Answer) {
        let (answered, waiting) =
            self.waiting.drain(..).partition(|(wanted, _)| *wanted <= revision);
        self.waiting = waiting;
        let answered: Vec<(Revision, oneshot::Sender<Answer>)> = answered;
        for (_, reply) in answered {
            let _ = reply.send(answer.clone());
        }
    }

    /// Nobody needs the document any more.
    pub(super) fn give_up(mut self) {
        if let Some((_, cancel)) = &self.running {
            cancel.cancel();
        }
        self.checks.outdate();
        for (_, reply) in self.waiting.drain(..) {
            let _ = reply.send(Ok(None));
        }
    }
}

/// Whether it is a C file and no header.
pub(super) fn is_c(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "c")
}

/// The path of a document; one that is not a file has none but looks as if.
pub(super) fn path_of(uri: &Url) -> PathBuf {
    uri.to_file_path().unwrap_or_else(|()| PathBuf::from(uri.path()))
}
