//! What the parameters of a macro stand for in one use.

use rustc_hash::FxHashMap;
use syntax::ast::{Expr, ExprKind, Macro, Name};

/// How long an argument that becomes a string may be, in bytes.
const MAX_QUOTED: usize = 1 << 12;

/// What the parameters of a macro stand for in one use.
#[derive(Default)]
pub(crate) struct Bindings<'a> {
    /// Parameters with one argument each.
    pub(crate) single: FxHashMap<Name, &'a Expr>,
    /// The variadic parameter and its arguments.
    pub(crate) rest: Option<(Name, &'a [Expr])>,
    /// Parameters for which the use has no argument.
    missing: Vec<Name>,
}

impl<'a> Bindings<'a> {
    /// Nothing if the macro takes no arguments, or fewer.
    pub(crate) fn new(definition: &Macro, args: &'a [Expr]) -> Option<Bindings<'a>> {
        let params = definition.params.as_ref()?;
        let (variadic, fixed) = match params.split_last() {
            Some((last, fixed)) if definition.variadic => (Some(last), fixed),
            _ => (None, params.as_slice()),
        };
        if variadic.is_none() && args.len() > fixed.len() {
            return None;
        }
        let single = fixed.iter().cloned().zip(args).collect();
        let missing = fixed.get(args.len()..).unwrap_or_default().to_vec();
        let rest = variadic.map(|name| (name.clone(), args.get(fixed.len()..).unwrap_or_default()));
        Some(Bindings { single, rest, missing })
    }

    /// What a parameter becomes beside `##`; any other token is itself.
    pub(crate) fn joined(&self, token: &str) -> Option<String> {
        match self.single.get(token).map(|arg| &arg.kind) {
            Some(ExprKind::Ident(name)) => Some(name.to_string()),
            Some(ExprKind::Int { value, .. }) => Some(value.to_string()),
            Some(_) => None,
            None if self.is_param(token) => None,
            None => Some(token.to_owned()),
        }
    }

    /// The string constant that `#param` makes of an argument as it stands in `file`.
    pub(crate) fn quoted(&self, param: &str, file: &str) -> Option<String> {
        let arg = self.single.get(param)?;
        let text = arg.as_ident().map_or_else(|| arg.span.text(file), |name| name.as_str());
        if text.len() > MAX_QUOTED {
            return None;
        }
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' | '\r' => out.push(' '),
                _ => out.push(c),
            }
        }
        out.push('"');
        Some(out)
    }

    /// Whether `name` is a parameter, with or without an argument.
    pub(crate) fn is_param(&self, name: &str) -> bool {
        self.single.contains_key(name)
            || self.rest.as_ref().is_some_and(|(rest, _)| rest == name)
            || self.missing.iter().any(|missing| missing == name)
    }
}
