//! What can be written at the cursor, as far as a C language server does not know it.

use kernel_model::{Function, ProgramType, SectionForm, SkbDynptr};
use text::Span;

use crate::context::{
    OpenCall, in_comment, in_constant, is_member, open_at, reading_start, word_start,
};
use crate::{File, describe};

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// A section name.
    Section,
    /// A member of a map definition.
    MapMember,
    /// A value of such a member.
    MapValue,
    /// A helper or kfunc.
    Function,
    /// Several lines that belong together.
    Idiom,
}

/// Something to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is shown and filtered by.
    pub label: String,
    /// A short remark.
    pub detail: String,
    /// More, in Markdown; may be empty.
    pub documentation: String,
    /// What it is.
    pub kind: CompletionKind,
    /// What it replaces.
    pub span: Span,
    /// What is written, with `${1:name}` for a part that the user fills in, and `$0` where the cursor ends.
    pub snippet: String,
}

/// What can be written at `offset`.
pub fn complete(file: &File<'_>, offset: u32) -> Vec<Completion> {
    let text = file.text();
    if in_comment(file.parsed.comments(), offset) {
        return Vec::new();
    }
    if let Some(string) = open_section(text, offset) {
        return sections(string);
    }
    if in_constant(text, offset) {
        return Vec::new();
    }
    let word = Span::new(word_start(text, offset), offset);
    let function = file.function_at(offset);
    let from = reading_start(text, function.map(|function| function.span.start), word.start);
    let open = open_at(text, from, word.start);
    if let Some(call) = &open.call
        && matches!(call.name.as_str(), "__uint" | "__type" | "__array" | "__ulong")
    {
        return map_words(call, word);
    }
    let name = match function {
        None if open.in_struct => return map_members(word),
        // A function that is not closed yet is none.
        None if open.in_block => "",
        Some(function) if function.body.span.contains_offset(word.start) => function.name.as_str(),
        _ => return Vec::new(),
    };
    if word.is_empty() || is_member(text, word.start) {
        return Vec::new();
    }
    let mut completions = functions(file, name, word);
    completions.extend(idioms(file, name, word));
    let typed = word.text(text);
    completions.retain(|completion| completion.label.starts_with(typed));
    completions
}

/// The part of a section name in front of the cursor, in `SEC("…`.
fn open_section(text: &str, offset: u32) -> Option<Span> {
    let before = text.get(..offset as usize)?;
    let line = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
    let open = line.rfind('"')?;
    let call = line[..open].trim_end().strip_suffix('(')?.trim_end();
    let start = u32::try_from(before.len() - line.len() + open + 1).ok()?;
    let name = call.strip_suffix("SEC")?;
    let is_end = |c: char| c.is_alphanumeric() || c == '_';
    (!name.ends_with(is_end)).then(|| Span::new(start, offset))
}

fn sections(span: Span) -> Vec<Completion> {
    let programs = kernel_model::sections().iter().map(|row| {
        let target = row.target.trim_matches(['<', '>']);
        let snippet = match row.form {
            SectionForm::OptionalTarget if !target.is_empty() => {
                format!("{}/${{1:{target}}}", row.name)
            }
            _ => row.name.to_owned(),
        };
        let sleepable = if row.sleepable { ", sleepable" } else { "" };
        let program = row.program_type;
        let context = match program.context {
            "" => String::new(),
            context => format!("Context: `struct {context} *`"),
        };
        Completion {
            label: row.name.to_owned(),
            detail: format!("{}{sleepable}", describe::program_type(program)),
            documentation: context,
            kind: CompletionKind::Section,
            span,
            snippet,
        }
    });
    let data = [(".maps", "maps"), ("license", "the licence"), (".rodata", "constants")];
    let data = data.iter().map(|(name, detail)| Completion {
        label: (*name).to_owned(),
        detail: (*detail).to_owned(),
        documentation: String::new(),
        kind: CompletionKind::Section,
        span,
        snippet: (*name).to_owned(),
    });
    programs.chain(data).collect()
}

