//! Paths by their text alone.

use std::path::{Component, Path, PathBuf};

/// `path` without `.`, and without `..` except at the beginning of a relative path.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_leading_parents_stay() {
        for (path, expected) in [
            ("/a/./b/../c", "/a/c"),
            ("a/../../b", "../b"),
            ("../../a", "../../a"),
            ("./a", "a"),
            ("a/..", ""),
        ] {
            assert_eq!(normal(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
