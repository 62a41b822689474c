//! The parameters of the kernel function that is being called.

use std::ops::Range;

use kernel_model::{Param, Role};

use crate::context::{in_comment, open_at, reading_start};
use crate::{File, describe};

/// A kernel function while it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The prototype in C.
    pub label: String,
    /// What the function does, in Markdown.
    pub documentation: String,
    /// Where each parameter stands in the label, in bytes (the label is ASCII), and what it is for.
    pub params: Vec<(Range<u32>, String)>,
    /// The parameter being written; none if the call has too many arguments.
    pub active: Option<u32>,
}

/// The signature of the innermost call around `offset`.
pub fn signature(file: &File<'_>, offset: u32) -> Option<Signature> {
    if in_comment(file.parsed.comments(), offset) {
        return None;
    }
    let function = file.function_at(offset).map(|function| function.span.start);
    let call = open_at(file.text(), reading_start(file.text(), function, offset), offset).call?;
    let function = kernel_model::function(&call.name)?;
    let label = describe::prototype(function);
    let mut from = label.find('(')? + 1;
    let mut params = Vec::new();
    for param in function.params {
        let text = describe::parameter(param);
        let start = label.get(from..)?.find(&text)? + from;
        from = start + text.len();
        params.push((u32::try_from(start).ok()?..u32::try_from(from).ok()?, meaning(param)));
    }
    let last = params.len().checked_sub(1);
    let active = match last {
        Some(last) if function.variadic => Some(call.argument.min(last)),
        Some(last) if call.argument <= last => Some(call.argument),
        _ => None,
    };
    let active = active.and_then(|active| u32::try_from(active).ok());
    Some(Signature {
        label,
        documentation: describe::function(function, file.kernel),
        params,
        active,
    })
}

/// What an argument is for; empty for plain numbers.
fn meaning(param: &Param) -> String {
    let says = match param.role {
        Role::Scalar | Role::Unknown => "",
        Role::Flags => "flag bits",
        Role::Offset => "position in bytes",
        Role::Size => "length in bytes",
        Role::ConstSize => "length in bytes that the verifier must know as a constant",
        Role::MemIn => "memory that is read",
        Role::MemOut => "memory that is written",
        Role::MemInOut => "memory that is read and written",
        Role::Map => "a map",
        Role::MapKey => "a key of the map",
        Role::MapValueIn => "a value of the map",
        Role::MapValueOut => "where a value of the map goes",
        Role::Context => "the program's context",
        Role::DynptrNew => "an uninitialised dynptr on the stack",
        Role::DynptrConst => "a dynptr",
        Role::DynptrMut => "a dynptr whose view or bytes change",
        Role::DynptrRelease => "a reserved record that is given back",
        Role::SliceBuffer => {
            "used when the bytes are not contiguous; at least as long as the slice"
        }
        Role::Callback => "a function of the program",
        Role::CallbackContext => "handed to the callback",
        Role::Str => "a constant string",
        Role::StrOut => "where the string goes",
        Role::SpinLock => "a lock in a map value",
        Role::Timer => "a timer in a map value",
        Role::Object => "a kernel object",
    };
    let nullable = match (says.is_empty(), param.nullable) {
        (_, false) => "",
        (true, true) => "may be NULL",
        (false, true) => "; may be NULL",
    };
    format!("{says}{nullable}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn active(marked: &str) -> Option<(String, Option<String>)> {
        Fixture::new(marked).ask(|file, cursor| {
            let signature = signature(file, cursor)?;
            let range = signature.active.map(|active| signature.params[active as usize].0.clone());
            let param = range.map(|r| signature.label[r.start as usize..r.end as usize].to_owned());
            Some((signature.label.split('(').next().unwrap_or("").to_owned(), param))
        })
    }

    #[test]
    fn the_parameter_being_written_is_active() {
        for (text, expected) in [
            ("int f(void) { bpf_dynptr_slice($0); }", Some("const struct bpf_dynptr *p")),
            ("int f(void) { bpf_dynptr_slice(&d, g(1, 2), $0", Some("void *buffer")),
            ("int f(void) { bpf_dynptr_slice(&d, bpf_ntohs($0x), b, 1); }", None),
            ("int f(void) { bpf_dynptr_slice(1, 2, 3, 4, $05); }", None),
            ("int f(void) { /* bpf_dynptr_slice($0 */ }", None),
            ("int f(void) { own($0); }", None),
        ] {
            assert_eq!(active(text).and_then(|(_, param)| param).as_deref(), expected, "{text}");
        }
        let far =
            format!("// \u{e9}{}\nint f(void) {{ bpf_dynptr_slice($0); }}", "\u{e9}".repeat(9000));
        assert!(active(&far).is_some());
        let (name, _) = active("int f(void) { bpf_dynptr_slice($0").expect("is known");
        assert_eq!(name, "void *bpf_dynptr_slice");
    }

    #[test]
    fn every_row_has_a_signature() {
        for function in kernel_model::functions().filter(|function| !function.params.is_empty()) {
            let text = format!("int f(void) {{ {}($0", function.name);
            let (_, param) = active(&text).expect("is known");
            assert_eq!(param, Some(describe::parameter(&function.params[0])), "{}", function.name);
        }
    }
}