/// Members of a map definition with what they are written as.
const MEMBERS: &[(&str, &str, &str)] = &[
    ("type", "__uint(type, ${1:BPF_MAP_TYPE_HASH});", "what kind of map"),
    (
        "max_entries",
        "__uint(max_entries, ${1:1024});",
        "how many entries; for a ring buffer its bytes",
    ),
    ("key", "__type(key, ${1:__u32});", "the type of the keys"),
    ("value", "__type(value, ${1:__u64});", "the type of the values"),
    (
        "key_size",
        "__uint(key_size, ${1:sizeof(__u32)});",
        "the size of the keys, in place of their type",
    ),
    (
        "value_size",
        "__uint(value_size, ${1:sizeof(__u32)});",
        "the size of the values, in place of their type",
    ),
    ("map_flags", "__uint(map_flags, ${1:BPF_F_NO_PREALLOC});", "flags"),
    (
        "pinning",
        "__uint(pinning, ${1:LIBBPF_PIN_BY_NAME});",
        "whether the map outlives its programs",
    ),
    ("values", "__array(values, ${1:struct inner});", "the maps in a map of maps"),
    ("map_extra", "__ulong(map_extra, ${1:0});", "settings of some kinds of map"),
];

fn map_members(span: Span) -> Vec<Completion> {
    let members = MEMBERS.iter().map(|(name, snippet, detail)| {
        let macro_name = snippet.split('(').next().unwrap_or_default();
        Completion {
            label: format!("{macro_name}({name}, …)"),
            detail: (*detail).to_owned(),
            documentation: String::new(),
            kind: CompletionKind::MapMember,
            span,
            snippet: (*snippet).to_owned(),
        }
    });
    members.collect()
}

/// The words inside `__uint(…)` and the like.
fn map_words(call: &OpenCall, span: Span) -> Vec<Completion> {
    let word = |name: &str, detail: &str, kind| Completion {
        label: name.to_owned(),
        detail: detail.to_owned(),
        documentation: String::new(),
        kind,
        span,
        snippet: name.to_owned(),
    };
    let Some(member) = call.before.first() else {
        let prefix = format!("{}(", call.name);
        let own = MEMBERS.iter().filter(|(_, snippet, _)| snippet.starts_with(&prefix));
        return own
            .map(|(name, _, detail)| word(name, detail, CompletionKind::MapMember))
            .collect();
    };
    let values = |prefix: &'static str| {
        let constants = kernel_model::constants().iter().map(|constant| constant.name);
        let fitting = constants.filter(move |name| name.starts_with(prefix));
        fitting.map(|name| word(name, "", CompletionKind::MapValue)).collect()
    };
    match (call.argument, member.as_str()) {
        (1, "type") => values("BPF_MAP_TYPE_"),
        (1, "map_flags") => values("BPF_F_"),
        (1, "pinning") => vec![
            word("LIBBPF_PIN_BY_NAME", "kept under the map's name", CompletionKind::MapValue),
            word("LIBBPF_PIN_NONE", "not kept", CompletionKind::MapValue),
        ],
        _ => Vec::new(),
    }
}

/// The program types that `function` is part of.
fn program_types(file: &File<'_>, function: &str) -> Vec<(&'static ProgramType, bool)> {
    let programs = file.sema.programs_reaching(function).into_iter();
    let infos = programs.filter_map(|program| program.info.as_ref());
    infos.map(|info| (info.program_type, info.sleepable)).collect()
}

fn functions(file: &File<'_>, function: &str, span: Span) -> Vec<Completion> {
    let programs = program_types(file, function);
    let allowed = |row: &&Function| {
        row.name.contains("dynptr")
            && row.since <= file.kernel
            && programs.iter().all(|(program, sleepable)| may_call(row, program, *sleepable))
    };
    let completions = kernel_model::functions().filter(allowed).map(|row| {
        let params = row.params.iter().enumerate();
        let params: Vec<String> =
            params.map(|(at, param)| format!("${{{}:{}}}", at + 1, param.name)).collect();
        Completion {
            label: row.name.to_owned(),
            detail: format!("since {}", row.since),
            documentation: describe::function(row, file.kernel),
            kind: CompletionKind::Function,
            span,
            snippet: format!("{}({})", row.name, params.join(", ")),
        }
    });
    completions.collect()
}

