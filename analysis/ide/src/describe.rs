//! Rows of the kernel model as Markdown.

use kernel_model::{Function, FunctionKind, ProgramType, SectionInfo, SkbDynptr, Version};

/// A kernel function in C: `void *bpf_dynptr_slice(const struct bpf_dynptr *p, …)`.
pub(crate) fn prototype(function: &Function) -> String {
    let mut params: Vec<String> = function.params.iter().map(parameter).collect();
    if function.variadic {
        params.push("...".to_owned());
    }
    if params.is_empty() {
        params.push("void".to_owned());
    }
    format!("{}({})", joined(function.ret_type, function.name), params.join(", "))
}

/// A parameter in C.
pub(crate) fn parameter(param: &kernel_model::Param) -> String {
    joined(param.c_type, param.name)
}

fn joined(c_type: &str, name: &str) -> String {
    let blank = if c_type.ends_with('*') { "" } else { " " };
    format!("{c_type}{blank}{name}")
}

/// What a reader wants to know of a kernel function.
pub(crate) fn function(function: &Function, kernel: Version) -> String {
    let mut out = format!("```c\n{}\n```\n\n{}\n", prototype(function), function.summary);
    if !function.errors.is_empty() {
        out.push_str(&format!("\n**Errors**: {}\n", function.errors));
    }
    let kind = match function.kind {
        FunctionKind::Helper { id } => format!("helper {id}"),
        FunctionKind::Kfunc => "kfunc".to_owned(),
    };
    out.push_str(&format!("\n**Since**: Linux {} ({kind})\n", function.since));
    if function.since > kernel {
        out.push_str(&format!("\n**Not in the target kernel** {kernel}\n"));
    }
    if !function.programs.is_empty() {
        out.push_str(&format!("\n**Programs**: {}\n", function.programs));
    }
    if function.sleepable {
        out.push_str("\nOnly sleepable programs may call it.\n");
    }
    if function.changes_packet {
        out.push_str("\nEnds all packet pointers and slices made before.\n");
    }
    out
}

/// What a reader wants to know of a section.
pub(crate) fn section(text: &str, info: &SectionInfo) -> String {
    let program = info.program_type;
    let mut out =
        format!("```c\nSEC(\"{text}\")\n```\n\n**Program type**: {}\n", program_type(program));
    if !program.context.is_empty() {
        out.push_str(&format!("\n**Context**: `struct {} *`\n", program.context));
    }
    let codes = |codes: &[(&str, i64)]| -> String {
        let each = codes.iter().map(|(name, value)| match name.parse::<i64>() {
            Ok(_) => format!("`{name}`"),
            Err(_) => format!("`{name}` ({value})"),
        });
        each.collect::<Vec<_>>().join(", ")
    };
    if !program.pass_codes.is_empty() {
        out.push_str(&format!("\n**Goes on with**: {}\n", codes(program.pass_codes)));
    }
    if !program.drop_codes.is_empty() {
        out.push_str(&format!("\n**Does not go on with**: {}\n", codes(program.drop_codes)));
    }
    if let Some(target) = &info.target {
        out.push_str(&format!("\n**Target**: `{target}`\n"));
    }
    for (holds, says) in [
        (info.sleepable, "Sleepable."),
        (info.frags, "Sees packets with fragments."),
        (!info.autoload, "Not loaded by default."),
        (info.legacy, "Only old loaders take this name."),
        (
            program.skb_dynptr == SkbDynptr::ReadOnly,
            "`bpf_dynptr_from_skb` gives a read-only dynptr.",
        ),
    ] {
        if holds {
            out.push_str(&format!("\n{says}\n"));
        }
    }
    out
}

/// A program type as people and the kernel call it.
pub(crate) fn program_type(program: &ProgramType) -> String {
    if program.title.eq_ignore_ascii_case(program.name) {
        program.name.to_owned()
    } else {
        format!("{} ({})", program.title, program.name)
    }
}
