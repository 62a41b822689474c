//! Edits that several rules make.
//!
//! Fixes are the only place where the syntax tree is asked: facts say what is wrong, the tree says where something
//! can be put. What a macro makes is never edited, and nothing is offered where the place is not certain.

mod declare;
mod exits;
mod exprs;
mod layout;
mod paths;
mod seat;
mod write_back;

pub(crate) use exits::discard;
pub(crate) use layout::length;
pub(crate) use seat::{Seat, Standing};
pub(crate) use write_back::WriteBackText;

use diagnostic::{Applicability, Fix};
use flow::observe::{CallView, SliceView};
use syntax::ast::{Declarator, Expr, ExprKind, Item, StmtKind, Type};
use text::{Edit, Span};

use crate::cx::RuleCx;

/// A fix that can be applied without a look.
pub(crate) fn safe(title: impl Into<String>, edits: Vec<Edit>) -> Option<Fix> {
    fix(title.into(), Applicability::Safe, edits)
}

/// A fix that may change what the program is meant to do.
pub(crate) fn doubtful(title: impl Into<String>, edits: Vec<Edit>) -> Option<Fix> {
    fix(title.into(), Applicability::Unsafe, edits)
}

fn fix(title: String, applicability: Applicability, edits: Vec<Edit>) -> Option<Fix> {
    (!edits.is_empty()).then_some(Fix { title, applicability, edits })
}

impl RuleCx<'_> {
    /// Whether a call stands in the file as it was analysed: not made by a macro, not in a header.
    pub(crate) fn is_written(&self, call: &CallView) -> bool {
        call.span.text(self.text()).starts_with(call.name.as_str())
            && (0..call.args.len()).all(|position| self.argument_span(call, position).is_some())
    }

    /// The place of an argument, if it is one: what a macro makes of its parameters has the place of the macro.
    pub(crate) fn argument_span(&self, call: &CallView, position: usize) -> Option<Span> {
        let span = *call.args.get(position)?;
        let apart = |other: &Span| other.end <= span.start || span.end <= other.start;
        let others = call.args.iter().enumerate().filter(|(index, _)| *index != position);
        let real = call.span.contains(span) && call.span.start < span.start && !span.is_empty();
        (real && others.into_iter().all(|(_, other)| apart(other) || *other == call.span))
            .then_some(span)
    }

    /// An argument as it is written in the file.
    pub(crate) fn argument(&self, call: &CallView, position: usize) -> Option<String> {
        self.argument_span(call, position).map(|span| self.quote(span))
    }

    /// Replaces an argument of a call.
    pub(crate) fn replace_argument(
        &self,
        call: &CallView,
        position: usize,
        text: impl Into<String>,
    ) -> Option<Edit> {
        self.is_written(call).then_some(())?;
        self.argument_span(call, position).map(|span| Edit::replace(span, text))
    }

    /// Calls another function with the same arguments.
    pub(crate) fn rename_call(&self, call: &CallView, to: &str) -> Option<Edit> {
        let name = Span::new(call.span.start, call.span.start + length(&call.name));
        self.is_written(call).then(|| Edit::replace(name, to))
    }

    /// The variable or member that receives the result of a slice call.
    pub(crate) fn receiver(&self, slice: &SliceView) -> Option<String> {
        if !slice.name.is_empty() {
            return Some(slice.name.to_string());
        }
        match &self.simple_seat(slice.call.span)?.stmt.kind {
            StmtKind::Expr(Some(Expr { kind: ExprKind::Assign(None, to, value), .. })) => {
                (value.without_casts().span == slice.call.span).then(|| self.quote(to.span))
            }
            _ => None,
        }
    }

    /// The edits that make a function of the file static, with its prototypes.
    pub(crate) fn static_edit(&self, function: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        for item in &self.unit().items {
            match item {
                Item::Function(known) if known.name == function => {
                    if known.attrs.section.is_some() || known.has_attr("__weak") {
                        return Vec::new();
                    }
                    edits.push(Edit::insert(known.span.start, "static "));
                }
                Item::Declaration(prototype) => {
                    let declares = |known: &Declarator| {
                        known.name == function && matches!(known.ty, Type::Function(_))
                    };
                    if prototype.declarators.iter().any(declares) {
                        if prototype.is_extern || prototype.declarators.len() > 1 {
                            return Vec::new();
                        }
                        edits.push(Edit::insert(prototype.span.start, "static "));
                    }
                }
                Item::Function(_) => {}
            }
        }
        edits
    }
}
