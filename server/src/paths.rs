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

/// The way from the directory `base` to `path`, both absolute and normal; `path` itself if there is none.
pub(crate) fn relative(path: &Path, base: &Path) -> PathBuf {
    let shared = path.components().zip(base.components()).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return path.to_owned();
    }
    let up = base.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_lead_up_and_down() {
        for (path, base, expected) in
            [("/a/b/c", "/a", "b/c"), ("/a/b", "/a/c/d", "../../b"), ("/a", "/a", "")]
        {
            assert_eq!(relative(Path::new(path), Path::new(base)), Path::new(expected));
        }
    }

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
