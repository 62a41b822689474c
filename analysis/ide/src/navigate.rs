//! Where functions, maps and global variables are defined and used: in the file and in the headers it
//! includes.

use syntax::{Token, TokenKind, lex};
use text::Span;

use crate::File;
use crate::context::{in_comment, in_constant, is_member, word_at};

/// Headers beyond this size are dumps of kernel types, not the program's own.
const LARGEST_OWN_HEADER: usize = 512 * 1024;

/// One of the texts of a [`File`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextId {
    /// The file itself.
    Own,
    /// The header with this index in [`File::headers`].
    Header(usize),
}

/// A place in one of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which text.
    pub text: TextId,
    /// Where in it.
    pub span: Span,
}

/// Where the function, map or variable of file scope at `offset` is defined.
pub fn definition(file: &File<'_>, offset: u32) -> Vec<Place> {
    let Some(name) = name_at(file, offset) else { return Vec::new() };
    own_definition(file, name).map_or_else(|| foreign_definitions(file, name), |place| vec![place])
}

/// Where the function, map or variable of file scope at `offset` stands, its definition included.
pub fn references(file: &File<'_>, offset: u32) -> Vec<Place> {
    let Some(name) = name_at(file, offset) else { return Vec::new() };
    if own_definition(file, name).is_none() && foreign_definitions(file, name).is_empty() {
        return Vec::new();
    }
    let mut places = uses(file.text(), name, TextId::Own);
    places.retain(|place| !is_hidden(file, name, place.span.start));
    for (index, header) in own_headers(file) {
        places.extend(uses(header, name, TextId::Header(index)));
    }
    places
}

/// The name at `offset`, unless a local variable hides what it means, or it is a member or text.
fn name_at<'a>(file: &File<'a>, offset: u32) -> Option<&'a str> {
    let text = file.text();
    if in_comment(file.parsed.comments(), offset) || in_constant(text, offset) {
        return None;
    }
    let word = word_at(text, offset)?;
    let name = word.text(text);
    (!is_hidden(file, name, word.start) && !is_member(text, word.start)).then_some(name)
}

/// Whether `name` at `offset` is a local variable or parameter.
fn is_hidden(file: &File<'_>, name: &str, offset: u32) -> bool {
    let function = file.function_at(offset);
    function.is_some_and(|function| function.name != name && function.locals.contains(name))
}

fn own_definition(file: &File<'_>, name: &str) -> Option<Place> {
    let function = || {
        let functions = file.sema.functions();
        functions.iter().find(|function| function.name == name).map(|function| function.name_span)
    };
    let map = || file.sema.map(name).map(|map| map.span);
    let global = || {
        let global = file.sema.global(name)?;
        global.name_span.filter(|_| !global.is_extern)
    };
    let span = function().or_else(map).or_else(global)?;
    Some(Place { text: TextId::Own, span })
}

fn own_headers<'f>(file: &'f File<'_>) -> impl Iterator<Item = (usize, &'f str)> {
    let headers = file.headers.iter().copied().enumerate();
    headers.filter(|(_, text)| text.len() <= LARGEST_OWN_HEADER)
}

fn foreign_definitions(file: &File<'_>, name: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for (index, header) in own_headers(file).filter(|(_, text)| text.contains(name)) {
        let spans = definitions_in(header, name);
        places.extend(spans.into_iter().map(|span| Place { text: TextId::Header(index), span }));
    }
    places
}

fn uses(text: &str, name: &str, id: TextId) -> Vec<Place> {
    if !text.contains(name) {
        return Vec::new();
    }
    let tokens = lex(text).into_iter();
    let named = tokens.filter(|token| {
        token.kind == TokenKind::Ident
            && token.span.text(text) == name
            && !is_member(text, token.span.start)
    });
    named.map(|token| Place { text: id, span: token.span }).collect()
}

/// The places where a header defines a function with a body, or a variable.
fn definitions_in(text: &str, name: &str) -> Vec<Span> {
    let tokens = lex(text);
    let mut depth = 0usize;
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punct(b'{' | b'(') => depth += 1,
            TokenKind::Punct(b'}' | b')') => depth = depth.saturating_sub(1),
            TokenKind::Ident
                if depth == 0
                    && token.span.text(text) == name
                    && (has_body(&tokens, at) || is_variable(&tokens, at, text)) =>
            {
                found.push(token.span);
            }
            _ => {}
        }
    }
    found
}

