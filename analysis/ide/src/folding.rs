//! What can be folded away.

use syntax::ast::{Block, DirectiveKind, Item, Stmt, StmtKind};
use text::Span;

use crate::File;

/// A foldable piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fold {
    /// A function's body, a block, a structure.
    Region(Span),
    /// A comment of several lines.
    Comment(Span),
    /// `#include` lines one after the other.
    Includes(Span),
}

impl Fold {
    /// The piece.
    pub fn span(&self) -> Span {
        match self {
            Fold::Region(span) | Fold::Comment(span) | Fold::Includes(span) => *span,
        }
    }
}

/// Everything of more than one line that can be folded.
pub fn folds(file: &File<'_>) -> Vec<Fold> {
    let text = file.text();
    let mut folds: Vec<Fold> = file.parsed.comments().iter().copied().map(Fold::Comment).collect();
    folds.extend(includes(file));
    for item in &file.parsed.unit().items {
        match item {
            Item::Function(function) => block(&function.body, &mut folds),
            Item::Declaration(declaration) => folds.push(Fold::Region(declaration.span)),
        }
    }
    folds.retain(|fold| fold.span().text(text).trim_end().contains('\n'));
    folds.sort_by_key(|fold| (fold.span().start, u32::MAX - fold.span().end));
    folds
}

fn includes(file: &File<'_>) -> Vec<Fold> {
    let mut groups: Vec<Span> = Vec::new();
    for directive in &file.parsed.unit().directives {
        if !matches!(directive.kind, DirectiveKind::Include { .. }) {
            continue;
        }
        match groups.last_mut() {
            Some(group) if follows(file.text(), *group, directive.span) => {
                *group = group.cover(directive.span);
            }
            _ => groups.push(directive.span),
        }
    }
    groups.into_iter().map(Fold::Includes).collect()
}

fn follows(text: &str, group: Span, next: Span) -> bool {
    Span::new(group.end, next.start).text(text).trim().is_empty()
}

fn block(node: &Block, folds: &mut Vec<Fold>) {
    folds.push(Fold::Region(node.span));
    node.stmts.iter().for_each(|inner| stmt(inner, folds));
}

/// The syntax tree bounds how deep statements nest.
fn stmt(node: &Stmt, folds: &mut Vec<Fold>) {
    match &node.kind {
        StmtKind::Block(inner) => block(inner, folds),
        StmtKind::If { then, els, .. } => {
            stmt(then, folds);
            els.iter().for_each(|els| stmt(els, folds));
        }
        StmtKind::While { body, .. }
        | StmtKind::DoWhile { body, .. }
        | StmtKind::For { body, .. }
        | StmtKind::MacroBlock { body, .. }
        | StmtKind::Switch { body, .. } => stmt(body, folds),
        StmtKind::Case { stmts, .. } | StmtKind::Default { stmts } => {
            stmts.iter().for_each(|inner| stmt(inner, folds));
        }
        StmtKind::Label { body, .. } => body.iter().for_each(|body| stmt(body, folds)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn only_what_has_several_lines_is_folded() {
        let fixture = Fixture::new(
            "#include <a.h>\n#include <b.h>\n\n/* one\n * two */\n// short\n\
             struct s {\n\tint a;\n};\nint one(void) { return 1; }\n\
             int f(int a)\n{\n\tif (a) {\n\t\treturn 1;\n\t}\n\treturn 0;\n}\n",
        );
        let folds = fixture.ask(|file, _| {
            folds(file)
                .iter()
                .map(|fold| {
                    let text = fold.span().text(file.text());
                    let first = text.lines().next().unwrap_or("").to_owned();
                    (matches!(fold, Fold::Region(_)), first)
                })
                .collect::<Vec<_>>()
        });
        let expected = [
            (false, "#include <a.h>"),
            (false, "/* one"),
            (true, "struct s {"),
            (true, "{"),
            (true, "{"),
        ];
        let found: Vec<_> = folds.iter().map(|(region, line)| (*region, line.as_str())).collect();
        assert_eq!(found, expected);
    }
}
