//! Where a statement stands: what a fix has to know to put something next to it.

use syntax::ast::{Function, Item, Stmt, StmtKind};
use text::Span;

use crate::RuleCx;

/// How a statement stands in what is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In a list of statements: there can be others next to it.
    Listed,
    /// Right behind a label. Other statements can stand next to it, but no declaration in front.
    Labelled,
    /// The body of an `if`, an `else` or a loop: it takes braces to put something next to it.
    Alone,
}

/// A statement and how it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat<'a> {
    pub(crate) stmt: &'a Stmt,
    pub(crate) standing: Standing,
    /// The list it belongs to: the statements of a block, case or default.
    pub(crate) list: &'a [Stmt],
    /// The statement directly around it, if it stands alone.
    pub(crate) owner: Option<&'a Stmt>,
}

impl<'a> Seat<'a> {
    /// The range of the statement.
    pub(crate) fn span(&self) -> Span {
        self.stmt.span
    }

    /// Whether it is a loop. A macro in front of a block is taken for one.
    pub(crate) fn is_loop(&self) -> bool {
        matches!(
            self.stmt.kind,
            StmtKind::For { .. }
                | StmtKind::While { .. }
                | StmtKind::DoWhile { .. }
                | StmtKind::MacroBlock { .. }
        )
    }

    /// The statements of the list behind this one.
    pub(crate) fn followers(&self) -> &'a [Stmt] {
        let index = self.list.partition_point(|stmt| stmt.span.end <= self.stmt.span.end);
        self.list.get(index..).unwrap_or_default()
    }

    fn listed(stmt: &'a Stmt, list: &'a [Stmt]) -> Self {
        Seat { stmt, standing: Standing::Listed, list, owner: None }
    }

    /// What stands directly inside.
    fn children(self) -> Vec<Seat<'a>> {
        let alone = |stmt: &'a Stmt| Seat {
            stmt,
            standing: Standing::Alone,
            list: std::slice::from_ref(stmt),
            owner: Some(self.stmt),
        };
        match &self.stmt.kind {
            StmtKind::Block(block) => {
                block.stmts.iter().map(|stmt| Seat::listed(stmt, &block.stmts)).collect()
            }
            StmtKind::Case { stmts, .. } | StmtKind::Default { stmts } => {
                let mut seats: Vec<Seat<'a>> =
                    stmts.iter().map(|stmt| Seat::listed(stmt, stmts)).collect();
                if let Some(first) = seats.first_mut() {
                    first.standing = Standing::Labelled;
                }
                seats
            }
            StmtKind::If { then, els, .. } => {
                [Some(then), els.as_ref()].into_iter().flatten().map(|stmt| alone(stmt)).collect()
            }
            StmtKind::While { body, .. }
            | StmtKind::DoWhile { body, .. }
            | StmtKind::For { body, .. }
            | StmtKind::MacroBlock { body, .. }
            | StmtKind::Switch { body, .. } => vec![alone(body)],
            StmtKind::Label { body: Some(body), .. } => {
                vec![Seat { stmt: body, standing: Standing::Labelled, ..self }]
            }
            _ => Vec::new(),
        }
    }
}

impl<'a> RuleCx<'a> {
    /// The function of the file that holds a place.
    pub(crate) fn function_at(&self, place: Span) -> Option<&'a Function> {
        self.unit().items.iter().find_map(|item| match item {
            Item::Function(function) if function.span.contains(place) => Some(&**function),
            _ => None,
        })
    }

    /// The statements that hold a place, the outermost first.
    pub(crate) fn seats(&self, place: Span) -> Vec<Seat<'a>> {
        let mut seats: Vec<Seat<'a>> = Vec::new();
        let Some(function) = self.function_at(place) else { return seats };
        let list = &function.body.stmts;
        let mut inside: Vec<Seat<'a>> = list.iter().map(|stmt| Seat::listed(stmt, list)).collect();
        while let Some(seat) = inside.into_iter().find(|seat| seat.span().contains(place)) {
            seats.push(seat);
            inside = seat.children();
        }
        seats
    }

    /// The innermost statement that holds a place.
    pub(crate) fn seat(&self, place: Span) -> Option<Seat<'a>> {
        self.seats(place).pop()
    }

    /// The innermost statement that holds a place, if that is a declaration, an expression or a jump:
    /// what happens there happens when the statement runs, and something can stand next to it.
    pub(crate) fn simple_seat(&self, place: Span) -> Option<Seat<'a>> {
        self.seat(place).filter(|seat| {
            matches!(
                seat.stmt.kind,
                StmtKind::Decl(_) | StmtKind::Expr(Some(_)) | StmtKind::Return(_)
            )
        })
    }
}

/// All statements in a list, the outer ones first.
pub(crate) fn all_stmts(list: &[Stmt]) -> Vec<Seat<'_>> {
    let mut all = Vec::new();
    let mut open: Vec<Seat<'_>> = list.iter().rev().map(|stmt| Seat::listed(stmt, list)).collect();
    while let Some(seat) = open.pop() {
        all.push(seat);
        open.extend(seat.children().into_iter().rev());
    }
    all
}
