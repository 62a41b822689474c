//! Messages as they go over a stream: a header with a length, then JSON.

use std::io::{self, BufRead, Write};

use serde_json::Value;

/// The next message; `None` at the end of the stream.
///
/// # Errors
/// If the stream cannot be read, or what comes is no message.
pub fn read_message(input: &mut impl BufRead) -> io::Result<Option<Value>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut body = vec![0; length.ok_or_else(|| invalid("a header without a length"))?];
    input.read_exact(&mut body)?;
    serde_json::from_slice(&body).map(Some).map_err(|error| invalid(&error.to_string()))
}

/// A message with its header.
pub(super) fn frame(message: &Value) -> String {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

/// Writes a message.
///
/// # Errors
/// If the stream takes no more.
pub fn write_message(output: &mut impl Write, message: &Value) -> io::Result<()> {
    output.write_all(frame(message).as_bytes())?;
    output.flush()
}
