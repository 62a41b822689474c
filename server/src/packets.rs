//! Packets that programs are run on: from hexadecimal digits, files and templates.

mod capture;
mod template;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use template::{FIELDS, TemplateError};

/// Why there is no packet.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// A file cannot be read.
    #[error("{}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A capture cannot be read.
    #[error("{}: packet {number}: {message}", path.display())]
    Capture {
        /// The file.
        path: PathBuf,
        /// The packet, from 1.
        number: usize,
        /// What is wrong.
        message: String,
    },
    /// A capture has no packet with the number that is asked for.
    #[error("{}: has {count} packets, not {number}", path.display())]
    NoSuchPacket {
        /// The file.
        path: PathBuf,
        /// What was asked for, from 1.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// A packet is longer than any can be.
    #[error("a packet of {0} bytes is longer than the {MOST} that are possible")]
    TooLong(usize),
    /// The text is neither digits nor a file nor a template.
    #[error(
        "`{spec}` is neither an even number of hexadecimal digits nor a file nor a template: {template}"
    )]
    Spec {
        /// The text.
        spec: String,
        /// Why it is no template.
        template: TemplateError,
    },
}

/// The most bytes of a packet: what fits into an skb with all its fragments.
const MOST: usize = 17 * 65536;
/// The largest file that is read.
const LARGEST: u64 = 256 << 20;

/// A packet, with where it comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedPacket {
    /// `capture.pcap#2`, a template, or the beginning of the digits.
    pub name: String,
    /// From the first byte of the Ethernet header on.
    pub bytes: Vec<u8>,
}

/// The packets that a text stands for: an even number of hexadecimal digits; an existing file, with `#N` behind it for the
/// N-th packet of a capture; or a template with fields.
///
/// # Errors
///
/// If it stands for none.
pub fn packets(spec: &str) -> Result<Vec<NamedPacket>, PacketError> {
    packets_in(Path::new(""), spec)
}

/// [`packets`], with files relative to the directory `root`.
///
/// # Errors
///
/// If the text stands for none.
pub fn packets_in(root: &Path, spec: &str) -> Result<Vec<NamedPacket>, PacketError> {
    let whole = root.join(spec);
    let found = if let Some(bytes) = hex(spec) {
        let name = if spec.len() > 24 { format!("{}…", &spec[..24]) } else { spec.to_owned() };
        vec![NamedPacket { name, bytes }]
    } else if whole.is_file() {
        file(&whole, Path::new(spec), None)?
    } else if let Some((name, path, number)) = numbered(root, spec) {
        file(&path, name, Some(number))?
    } else {
        let bytes = template::build(spec)
            .map_err(|template| PacketError::Spec { spec: spec.to_owned(), template })?;
        vec![NamedPacket { name: spec.to_owned(), bytes }]
    };
    match found.iter().find(|packet| packet.bytes.len() > MOST) {
        Some(packet) => Err(PacketError::TooLong(packet.bytes.len())),
        None => Ok(found),
    }
}

/// `FILE#N`.
fn numbered<'s>(root: &Path, spec: &'s str) -> Option<(&'s Path, PathBuf, usize)> {
    let (name, number) = spec.rsplit_once('#')?;
    let number = number.parse().ok()?;
    let path = root.join(name);
    path.is_file().then(|| (Path::new(name), path, number))
}

/// The packets in a file, or one of them; `name` is how the file is called.
fn file(path: &Path, name: &Path, number: Option<usize>) -> Result<Vec<NamedPacket>, PacketError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(io::Error::other("is larger than 256 MiB"));
        }
        Ok(bytes)
    };
    let bytes = read().map_err(|cause| PacketError::Read { path: path.to_owned(), cause })?;
    let name = name.display().to_string();
    let Some(packets) = capture::read(path, &bytes)? else {
        return Ok(vec![NamedPacket { name, bytes }]);
    };
    let count = packets.len();
    let named = packets.into_iter().zip(1..);
    let named = named
        .map(|(bytes, number)| (number, NamedPacket { name: format!("{name}#{number}"), bytes }));
    match number {
        None => Ok(named.map(|(_, packet)| packet).collect()),
        Some(wanted) => {
            let found = named
                .filter(|(number, _)| *number == wanted)
                .map(|(_, packet)| vec![packet])
                .next();
            found.ok_or(PacketError::NoSuchPacket { path: path.to_owned(), number: wanted, count })
        }
    }
}

/// Bytes from an even number of hexadecimal digits, at least two.
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits() {
        assert_eq!(hex("00ffA5"), Some(vec![0x00, 0xff, 0xa5]));
        for wrong in ["", "0", "abc", "0x00", "zz"] {
            assert_eq!(hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_nothing_is_an_error_that_says_what_there_is() {
        let error = packets("tpc4").expect_err("no template").to_string();
        assert!(error.contains("tpc4") && error.contains("tcp4"), "{error}");
    }
}
