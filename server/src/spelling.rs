//! Guessing what was meant by a misspelt name.

/// The name among `known` that is most like `name`, if any is like enough to be worth a mention.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The end of a sentence about an unknown name: empty without a guess.
pub(crate) fn did_you_mean(guess: Option<&str>) -> String {
    guess.map(|guess| format!("; did you mean `{guess}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_nonsense_is_not() {
        let known = ["missing-write-back", "missing-null-check", "stale-slice"];
        let guess = |name| nearest(name, known.into_iter());
        assert_eq!(guess("missing-writeback"), Some("missing-write-back"));
        assert_eq!(guess("Stale-Slices"), Some("stale-slice"));
        assert_eq!(guess("qqq"), None);
        assert_eq!(
            did_you_mean(guess("missing-nul-check")),
            "; did you mean `missing-null-check`?"
        );
        assert_eq!(did_you_mean(None), "");
    }
}
