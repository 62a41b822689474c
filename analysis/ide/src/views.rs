//! The interpreter's facts about one variable: which slice it holds, what its dynptr is.

use domains::Scalar;
use flow::observe::{
    Access, Alias, Api, DynptrCall, DynptrState, DynptrView, Kinds, StaleCause, Tri,
};
use flow::{Fact, Observation};
use kernel_model::Role;
use syntax::ast::Function;
use text::Span;

use crate::File;

/// A call that makes a slice, with the variable that receives it.
pub(crate) struct SliceCall<'a> {
    pub(crate) call: &'a DynptrCall,
    /// Empty if it is not assigned to a variable directly.
    pub(crate) variable: &'a str,
}

/// The slice calls of the file, each once, in the order of the text.
pub(crate) fn slice_calls<'a>(file: &File<'a>) -> Vec<SliceCall<'a>> {
    let mut calls: Vec<SliceCall<'a>> = Vec::new();
    for observation in observations(file) {
        if let Fact::Call(call) = &observation.fact
            && call.api.slices()
            && !calls.iter().any(|known| known.call.call.span == call.call.span)
        {
            let variable = assigned(file.text(), call.call.span);
            calls.push(SliceCall { call, variable });
        }
    }
    calls.sort_by_key(|call| call.call.call.span);
    calls
}

/// The last slice that was made into `variable` of `function` in front of `offset`, else the first behind.
pub(crate) fn slice_of<'a>(
    file: &File<'a>,
    function: &Function,
    variable: &str,
    offset: u32,
) -> Option<SliceCall<'a>> {
    let own = |call: &SliceCall<'_>| {
        call.variable == variable && function.span.contains(call.call.call.span)
    };
    let mut calls: Vec<SliceCall<'a>> = slice_calls(file).into_iter().filter(own).collect();
    let before = calls.iter().rposition(|call| {
        // The variable in `p = slice(…)` is the one that the call makes.
        call.call.call.span.start <= line_end(file.text(), offset)
    });
    let chosen = before.unwrap_or(0);
    (chosen < calls.len()).then(|| calls.swap_remove(chosen))
}

/// The uses of a slice.
pub(crate) fn accesses<'a>(
    file: &File<'a>,
    slice: &DynptrCall,
) -> impl Iterator<Item = (Span, &'a Access)> {
    let call = slice.call.span;
    observations(file).filter_map(move |observation| match &observation.fact {
        Fact::Access(access) if access.slice.call.span == call => {
            Some((observation.span, &**access))
        }
        _ => None,
    })
}

/// "16 bytes of `dp` at `off`".
pub(crate) fn extent(file: &File<'_>, call: &DynptrCall) -> String {
    let text = |position: usize| {
        let span = call.call.args.get(position).copied().unwrap_or_default();
        one_line(span.text(file.text()))
    };
    let length_position = if call.api == Api::Data { 2 } else { 3 };
    let dynptr = text(0);
    let dynptr = dynptr.strip_prefix('&').unwrap_or(&dynptr).trim();
    let length = match call.length.and_then(Scalar::as_constant) {
        Some(1) => "1 byte".to_owned(),
        Some(length) => format!("{length} bytes"),
        None => format!("`{}` bytes", text(length_position)),
    };
    let offset = match call.offset.and_then(Scalar::as_constant) {
        Some(offset) => offset.to_string(),
        None => format!("`{}`", text(1)),
    };
    format!("{length} of `{dynptr}` at {offset}")
}

