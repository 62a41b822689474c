//! Declaring variables, and what the declarations of others say.

use flow::observe::{CallView, DynptrCall};
use syntax::ast::{Declarator, Expr, ExprKind, Function, LocalDecl, StmtKind, Type};
use text::{Edit, Span};

use super::seat::{Seat, all_stmts};
use crate::RuleCx;

/// Larger buffers would not leave much of the 512 bytes that a BPF stack frame may have.
const LARGEST_BUFFER: i128 = 256;

/// A buffer that a fix declares.
pub(crate) struct NewBuffer {
    pub(crate) declaration: Vec<Edit>,
    /// As it is passed: `buf`, or `&buf` for a structure.
    pub(crate) argument: String,
}

impl<'a> RuleCx<'a> {
    /// The declaration of a local variable, unless several in the function have that name.
    pub(crate) fn declared(&self, function: &'a Function, name: &str) -> Option<&'a Declarator> {
        let mut found = None;
        for seat in all_stmts(&function.body.stmts) {
            let StmtKind::Decl(declaration) = &seat.stmt.kind else { continue };
            let LocalDecl(declaration) = &**declaration;
            for declarator in declaration.declarators.iter().filter(|known| known.name == name) {
                if found.replace(declarator).is_some() {
                    return None;
                }
            }
        }
        found
    }

    fn declared_type(&self, function: &'a Function, name: &str) -> Option<&'a Type> {
        let param = function.params.iter().find(|param| param.name == name).map(|param| &param.ty);
        param.or_else(|| self.declared(function, name).map(|known| &known.ty))
    }

    /// The size of what a length argument measures, without the names of variables: `sizeof(struct x)` for
    /// `sizeof(*p)`.
    pub(crate) fn sizeof_type(&self, length: Span) -> Option<String> {
        self.measured_type(length).map(|ty| format!("sizeof({ty})"))
    }

    /// The type `struct x` in `sizeof(struct x)`, or the one `p` points to in `sizeof(*p)`.
    fn measured_type(&self, length: Span) -> Option<String> {
        let text = self.quote(length);
        let operand = text.strip_prefix("sizeof")?.trim();
        let operand = operand
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or(operand)
            .trim();
        if operand.starts_with("struct ") || operand.starts_with("union ") {
            return operand.split_whitespace().nth(2).is_none().then(|| operand.to_owned());
        }
        let name = operand.strip_prefix('*')?.trim();
        match self.declared_type(self.function_at(length)?, name)? {
            Type::Pointer { to, .. } => record_name(to),
            _ => None,
        }
    }

    /// A buffer for a slice, declared with the function's other variables.
    pub(crate) fn new_buffer(
        &self,
        slice: &str,
        (call, length): (&CallView, Option<i128>),
        length_argument: Span,
    ) -> Option<NewBuffer> {
        let bytes = length.filter(|bytes| (1..=LARGEST_BUFFER).contains(bytes))?;
        let is_name = !slice.is_empty() && slice.chars().all(|c| c.is_alphanumeric() || c == '_');
        let name = if is_name { format!("{slice}_buf") } else { "slice_buf".to_owned() };
        let function = self.function_at(call.span)?;
        if self.is_named(function, &name) {
            return None;
        }
        let (line, argument) = match self.measured_type(length_argument) {
            Some(ty) => (format!("{ty} {name};"), format!("&{name}")),
            None => (format!("__u8 {name}[{bytes}];"), name),
        };
        let declaration = self.declare(call.span, line);
        (!declaration.is_empty()).then_some(NewBuffer { declaration, argument })
    }

    /// Gives the array of bytes that is the buffer of a slice another length.
    pub(crate) fn resize_buffer(&self, call: &DynptrCall, length: String) -> Option<Edit> {
        let declared = call.buffer_declared.filter(|_| call.buffer_of_bytes)?;
        let name = declared.text(self.text());
        let declarator = self.declared(self.function_at(declared)?, name)?;
        match &declarator.ty {
            Type::Array(_, Some(dimension)) if declarator.name_span == declared => {
                let behind = Span::new(declared.end, dimension.span.start).text(self.text());
                (behind.trim() == "[").then(|| Edit::replace(dimension.span, length))
            }
            _ => None,
        }
    }

    /// Declares a variable at the head of the function, in front of the statement that holds `place`.
    fn declare(&self, place: Span, line: String) -> Vec<Edit> {
        let seats = self.seats(place);
        let Some(outermost) = seats.first() else { return Vec::new() };
        let is_declaration = |seat: &&Seat<'_>| matches!(seat.stmt.kind, StmtKind::Decl(_));
        let first = Seat { stmt: &outermost.list[0], ..*outermost };
        let head = outermost.list.iter().map(|stmt| Seat { stmt, ..*outermost });
        let before = |seat: &Seat<'_>| seat.span().end <= place.start;
        let last = head.take_while(|seat| is_declaration(&seat) && before(seat)).last();
        match last {
            Some(last) => self.insert_after(&last, &[line]),
            None => self.insert_before(&first, &[line]),
        }
    }

    /// The array or structure that a pointer variable was made to point to, as `sizeof` takes it.
    pub(crate) fn stands_for(&self, function: &'a Function, pointer: &str) -> Option<String> {
        let init = self.declared(function, pointer)?.init.as_ref()?;
        let object = match &init.without_casts().kind {
            ExprKind::Unary(syntax::ast::UnaryOp::AddrOf, object) => object,
            _ => init.without_casts(),
        };
        let name = object.as_ident()?;
        let assigned = self.is_changed(function, pointer, function.body.span);
        let declared = &self.declared(function, name)?.ty;
        let pointed = matches!(declared, Type::Pointer { .. });
        (!assigned && !pointed).then(|| format!("sizeof({name})"))
    }

    /// Whether a variable may get another value in a range of the text.
    pub(crate) fn is_changed(&self, function: &Function, name: &str, range: Span) -> bool {
        let mut changed = false;
        for seat in all_stmts(&function.body.stmts) {
            super::exprs::of_stmt(seat.stmt, &mut |expr| {
                changed |= range.contains(expr.span) && changes(expr, name);
            });
        }
        changed
    }
}

fn changes(expr: &Expr, name: &str) -> bool {
    let is_it = |expr: &Expr| expr.as_ident().is_some_and(|known| known == name);
    match &expr.kind {
        ExprKind::Assign(_, to, _) => is_it(to),
        ExprKind::IncDec { operand, .. } => is_it(operand),
        ExprKind::Unary(syntax::ast::UnaryOp::AddrOf, operand) => is_it(operand),
        _ => false,
    }
}

/// A structure or typedef by its name.
fn record_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Record(record) => {
            let word = if record.is_union { "union" } else { "struct" };
            record.tag.as_ref().map(|tag| format!("{word} {tag}"))
        }
        _ => None,
    }
}
