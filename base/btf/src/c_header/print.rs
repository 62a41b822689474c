//! Declarations, members and enumerators as text.

use std::fmt::Write as _;

use super::Writer;
use super::layout::{Layout, Padding, bits};
use super::names::{identifier, keyword};
use crate::{Kind, Type, TypeId};

/// Pointers, arrays and functions around one name; and structures within structures.
const DEPTH: usize = 64;

/// Padding above this is an array instead of many bitfields, in bits.
const WIDE: u64 = 4096;

/// The words of C for an integer or floating-point type, if C has any for its name and size.
pub(super) fn keyword_type(ty: Type<'_>) -> Option<&str> {
    let name = ty.name();
    let is_word = |word: &str| {
        matches!(
            word,
            "signed"
                | "unsigned"
                | "char"
                | "short"
                | "int"
                | "long"
                | "__int128"
                | "_Bool"
                | "float"
                | "double"
        )
    };
    if name.is_empty() || !name.split(' ').all(is_word) {
        return None;
    }
    let has = |word| name.split(' ').any(|part| part == word);
    let size = match () {
        () if has("char") || has("_Bool") => 1,
        () if has("short") => 2,
        () if has("float") => 4,
        () if has("__int128") => 16,
        () if has("double") || has("long") => 8,
        () => 4,
    };
    let kind = if has("float") || has("double") { Kind::Float } else { Kind::Int };
    match (ty.size()?, ty.kind()) {
        (same, of) if same == size && of == kind => Some(name),
        // The same word can mean another size where the types come from.
        (other, Kind::Int) => type_of_size(other, ty.int()?.signed),
        _ => None,
    }
}

/// The integer type of a size in bytes.
pub(super) fn type_of_size(size: u32, signed: bool) -> Option<&'static str> {
    Some(match (size, signed) {
        (1, true) => "signed char",
        (1, false) => "unsigned char",
        (2, true) => "short",
        (2, false) => "unsigned short",
        (4, true) => "int",
        (4, false) => "unsigned int",
        (8, true) => "long",
        (8, false) => "unsigned long",
        (16, true) => "__int128",
        (16, false) => "unsigned __int128",
        _ => return None,
    })
}

impl<'b> Writer<'b> {
    /// `type name` as C writes it, from the inside out: pointers to arrays and functions are in parentheses.
    pub(super) fn declaration(
        &mut self,
        id: TypeId,
        name: String,
        indent: usize,
        depth: usize,
    ) -> String {
        let (mut at, mut inner) = (id, name);
        let (mut qualifiers, mut tags) = (String::new(), String::new());
        for _ in 0..DEPTH {
            let Some(ty) = self.btf.get(at).filter(|_| self.budget > 0) else { break };
            match ty.kind() {
                Kind::Const => qualify(&mut qualifiers, "const "),
                Kind::Volatile => qualify(&mut qualifiers, "volatile "),
                Kind::Restrict => qualify(&mut qualifiers, "restrict "),
                Kind::TypeTag => tags.push_str(&tag(ty)),
                Kind::Ptr => {
                    inner = format!("*{qualifiers}{tags}{inner}");
                    qualifiers.clear();
                    tags.clear();
                    if self.binds_tighter(ty.target().unwrap_or_default()) {
                        inner = format!("({inner})");
                    }
                }
                Kind::Array => {
                    let array = ty.array().map(|array| (array.element, array.length));
                    let (element, length) = array.unwrap_or_default();
                    inner = format!("{inner}[{length}]");
                    at = element;
                    continue;
                }
                Kind::FuncProto => {
                    let params = self.params(ty, depth);
                    inner = format!("{inner}({params})");
                    qualifiers.clear();
                    tags.clear();
                }
                _ => {
                    let base = self.base(ty, indent, depth);
                    self.budget = self.budget.saturating_sub(base.len() + inner.len());
                    let space = if inner.is_empty() { "" } else { " " };
                    return format!("{qualifiers}{base}{space}{tags}{inner}");
                }
            }
            at = ty.target().unwrap_or_default();
        }
        format!("void {inner}")
    }

