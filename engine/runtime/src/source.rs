//! What a line of the source shows of a call in it.

/// The first argument of a call of `function` in a line, without what takes its address: `dp` of
/// `bpf_dynptr_slice(&dp, 0, NULL, 4)`. Nothing, if the line has no such call, several that differ, or does not show a
/// variable there.
pub(crate) fn first_argument<'t>(line: &'t str, function: &str) -> Option<&'t str> {
    let mut found = None;
    for (at, _) in line.match_indices(function) {
        let is_part = line[..at].ends_with(is_of_name);
        let Some(arguments) = line[at + function.len()..].trim_start().strip_prefix('(') else {
            continue;
        };
        if is_part {
            continue;
        }
        let argument = variable(arguments.split([',', ')']).next()?)?;
        if found.is_some_and(|other| other != argument) {
            return None;
        }
        found = Some(argument);
    }
    found
}

/// The text, if it is a variable, a member or an element with a plain index.
fn variable(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = text.strip_prefix('&').unwrap_or(text).trim_start();
    let is_path = text.starts_with(|c: char| is_of_name(c) && !c.is_ascii_digit())
        && text.replace("->", ".").chars().all(|c| is_of_name(c) || matches!(c, '.' | '[' | ']'));
    is_path.then_some(text)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_found_in_their_line() {
        for (line, expected) in [
            ("\tp = bpf_dynptr_slice(&dp, 0, NULL, 4);", Some("dp")),
            ("\tp = bpf_dynptr_slice ( dp , 0, NULL, 4);", Some("dp")),
            ("\tif (!(p = bpf_dynptr_slice(&ctx->parts[i].dp,", Some("ctx->parts[i].dp")),
            ("\tp = bpf_dynptr_slice(", None),
            ("\tp = bpf_dynptr_slice((void *)&dp, 0, NULL, 4);", None),
            ("\tp = bpf_dynptr_slice(pick(&one), 0, NULL, 4);", None),
            ("\tp = bpf_dynptr_slice_rdwr(&dp, 0, NULL, 4);", None),
            ("\tp = my_bpf_dynptr_slice(&dp, 0, NULL, 4);", None),
            ("\tp = SLICE(&dp);", None),
            ("p = bpf_dynptr_slice(&a, 0, b, 4); q = bpf_dynptr_slice(&c, 0, d, 4);", None),
            ("p = bpf_dynptr_slice(&a, 0, b, 4); q = bpf_dynptr_slice(&a, 4, d, 4);", Some("a")),
            ("p = bpf_dynptr_slice(0, 0, b, 4);", None),
            ("", None),
        ] {
            assert_eq!(first_argument(line, "bpf_dynptr_slice"), expected, "{line}");
        }
    }
}
