//! Macros at their place of use: the body parsed once, parameters replaced in the tree.
//!
//! Arguments are parsed before they are substituted, as the parser has seen them, so a macro can only do
//! what a tree can express. What it cannot (unbalanced bodies, arguments that are no expressions) has no
//! expansion, and the caller treats the use as a call of something unknown.

use std::sync::Arc;

use syntax::ast::{Expr, ExprKind, Macro, Name, Stmt, StmtKind};
use syntax::{Fragment, FragmentKind, Token, TokenKind, lex};
use text::Span;

use crate::Sema;
use crate::bindings::Bindings;
use crate::subst::Substitution;

/// What a macro stands for at one place.
#[derive(Clone, Debug, PartialEq)]
pub enum Expansion {
    /// An expression.
    Expr(Expr),
    /// Statements.
    Stmts(Vec<Stmt>),
}

/// The parsed body of a macro, with spans that mean nothing.
#[derive(Debug)]
pub(crate) enum MacroBody {
    Expr(Expr),
    Stmts(Vec<Stmt>),
}

/// Stands for the block behind a macro such as `for_each_item(i) { … }` while its body is parsed.
pub(crate) const BLOCK_MARKER: &str = "__macro_block";

/// How long a body with `#` or `##` may be, in bytes, before and after they are carried out.
const MAX_PASTED: usize = 1 << 16;

/// What one expansion counts for among the steps that a question to [`Sema`] may take.
const EXPANSION_STEPS: u32 = 50;

impl Sema {
    /// What the call `name(args)` of a function-like macro stands for. Its own parts get the span `at`;
    /// those of the arguments keep theirs. Macros inside are left as they are: the caller expands again and
    /// limits how deep, because a macro may lead back to itself. Nothing if `name` is no such macro, has
    /// several definitions that differ, or has a body that is neither expression nor statements.
    pub fn expand_call(&self, name: &str, args: &[Expr], at: Span) -> Option<Expansion> {
        let definition = self.macro_def(name)?;
        let bindings = Bindings::new(definition, args)?;
        let body = self.body_for(definition, &bindings)?;
        self.substitute(&body, bindings, None, at)
    }

    /// What `name(args) block` stands for, where the macro's body ends in the head of a loop or `if`.
    pub fn expand_block(
        &self,
        name: &str,
        args: &[Expr],
        block: &Stmt,
        at: Span,
    ) -> Option<Vec<Stmt>> {
        let definition = self.macro_def(name)?;
        let bindings = Bindings::new(definition, args)?;
        let text = paste(&definition.body, &bindings, &self.text)?;
        let text = text.as_deref().unwrap_or(&definition.body);
        let body = parse_stmts(&format!("{text} {BLOCK_MARKER}();"))?;
        match self.substitute(&MacroBody::Stmts(body), bindings, Some(block), at)? {
            Expansion::Stmts(stmts) => Some(stmts),
            Expansion::Expr(_) => None,
        }
    }

    /// The expression that the object-like macro `name` stands for, unless it is a plain constant (see
    /// [`Sema::constant`]). All of it gets the span `at`.
    pub fn expand_object(&self, name: &str, at: Span) -> Option<Expr> {
        match self.expand_name(name, at)? {
            Expansion::Expr(_) if self.constant_value(name).is_some() => None,
            Expansion::Expr(expr) => Some(expr),
            Expansion::Stmts(_) => None,
        }
    }

    /// What the object-like macro `name` stands for: an expression, constant or not, or statements.
    pub fn expand_name(&self, name: &str, at: Span) -> Option<Expansion> {
        let definition = self.macro_def(name)?;
        if definition.params.is_some() || definition.body == name {
            return None;
        }
        let bindings = Bindings::default();
        let body = self.body_for(definition, &bindings)?;
        self.substitute(&body, bindings, None, at)
    }

    fn substitute(
        &self,
        body: &MacroBody,
        bindings: Bindings<'_>,
        block: Option<&Stmt>,
        at: Span,
    ) -> Option<Expansion> {
        self.spend(EXPANSION_STEPS);
        let mut substitution = Substitution::new(self, bindings, block, at);
        let expansion = match body {
            MacroBody::Expr(expr) => Expansion::Expr(substitution.expr(expr)),
            MacroBody::Stmts(stmts) => Expansion::Stmts(substitution.stmts(stmts)),
        };
        substitution.succeeded().then_some(expansion)
    }

    /// The parsed body of `definition`. Where `#` and `##` do not occur it does not depend on the arguments
    /// and is kept.
    fn body_for(&self, definition: &Macro, bindings: &Bindings<'_>) -> Option<Arc<MacroBody>> {
        if let Some(text) = paste(&definition.body, bindings, &self.text)? {
            return parse_body(&text).map(Arc::new);
        }
        if let Some(known) = self.memo.macros.borrow().get(&definition.name) {
            return known.clone();
        }
        let body = parse_body(&definition.body).map(Arc::new);
        self.memo.macros.borrow_mut().insert(definition.name.clone(), body.clone());
        body
    }
}

/// Parses an expression; its spans count from the start of `text`.
pub(crate) fn parse_expr(text: &str) -> Option<Expr> {
    let span = Span::new(0, u32::try_from(text.len()).ok()?);
    if let [Token { kind: TokenKind::Ident, .. }] = lex(text)[..] {
        return Some(Expr { kind: ExprKind::Ident(Name::from(text.trim())), span });
    }
    match syntax::parse_fragment(text, FragmentKind::Expr, None)? {
        Fragment::Expr(expr) => Some(expr),
        _ => None,
    }
}

