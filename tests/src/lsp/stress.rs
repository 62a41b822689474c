//! Random edits of several documents at once, with requests in between. What the server has of a text is made
//! visible by its outline, which repeats the names in it and where they are, and compared with that of a
//! server that is given the whole text.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::document::{Document, Encoding, position};
use super::server::Server;

/// What is done.
#[derive(Clone, Copy, Debug)]
pub struct Stress {
    /// Decides about everything that is random.
    pub seed: u64,
    /// How many edits.
    pub edits: usize,
    /// In how many documents.
    pub documents: usize,
    /// The unit of columns.
    pub encoding: Encoding,
    /// How many edits lie between two comparisons.
    pub compare_every: usize,
    /// How many requests may wait for their answers.
    pub concurrent: usize,
    /// How long is waited for anything.
    pub patience: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Edits that were sent.
    pub edits: usize,
    /// Requests that were sent.
    pub requests: usize,
    /// Requests that were cancelled, answered or not.
    pub cancelled: usize,
    /// The methods of requests that were never answered.
    pub unanswered: Vec<String>,
    /// Comparisons of a document.
    pub comparisons: usize,
    /// Documents that were not what they should be: an edit was lost, or came in the wrong place.
    pub wrong: Vec<String>,
    /// Everything else that was not as it should be.
    pub faults: Vec<String>,
    /// The server was gone, or ended with something else than 0.
    pub crashed: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl Report {
    /// Whether nothing went wrong.
    pub fn is_clean(&self) -> bool {
        self.unanswered.is_empty()
            && self.wrong.is_empty()
            && self.faults.is_empty()
            && !self.crashed
    }
}

/// Runs `program lsp` under stress.
///
/// # Errors
/// If it cannot be started, or the server that is compared with fails.
pub fn stress(program: &Path, stress: &Stress) -> io::Result<Report> {
    let began = Instant::now();
    let (root, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let mut run = Run {
        stress,
        random: fastrand::Rng::with_seed(stress.seed),
        edited: Side::start(program, root.path(), stress)?,
        opened: Side::start(program, other.path(), stress)?,
        documents: Vec::new(),
        report: Report::default(),
    };
    let went_on = run.go();
    let Run { edited, mut report, .. } = run;
    if let Err(error) = went_on {
        report.faults.push(format!("the session broke off: {error}"));
    }
    let end = edited.end();
    report.crashed = end.code != Some(0);
    report.requests = end.ledger.requests();
    report.unanswered = end.ledger.unanswered().into_iter().map(str::to_owned).collect();
    report.faults.extend(end.ledger.faults().iter().cloned());
    report.elapsed = began.elapsed();
    Ok(report)
}

/// A server and the directory it works in.
struct Side {
    server: Server,
    root: String,
}

impl Side {
    fn start(program: &Path, root: &Path, stress: &Stress) -> io::Result<Self> {
        let encoding = stress.encoding;
        let root = root.canonicalize()?;
        let mut server = Server::start(program, &root)?;
        server.patience = stress.patience;
        let uri = format!("file://{}", root.display());
        let capabilities = json!({
            "general": { "positionEncodings": [encoding.name()] },
            "textDocument": {
                "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
                "publishDiagnostics": { "relatedInformation": true },
                "codeAction": { "codeActionLiteralSupport": { "codeActionKind": { "valueSet": [] } } },
            },
        });
        let folders = json!([{ "uri": uri, "name": "stress" }]);
        let params = json!({
            "processId": null, "rootUri": uri, "workspaceFolders": folders, "capabilities": capabilities
        });
        let result = server.ask("initialize", &params)?;
        if Encoding::agreed(&result) != encoding {
            return Err(io::Error::other("the server takes another unit of columns"));
        }
        server.notify("initialized", &json!({}))?;
        Ok(Self { server, root: uri })
    }

    fn uri(&self, document: usize) -> String {
        format!("{}/d{document}.bpf.c", self.root)
    }

    fn open(&mut self, number: usize, document: &Document) -> io::Result<()> {
        let Document { language, version, text } = document;
        let uri = self.uri(number);
        self.server.ledger.forget_version(&uri);
        let item = json!({ "uri": uri, "languageId": language, "version": version, "text": text });
        self.server.notify("textDocument/didOpen", &json!({ "textDocument": item }))
    }

    /// What the server knows of a document, without its directory.
    fn knows(&mut self, number: usize, version: i64) -> io::Result<String> {
        let uri = self.uri(number);
        let params = json!({ "textDocument": { "uri": uri } });
        let symbols = self.server.ask("textDocument/documentSymbol", &params)?;
        let folds = self.server.ask("textDocument/foldingRange", &params)?;
        let lenses = self.server.ask("textDocument/codeLens", &params)?;
        let end = Instant::now() + self.server.patience;
        let diagnostics = loop {
            match self.server.ledger.published(&uri) {
                Some(known) if known.version == Some(version) => break known.diagnostics.clone(),
                _ if Instant::now() > end => break json!("none came"),
                _ => drop(self.server.take(Duration::from_millis(5))),
            }
        };
        let known =
            json!({ "symbols": symbols, "folds": folds, "lenses": lenses, "found": diagnostics });
        Ok(known.to_string().replace(&self.root, ""))
    }

    fn end(mut self) -> super::server::End {
        // A server that is gone already is seen by its exit code.
        let _ = self.server.ask("shutdown", &Value::Null);
        let _ = self.server.notify("exit", &Value::Null);
        self.server.finish()
    }
}

struct Run<'s> {
    stress: &'s Stress,
    random: fastrand::Rng,
    edited: Side,
    opened: Side,
    documents: Vec<Document>,
    report: Report,
}

impl Run<'_> {
    fn go(&mut self) -> io::Result<()> {
        for number in 0..self.stress.documents {
            let document =
                Document { language: "c".to_owned(), version: 1, text: text::initial(number) };
            self.edited.open(number, &document)?;
            self.documents.push(document);
        }
        for edit in 1..=self.stress.edits {
            let number = self.random.usize(..self.documents.len());
            self.edit(number)?;
            self.report.edits += 1;
            if self.random.f32() < 0.3 {
                self.request()?;
            }
            while self.edited.server.take(Duration::ZERO).is_some() {}
            let end = Instant::now() + self.stress.patience;
            while self.edited.server.ledger.open() > self.stress.concurrent {
                if Instant::now() > end {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                self.edited.server.take(Duration::from_millis(5));
            }
            if edit % self.stress.compare_every == 0 || edit == self.stress.edits {
                self.compare(edit)?;
            }
        }
        Ok(())
    }

    /// One notification, of one or several changes.
    fn edit(&mut self, number: usize) -> io::Result<()> {
        let document = &mut self.documents[number];
        let encoding = self.stress.encoding;
        document.version += 1;
        let mut changes = Vec::new();
        let count = if self.random.f32() < 0.1 { self.random.usize(2..5) } else { 1 };
        for _ in 0..count {
            if self.random.f32() < 0.002 {
                document.text = text::initial(number);
                changes.push(json!({ "text": document.text }));
                continue;
            }
            let (place, new) = text::edit(&document.text, &mut self.random);
            let range = json!({
                "start": position(&document.text, place.start, encoding),
                "end": position(&document.text, place.end, encoding),
            });
            document.text.replace_range(place, &new);
            changes.push(json!({ "range": range, "text": new }));
        }
        let identifier = json!({ "uri": self.edited.uri(number), "version": document.version });
        let params = json!({ "textDocument": identifier, "contentChanges": changes });
        self.edited.server.notify("textDocument/didChange", &params)
    }

    /// A request about any place of any document; some are cancelled.
    fn request(&mut self) -> io::Result<()> {
        const METHODS: [&str; 11] = [
            "textDocument/hover",
            "textDocument/completion",
            "textDocument/signatureHelp",
            "textDocument/definition",
            "textDocument/references",
            "textDocument/documentSymbol",
            "textDocument/foldingRange",
            "textDocument/codeLens",
            "textDocument/inlayHint",
            "textDocument/codeAction",
            "workspace/executeCommand",
        ];
        let number = self.random.usize(..self.documents.len());
        let text = &self.documents[number].text;
        let mut offset = self.random.usize(..=text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let place = position(text, offset, self.stress.encoding);
        let all = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9999, "character": 0 } });
        // Each method takes what it knows of these.
        let params = json!({
            "textDocument": { "uri": self.edited.uri(number) },
            "position": place,
            "range": all,
            "context": { "diagnostics": [], "includeDeclaration": true },
            "command": "bpf-analyzer.explainRule",
            "arguments": ["missing-write-back"],
        });
        let method = self.random.choice(METHODS).unwrap_or(METHODS[0]);
        let id = self.edited.server.begin(method, &params)?;
        if self.random.f32() < 0.1 {
            self.report.cancelled += 1;
            self.edited.server.notify("$/cancelRequest", &json!({ "id": id }))?;
        }
        Ok(())
    }

    /// Compares all documents with what a server knows that is given the whole texts.
    fn compare(&mut self, edit: usize) -> io::Result<()> {
        for (number, document) in self.documents.iter().enumerate() {
            self.opened.open(number, document)?;
            let expected = self.opened.knows(number, document.version)?;
            let close = json!({ "textDocument": { "uri": self.opened.uri(number) } });
            self.opened.server.notify("textDocument/didClose", &close)?;
            let found = self.edited.knows(number, document.version)?;
            self.report.comparisons += 1;
            if found != expected {
                let text = &document.text;
                self.report.wrong.push(format!(
                    "after edit {edit}, document {number}: expected {expected}, found {found}, for\n{text}"
                ));
            }
        }
        Ok(())
    }
}

