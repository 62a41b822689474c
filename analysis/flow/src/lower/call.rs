//! Calls and macros that look like calls.

use std::sync::Arc;

use sema::{Expansion, Ty};
use smol_str::SmolStr;
use syntax::ast;
use text::Span;

use super::{Lowerer, MACRO_DEPTH, MAX_EXPANSIONS};
use crate::mir::{Callee, Expr, ExprKind};

/// Macros of libbpf's headers that stand for their first argument.
pub(super) const TRANSPARENT: &[&str] =
    &["likely", "unlikely", "__builtin_expect", "READ_ONCE", "__builtin_assume_aligned"];

/// Macros of libbpf's headers that compute with their arguments and call nothing the analysis cares for.
const PURE: &[&str] = &[
    "bpf_htons",
    "bpf_ntohs",
    "bpf_htonl",
    "bpf_ntohl",
    "bpf_cpu_to_be64",
    "bpf_be64_to_cpu",
    "__builtin_bswap16",
    "__builtin_bswap32",
    "__builtin_bswap64",
    "__bpf_htons",
    "__bpf_ntohs",
    "htons",
    "ntohs",
    "htonl",
    "ntohl",
    "__builtin_constant_p",
    "bpf_core_field_exists",
    "bpf_core_type_exists",
    "bpf_core_enum_value",
    "bpf_core_enum_value_exists",
    "bpf_core_type_size",
    "bpf_core_field_size",
    "bpf_ksym_exists",
    "BPF_CORE_READ",
    "BPF_CORE_READ_USER",
    "BPF_PROBE_READ",
    "__builtin_types_compatible_p",
];

impl Lowerer<'_> {
    pub(super) fn expansion(
        &self,
        name: &SmolStr,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Expansion> {
        let known = self.sema.function(name).is_some() || self.lookup(name).is_some();
        if known || !self.may_expand(name) {
            return None;
        }
        self.sema.expand_call(name, args, span)
    }

    /// Macros inside macros are bounded, and none is expanded inside itself.
    pub(super) fn may_expand(&self, name: &SmolStr) -> bool {
        self.macro_depth < MACRO_DEPTH
            && self.expansions < MAX_EXPANSIONS
            && !self.expanding.contains(name)
    }

    pub(super) fn expanded<T>(&mut self, name: SmolStr, lower: impl FnOnce(&mut Self) -> T) -> T {
        self.macro_depth += 1;
        self.expansions += 1;
        self.expanding.push(name);
        let result = lower(self);
        self.expanding.pop();
        self.macro_depth -= 1;
        result
    }

    pub(super) fn call(
        &mut self,
        whole: &ast::Expr,
        callee: &ast::Expr,
        args: &[ast::Expr],
        ignored: bool,
    ) -> Expr {
        let span = whole.span;
        let Some(name) = callee.without_casts().as_ident().cloned() else {
            let callee = self.value(callee);
            self.eval(callee);
            let args = args.iter().map(|arg| self.value(arg)).collect();
            return self.emit_call(Callee::Unknown, args, Ty::Unknown, span, ignored);
        };
        if let Some(expansion) = self.expansion(&name, args, span) {
            return self.expanded(name, |lowerer| match expansion {
                Expansion::Expr(expr) => match &expr.without_casts().kind {
                    // A macro around one call: whether the result is used is decided by its use.
                    ast::ExprKind::Call { callee, args } if ignored => {
                        lowerer.call(&expr, callee, args, ignored)
                    }
                    _ => lowerer.value(&expr),
                },
                Expansion::Stmts(stmts) => {
                    let block = ast::Block { stmts, span };
                    lowerer.stmt_expr(&block, span)
                }
            });
        }
        if TRANSPARENT.contains(&name.as_str())
            && let Some(first) = args.first()
        {
            return self.value(first);
        }
        let values: Vec<Expr> = args.iter().map(|arg| self.argument(arg)).collect();
        if PURE.contains(&name.as_str()) {
            let ty = self.sema.type_of(whole, self);
            if let Some(value) = self.sema.fold(whole, self) {
                return Expr { kind: ExprKind::Const(value), ty, span };
            }
            return Expr { kind: ExprKind::Unknown(values), ty, span };
        }
        let ty = self.call_type(&name);
        let local_pointer = self.lookup(&name).is_some();
        let callee = if local_pointer { Callee::Unknown } else { Callee::Named(name) };
        self.emit_call(callee, values, ty, span, ignored)
    }

    fn argument(&mut self, arg: &ast::Expr) -> Expr {
        let value = self.value(arg);
        if let ExprKind::Function(name) = &value.kind {
            let name = name.clone();
            self.note_callee(&name);
        }
        value
    }

    fn call_type(&self, name: &SmolStr) -> Ty {
        if let Some(def) = self.sema.function(name) {
            return self.sema.resolve(&def.ast.ret);
        }
        if let Some(prototype) = self.sema.prototype(name) {
            return prototype.ret;
        }
        if name.starts_with("PT_REGS_") {
            return Ty::ULONG;
        }
        match kernel_model::function(name) {
            Some(row) if row.ret_type.contains('*') => {
                Ty::Pointer { to: Arc::new(Ty::Void), to_const: false }
            }
            Some(row) if row.ret_type.contains("u32") => Ty::Int { bits: 32, signed: false },
            Some(row) if row.ret_type.contains("u64") => Ty::ULONG,
            Some(row) if row.ret_type.contains("bool") => Ty::Bool,
            Some(row) if row.ret_type == "int" => Ty::INT,
            Some(_) => Ty::Int { bits: 64, signed: true },
            None => Ty::Unknown,
        }
    }
}
