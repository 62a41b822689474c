//! Reading a patch without context, as `git diff --unified=0` prints it: which lines of the new files are new.

use std::collections::HashMap;
use std::path::PathBuf;

use super::LineRange;

/// The new lines by file. Names are whatever bytes the file system has; so is the text.
pub(super) fn read(patch: &[u8]) -> HashMap<PathBuf, Vec<LineRange>> {
    let mut files: HashMap<PathBuf, Vec<LineRange>> = HashMap::new();
    let mut current: Option<PathBuf> = None;
    let mut lines = patch.split(|byte| *byte == b'\n');
    while let Some(line) = lines.next() {
        if line.starts_with(b"diff --git ") {
            current = None;
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            current = new_name(name);
        } else if let Some((removed, added)) = hunk(line) {
            if let Some(file) = &current
                && !added.is_empty()
            {
                files.entry(file.clone()).or_default().push(added.clone());
            }
            // The text itself could look like a heading.
            let mut body = removed + added.len();
            while body > 0
                && let Some(line) = lines.next()
            {
                body -= usize::from(!line.starts_with(b"\\"));
            }
        }
    }
    files
}

/// The path of a file as git prints it, in the system's form.
#[cfg(unix)]
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

/// The path of a file as git prints it, in the system's form.
#[cfg(not(unix))]
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The name behind `+++ `; `None` for a file that was deleted.
fn new_name(name: &[u8]) -> Option<PathBuf> {
    let unquoted = match name.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        Some(quoted) => unquoted(quoted),
        // A tab ends a name with blanks in it.
        None => name.strip_suffix(b"\t").unwrap_or(name).to_vec(),
    };
    unquoted.strip_prefix(b"b/").map(path)
}

/// A name without the escapes of C that git puts in.
fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            name.push(byte);
            continue;
        }
        name.extend(match bytes.next() {
            Some(b'a') => Some(7),
            Some(b'b') => Some(8),
            Some(b't') => Some(b'\t'),
            Some(b'n') => Some(b'\n'),
            Some(b'v') => Some(11),
            Some(b'f') => Some(12),
            Some(b'r') => Some(b'\r'),
            Some(first @ b'0'..=b'3') => {
                let rest = [bytes.next(), bytes.next()].map(|digit| digit.map_or(0, |d| d & 7));
                Some((first & 3) << 6 | rest[0] << 3 | rest[1])
            }
            other => other,
        });
    }
    name
}

/// `@@ -old,removed +new,added @@`: the number of lines removed, and the lines added.
fn hunk(line: &[u8]) -> Option<(usize, LineRange)> {
    let text = std::str::from_utf8(line.strip_prefix(b"@@ -")?.split(|byte| *byte == b'@').next()?);
    let (old, new) = text.ok()?.trim_end().split_once(" +")?;
    let numbers = |part: &str| -> Option<(usize, usize)> {
        match part.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((part.parse().ok()?, 1)),
        }
    };
    let ((_, removed), (start, added)) = (numbers(old)?, numbers(new)?);
    let start = start.saturating_sub(1);
    Some((removed, start..start.checked_add(added)?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn new_lines_are_found_whatever_the_text_looks_like() {
        let patch = concat!(
            "diff --git a/a.c b/a.c\nindex 1..2 100644\n--- a/a.c\n+++ b/a.c\n",
            "@@ -3 +3,2 @@ int f(void)\n--- a/fake.c\n+++ b/fake.c\n+@@ -1 +1 @@\n",
            "@@ -9,2 +10,0 @@\n-x\n-y\n@@ -20,0 +19 @@\n+z\n\\ No newline at end of file\n",
            "diff --git a/gone.c b/gone.c\n--- a/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
            "diff --git a/old.c b/with blank.c\nsimilarity index 90%\nrename from old.c\n",
            "--- a/old.c\n+++ b/with blank.c\t\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n",
            "diff --git \"a/q\" \"b/q\"\n--- \"a/q\"\n+++ \"b/t\\tq\\\"\\\\\\303\\251\"\n@@ -0,0 +1,3 @@\n+1\n+2\n+3\n",
        );
        let found = read(patch.as_bytes());
        assert_eq!(found.len(), 3);
        assert_eq!(found[Path::new("a.c")], [2..4, 18..19]);
        assert_eq!(found[Path::new("with blank.c")], [0..1; 1]);
        assert_eq!(found[Path::new("t\tq\"\\é")], [0..3; 1]);
    }

    #[test]
    fn what_is_no_patch_is_nothing() {
        for text in
            ["", "\n", "@@", "@@ -1 +x @@", "+++ ", "+++ \"", "@@ -1,99999999 +1,99999999 @@\n"]
        {
            assert!(read(text.as_bytes()).is_empty(), "{text}");
        }
    }
}
