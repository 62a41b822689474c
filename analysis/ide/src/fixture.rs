//! A text with a cursor, `$0`, and everything known about it.

use std::sync::Arc;

use kernel_model::Version;
use lint_rules::Lint;
use sema::{Header, Headers, Sema};
use syntax::Parsed;

use crate::File;

/// A file under test.
pub(crate) struct Fixture {
    text: String,
    cursor: u32,
    header: Option<String>,
}

impl Fixture {
    /// `$0` in `marked` is the cursor and is not part of the text.
    pub(crate) fn new(marked: &str) -> Self {
        let cursor = marked.find("$0").unwrap_or(0);
        let text = marked.replacen("$0", "", 1);
        Self { text, cursor: u32::try_from(cursor).expect("is short"), header: None }
    }

    /// The same with a header that the file includes.
    pub(crate) fn with_header(self, text: &str) -> Self {
        Self { header: Some(text.to_owned()), ..self }
    }

    /// Asks about the file and the cursor.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&File<'_>, u32) -> T) -> T {
        let parsed = Parsed::parse(self.text.as_str().into());
        let texts: Vec<&str> = self.header.as_deref().into_iter().collect();
        let headers: Headers =
            texts.iter().map(|text| Arc::new(Header::scan((*text).into()))).collect();
        let kernel = Version::default();
        let (_, facts) = lint_rules::check_with_facts(&parsed, &headers, &Lint { kernel });
        let sema = Sema::new(&parsed, &headers);
        let file =
            File { parsed: &parsed, sema: &sema, facts: facts.as_ref(), kernel, headers: texts };
        ask(&file, self.cursor)
    }
}