    /// Whether what is pointed to is an array or a function.
    fn binds_tighter(&self, mut id: TypeId) -> bool {
        for _ in 0..DEPTH {
            match self.btf.get(id) {
                Some(ty) if ty.kind().is_modifier() => id = ty.target().unwrap_or_default(),
                Some(ty) => return matches!(ty.kind(), Kind::Array | Kind::FuncProto),
                None => return false,
            }
        }
        false
    }

    fn params(&mut self, ty: Type<'b>, depth: usize) -> String {
        if depth > DEPTH {
            return "void".to_owned();
        }
        let mut text = Vec::new();
        for param in ty.params().iter() {
            text.push(match (param.ty, param.name()) {
                (TypeId::VOID, "") => "...".to_owned(),
                (id, "") => self.declaration(id, String::new(), 0, depth + 1),
                (id, name) => self.declaration(id, identifier(name), 0, depth + 1),
            });
        }
        match text.as_slice() {
            [] => "void".to_owned(),
            // Older versions of C want a parameter in front of the dots.
            [only] if only == "..." => String::new(),
            _ => text.join(", "),
        }
    }

    /// What stands in front of the name.
    fn base(&mut self, ty: Type<'b>, indent: usize, depth: usize) -> String {
        let ty = self.btf.get(self.names.definition(ty.id())).unwrap_or(ty);
        match ty.kind() {
            Kind::Int | Kind::Float => match keyword_type(ty) {
                Some(words) => words.to_owned(),
                None => self.names.ordinary(ty),
            },
            Kind::Struct | Kind::Union if ty.name().is_empty() => self.composite(ty, indent, depth),
            Kind::Enum | Kind::Enum64 if ty.entries() == 0 => {
                let signed = ty.flag();
                type_of_size(ty.size().unwrap_or_default(), signed).unwrap_or("int").to_owned()
            }
            Kind::Enum | Kind::Enum64 if ty.name().is_empty() => self.anonymous_enum(ty, indent),
            Kind::Struct | Kind::Union | Kind::Fwd | Kind::Enum | Kind::Enum64 => {
                self.names.tagged(ty)
            }
            Kind::Typedef => self.names.ordinary(ty),
            _ => "void".to_owned(),
        }
    }

    /// Its enumerators can be written only once.
    fn anonymous_enum(&mut self, ty: Type<'b>, indent: usize) -> String {
        if std::mem::replace(&mut self.state(ty.id()).done, true) {
            let size = ty.size().unwrap_or_default();
            return type_of_size(size, ty.flag()).unwrap_or("int").to_owned();
        }
        self.enum_text(ty, indent)
    }

    /// `struct name { … }`.
    pub(super) fn composite(&mut self, ty: Type<'b>, indent: usize, depth: usize) -> String {
        let head =
            if ty.name().is_empty() { keyword(ty).to_owned() } else { self.names.tagged(ty) };
        let layout = if depth > DEPTH { Layout::Opaque } else { self.layouts.of(ty, 0) };
        let tabs = "\t".repeat(indent);
        let mut text = format!("{head} {{");
        if layout == Layout::Opaque {
            let size = ty.size().unwrap_or_default();
            let _ = write!(text, "\n{tabs}\tunsigned char __opaque[{size}];");
        } else {
            self.members_text(&mut text, ty, layout, indent + 1, depth);
        }
        if text.ends_with('{') {
            text.push('}');
        } else {
            let _ = write!(text, "\n{tabs}}}");
        }
        match layout {
            Layout::Packed => text.push_str(" __attribute__((packed))"),
            Layout::Aligned { align } => {
                let _ = write!(text, " __attribute__((aligned({align})))");
            }
            Layout::Natural { .. } | Layout::Opaque => {}
        }
        text
    }