/// What is known of a slice at `offset`, one sentence each.
pub(crate) fn slice_facts(file: &File<'_>, slice: &DynptrCall, offset: u32) -> Vec<String> {
    let mut says = Vec::new();
    let here: Vec<_> =
        accesses(file, slice).filter(|(_, access)| touches(access.pointer, offset)).collect();
    let null = |state: Tri| here.iter().any(|(_, access)| access.slice.null == state);
    if here.is_empty() {
        says.push("NULL if the bytes are not there".to_owned());
    } else if null(Tri::Maybe) {
        says.push("may be NULL here".to_owned());
    } else if null(Tri::Yes) {
        says.push("NULL here".to_owned());
    } else {
        says.push("not NULL here".to_owned());
    }
    if slice.api == Api::Slice {
        says.push("read-only".to_owned());
    }
    if let Some(buffer) = buffer(file, slice) {
        let alias = |wanted: Alias| here.iter().all(|(_, access)| access.slice.alias == wanted);
        says.push(match (here.is_empty(), alias(Alias::Is), alias(Alias::Not)) {
            (false, true, _) => format!("is `{buffer}` here"),
            (false, _, true) => format!("is not `{buffer}` here"),
            _ => format!("may be `{buffer}`"),
        });
    }
    let mut stale: Vec<(u32, String)> = accesses(file, slice)
        .filter_map(|(_, access)| access.stale.as_ref())
        .map(|(cause, at)| (line(file.text(), at.start), stale_cause(cause)))
        .collect();
    stale.sort();
    stale.dedup();
    says.extend(stale.iter().map(|(line, cause)| format!("stale after line {line} ({cause})")));
    says
}

fn buffer(file: &File<'_>, slice: &DynptrCall) -> Option<String> {
    if slice.null_buffer || slice.api == Api::Data {
        return None;
    }
    let span = slice.call.args.get(2)?;
    let buffer = one_line(span.text(file.text()));
    Some(buffer.strip_prefix('&').unwrap_or(&buffer).trim().to_owned())
}

fn stale_cause(cause: &StaleCause) -> String {
    match cause {
        StaleCause::Helper(name) | StaleCause::Bulk(name) => format!("`{name}`"),
        StaleCause::Write => "`bpf_dynptr_write`".to_owned(),
        StaleCause::GlobalFunction(name) => format!("`{name}` writes the packet"),
        StaleCause::Remade => "its dynptr is made anew".to_owned(),
        StaleCause::Released => "the record is given back".to_owned(),
    }
}

/// The use of the dynptr `variable` of `function` at `offset`, else the next one, else the last one before,
/// with what it was just before that use.
pub(crate) fn dynptr_use<'a>(
    file: &File<'a>,
    function: &Function,
    variable: &str,
    offset: u32,
) -> Option<(&'a DynptrCall, &'a DynptrView)> {
    let mut uses: Vec<(&DynptrCall, &DynptrView)> = Vec::new();
    for observation in observations(file) {
        if let Fact::Call(call) = &observation.fact
            && function.span.contains(call.call.span)
        {
            uses.extend(view_of(file, call, variable).map(|view| (&**call, view)));
        }
    }
    uses.sort_by_key(|(call, _)| call.call.span);
    let at = uses.iter().find(|(call, _)| touches(call.call.span, offset));
    let next = || uses.iter().find(|(call, _)| call.call.span.start >= offset);
    at.or_else(next).or(uses.last()).copied()
}

fn view_of<'a>(file: &File<'_>, call: &'a DynptrCall, variable: &str) -> Option<&'a DynptrView> {
    let row = kernel_model::function(&call.call.name)?;
    let names = |span: &Span| {
        let text = span.text(file.text()).trim();
        text.strip_prefix('&').unwrap_or(text).trim() == variable
    };
    let dynptr_roles =
        |role| matches!(role, Role::DynptrConst | Role::DynptrMut | Role::DynptrRelease);
    let positions = row.params.iter().enumerate().filter(|(_, param)| dynptr_roles(param.role));
    let found: Vec<usize> = positions
        .map(|(position, _)| position)
        .filter(|position| call.call.args.get(*position).is_some_and(names))
        .collect();
    let position = *found.first()?;
    // With two dynptrs the source is the one that is only read and stands behind or alone.
    match (&call.source, call.api) {
        (Some(source), Api::Clone) => Some(source),
        (Some(source), _) if position > 0 => Some(source),
        _ => call.dynptr.as_ref(),
    }
}

