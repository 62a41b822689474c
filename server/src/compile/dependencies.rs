//! What clang read: the rule of make that `-MD` writes, and what would have been read instead had it been there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::paths::normal;

/// The prerequisites of the only rule in `text`, relative ones below `directory`.
pub(super) fn parse(text: &str, directory: &Path) -> Vec<PathBuf> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\n' | '\r')) => {
                chars.next_if_eq(&'\r');
                chars.next_if_eq(&'\n');
                end(&mut word);
            }
            ('\\', Some(&escaped @ (' ' | '#' | '\\'))) => {
                chars.next();
                word.push(escaped);
            }
            ('$', Some('$')) => {
                chars.next();
                word.push('$');
            }
            (' ' | '\t' | '\n' | '\r', _) => end(&mut word),
            (c, _) => word.push(c),
        }
    }
    end(&mut word);
    // The target of the rule was chosen to be one word.
    let mut paths: Vec<_> =
        words.into_iter().skip(1).map(|word| normal(&directory.join(word))).collect();
    let mut seen = BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths
}

/// The files that do not exist and would have been found before one of `read`, had they existed: the same names in
/// the other directories that are searched.
pub(super) fn shadows(read: &[PathBuf], search: &[PathBuf]) -> Vec<PathBuf> {
    let beside = read.iter().filter_map(|path| path.parent());
    let directories: BTreeSet<&Path> = search.iter().map(PathBuf::as_path).chain(beside).collect();
    let mut absent = BTreeSet::new();
    for path in read {
        for from in &directories {
            let Ok(name) = path.strip_prefix(from) else { continue };
            let elsewhere = directories.iter().map(|dir| dir.join(name));
            absent.extend(elsewhere.filter(|path| !path.exists()));
        }
    }
    absent.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_make_are_read() {
        let text = "object: /p/a\\ b.c \\\n  inc/x.h /p/$$y.h\\\r\n /p/\\#z.h /p/inc/x.h\n";
        let expected = ["/p/a b.c", "/p/inc/x.h", "/p/$y.h", "/p/#z.h"];
        assert_eq!(parse(text, Path::new("/p")), expected.map(PathBuf::from));
        assert!(parse("object:\n", Path::new("/p")).is_empty());
        assert!(parse("", Path::new("/p")).is_empty());
    }

    #[test]
    fn a_header_that_would_come_first_is_known_to_be_absent() {
        let read = [PathBuf::from("/none/src/a.c"), PathBuf::from("/none/inc/net/x.h")];
        let search = [PathBuf::from("/none/first"), PathBuf::from("/none/inc")];
        let absent = shadows(&read, &search);
        assert!(absent.contains(&PathBuf::from("/none/first/net/x.h")), "{absent:?}");
        assert!(absent.contains(&PathBuf::from("/none/src/x.h")), "{absent:?}");
    }
}