/// Whether the name is followed by parameters and a body.
fn has_body(tokens: &[Token], name: usize) -> bool {
    let mut rest = tokens.iter().skip(name + 1);
    if !rest.next().is_some_and(|token| token.is(b'(')) {
        return false;
    }
    let mut depth = 1usize;
    for token in rest {
        match token.kind {
            TokenKind::Punct(b'(') => depth += 1,
            TokenKind::Punct(b')') => depth = depth.saturating_sub(1),
            TokenKind::Punct(b'{') if depth == 0 => return true,
            TokenKind::Ident | TokenKind::Directive => {}
            _ if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// Whether the name stands behind a type and in front of what follows a variable's name.
fn is_variable(tokens: &[Token], name: usize, text: &str) -> bool {
    let before = name.checked_sub(1).and_then(|before| tokens.get(before));
    let typed = before.is_some_and(|token| {
        let word = token.span.text(text);
        let keyword = matches!(word, "struct" | "union" | "enum" | "typedef" | "goto" | "return");
        token.is(b'}') || token.is(b'*') || token.kind == TokenKind::Ident && !keyword
    });
    let behind = tokens.get(name + 1).is_some_and(|token| {
        token.is(b';') || token.is(b'=') || token.is(b'[') || token.span.text(text) == "SEC"
    });
    typed && behind && !is_extern(tokens, name, text)
}

fn is_extern(tokens: &[Token], name: usize, text: &str) -> bool {
    let before = tokens.iter().take(name).rev();
    let mut declaration = before.take_while(|token| !token.is(b';') && !token.is(b'}'));
    declaration.any(|token| matches!(token.span.text(text), "extern" | "typedef"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    const HEADER: &str = "extern int limit;\nstatic int clamp(int a) { return a; }\n\
        struct { __uint(type, BPF_MAP_TYPE_ARRAY); } shared SEC(\".maps\");\nint later(void);\n";

    /// Places as `text:line`.
    fn places(marked: &str, ask: fn(&File<'_>, u32) -> Vec<Place>) -> String {
        Fixture::new(marked).with_header(HEADER).ask(|file, cursor| {
            let shown = ask(file, cursor).into_iter().map(|place| match place.text {
                TextId::Own => format!("own:{}", crate::views::line(file.text(), place.span.start)),
                TextId::Header(index) => {
                    format!("header:{}", crate::views::line(file.headers[index], place.span.start))
                }
            });
            shown.collect::<Vec<_>>().join(" ")
        })
    }

    #[test]
    fn definitions_are_found_in_the_file_and_its_headers() {
        let own = "static int add(int a) { return a; }\nint n;\nint f(void)\n{ return";
        for (end, expected) in [
            (" $0add(1); }", "own:1"),
            (" $0n; }", "own:2"),
            (" $0clamp(1); }", "header:2"),
            (" bpf_map_lookup_elem(&$0shared, &n) != 0; }", "header:3"),
            (" $0later(); }", ""),
            (" $0limit; }", ""),
            (" $0unknown; }", ""),
            (" /* $0add */ 1; }", ""),
        ] {
            assert_eq!(places(&format!("{own}{end}"), definition), expected, "{end}");
        }
        for hidden in [
            "int a;\nint f(int a) { return $0a; }",
            "int a;\nint f(void) { int a = 1; return $0a; }",
            "int a;\nint f(struct s *s) { return s->$0a; }",
            "int a;\nconst char *f(void) { return \"$0a\"; }",
        ] {
            assert_eq!(places(hidden, definition), "", "{hidden}");
        }
    }

    #[test]
    fn references_are_tokens_and_not_text() {
        let text = "static int add(int a) { return a; } // add\nint f(void)\n\
                    { const char *s = \"add\"; return add(1)\n+ $0add(2); }\n";
        assert_eq!(places(text, references), "own:1 own:3 own:4");
        let text =
            "int $0n;\nint f(int n) { return n; }\nint g(struct s *s) { return s->n\n+ n; }\n";
        assert_eq!(places(text, references), "own:1 own:4");
        assert_eq!(places("int f(void) { return cla$0mp(1); }", references), "own:1 header:2");
        assert_eq!(places("int f(void) { int local = 1; return loc$0al; }", references), "");
    }
}
