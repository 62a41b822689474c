//! What is said about the thing under the pointer.

use text::Span;

use crate::context::{in_comment, in_constant, word_at};
use crate::{File, describe, views};

/// A description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// What is described.
    pub span: Span,
    /// The description, in Markdown.
    pub markdown: String,
}

/// What is at `offset`: a section, a kernel function, a dynptr or a slice.
pub fn hover(file: &File<'_>, offset: u32) -> Option<Hover> {
    if in_comment(file.parsed.comments(), offset) {
        return None;
    }
    if let Some(hover) = section(file, offset) {
        return Some(hover);
    }
    if in_constant(file.text(), offset) {
        return None;
    }
    let span = word_at(file.text(), offset)?;
    let word = span.text(file.text());
    let own = file.sema.function(word).is_some();
    let markdown = match kernel_model::function(word).filter(|_| !own) {
        Some(function) => describe::function(function, file.kernel),
        None => variable(file, word, offset)?,
    };
    Some(Hover { span, markdown })
}

fn section(file: &File<'_>, offset: u32) -> Option<Hover> {
    let at = |span: Span| span.start <= offset && offset <= span.end;
    // The string, or the word `SEC` in front of it.
    let head = word_at(file.text(), offset).filter(|word| word.text(file.text()) == "SEC");
    let behind = |span: Span| {
        let between = head.map(|head| Span::new(head.end, span.start).text(file.text()));
        head.is_some_and(|head| head.end < span.start)
            && between.is_some_and(|between| between.trim() == "(")
    };
    let mut programs = file.sema.programs().iter();
    let program =
        programs.find(|program| at(program.section_span) || behind(program.section_span))?;
    let markdown = match &program.info {
        Some(info) => describe::section(&program.section_text, info),
        None => format!("`{}` is not a section that libbpf knows.", program.section_text),
    };
    Some(Hover { span: program.section_span, markdown })
}

fn variable(file: &File<'_>, word: &str, offset: u32) -> Option<String> {
    let function = file.function_at(offset)?;
    if let Some(slice) = views::slice_of(file, function, word, offset) {
        let says = views::slice_facts(file, slice.call, offset).join("; ");
        return Some(format!("`{word}`: {}; {says}", views::extent(file, slice.call)));
    }
    let (_, view) = views::dynptr_use(file, function, word, offset)?;
    Some(format!("`{word}`: dynptr {}", views::dynptr_facts(file, view).join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    const PROGRAM: &str = "\
        extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *d) __ksym;\n\
        extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *d, __u32 off, void *b, __u32 n) __ksym;\n\
        SEC(\"tc\")\n\
        int prog(struct __sk_buff *skb)\n\
        {\n\
        \tstruct bpf_dynptr dp;\n\
        \tchar buf[16], *p;\n\
        \tbpf_dynptr_from_skb(skb, 0, &dp);\n\
        \tp = bpf_dynptr_slice_rdwr(&dp, 32, buf, sizeof(buf));\n\
        \tif (!p)\n\
        \t\treturn 0;\n\
        \tp[0] = 1;\n\
        \tbpf_skb_change_tail(skb, 100, 0);\n\
        \tp[1] = 2;\n\
        \treturn 0;\n\
        }\n";

    /// The description at the first `$0` put in front of `mark`.
    fn at(mark: &str) -> Option<String> {
        let marked = PROGRAM.replacen(mark, &format!("$0{mark}"), 1);
        assert_ne!(marked, PROGRAM, "{mark} is there");
        Fixture::new(&marked).ask(hover).map(|hover| hover.markdown)
    }

    #[test]
    fn kernel_functions_say_what_the_kernel_knows() {
        let text = at("bpf_dynptr_slice_rdwr(&dp").expect("is known");
        for part in ["void *bpf_dynptr_slice_rdwr(", "**Since**: Linux 6.4 (kfunc)", "**Errors**"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let text = at("bpf_skb_change_tail").expect("is known");
        for part in ["(helper 38)", "Ends all packet pointers"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn sections_say_what_program_they_make() {
        let text = at("\"tc\"").expect("is known");
        for part in ["tc (sched_cls)", "`struct __sk_buff *`", "`TC_ACT_SHOT` (2)"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn the_word_in_front_of_a_section_says_the_same() {
        assert_eq!(at("SEC(\"tc\")"), at("\"tc\""));
        let map = "struct { __uint(type, BPF_MAP_TYPE_HASH); } m $0SEC(\".maps\");\n";
        assert_eq!(Fixture::new(map).ask(hover), None);
        let word =
            "SEC(\"tc\") int f(void *c) { const char *s = \"bpf_$0dynptr_slice\"; return 0; }";
        assert_eq!(Fixture::new(word).ask(hover), None, "a string names nothing");
    }

    #[test]
    fn slices_say_what_they_are_where_the_pointer_is() {
        let made = at("p = bpf").expect("is a slice");
        assert_eq!(
            made,
            "`p`: 16 bytes of `dp` at 32; NULL if the bytes are not there; may be `buf`; \
             stale after line 13 (`bpf_skb_change_tail`)"
        );
        let stored = at("p[0]").expect("is a slice");
        assert!(stored.contains("at 32; not NULL here; may be `buf`"), "{stored}");
    }

    #[test]
    fn dynptrs_say_what_they_are() {
        let text = at("dp, 32").expect("is a dynptr");
        assert!(text.starts_with("`dp`: dynptr over an skb"), "{text}");
        assert!(text.contains("made in line 8"), "{text}");
    }

    #[test]
    fn everything_else_is_left_to_others() {
        for mark in ["skb, 0, &dp", "return 0", "buf[16]", "int prog"] {
            assert_eq!(at(mark), None, "{mark}");
        }
        let commented = Fixture::new("// bpf_$0dynptr_slice\nint x;");
        assert_eq!(commented.ask(hover), None);
        let own =
            Fixture::new("static int bpf_dynptr_slice(void) { return bpf_$0dynptr_slice(); }");
        assert_eq!(own.ask(hover), None);
    }
}
