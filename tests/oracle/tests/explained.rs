//! Rejections of the corpus are explained: figures do not sink, messages are in the table, and the table's examples are
//! what they are said to be.

use kernel_model::{Example, messages};
use oracle::explained::{all, figures};
use oracle::replay::explained;
use oracle::{Corpus, Mode};

#[test]
fn rejections_are_explained() {
    let corpus = Corpus::of_repository();
    let comparisons = explained(&corpus, Mode::Root, |_| true).expect("the corpus can be read");
    let found = all(&corpus, &comparisons).expect("the corpus can be read");
    let figures = figures(&found);
    assert!(figures.rejected >= 1500, "{figures}");
    assert_eq!(figures.labels, figures.rejected, "{figures}");
    assert_eq!(figures.help, figures.rejected, "{figures}");
    assert_eq!(figures.known, figures.rejected, "{figures}");
    assert!(figures.several >= 1000, "{figures}");
    assert!(figures.rule >= 119, "{figures}");
    for one in &found {
        for (place, text) in &one.labels {
            let is_sentence = !text.is_empty() && !text.contains('\n') && !text.ends_with('.');
            assert!(is_sentence, "{}: {place}: {text}", one.path);
        }
    }
    let is_example = |path: &str| {
        messages()
            .any(|row| matches!(row.example, Example::CorpusWithoutPerfmon(known) if known == path))
    };
    let without_perfmon =
        explained(&corpus, Mode::Bpf, |path| path.starts_with("capabilities/") || is_example(path));
    let without_perfmon = without_perfmon.expect("the corpus can be read");
    let without_perfmon = all(&corpus, &without_perfmon).expect("the corpus can be read");
    let mut examples = 0;
    for row in messages() {
        let (path, found) = match row.example {
            Example::Corpus(path) => (path, &found),
            Example::CorpusWithoutPerfmon(path) => (path, &without_perfmon),
            _ => continue,
        };
        let example = found.iter().find(|one| one.path == path);
        let example = example.unwrap_or_else(|| panic!("{path} is not rejected"));
        assert!(row.fits(&example.message), "{path}: {} is not {}", example.message, row.text);
        examples += 1;
    }
    assert!(examples >= 250, "{examples}");
}
