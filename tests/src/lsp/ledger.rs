//! What was asked, what was answered, and what was published.

use std::collections::BTreeMap;

use serde_json::Value;

/// The last diagnostics of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// Of the text they are about, if the server said it.
    pub version: Option<i64>,
    /// A list.
    pub diagnostics: Value,
}

/// The books of a session.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By identifier: the method and the number of answers.
    requests: BTreeMap<String, (String, usize)>,
    open: usize,
    /// By address.
    published: BTreeMap<String, Publication>,
    faults: Vec<String>,
}

impl Ledger {
    /// The client sends a message.
    pub(super) fn sent(&mut self, message: &Value) {
        let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else {
            return;
        };
        self.open += 1;
        if self.requests.insert(id.to_string(), (method.to_owned(), 0)).is_some() {
            self.faults.push(format!("the client used the identifier {id} twice"));
        }
    }

    /// The server sent a message.
    pub(super) fn received(&mut self, message: &Value) {
        match (message.get("method").and_then(Value::as_str), message.get("id")) {
            (Some("textDocument/publishDiagnostics"), _) => self.publish(&message["params"]),
            (None, Some(id)) => self.answer(id, message),
            _ => {}
        }
    }

    fn answer(&mut self, id: &Value, message: &Value) {
        let Some((method, answers)) = self.requests.get_mut(&id.to_string()) else {
            self.faults.push(format!("an answer nobody asked for: {message}"));
            return;
        };
        *answers += 1;
        if *answers > 1 {
            self.faults.push(format!("{method} was answered {answers} times"));
        } else {
            self.open -= 1;
        }
        // What the handler of a request died of.
        if message["error"]["code"] == -32603 {
            self.faults.push(format!("{method}: {}", message["error"]["message"]));
        }
    }

    fn publish(&mut self, params: &Value) {
        let uri = params["uri"].as_str().unwrap_or_default().to_owned();
        let version = params["version"].as_i64();
        let diagnostics = params["diagnostics"].clone();
        let publication = Publication { version, diagnostics };
        let previous = self.published.insert(uri.clone(), publication);
        if let Some(before) = previous.and_then(|previous| previous.version)
            && version.is_some_and(|version| version < before)
        {
            self.faults.push(format!("{uri}: version {version:?} after {before}"));
        }
    }

    /// A document is closed or opened again: its versions begin anew.
    pub(super) fn forget_version(&mut self, uri: &str) {
        if let Some(publication) = self.published.get_mut(uri) {
            publication.version = None;
        }
    }

    /// How many requests wait for their answers.
    pub fn open(&self) -> usize {
        self.open
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// The methods of requests without an answer.
    pub fn unanswered(&self) -> Vec<&str> {
        let open = self.requests.values().filter(|(_, answers)| *answers == 0);
        open.map(|(method, _)| method.as_str()).collect()
    }

    /// The last diagnostics of a file.
    pub fn published(&self, uri: &str) -> Option<&Publication> {
        self.published.get(uri)
    }

    /// What was not as the protocol wants it.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}
