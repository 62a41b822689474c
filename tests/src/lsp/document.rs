//! A document as a client has it: its text after each of its changes.

use serde_json::Value;

/// The unit of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16.
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
        }
    }

    /// What a server that was initialised says it uses.
    pub fn agreed(initialized: &Value) -> Self {
        match initialized.pointer("/capabilities/positionEncoding").and_then(Value::as_str) {
            Some("utf-8") => Self::Utf8,
            Some("utf-32") => Self::Utf32,
            _ => Self::Utf16,
        }
    }

    fn units(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// An open document.
#[derive(Clone, Debug)]
pub struct Document {
    /// As the client called it.
    pub language: String,
    /// The version of the last change.
    pub version: i64,
    /// The text after it.
    pub text: String,
}

impl Document {
    /// A document from the parameters of `textDocument/didOpen`.
    pub fn opened(params: &Value) -> Option<Self> {
        let item = params.get("textDocument")?;
        Some(Self {
            language: item["languageId"].as_str()?.to_owned(),
            version: item["version"].as_i64()?,
            text: item["text"].as_str()?.to_owned(),
        })
    }

    /// Applies the parameters of `textDocument/didChange`; `None` if they are not understood.
    pub fn change(&mut self, params: &Value, encoding: Encoding) -> Option<()> {
        self.version = params["textDocument"]["version"].as_i64()?;
        for change in params["contentChanges"].as_array()? {
            let new = change["text"].as_str()?;
            match change.get("range") {
                None | Some(Value::Null) => new.clone_into(&mut self.text),
                Some(range) => {
                    let start = offset(&self.text, &range["start"], encoding)?;
                    let end = offset(&self.text, &range["end"], encoding)?;
                    self.text.replace_range(start.min(end)..start.max(end), new);
                }
            }
        }
        Some(())
    }
}

/// The byte offset of a position; one behind the end of its line means that end.
fn offset(text: &str, position: &Value, encoding: Encoding) -> Option<usize> {
    let number = |key: &str| usize::try_from(position[key].as_u64()?).ok();
    let (line, column) = (number("line")?, number("character")?);
    let Some(start) = line_starts(text).nth(line) else { return Some(text.len()) };
    let mut units = 0;
    for (at, character) in text[start..].char_indices() {
        if units >= column || matches!(character, '\n' | '\r') {
            return Some(start + at);
        }
        units += encoding.units(character);
    }
    Some(text.len())
}

/// The position of a byte offset.
pub(super) fn position(text: &str, offset: usize, encoding: Encoding) -> Value {
    let (line, start) = line_starts(text)
        .enumerate()
        .take_while(|(_, start)| *start <= offset)
        .last()
        .unwrap_or_default();
    let character: usize = text[start..offset].chars().map(|c| encoding.units(c)).sum();
    serde_json::json!({ "line": line, "character": character })
}

/// Where lines begin: behind `\n`, `\r\n` and a lone `\r`.
fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(at, byte)| {
        **byte == b'\n' || (**byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
    });
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn positions_are_counted_in_units_and_changes_build_on_each_other() {
        let text = "a\r\né😀b\rc\n";
        for (encoding, column) in [(Encoding::Utf8, 6), (Encoding::Utf16, 3), (Encoding::Utf32, 2)]
        {
            let at = text.find('b').expect("is there");
            let place = position(text, at, encoding);
            assert_eq!(place, json!({ "line": 1, "character": column }));
            assert_eq!(offset(text, &place, encoding), Some(at));
            let behind = json!({ "line": 0, "character": 99 });
            assert_eq!(offset(text, &behind, encoding), Some(1));
            let mut document = Document { language: "c".into(), version: 1, text: text.to_owned() };
            let change = json!({ "textDocument": { "version": 2 }, "contentChanges": [
                { "range": { "start": place, "end": place }, "text": "x\n" },
                { "range": { "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 1 } }, "text": "" },
            ] });
            document.change(&change, encoding).expect("is understood");
            assert_eq!((document.version, &*document.text), (2, "a\r\né😀x\n\rc\n"));
        }
    }
}
