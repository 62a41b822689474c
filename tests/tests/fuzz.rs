//! A second of fuzzing of masking, parsing and the whole check, with damaged programs of the suite and damaged
//! examples of the rules' pages. The targets in `fuzz/` call the same functions.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel_model::Version;
use lint_rules::{Lint, rules::ALL};
use sema::Headers;
use syntax::Parsed;
use tests::{blocks, programs};

/// A small generator, so that each run tries the same inputs in the same order.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).expect("48 bits fit") % limit.max(1)
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }
}

/// What is put into programs: what steers the analysis, unfinished and odd forms of it.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    "&",
    "*",
    "->",
    "==",
    "NULL",
    "0",
    "-1",
    "0xffffffffffffffff",
    "return",
    "goto out;",
    "out:",
    "if (",
    "else",
    "while (1)",
    "switch (",
    "case 1 ... 5:",
    "break;",
    "continue;",
    "sizeof(",
    "struct bpf_dynptr",
    "bpf_for(i, 0, 9)",
    "bpf_dynptr_slice_rdwr(",
    "bpf_dynptr_write(&",
    "SEC(\"tc\")",
    "#define f(x) f(x) x##x\n",
    "#if 0\n",
    "#endif\n",
    "/*",
    "\"",
    "\\\n",
    "\u{feff}",
    "\u{e9}\u{1f980}",
];

/// All texts that are damaged.
fn seeds() -> Vec<String> {
    let directories = ["catalogue", "programs/good", "programs/bad", "../examples"];
    let read = |path: &Path| fs::read_to_string(path).expect("can be read");
    let mut seeds: Vec<String> =
        directories.into_iter().flat_map(programs).map(|path| read(&path)).collect();
    for rule in ALL {
        let examples = blocks(rule.page).into_iter().filter(|(info, ..)| info.starts_with("c "));
        seeds.extend(examples.map(|(_, text, _)| text));
    }
    seeds
}

/// The words, blanks and signs of a text.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while let Some(first) = rest.chars().next() {
        let end = match rest.find(|c: char| !is_word(c)) {
            Some(0) | None if !is_word(first) => first.len_utf8(),
            Some(end) => end,
            None => rest.len(),
        };
        let (token, tail) = rest.split_at(end);
        tokens.push(token);
        rest = tail;
    }
    tokens
}

/// `text` with a few tokens cut, doubled, swapped, taken from elsewhere or put in.
fn damaged(text: &str, random: &mut Random) -> String {
    let mut tokens = tokens(text);
    for _ in 0..=random.below(6) {
        let at = random.below(tokens.len());
        let end = (at + random.below(60)).min(tokens.len());
        let other = random.below(tokens.len());
        match random.below(5) {
            0 => drop(tokens.drain(at..end)),
            1 => drop(tokens.splice(at..at, tokens[at..end].to_vec())),
            2 if !tokens.is_empty() => tokens.swap(at, other),
            3 if !tokens.is_empty() => tokens[at] = tokens[other],
            _ => tokens.insert(at, random.pick(&PIECES)),
        }
    }
    tokens.concat()
}

/// Feeds damaged seeds to `target` for a second, each seed at least once.
fn for_a_second(seed: u64, target: impl Fn(&str)) {
    let seeds = seeds();
    assert!(seeds.len() > 100, "{} seeds", seeds.len());
    let mut random = Random(seed);
    let started = Instant::now();
    let mut done = 0;
    while done < seeds.len() || started.elapsed() < Duration::from_secs(1) {
        target(&damaged(&seeds[done % seeds.len()], &mut random));
        done += 1;
    }
}

#[test]
fn masking_and_parsing_stand_damage() {
    for_a_second(0xc0ffee, |text| syntax::fuzz_parse(text.as_bytes()));
}

#[test]
fn checking_and_fixing_stand_damage() {
    for_a_second(0x5eed, |text| bpf_analyzer::fuzz::check(text.as_bytes()));
}

#[test]
fn findings_of_damaged_programs_are_in_order_and_always_the_same() {
    let lint = Lint { kernel: Version::NEWEST_MODELLED };
    let check =
        |text: &str| lint_rules::check(&Parsed::parse(Arc::from(text)), &Headers::default(), &lint);
    for_a_second(0xbee, |text| {
        let findings = check(text);
        assert!(
            findings.is_sorted_by_key(|finding| (finding.span, finding.rule)),
            "order of findings in:\n{text}"
        );
        for finding in &findings {
            let spans = finding.labels.iter().map(|label| label.span).chain([finding.span]);
            for span in spans {
                assert!(text.get(span.range()).is_some(), "{finding:?} is no part of:\n{text}");
            }
        }
        assert_eq!(findings, check(text), "a second run over:\n{text}");
    });
}