    fn members_text(
        &mut self,
        text: &mut String,
        ty: Type<'b>,
        layout: Layout,
        indent: usize,
        depth: usize,
    ) {
        let tabs = "\t".repeat(indent);
        let is_struct = ty.kind() == Kind::Struct;
        let mut padding = Padding::new(self.btf, layout);
        for member in ty.members().iter() {
            if is_struct && let Some(gap) = padding.before(&member, &mut self.layouts) {
                pad(text, &tabs, gap);
            }
            let name =
                if member.is_anonymous() { String::new() } else { identifier(member.name()) };
            let declaration = self.declaration(member.ty, name, indent, depth + 1);
            let _ = write!(text, "\n{tabs}{declaration}");
            if let (_, Some(width)) = bits(padding.btf(), &member) {
                let _ = write!(text, ": {width}");
            }
            text.push(';');
        }
        if is_struct && let Some(gap) = padding.after(ty, layout) {
            pad(text, &tabs, gap);
        }
    }

    /// `enum name { … }`.
    pub(super) fn enum_text(&mut self, ty: Type<'b>, indent: usize) -> String {
        let tabs = "\t".repeat(indent);
        let mut text = if ty.name().is_empty() { "enum".to_owned() } else { self.names.tagged(ty) };
        text.push_str(" {");
        let mut narrow = true;
        for (index, enumerator) in ty.enumerators().iter().enumerate() {
            let value = enumerator.value();
            narrow &= i32::try_from(value).is_ok() || u32::try_from(value).is_ok();
            let name = self.names.value(ty, index, enumerator.name());
            let suffix = match (i32::try_from(value).is_ok(), ty.kind() == Kind::Enum64) {
                (false, true) if value < 0 => "LL",
                (false, true) => "ULL",
                _ => "",
            };
            let value = match i64::try_from(value) {
                // The literal without its sign would not fit.
                Ok(i64::MIN) => format!("(-{}LL - 1)", i64::MAX),
                _ => format!("{value}{suffix}"),
            };
            let _ = write!(text, "\n{tabs}\t{name} = {value},");
        }
        let _ = write!(text, "\n{tabs}}}");
        match ty.size() {
            Some(1) => text.push_str(" __attribute__((mode(QI)))"),
            Some(2) => text.push_str(" __attribute__((mode(HI)))"),
            Some(8) if narrow => text.push_str(" __attribute__((mode(DI)))"),
            _ => {}
        }
        text
    }
}

/// A qualifier can come twice, from a member and from the element of an array type behind a name.
fn qualify(qualifiers: &mut String, word: &str) {
    if !qualifiers.contains(word) {
        qualifiers.push_str(word);
    }
}

/// An attribute of a type. Texts that would end the string are left out.
fn tag(ty: Type<'_>) -> String {
    let text = ty.name();
    let plain =
        text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '(' | ')'));
    match (plain, ty.flag()) {
        (false, _) => String::new(),
        // Then it is not a note but an attribute of its own.
        (true, true) if text.starts_with("address_space(") => format!("__attribute__(({text})) "),
        (true, true) => String::new(),
        (true, false) => format!("__vmlinux_tag(\"{text}\") "),
    }
}

/// Fills the bits with members without a name. None of them crosses a boundary of 64 bits, where a compiler would move
/// it to.
fn pad(text: &mut String, tabs: &str, (mut from, to): (u64, u64)) {
    if to - from > WIDE && from.is_multiple_of(8) && to.is_multiple_of(8) {
        let _ = write!(text, "\n{tabs}unsigned char __pad_{}[{}];", from / 8, (to - from) / 8);
        return;
    }
    while from < to {
        let end = to.min((from / 64 + 1) * 64);
        let _ = write!(text, "\n{tabs}long: {};", end - from);
        from = end;
    }
}
