//! Comments that allow a finding.

use text::{Edit, Span};

use crate::File;

/// Allows `rule` on the line of `place`, by a comment above it.
pub fn allow_on_line(file: &File<'_>, place: Span, rule: &str) -> Option<Edit> {
    above(file.text(), place.start, rule)
}

/// Allows `rule` in the function around `place`, by a comment in front of it.
pub fn allow_in_function(file: &File<'_>, place: Span, rule: &str) -> Option<Edit> {
    let function = file.function_at(place.start)?;
    above(file.text(), function.span.start, rule)
}

/// A line of its own above the line of `offset`. Nothing inside a macro, whose lines end in a backslash.
fn above(text: &str, offset: u32, rule: &str) -> Option<Edit> {
    let before = text.get(..offset as usize)?;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let earlier = before[..line_start].trim_end_matches(['\n', '\r']);
    if earlier.ends_with('\\') && line_start > 0 {
        return None;
    }
    let line = text.get(line_start..)?;
    let indent: String = line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    let line_end = if earlier_line_ends_with_return(before, line_start) { "\r\n" } else { "\n" };
    let at = u32::try_from(line_start).ok()?;
    Some(Edit::insert(at, format!("{indent}// bpf-analyzer: allow({rule}){line_end}")))
}

fn earlier_line_ends_with_return(before: &str, line_start: usize) -> bool {
    before.get(..line_start).is_some_and(|earlier| earlier.ends_with("\r\n"))
}

#[cfg(test)]
mod tests {
    use text::apply_edits;

    use super::*;
    use crate::fixture::Fixture;

    fn allowed(marked: &str, edit: fn(&File<'_>, Span, &str) -> Option<Edit>) -> Option<String> {
        Fixture::new(marked).ask(|file, cursor| {
            let edit = edit(file, Span::empty(cursor), "some-rule")?;
            apply_edits(file.text(), &[edit]).ok()
        })
    }

    #[test]
    fn the_comment_stands_above_and_keeps_the_style_of_the_file() {
        assert_eq!(
            allowed("int f(void)\r\n{\r\n\treturn $01;\r\n}\r\n", allow_on_line).as_deref(),
            Some("int f(void)\r\n{\r\n\t// bpf-analyzer: allow(some-rule)\r\n\treturn 1;\r\n}\r\n")
        );
        assert_eq!(
            allowed("int a;\nSEC(\"xdp\")\nint f(void)\n{\n\treturn $01;\n}\n", allow_in_function)
                .as_deref(),
            Some(
                "int a;\n// bpf-analyzer: allow(some-rule)\nSEC(\"xdp\")\nint f(void)\n{\n\treturn 1;\n}\n"
            )
        );
    }

    #[test]
    fn there_is_no_place_for_a_comment_inside_a_macro_or_outside_functions() {
        assert_eq!(allowed("#define F \\\n\tf($01)\n", allow_on_line), None);
        assert_eq!(allowed("int $0a;\n", allow_in_function), None);
    }
}
