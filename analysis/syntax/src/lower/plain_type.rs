//! The common types read straight from tokens: parsing a fragment for each argument of `container_of` would cost more
//! than the file around it.

use text::Span;

use crate::ast::{EnumType, Name, RecordType, Type};
use crate::lexer::{TokenKind, lex};
use crate::mask::words::{Word, word};

/// `struct x *`, `const u32`, `unsigned long **`; `None` for any other text. `span` is where the result stands.
pub(super) fn plain_type(text: &str, span: Span) -> Option<Type> {
    let tokens = lex(text);
    let mut words: Vec<&str> = Vec::new();
    let mut tag = None;
    let mut base_const = false;
    let mut at = 0;
    while let Some(token) = tokens.get(at).filter(|token| token.kind == TokenKind::Ident) {
        let name = token.span.text(text);
        match word(name) {
            Word::Qualifier => base_const |= name == "const",
            head @ (Word::Record | Word::Enum) if words.is_empty() && tag.is_none() => {
                at += 1;
                let next = tokens.get(at).filter(|next| next.kind == TokenKind::Ident)?;
                tag = Some((head, name, next.span.text(text)));
            }
            Word::BaseType if name != "__auto_type" && tag.is_none() => words.push(name),
            Word::Typedef if words.is_empty() && tag.is_none() => words.push(name),
            _ => return None,
        }
        at += 1;
    }
    let mut ty = match tag {
        Some((head, keyword, tag)) => tagged(head, keyword, tag, span),
        None if words.is_empty() => return None,
        None => Type::Named(Name::from(words.join(" "))),
    };
    let mut to_const = base_const;
    for token in &tokens[at..] {
        let name = token.span.text(text);
        if token.is(b'*') {
            ty = Type::Pointer { to: Box::new(ty), to_const };
            to_const = false;
        } else if word(name) == Word::Qualifier {
            to_const |= name == "const";
        } else {
            return None;
        }
    }
    Some(ty)
}

fn tagged(head: Word, keyword: &str, tag: &str, span: Span) -> Type {
    let tag = Some(Name::new(tag));
    if head == Word::Enum {
        return Type::Enum(Box::new(EnumType { tag, enumerators: None }));
    }
    let is_union = keyword == "union";
    Type::Record(Box::new(RecordType {
        is_union,
        tag,
        members: None,
        packed: false,
        aligned: None,
        span,
    }))
}
