//! A session as an editor had it: one JSON value per line, as `record-session` writes it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read.
    #[error("{path}: {error}", path = .path.display())]
    Io {
        /// The recording.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A line is not as it should be.
    #[error("{path}:{line}: {what}", path = .path.display())]
    Line {
        /// The recording.
        path: PathBuf,
        /// 1-based.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// A recorded session, placed into a directory of this machine.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The files of the workspace when the session began.
    pub files: BTreeMap<String, String>,
    /// The requests and notifications of the client, in order.
    pub messages: Vec<Value>,
    /// What the client answered to requests of the server, by their methods.
    pub answers: Answers,
}

/// What a client answers to requests of the server, by method, in order; the last answer is repeated.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    results: HashMap<String, VecDeque<Value>>,
    /// The settings, each with the number of changes that were told before.
    settings: Vec<(usize, Value)>,
}

/// The request for the settings, which a client answers with those it has now.
const SETTINGS: &str = "workspace/configuration";

/// How a client tells that they changed.
const SETTINGS_CHANGED: &str = "workspace/didChangeConfiguration";

impl Answers {
    /// The next result for a request with this method, when the client has told so many changes of its
    /// settings; null if there never was one.
    pub fn next(&mut self, method: &str, changes: usize) -> Value {
        if method == SETTINGS {
            let known = self.settings.iter().rev().find(|(told, _)| *told <= changes);
            return known.map(|(_, settings)| settings.clone()).unwrap_or_default();
        }
        match self.results.get_mut(method) {
            Some(results) if results.len() > 1 => results.pop_front().unwrap_or_default(),
            Some(results) => results.front().cloned().unwrap_or_default(),
            None => Value::Null,
        }
    }

    /// The settings that hold at last.
    fn last_settings(&self) -> Option<&Value> {
        self.settings.last().map(|(_, settings)| settings)
    }
}

/// Whether a client tells by this message that its settings changed.
pub(super) fn changes_settings(message: &Value) -> bool {
    message["method"] == SETTINGS_CHANGED
}

impl Recording {
    /// Reads a recording as if it had been made in the directory `root`.
    ///
    /// # Errors
    /// If it cannot be read or a line is not as it should be.
    pub fn load(path: &Path, root: &Path) -> Result<Self, RecordingError> {
        let error = |error| RecordingError::Io { path: path.to_owned(), error };
        let text = fs::read_to_string(path).map_err(error)?;
        let root = root.display().to_string();
        let mut recording =
            Self { files: BTreeMap::new(), messages: Vec::new(), answers: Answers::default() };
        let mut asked = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.replace("$ROOT", &root).replace("$HOME", &format!("{root}/home"));
            recording.read_line(&line, &mut asked).map_err(|what| RecordingError::Line {
                path: path.to_owned(),
                line: number + 1,
                what,
            })?;
        }
        Ok(recording)
    }

    fn read_line(&mut self, line: &str, asked: &mut HashMap<String, String>) -> Result<(), String> {
        let mut line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if let Some(files) = line.get("workspace").and_then(Value::as_object) {
            let texts = files.iter().filter_map(|(name, text)| Some((name, text.as_str()?)));
            self.files.extend(texts.map(|(name, text)| (name.clone(), text.to_owned())));
        } else if let Some(request) = line.get("server") {
            let method = request["method"].as_str().ok_or("no method")?;
            asked.insert(request["id"].to_string(), method.to_owned());
        } else if let Some(message) = line.get_mut("client") {
            if message.get("method").is_some() {
                self.messages.push(message.take());
            } else {
                let method = asked.get(&message["id"].to_string()).ok_or("answers no request")?;
                let result = message["result"].take();
                if method == SETTINGS {
                    let changes = self.messages.iter().filter(|m| changes_settings(m)).count();
                    self.answers.settings.push((changes, result));
                } else {
                    let results = self.answers.results.entry(method.clone()).or_default();
                    results.push_back(result);
                }
            }
        } else {
            return Err("neither `workspace`, `client` nor `server`".to_owned());
        }
        Ok(())
    }

    /// The parameters of `initialize`.
    pub fn initialize(&self) -> Option<&Value> {
        let first = self.messages.iter().find(|message| message["method"] == "initialize")?;
        first.get("params")
    }

    /// The same session for a client that says at once what it wants in the end: it opens the workspace with
    /// the settings that hold at last, and is asked for none.
    pub fn settled_initialize(&self) -> Option<Value> {
        let mut params = self.initialize()?.clone();
        let changed = self.messages.iter().rev();
        let changed = changed.filter(|m| changes_settings(m));
        let changed = changed.map(|message| &message["params"]["settings"]);
        let asks = params.pointer("/capabilities/workspace/configuration") == Some(&json!(true));
        let answered = self.answers.last_settings().filter(|_| asks);
        let answered = answered.and_then(|items| items.get(0));
        let mut told = answered.into_iter().chain(changed);
        let says_something = |value: &&Value| value.as_object().is_some_and(|o| !o.is_empty());
        if let Some(settings) = told.find(says_something) {
            params["initializationOptions"] = settings.clone();
        }
        if let Some(workspace) = params.pointer_mut("/capabilities/workspace")
            && let Some(workspace) = workspace.as_object_mut()
        {
            for asked in ["configuration", "didChangeWatchedFiles"] {
                workspace.remove(asked);
            }
        }
        Some(params)
    }
}