/// Whether a program of this type may call the function. What is not recorded is allowed.
fn may_call(row: &Function, program: &ProgramType, sleepable: bool) -> bool {
    let by_type = match row.name {
        "bpf_dynptr_slice_rdwr" => {
            program.packet_write || program.packet == kernel_model::Packet::None
        }
        "bpf_dynptr_from_skb" => program.skb_dynptr != SkbDynptr::NotAllowed,
        "bpf_dynptr_from_xdp" => program.packet == kernel_model::Packet::Xdp,
        "bpf_dynptr_from_skb_meta" => program.name == "sched_cls",
        _ => true,
    };
    by_type && (sleepable || !row.sleepable)
}

/// Idioms: name, what it is, the functions it needs, and its lines.
const IDIOMS: &[(&str, &str, &[&str], &str)] = &[
    (
        "bpf_dynptr_slice … read",
        "reads bytes wherever they lie",
        &["bpf_dynptr_slice"],
        "struct ${1:ethhdr} ${2:buf}, *${3:p};\n\n\
         ${3:p} = bpf_dynptr_slice(&${4:pkt}, ${5:0}, &${2:buf}, sizeof(${2:buf}));\n\
         if (!${3:p})\n\treturn ${6:0};\n$0",
    ),
    (
        "bpf_dynptr_slice_rdwr … write back",
        "changes bytes wherever they lie",
        &["bpf_dynptr_slice_rdwr"],
        "struct ${1:ethhdr} ${2:buf}, *${3:p};\n\n\
         ${3:p} = bpf_dynptr_slice_rdwr(&${4:pkt}, ${5:0}, &${2:buf}, sizeof(${2:buf}));\n\
         if (!${3:p})\n\treturn ${6:0};\n$0\n\
         if (${3:p} == &${2:buf})\n\
         \tbpf_dynptr_write(&${4:pkt}, ${5:0}, &${2:buf}, sizeof(${2:buf}), 0);",
    ),
    (
        "bpf_dynptr_from_skb … packet",
        "a dynptr over the packet",
        &["bpf_dynptr_from_skb"],
        "struct bpf_dynptr ${1:pkt};\n\nif (bpf_dynptr_from_skb(${2:skb}, 0, &${1:pkt}))\n\treturn ${3:0};\n$0",
    ),
    (
        "bpf_dynptr_from_xdp … packet",
        "a dynptr over the packet",
        &["bpf_dynptr_from_xdp"],
        "struct bpf_dynptr ${1:pkt};\n\nif (bpf_dynptr_from_xdp(${2:xdp}, 0, &${1:pkt}))\n\treturn ${3:XDP_PASS};\n$0",
    ),
    (
        "bpf_ringbuf_reserve_dynptr … submit",
        "a record of variable size, given back on every path",
        &["bpf_ringbuf_reserve_dynptr"],
        "struct bpf_dynptr ${1:rec};\n\n\
         if (bpf_ringbuf_reserve_dynptr(&${2:events}, ${3:size}, 0, &${1:rec})) {\n\
         \tbpf_ringbuf_discard_dynptr(&${1:rec}, 0);\n\treturn ${4:0};\n}\n$0\n\
         bpf_ringbuf_submit_dynptr(&${1:rec}, 0);",
    ),
];

