//! What a suppression comment in front of something covers: the spans of functions, declarations and
//! statements.

use syntax::Parsed;
use syntax::ast::{Block, Item, Stmt, StmtKind};
use text::Span;

use super::comments::may_have_directives;

/// The comments of a file and the parts that a comment can stand in front of. Empty for a file without
/// suppression comments.
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    /// In order.
    comments: Vec<Span>,
    items: Vec<ItemScope>,
    /// By start; of those that start at one place the widest first.
    statements: Vec<Span>,
}

#[derive(Clone, Debug)]
struct ItemScope {
    span: Span,
    function: Option<FunctionScope>,
}

#[derive(Clone, Debug)]
struct FunctionScope {
    name: String,
    body_start: u32,
}

impl ItemScope {
    fn of(item: &Item) -> Self {
        match item {
            Item::Function(function) => {
                let (name, body_start) = (function.name.to_string(), function.body.span.start);
                Self { span: function.span, function: Some(FunctionScope { name, body_start }) }
            }
            Item::Declaration(declaration) => Self { span: declaration.span, function: None },
        }
    }
}

impl Scopes {
    /// The scopes of a parsed file.
    pub fn of(parsed: &Parsed) -> Self {
        if !may_have_directives(parsed.text()) {
            return Self::default();
        }
        let mut scopes = Self { comments: parsed.comments().to_vec(), ..Self::default() };
        for item in &parsed.unit().items {
            if let Item::Function(function) = item {
                scopes.add_block(&function.body);
            }
            scopes.items.push(ItemScope::of(item));
        }
        scopes.items.sort_by_key(|item| item.span.start);
        scopes.statements.sort_by_key(|span| (span.start, u32::MAX - span.end));
        scopes
    }

    /// The comments, in order.
    pub(super) fn comments(&self) -> &[Span] {
        &self.comments
    }

    /// Where the first declaration or function starts.
    pub(super) fn first_item(&self) -> Option<u32> {
        self.items.first().map(|item| item.span.start)
    }

    /// The name of the function around `offset`.
    pub(super) fn function_at(&self, offset: u32) -> Option<&str> {
        let item = self.items.iter().find(|item| item.span.contains_offset(offset))?;
        item.function.as_ref().map(|function| function.name.as_str())
    }

    /// The statement, declaration or function whose first code is at `offset` of `text`.
    pub(super) fn starting_at(&self, text: &str, offset: u32) -> Option<Span> {
        let first = self.statements.partition_point(|span| span.start < offset);
        if let Some(span) = self.statements.get(first).filter(|span| span.start == offset) {
            return Some(*span);
        }
        match self.items.iter().find(|item| item.span.contains_offset(offset)) {
            // Between `SEC(…)` and the body the comment is still in front of the function.
            Some(ItemScope { span, function: Some(function) }) => {
                (offset < function.body_start).then_some(*span)
            }
            Some(ItemScope { span, function: None }) => (span.start == offset).then_some(*span),
            None => self.item_behind(text, offset),
        }
    }

    /// The next item, if only words that the parser does not count to it (attribute macros) stand between.
    fn item_behind(&self, text: &str, offset: u32) -> Option<Span> {
        let next = self.items.iter().find(|item| item.span.start >= offset)?.span;
        let between = Span::new(offset, next.start).text(text);
        (!between.contains([';', '{', '}'])).then_some(next)
    }

    fn add_block(&mut self, block: &Block) {
        block.stmts.iter().for_each(|stmt| self.add_stmt(stmt));
    }

    /// The syntax tree bounds how deep statements nest.
    fn add_stmt(&mut self, stmt: &Stmt) {
        self.statements.push(stmt.span);
        match &stmt.kind {
            StmtKind::Block(block) => self.add_block(block),
            StmtKind::If { then, els, .. } => {
                self.add_stmt(then);
                els.iter().for_each(|stmt| self.add_stmt(stmt));
            }
            StmtKind::While { body, .. }
            | StmtKind::DoWhile { body, .. }
            | StmtKind::For { body, .. }
            | StmtKind::MacroBlock { body, .. }
            | StmtKind::Switch { body, .. } => self.add_stmt(body),
            StmtKind::Case { stmts, .. } | StmtKind::Default { stmts } => {
                stmts.iter().for_each(|stmt| self.add_stmt(stmt));
            }
            StmtKind::Label { body, .. } => body.iter().for_each(|stmt| self.add_stmt(stmt)),
            StmtKind::Decl(_)
            | StmtKind::Expr(_)
            | StmtKind::Goto(_)
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Return(_)
            | StmtKind::Asm { .. }
            | StmtKind::Error => {}
        }
    }
}