/// What a dynptr is, one sentence each.
pub(crate) fn dynptr_facts(file: &File<'_>, view: &DynptrView) -> Vec<String> {
    let at = |span: Span| line(file.text(), span.start);
    let mut says = Vec::new();
    match &view.state {
        DynptrState::Uninitialised => return vec!["not initialised here".to_owned()],
        DynptrState::Released { at: place, .. } => {
            return vec![format!("given back in line {}", at(*place))];
        }
        DynptrState::Destroyed { at: place } => {
            return vec![format!("overwritten in line {}", at(*place))];
        }
        DynptrState::Live => says.push(format!("over {}", kinds(view.kinds))),
    }
    match view.read_only {
        Tri::Yes => says.push("read-only".to_owned()),
        Tri::Maybe => says.push("may be read-only".to_owned()),
        Tri::No => {}
    }
    match view.null {
        Tri::Yes => says.push("null: every use fails".to_owned()),
        Tri::Maybe => says.push("may be null".to_owned()),
        Tri::No => {}
    }
    if let Some(size) = view.size {
        says.push(format!("{size} bytes"));
    }
    if let Some(made) = view.made {
        says.push(format!("made in line {}", at(made)));
    }
    if let Some(adjusted) = view.adjusted {
        says.push(format!("view moved in line {}", at(adjusted)));
    }
    if let Some((changed, by)) = &view.outdated {
        says.push(format!("the packet changed since, in line {} (`{by}`)", at(*changed)));
    }
    if view.referenced {
        says.push("holds a reservation that must be submitted or discarded".to_owned());
    }
    says
}

fn kinds(kinds: Kinds) -> String {
    let known = [
        (Kinds::LOCAL, "map memory"),
        (Kinds::RINGBUF, "a ring buffer record"),
        (Kinds::SKB, "an skb"),
        (Kinds::XDP, "an XDP frame"),
        (Kinds::SKB_META, "the metadata of an skb"),
    ];
    let named: Vec<&str> =
        known.iter().filter(|(kind, _)| kinds.any(*kind)).map(|(_, name)| *name).collect();
    if named.is_empty() || kinds.any(Kinds::UNKNOWN) {
        "memory that the caller chooses".to_owned()
    } else {
        named.join(" or ")
    }
}

fn observations<'a>(file: &File<'a>) -> impl Iterator<Item = &'a Observation> + use<'a> {
    file.facts.into_iter().flat_map(|facts| &facts.observations)
}

/// The variable that a call's result is assigned to: `p` in `struct x *p = (void *)f(…)`.
fn assigned(text: &str, call: Span) -> &str {
    let mut before = text.get(..call.start as usize).unwrap_or("").trim_end();
    while let Some(cast) = before.strip_suffix(')') {
        let Some(open) = cast.rfind('(') else { return "" };
        before = cast[..open].trim_end();
    }
    let Some(target) = before.strip_suffix('=') else { return "" };
    let target = target.trim_end();
    let end = u32::try_from(target.len()).unwrap_or(u32::MAX);
    let start = crate::context::word_start(text, end);
    let word = Span::new(start, end);
    // `a->p` and `a.p` are no variables.
    match text.get(..start as usize).and_then(|rest| rest.trim_end().chars().next_back()) {
        Some('.' | '>') => "",
        _ => word.text(text),
    }
}

fn touches(span: Span, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}

fn line_end(text: &str, offset: u32) -> u32 {
    let rest = text.get(offset as usize..).unwrap_or("");
    let length = rest.find('\n').unwrap_or(rest.len());
    offset.saturating_add(u32::try_from(length).unwrap_or(u32::MAX))
}

/// The number of the line an offset is in, from 1.
pub(crate) fn line(text: &str, offset: u32) -> u32 {
    let before = text.as_bytes().get(..offset as usize).unwrap_or_default();
    let newlines = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(newlines).unwrap_or(u32::MAX).saturating_add(1)
}

pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