/// Texts whose outlines show every edit of them.
mod text {
    use std::fmt::Write as _;
    use std::ops::Range;

    /// A text with many names.
    pub(super) fn initial(number: usize) -> String {
        let mut text = String::from("#include <vmlinux.h>\n#include <bpf/bpf_helpers.h>\n\n");
        for function in 0..4 {
            // A string takes whatever is written to it.
            let _ = write!(text, "{}", self::function(&format!("f_{number}_{function}")));
        }
        text
    }

    fn function(name: &str) -> String {
        format!(
            "SEC(\"tc\") int {name}(struct __sk_buff *skb)\n{{\n\tstruct bpf_dynptr dp;\n\tchar buf[16], *p;\n\n\
             \tbpf_dynptr_from_skb(skb, 0, &dp);\n\tp = bpf_dynptr_slice_rdwr(&dp, 32, buf, sizeof(buf));\n\
             \tif (!p)\n\t\treturn 0;\n\tp[0] = 1;\n\treturn 0;\n}}\n\n"
        )
    }

    /// Where the names of functions are.
    fn names(text: &str) -> Vec<Range<usize>> {
        let before = " int ";
        let starts = text.match_indices(before).map(|(at, _)| at + before.len());
        let names = starts.map(|start| {
            let length = text[start..].find('(').unwrap_or_default();
            start..start + length
        });
        names.filter(|name| !name.is_empty()).collect()
    }