fn idioms(file: &File<'_>, function: &str, span: Span) -> Vec<Completion> {
    let programs = program_types(file, function);
    let usable = |name: &str| {
        kernel_model::function(name).is_some_and(|row| {
            row.since <= file.kernel
                && programs.iter().all(|(program, sleepable)| may_call(row, program, *sleepable))
        })
    };
    let fitting = IDIOMS.iter().filter(|(_, _, needs, _)| needs.iter().all(|name| usable(name)));
    let completions = fitting.map(|(label, detail, _, lines)| Completion {
        label: (*label).to_owned(),
        detail: (*detail).to_owned(),
        documentation: String::new(),
        kind: CompletionKind::Idiom,
        span,
        snippet: (*lines).to_owned(),
    });
    completions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn labels(marked: &str) -> Vec<String> {
        let found = Fixture::new(marked).ask(complete);
        found.into_iter().map(|completion| completion.label).collect()
    }

    fn has(marked: &str, label: &str) -> bool {
        labels(marked).iter().any(|found| found == label)
    }

    #[test]
    fn section_names_are_completed_with_their_targets() {
        let found = Fixture::new("SEC(\"fen$0").ask(complete);
        let fentry = found.iter().find(|found| found.label == "fentry").expect("is listed");
        assert_eq!(fentry.snippet, "fentry/${1:function}");
        assert_eq!(fentry.span, Span::new(5, 8));
        assert!(has("struct {} m SEC(\"$0\");", ".maps"));
        assert!(labels("char *s = \"xd$0\";").is_empty());
    }

    #[test]
    fn map_definitions_are_completed() {
        assert!(has("struct {\n\t__u$0\n} m SEC(\".maps\");", "__uint(type, …)"));
        assert!(has("struct {\n\t__uint($0)\n} m SEC(\".maps\");", "max_entries"));
        assert!(!has("struct {\n\t__type($0)\n} m SEC(\".maps\");", "max_entries"));
        assert!(has("struct {\n\t__uint(type, BPF$0)\n} m SEC(\".maps\");", "BPF_MAP_TYPE_HASH"));
        assert!(has("struct {\n\t__uint(pinning, $0)\n} m SEC(\".maps\");", "LIBBPF_PIN_BY_NAME"));
        assert!(labels("struct {\n\t__type(key, $0)\n} m SEC(\".maps\");").is_empty());
    }

    #[test]
    fn only_functions_that_the_program_may_call_are_offered() {
        let in_program = |section: &str, label: &str| {
            has(&format!("SEC(\"{section}\") int f(void *c) {{ bpf_dyn$0 ; return 0; }}"), label)
        };
        assert!(in_program("xdp", "bpf_dynptr_from_xdp"));
        assert!(!in_program("tc", "bpf_dynptr_from_xdp"));
        assert!(in_program("tc", "bpf_dynptr_from_skb"));
        assert!(!in_program("xdp", "bpf_dynptr_from_skb"));
        assert!(in_program("tc", "bpf_dynptr_slice_rdwr … write back"));
        assert!(!in_program("socket", "bpf_dynptr_slice_rdwr"));
        let in_callee = "static int g(void *c) { bpf_dyn$0 ; return 0; }\n\
                         SEC(\"xdp\") int f(void *c) { return g(c); }";
        assert!(
            has("static int g(void)\n{\n\tbpf_dyn$0\n", "bpf_dynptr_read"),
            "it is not closed yet"
        );
        assert!(labels("int f(struct s *s) { s->bpf_dyn$0 ; return 0; }").is_empty());
        assert!(has(in_callee, "bpf_dynptr_from_xdp") && !has(in_callee, "bpf_dynptr_from_skb"));
    }

    #[test]
    fn c_itself_is_left_to_others() {
        for text in
            ["int f(void) { $0 }", "int f(void) { in$0 }", "in$0", "int f(void) { // bpf_$0\n }"]
        {
            assert!(labels(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn nothing_is_offered_inside_comments_and_constants() {
        for text in [
            "int f(void) { bpf_printk(\"bpf_dyn$0\"); }",
            "int f(void) { bpf_printk(\"bpf_dyn$0",
            "// SEC(\"xd$0\")",
            "/* SEC(\"xd$0 */ int x;",
            "MY_SEC(\"xd$0\")",
            "MYSEC(\"xd$0",
        ] {
            assert!(labels(text).is_empty(), "{text}");
        }
        for text in ["SEC(\"xd$0", "SEC(\"xd$0\nint f(void) {}", "SEC( \"$0\")"] {
            assert!(has(text, "xdp"), "{text}");
        }
    }

    #[test]
    fn idioms_are_well_formed_snippets() {
        for (label, _, needs, lines) in IDIOMS {
            assert!(label.starts_with(needs[0]), "{label}");
            assert_eq!(lines.matches("$0").count(), 1, "{label}");
            for name in lines.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                let is_call = name.starts_with("bpf_") && name != "bpf_dynptr";
                assert!(!is_call || kernel_model::function(name).is_some(), "{name}");
            }
        }
    }
}
