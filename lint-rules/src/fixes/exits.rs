//! Leaving a function early: with which result, and what has to be released before.

use flow::observe::CallView;
use kernel_model::ProgramType;
use syntax::ast::{Expr, ExprKind, Function, StmtKind, Type, UnaryOp};
use text::{Edit, Span};

use super::layout::Lines;
use super::seat::{Seat, Standing, all_stmts};
use crate::RuleCx;

/// Macros with the results of programs, and a part of the name of the header that defines them. Other results are
/// enumerators, which `vmlinux.h` has.
const RESULT_MACROS: &[(&str, &str)] = &[("TC_ACT_", "pkt_cls"), ("NF_", "netfilter")];

/// Type names of unsigned numbers, which have no value for an error.
const UNSIGNED: &[&str] = &["u8", "u16", "u32", "u64", "unsigned", "size_t"];

impl RuleCx<'_> {
    /// `if (condition) return …;` behind a statement that ran a call, with the release of what is held there. Nothing
    /// if the function has no result that stands for an error.
    pub(crate) fn leave_if(
        &self,
        condition: &str,
        program: Option<&ProgramType>,
        (held, call): (&[CallView], Span),
    ) -> Option<Lines> {
        let function = self.function_at(call)?;
        let give_up = self.give_up(function, program)?;
        let mut discards: Lines = Vec::new();
        for reserve in held {
            let before = function.span.contains(reserve.span) && reserve.span.end <= call.start;
            if before {
                discards.push(format!("\t{}", discard(&self.argument(reserve, 3)?)));
            }
        }
        if discards.is_empty() {
            return Some(vec![format!("if ({condition})"), format!("\t{give_up}")]);
        }
        let mut lines = vec![format!("if ({condition}) {{")];
        lines.append(&mut discards);
        lines.extend([format!("\t{give_up}"), "}".to_owned()]);
        Some(lines)
    }

    /// The `return` with which a function says that it failed.
    fn give_up(&self, function: &Function, program: Option<&ProgramType>) -> Option<String> {
        let words = match &function.ret {
            Type::Named(words) => words.as_str(),
            Type::Pointer { .. } => return Some("return NULL;".to_owned()),
            _ => return None,
        };
        match words {
            "void" => return Some("return;".to_owned()),
            "bool" | "_Bool" => return Some("return false;".to_owned()),
            _ => {}
        }
        if function.attrs.section.is_some() {
            return self.program_failure(program?).map(|value| format!("return {value};"));
        }
        let returned = returns(function);
        let failure = returned.iter().find(|value| self.is_failure(value));
        let unsigned =
            words.split(' ').any(|word| UNSIGNED.contains(&word.trim_start_matches('_')));
        let value = match failure {
            Some(value) => self.quote(value.span),
            // A callback may return 0 and 1 only.
            None if unsigned || self.is_passed(&function.name) => "0".to_owned(),
            None => "-1".to_owned(),
        };
        Some(format!("return {value};"))
    }

    /// The result with which programs of a type give up on a packet, as this file can say it.
    fn program_failure(&self, program: &ProgramType) -> Option<String> {
        let name = program.error_return;
        let header = RESULT_MACROS.iter().find(|(prefix, _)| name.starts_with(prefix));
        let known = match header {
            // Who defines one of them defines all.
            Some((prefix, header)) => self.text().contains(prefix) || self.text().contains(header),
            None => true,
        };
        let value = program
            .drop_codes
            .iter()
            .find(|(code, _)| *code == name)
            .map(|(_, value)| value.to_string());
        let text = if known { Some(name.to_owned()) } else { value };
        text.filter(|text| !text.is_empty())
    }

    /// Whether a returned value stands for an error: a negative constant, or a verdict that drops.
    pub(super) fn is_failure(&self, value: &Expr) -> bool {
        match &value.kind {
            ExprKind::Unary(UnaryOp::Neg, inner) => is_constant(inner),
            ExprKind::Ident(name) => {
                ["DROP", "SHOT", "ABORTED"].iter().any(|word| name.contains(word))
            }
            _ => false,
        }
    }

    /// Whether a function is handed to another one, as a callback.
    fn is_passed(&self, function: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        self.text().match_indices(function).any(|(at, _)| {
            let (before, behind) = (&self.text()[..at], &self.text()[at + function.len()..]);
            !before.ends_with(is_word) && behind.trim_start().starts_with([',', ')'])
        })
    }

    /// Inserts lines in front of a `return`, or of the brace that ends a function. With `result_first` what is
    /// returned is computed before the lines.
    pub(crate) fn before_leaving(
        &self,
        leave: Span,
        lines: &[String],
        result_first: bool,
    ) -> Vec<Edit> {
        let Some(function) = self.function_at(leave) else { return Vec::new() };
        if leave.end == function.span.end && leave.text(self.text()) == "}" {
            return self.insert_at_end(leave, lines);
        }
        let Some(seat) = self.seat(leave).filter(|seat| seat.span() == leave) else {
            return Vec::new();
        };
        match &seat.stmt.kind {
            StmtKind::Return(Some(value)) if result_first => {
                self.after_result(function, &seat, value, lines)
            }
            StmtKind::Return(_) => self.insert_before(&seat, lines),
            _ => Vec::new(),
        }
    }

    fn after_result(
        &self,
        function: &Function,
        seat: &Seat<'_>,
        value: &Expr,
        lines: &[String],
    ) -> Vec<Edit> {
        let Type::Named(ty) = &function.ret else { return Vec::new() };
        // No declaration can stand behind a label.
        let labelled = seat.standing == Standing::Labelled;
        let free = ["ret", "err", "result"].into_iter().find(|name| !self.is_named(function, name));
        let (Some(name), false) = (free, labelled) else { return Vec::new() };
        let mut inserted =
            vec![format!("{ty} {name} = {};", self.quote(value.span)), String::new()];
        inserted.extend_from_slice(lines);
        let mut edits = self.insert_before(seat, &inserted);
        if !edits.is_empty() {
            edits.push(Edit::replace(value.span, name));
        }
        edits
    }

    /// Whether a word stands anywhere in a function.
    pub(crate) fn is_named(&self, function: &Function, word: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        function.span.text(self.text()).split(|c| !is_word(c)).any(|known| known == word)
    }

    /// Whether what is returned may change when a record is given back.
    pub(crate) fn result_needs_record(&self, leave: Span) -> bool {
        match self.seat(leave).map(|seat| &seat.stmt.kind) {
            Some(StmtKind::Return(Some(value))) => !is_constant(value),
            _ => false,
        }
    }
}

/// The call that gives a record back unseen.
pub(crate) fn discard(dynptr: &str) -> String {
    format!("bpf_ringbuf_discard_dynptr({dynptr}, 0);")
}

/// The values a function returns.
fn returns(function: &Function) -> Vec<&Expr> {
    let stmts = all_stmts(&function.body.stmts);
    let values = stmts.iter().filter_map(|seat| match &seat.stmt.kind {
        StmtKind::Return(value) => value.as_ref(),
        _ => None,
    });
    values.collect()
}

/// Whether an expression has the same value before and after a release.
fn is_constant(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Int { .. } | ExprKind::Ident(_) => true,
        ExprKind::Unary(op, inner) => *op != UnaryOp::Deref && is_constant(inner),
        ExprKind::Binary(_, left, right) => is_constant(left) && is_constant(right),
        ExprKind::Cast(_, inner) => is_constant(inner),
        ExprKind::Cond(cond, then, els) => {
            is_constant(cond) && then.as_deref().is_none_or(is_constant) && is_constant(els)
        }
        _ => false,
    }
}