    /// A random edit: what is replaced, and by what.
    pub(super) fn edit(text: &str, random: &mut fastrand::Rng) -> (Range<usize>, String) {
        let names = names(text);
        let Some(name) = random.choice(names.clone()) else {
            return (text.len()..text.len(), function("f_again"));
        };
        let line_start = text[..name.start].rfind('\n').map_or(0, |newline| newline + 1);
        match random.u32(..100) {
            // A letter of a name.
            0..40 => {
                let at = random.usize(name);
                (at..at, random.alphanumeric().to_string())
            }
            40..55 if name.len() > 3 => {
                let at = random.usize(name.start + 1..name.end);
                (at..at + 1, String::new())
            }
            // Something in front of a name moves its column, a line moves all below.
            55..65 => (line_start..line_start, "/* é😀 */ ".to_owned()),
            65..70 => match text[line_start..].strip_prefix("/* é😀 */ ") {
                Some(behind) => (line_start..text.len() - behind.len(), String::new()),
                None => (line_start..line_start, "\r\n".to_owned()),
            },
            70..75 => (line_start..line_start, "// 🐝\n".to_owned()),
            75..80 => match text[..line_start].rfind("// 🐝\n") {
                Some(at) => (at..at + "// 🐝\n".len(), String::new()),
                None => (0..0, "\n".to_owned()),
            },
            // Whole functions.
            80..84 if names.len() < 10 => {
                let name = format!("g_{}", random.u32(..1_000_000));
                (line_start..line_start, function(&name))
            }
            84..90 if names.len() > 2 => {
                let end =
                    text[line_start..].find("}\n\n").map_or(text.len(), |at| line_start + at + 3);
                (line_start..end, String::new())
            }
            // Findings come and go.
            90..94 => match text.find("\tp[0] = 1;\n") {
                Some(at) => (at..at + "\tp[0] = 1;\n".len(), "\t;\n".to_owned()),
                None => (text.len()..text.len(), function("f_more")),
            },
            94..96 => match text.find("\t;\n") {
                Some(at) => (at..at + "\t;\n".len(), "\tp[0] = 1;\n".to_owned()),
                None => (text.len()..text.len(), "\n".to_owned()),
            },
            // What cannot be parsed, and its end.
            96..98 => (line_start..line_start, "{ ( \n".to_owned()),
            _ => match text.find("{ ( \n") {
                Some(at) => (at..at + "{ ( \n".len(), String::new()),
                None => (text.len()..text.len(), "\n".to_owned()),
            },
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn edits_stay_inside_the_text_and_the_text_stays_small() {
            let mut random = fastrand::Rng::with_seed(1);
            let mut text = initial(0);
            for _ in 0..5_000 {
                let (place, new) = edit(&text, &mut random);
                assert!(text.is_char_boundary(place.start) && text.is_char_boundary(place.end));
                text.replace_range(place, &new);
            }
            assert!(text.len() < 20_000, "{} bytes", text.len());
            assert!(names(&text).len() >= 2);
        }
    }
}
