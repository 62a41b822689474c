//! Links of the finished book that lead nowhere.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

/// The links between pages below `html` whose page or anchor does not exist, as `page: link`. Links to other places
/// are not followed.
///
/// # Errors
///
/// If a page cannot be read.
pub fn broken(html: &Path) -> Result<Vec<String>> {
    let mut pages = HashMap::new();
    read(html, &mut pages)?;
    let anchors: HashMap<&Path, HashSet<&str>> = pages
        .iter()
        .map(|(path, text)| (path.as_path(), attributes(text, "id").collect()))
        .collect();
    let mut broken = Vec::new();
    for (path, text) in &pages {
        // The page of the whole book for printing repeats the links of the others; the one for missing pages is found
        // under any address.
        if matches!(
            path.file_name().and_then(|name| name.to_str()),
            Some("print.html" | "404.html")
        ) {
            continue;
        }
        for link in attributes(text, "href") {
            if link.contains(':') || link.starts_with('/') {
                continue;
            }
            let (page, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if page.is_empty() { path.clone() } else { resolve(path, page) };
            let there = match anchors.get(target.as_path()) {
                Some(known) => anchor.is_empty() || known.contains(anchor),
                None => anchor.is_empty() && target.exists(),
            };
            if !there {
                broken
                    .push(format!("{}: {link}", path.strip_prefix(html).unwrap_or(path).display()));
            }
        }
    }
    broken.sort();
    Ok(broken)
}

fn read(directory: &Path, pages: &mut HashMap<PathBuf, String>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "html") {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            pages.insert(path, text);
        }
    }
    Ok(())
}

/// The values of an attribute in the HTML that mdBook writes: always in double quotes.
fn attributes<'t>(text: &'t str, name: &str) -> impl Iterator<Item = &'t str> {
    let pattern = format!(" {name}=\"");
    let starts: Vec<usize> =
        text.match_indices(&pattern).map(|(at, found)| at + found.len()).collect();
    starts.into_iter().filter_map(move |at| text[at..].split('"').next())
}

/// A relative address, seen from a page.
fn resolve(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().unwrap_or(page).to_path_buf();
    for component in Path::new(link).components() {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path
}
