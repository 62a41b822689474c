//! Reading a source file: what is too large, binary or not UTF-8 is refused with a reason.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// The largest file that is read, in bytes. Generated BPF C stays far below it; what is larger is data.
pub const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// How much of a file is looked at to decide whether it is BPF C, in bytes.
const HEAD_BYTES: u64 = 64 * 1024;

/// Why a file cannot be linted.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The system does not hand it out.
    #[error("{}", plain(.0))]
    Io(#[from] io::Error),
    /// It is larger than [`MAX_BYTES`].
    #[error("too large: files above {} MiB are not read", MAX_BYTES / (1024 * 1024))]
    TooLarge,
    /// It has a NUL byte, which no C text has.
    #[error("looks binary: NUL byte at offset {0}")]
    Binary(usize),
    /// It is not UTF-8.
    #[error("not valid UTF-8: line {line}, byte offset {offset}")]
    NotUtf8 {
        /// 1-based line of the first invalid byte.
        line: usize,
        /// 0-based offset of the first invalid byte.
        offset: usize,
    },
}

/// An I/O error in the system's words, without the error number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Reads a file that is linted whatever it contains.
pub fn read(path: &Path) -> Result<Arc<str>, SourceError> {
    read_from(File::open(path)?)
}

/// Reads all of `input`, for instance standard input.
pub fn read_from(input: impl Read) -> Result<Arc<str>, SourceError> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    decode(bytes)
}

/// Reads a file found in a directory if its beginning looks like BPF C; `None` if it does not.
pub fn read_if_bpf(path: &Path) -> Result<Option<Arc<str>>, SourceError> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    (&mut file).take(HEAD_BYTES).read_to_end(&mut bytes)?;
    if !looks_like_bpf(&bytes) {
        return Ok(None);
    }
    file.take(MAX_BYTES + 1 - HEAD_BYTES).read_to_end(&mut bytes)?;
    decode(bytes).map(Some)
}

fn decode(bytes: Vec<u8>) -> Result<Arc<str>, SourceError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(SourceError::TooLarge);
    }
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(SourceError::Binary(offset));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let before = &error.as_bytes()[..offset];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            Err(SourceError::NotUtf8 { line, offset })
        }
    }
}

/// Headers that only BPF programs include.
const BPF_HEADERS: [&str; 8] = [
    "vmlinux.h",
    "bpf/bpf_helpers.h",
    "bpf_helpers.h",
    "bpf/bpf_tracing.h",
    "bpf_tracing.h",
    "bpf/bpf_core_read.h",
    "bpf_core_read.h",
    "linux/bpf.h",
];

/// Whether the beginning of a C file has a `SEC(` or includes a header of BPF programs.
pub(crate) fn looks_like_bpf(head: &[u8]) -> bool {
    head.split(|byte| *byte == b'\n').any(|line| {
        let line = line.trim_ascii();
        match line.strip_prefix(b"#") {
            Some(directive) => includes_bpf_header(directive),
            None => has_section(line),
        }
    })
}

fn includes_bpf_header(directive: &[u8]) -> bool {
    let Some(rest) = directive.trim_ascii_start().strip_prefix(b"include") else { return false };
    let Some((open, rest)) = rest.trim_ascii_start().split_first() else { return false };
    let close = match open {
        b'<' => b'>',
        b'"' => b'"',
        _ => return false,
    };
    let path = rest.split(|byte| *byte == close).next().unwrap_or_default();
    BPF_HEADERS.iter().any(|header| {
        path.strip_suffix(header.as_bytes())
            .is_some_and(|dir| dir.is_empty() || dir.ends_with(b"/"))
    })
}

/// Whether `SEC(` stands in the line as a word of its own.
fn has_section(line: &[u8]) -> bool {
    line.windows(4).enumerate().any(|(at, word)| {
        word == b"SEC("
            && !at
                .checked_sub(1)
                .is_some_and(|before| line[before].is_ascii_alphanumeric() || line[before] == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bpf_c_is_told_from_other_c_by_its_beginning() {
        let bpf = [
            "int x;\nSEC(\"tc\")\nint f(void)",
            "static int f(void);\nstruct m SEC(\".maps\");",
            "#include <vmlinux.h>",
            "# include \"../headers/vmlinux.h\"",
            "#include <bpf/bpf_helpers.h>\r\n",
            "#include \"bpf_helpers.h\"",
            "#include <linux/bpf.h>",
        ];
        for text in bpf {
            assert!(looks_like_bpf(text.as_bytes()), "{text}");
        }
        let other = [
            "",
            "#include <stdio.h>\nint main(void) {}",
            "#include <linux/bpf.h.in>",
            "#include <xlinux/bpf.h>",
            "int MSEC(int x);",
            "#define SEC(x)",
            "#include",
            "#include <",
        ];
        for text in other {
            assert!(!looks_like_bpf(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_not_text_is_refused_with_its_place() {
        let message = |bytes: &[u8]| read_from(bytes).expect_err("must be refused").to_string();
        assert_eq!(message(b"ab\0c"), "looks binary: NUL byte at offset 2");
        assert_eq!(message(b"a\nb\xff"), "not valid UTF-8: line 2, byte offset 3");
        let limit = usize::try_from(MAX_BYTES).expect("the limit fits");
        assert_eq!(message(&vec![b' '; limit + 1]), "too large: files above 32 MiB are not read");
        assert_eq!(read_from(&b"\xef\xbb\xbfint x;\r\n"[..]).expect("is text").len(), 11);
    }
}
