//! Checking a text again after an edit gives what checking it for the first time gives: the same facts and the
//! same findings, for mistakes and half-written code too.

use std::path::PathBuf;
use std::sync::Arc;

use flow::Memory;
use kernel_model::Version;
use lint_rules::Lint;
use sema::Headers;
use syntax::Parsed;
use tests::{programs, read};

/// Pieces that are typed or pasted.
const PARTS: [&str; 18] = [
    "{",
    "}",
    "(",
    ")",
    ";",
    "\"",
    "/*",
    "*/",
    "\n",
    "x",
    " 1",
    "&",
    "return 0;\n",
    "typedef int my_t;\n",
    "#define sizeof_hdr sizeof(struct ethhdr)\n",
    "static int helper(struct bpf_dynptr *d) { return bpf_dynptr_size(d); }\n",
    "struct ethhdr { char b[20]; };\n",
    "bpf_dynptr_write(&dp, 0, buf, 4, 0);\n",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("is small")
    }
}

/// One edit: something inserted, removed, replaced, or a line moved elsewhere.
fn edit(text: &mut String, random: &mut Random) {
    let mut place = |text: &str| {
        let at = random.below(text.len() + 1);
        (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
    };
    let at = place(text);
    let other = place(text);
    let line = |text: &str, at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1);
        start..end
    };
    let part = PARTS[random.below(PARTS.len())];
    match random.below(5) {
        0 => text.insert_str(at, part),
        1 => {
            let start = line(text, at).start;
            text.insert_str(start, part);
        }
        2 => {
            let end = (at + random.below(6)).min(text.len());
            let end = (end..=text.len()).find(|end| text.is_char_boundary(*end));
            text.replace_range(at..end.unwrap_or(text.len()), "");
        }
        3 => {
            let range = line(text, at);
            text.replace_range(range, "");
        }
        _ => {
            let copy = text[line(text, at)].to_owned();
            let start = line(text, other).start;
            text.insert_str(start, &copy);
        }
    }
}

#[test]
fn a_second_check_is_a_first_check() {
    let lint = Lint { kernel: Version::NEWEST_MODELLED };
    let files: Vec<PathBuf> = ["programs/good", "programs/bad", "programs/small"]
        .into_iter()
        .flat_map(programs)
        .collect();
    assert!(files.len() > 40, "there are programs");
    let mut taken_over = 0;
    for (number, path) in (1u64..).zip(files) {
        let (mut text, headers): (String, Headers) = read(&path);
        let original = text.clone();
        let mut random = Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut parsed = Parsed::parse(Arc::from(text.as_str()));
        let mut memory = Memory::default();
        for round in 0..14 {
            if round == 7 {
                // Half of the edits begin with a correct text again.
                text.clone_from(&original);
            }
            parsed = parsed.edit(Arc::from(text.as_str()));
            let (findings, facts, next) =
                lint_rules::check_again(&parsed, &headers, &lint, &memory);
            memory = next;
            let fresh = Parsed::parse(Arc::from(text.as_str()));
            let (expected, expected_facts) = lint_rules::check_with_facts(&fresh, &headers, &lint);
            let observations = |facts: &Option<flow::Analysis>| {
                facts.as_ref().map(|facts| facts.observations.clone()).unwrap_or_default()
            };
            taken_over += findings.len();
            let context = format!("{} after {round} edits:\n{text}", path.display());
            assert_eq!(observations(&facts), observations(&expected_facts), "{context}");
            assert_eq!(findings, expected, "{context}");
            edit(&mut text, &mut random);
        }
    }
    assert!(taken_over > 500, "only {taken_over} findings were compared");
}