fn parse_stmts(text: &str) -> Option<Vec<Stmt>> {
    match syntax::parse_fragment(text, FragmentKind::Stmts, None)? {
        Fragment::Stmts(stmts) => Some(stmts),
        _ => None,
    }
}

/// Parses a macro's body: an expression if it can be one, or else statements, the last of which may lack
/// its semicolon.
fn parse_body(text: &str) -> Option<MacroBody> {
    let tokens = lex(text);
    let (first, last) = (tokens.first()?, tokens.last()?);
    let word = first.span.text(text);
    let is_statement = first.is(b'{')
        || last.is(b';')
        || matches!(
            word,
            "do" | "if"
                | "for"
                | "while"
                | "switch"
                | "return"
                | "goto"
                | "break"
                | "continue"
                | "asm"
        );
    if !is_statement && let Some(expr) = parse_expr(text) {
        return Some(MacroBody::Expr(expr));
    }
    let closed = last.is(b';') || (last.is(b'}') && word != "do");
    let stmts = if closed { parse_stmts(text) } else { parse_stmts(&format!("{text};")) }?;
    let is_head = !closed && stmts.last().is_some_and(lacks_body);
    let unwrapped = stmts.into_iter().map(without_do_while).collect();
    (!is_head).then_some(MacroBody::Stmts(unwrapped))
}

/// Whether `stmt` is a loop or `if` whose body is only the semicolon that was added to it.
fn lacks_body(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::For { body, .. }
        | StmtKind::While { body, .. }
        | StmtKind::Label { body: Some(body), .. } => lacks_body(body),
        StmtKind::If { then, els, .. } => lacks_body(els.as_ref().unwrap_or(then)),
        StmtKind::Expr(None) => true,
        _ => false,
    }
}

/// `do { … } while (0)` as the block it runs once, unless something in it jumps to its end.
fn without_do_while(stmt: Stmt) -> Stmt {
    match stmt.kind {
        StmtKind::DoWhile { body, cond: Expr { kind: ExprKind::Int { value: 0, .. }, .. } }
            if !jumps_out(&body, false) =>
        {
            *body
        }
        kind => Stmt { kind, span: stmt.span },
    }
}

/// Whether a `break` or `continue` in `stmt` belongs to a loop around it.
fn jumps_out(stmt: &Stmt, in_switch: bool) -> bool {
    let any = |stmts: &[Stmt]| stmts.iter().any(|stmt| jumps_out(stmt, in_switch));
    match &stmt.kind {
        StmtKind::Break => !in_switch,
        StmtKind::Continue => true,
        StmtKind::Block(block) => any(&block.stmts),
        StmtKind::If { then, els, .. } => {
            jumps_out(then, in_switch) || els.as_ref().is_some_and(|els| jumps_out(els, in_switch))
        }
        StmtKind::Switch { body, .. } => jumps_out(body, true),
        StmtKind::Case { stmts, .. } | StmtKind::Default { stmts } => any(stmts),
        StmtKind::Label { body, .. } => {
            body.as_ref().is_some_and(|body| jumps_out(body, in_switch))
        }
        _ => false,
    }
}

/// The text of a body after `#` and `##` are carried out. `Some(None)` if neither occurs; `None` if an
/// operand has no text that could be joined.
fn paste(body: &str, bindings: &Bindings<'_>, file: &str) -> Option<Option<String>> {
    if !body.contains('#') {
        return Some(None);
    }
    if body.len() > MAX_PASTED {
        return None;
    }
    let tokens = lex(body);
    let is_hash = |at: usize| tokens.get(at).is_some_and(|token| token.is(b'#'));
    let joins = |at: usize| is_hash(at) && is_hash(at + 1);
    let mut out = String::new();
    let mut at = 0;
    let mut glue = false;
    while let Some(token) = tokens.get(at).filter(|_| out.len() <= MAX_PASTED) {
        let text = token.span.text(body);
        if joins(at) {
            glue = true;
            at += 2;
            continue;
        }
        if !glue {
            out.push(' ');
        }
        if is_hash(at)
            && let Some(next) = tokens.get(at + 1)
        {
            out.push_str(&bindings.quoted(next.span.text(body), file)?);
            at += 2;
        } else if joins(at + 1) || glue {
            out.push_str(&operand(&tokens, at, bindings, body, glue)?);
            at += 1;
        } else {
            out.push_str(text);
            at += 1;
        }
        glue = false;
    }
    (out.len() <= MAX_PASTED).then_some(Some(out))
}

/// The text of the token at `at` beside a `##`. In `, ## args` nothing is joined: the comma goes away with
/// empty arguments, which the substitution in the tree does by itself.
fn operand(
    tokens: &[Token],
    at: usize,
    bindings: &Bindings<'_>,
    body: &str,
    glued: bool,
) -> Option<String> {
    let text = tokens[at].span.text(body);
    let behind_comma = glued && at >= 3 && tokens[at - 3].is(b',');
    if tokens[at].is(b',') || behind_comma {
        return Some(format!("{text} "));
    }
    bindings.joined(text)
}
