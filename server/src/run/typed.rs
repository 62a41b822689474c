//! Bytes of maps and contexts as JSON, and back, by their types.

use std::ops::Range;

use btf::{Btf, Kind, Type, TypeId};
use serde_json::{Map, Value, json};

/// Nesting deeper than this is shown as bytes.
const DEPTH: u32 = 16;

/// The bytes as a value of a type: structures as objects, arrays as lists, character arrays as strings where they are
/// text. Bytes without a type, or with fewer bytes than the type has, are hexadecimal digits.
pub fn read(types: Option<&Btf<'_>>, id: TypeId, bytes: &[u8]) -> Value {
    let value =
        types.filter(|_| id != TypeId::VOID).and_then(|types| read_at(types, id, bytes, DEPTH));
    value.unwrap_or_else(|| Value::String(digits(bytes)))
}

/// Bytes as hexadecimal digits.
pub fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_at(types: &Btf<'_>, id: TypeId, bytes: &[u8], depth: u32) -> Option<Value> {
    let ty = types.resolve(id)?;
    let depth = depth.checked_sub(1)?;
    match ty.kind() {
        Kind::Int => {
            let int = ty.int()?;
            let bytes = bytes.get(..ty.size()? as usize)?;
            number(bytes, int.signed)
        }
        Kind::Enum | Kind::Enum64 => {
            let bytes = bytes.get(..ty.size()? as usize)?;
            let value = number(bytes, ty.flag())?;
            let named =
                ty.enumerators().iter().find(|one| json!(i64::try_from(one.value()).ok()) == value);
            Some(named.map_or(value, |one| Value::String(one.name().to_owned())))
        }
        Kind::Ptr => {
            let bytes: [u8; 8] = bytes.get(..8)?.try_into().ok()?;
            Some(Value::String(format!("{:#x}", u64::from_le_bytes(bytes))))
        }
        Kind::Struct | Kind::Union => fields(types, &ty, bytes, depth),
        Kind::Array => {
            let array = ty.array()?;
            let size = usize::try_from(types.size_of(array.element).ok()?).ok()?.max(1);
            let length = array.length as usize;
            if let Some(text) = text(types, array.element, bytes.get(..length)?) {
                return Some(Value::String(text));
            }
            let bytes = bytes.get(..size.checked_mul(length)?)?;
            bytes
                .chunks(size)
                .map(|one| read_at(types, array.element, one, depth))
                .collect::<Option<Vec<_>>>()
                .map(Value::Array)
        }
        Kind::DataSec => {
            let mut all = Map::new();
            for variable in ty.variables().iter() {
                let of = types.get(variable.ty)?;
                let part = bytes.get(variable.offset as usize..)?.get(..variable.size as usize)?;
                let value = read_at(types, of.target()?, part, depth)
                    .unwrap_or_else(|| Value::String(digits(part)));
                all.insert(of.name().to_owned(), value);
            }
            Some(Value::Object(all))
        }
        _ => None,
    }
}

fn fields(types: &Btf<'_>, ty: &Type<'_>, bytes: &[u8], depth: u32) -> Option<Value> {
    let mut all = Map::new();
    for member in ty.members().iter() {
        let at = (member.bit_offset / 8) as usize;
        let value = if member.bitfield > 0 {
            bits(bytes, member.bit_offset, member.bitfield)?
        } else {
            let size = usize::try_from(types.size_of(member.ty).ok()?).ok()?;
            read_at(types, member.ty, bytes.get(at..)?.get(..size)?, depth)?
        };
        if member.is_anonymous() {
            if let Value::Object(inner) = value {
                all.extend(inner);
            }
        } else {
            all.insert(member.name().to_owned(), value);
        }
    }
    Some(Value::Object(all))
}

fn bits(bytes: &[u8], offset: u32, width: u8) -> Option<Value> {
    let mut value = 0_u64;
    for bit in 0..u32::from(width).min(64) {
        let at = offset + bit;
        let byte = bytes.get((at / 8) as usize)?;
        value |= u64::from(byte >> (at % 8) & 1) << bit;
    }
    Some(json!(value))
}

fn number(bytes: &[u8], signed: bool) -> Option<Value> {
    if bytes.len() > 8 {
        return None;
    }
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    let value = u64::from_le_bytes(word);
    if !signed {
        return Some(json!(value));
    }
    let unused = 64 - 8 * u32::try_from(bytes.len()).ok()?;
    Some(json!((value << unused).cast_signed() >> unused))
}

/// The text of a character array, if it is printable and ends with zeros.
fn text(types: &Btf<'_>, element: TypeId, bytes: &[u8]) -> Option<String> {
    let element = types.resolve(element)?;
    let int = element.int().filter(|_| element.size() == Some(1))?;
    let is_char = int.char || element.name() == "char";
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (content, rest) = bytes.split_at(end);
    let is_text = is_char
        && !content.is_empty()
        && content.iter().all(|byte| (0x20..0x7f).contains(byte))
        && rest.iter().all(|byte| *byte == 0);
    is_text.then(|| content.iter().copied().map(char::from).collect())
}

/// The bytes of a value of a type. A string is hexadecimal digits of exactly that many bytes, or the text of a character
/// array, or the name of an enumerator; missing fields are zero.
///
/// # Errors
///
/// If the value does not fit; with what is wrong.
pub fn write(
    types: Option<&Btf<'_>>,
    id: TypeId,
    size: usize,
    value: &Value,
) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; size];
    if let Value::String(text) = value
        && let Some(raw) = crate::packets::hex(text)
        && raw.len() == size
    {
        return Ok(raw);
    }
    match types.filter(|_| id != TypeId::VOID) {
        Some(types) => write_at(types, id, &mut bytes, value, DEPTH)?,
        None => put(&mut bytes, value)?,
    }
    Ok(bytes)
}

fn write_at(
    types: &Btf<'_>,
    id: TypeId,
    bytes: &mut [u8],
    value: &Value,
    depth: u32,
) -> Result<(), String> {
    let wrong = || format!("{value} does not fit");
    let ty = types.resolve(id).ok_or_else(wrong)?;
    let depth = depth.checked_sub(1).ok_or_else(wrong)?;
    match (ty.kind(), value) {
        (Kind::Enum | Kind::Enum64, Value::String(name)) => {
            let found = ty.enumerators().iter().find(|one| one.name() == name);
            let number = found.and_then(|one| i64::try_from(one.value()).ok());
            put(
                bytes,
                &json!(number.ok_or_else(|| format!("there is no {name} in {}", ty.name()))?),
            )
        }
        (Kind::Struct | Kind::Union, Value::Object(fields)) => {
            for (name, value) in fields {
                let field = types.field(ty.id(), name).map_err(|error| error.to_string())?;
                let from = usize::try_from(field.bit_offset / 8).map_err(|_| wrong())?;
                let size = types.size_of(field.ty).ok().and_then(|size| usize::try_from(size).ok());
                let part = size
                    .and_then(|size| bytes.get_mut(from..)?.get_mut(..size))
                    .ok_or_else(wrong)?;
                write_at(types, field.ty, part, value, depth)?;
            }
            Ok(())
        }
        (Kind::Array, Value::Array(values)) => {
            let array = ty.array().ok_or_else(wrong)?;
            let size =
                types.size_of(array.element).ok().and_then(|size| usize::try_from(size).ok());
            let mut places = bytes.chunks_mut(size.ok_or_else(wrong)?.max(1));
            for value in values {
                let place = places.next().ok_or_else(|| "the list is too long".to_owned())?;
                write_at(types, array.element, place, value, depth)?;
            }
            Ok(())
        }
        (Kind::Array, Value::String(text)) if text.len() <= bytes.len() => {
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            Ok(())
        }
        _ => put(bytes, value),
    }
}

/// Whether bytes of a type are what is expected of them: of structures only the fields named, of lists as many elements
/// as there are.
///
/// # Errors
///
/// If the bytes cannot be what is expected, because a field does not exist or a value does not fit; with what is wrong.
pub fn matches(
    types: Option<&Btf<'_>>,
    id: TypeId,
    bytes: &[u8],
    expected: &Value,
) -> Result<bool, String> {
    match types.filter(|_| id != TypeId::VOID) {
        Some(types) if !matches!(expected, Value::String(_)) => {
            matches_at(types, id, bytes, expected, DEPTH)
        }
        _ => Ok(write(types, id, bytes.len(), expected)? == bytes),
    }
}

fn matches_at(
    types: &Btf<'_>,
    id: TypeId,
    bytes: &[u8],
    expected: &Value,
    depth: u32,
) -> Result<bool, String> {
    let wrong = || format!("{expected} does not fit");
    let ty = types.resolve(id).ok_or_else(wrong)?;
    let depth = depth.checked_sub(1).ok_or_else(wrong)?;
    match (ty.kind(), expected) {
        (Kind::Struct | Kind::Union, Value::Object(fields)) => {
            for (name, value) in fields {
                let field = types.field(ty.id(), name).map_err(|error| error.to_string())?;
                if field.bitfield > 0 {
                    let offset = u32::try_from(field.bit_offset).map_err(|_| wrong())?;
                    if bits(bytes, offset, field.bitfield).as_ref() != Some(value) {
                        return Ok(false);
                    }
                    continue;
                }
                let from = usize::try_from(field.bit_offset / 8).map_err(|_| wrong())?;
                let size = types.size_of(field.ty).ok().and_then(|size| usize::try_from(size).ok());
                let part = size.and_then(|size| bytes.get(from..)?.get(..size));
                if !matches_at(types, field.ty, part.ok_or_else(wrong)?, value, depth)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Kind::Array, Value::Array(values)) => {
            let array = ty.array().ok_or_else(wrong)?;
            let size =
                types.size_of(array.element).ok().and_then(|size| usize::try_from(size).ok());
            let mut parts = bytes.chunks(size.ok_or_else(wrong)?.max(1));
            for value in values {
                let part = parts.next().ok_or_else(|| "the list is too long".to_owned())?;
                if !matches_at(types, array.element, part, value, depth)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(write(Some(types), id, bytes.len(), expected)? == bytes),
    }
}

/// A variable of a section of variables: where it is, and its type.
pub fn variable(types: &Btf<'_>, section: TypeId, name: &str) -> Option<(Range<usize>, TypeId)> {
    let section = types.resolve(section).filter(|ty| ty.kind() == Kind::DataSec)?;
    section.variables().iter().find_map(|variable| {
        let of = types.get(variable.ty).filter(|of| of.name() == name)?;
        let start = variable.offset as usize;
        Some((start..start.checked_add(variable.size as usize)?, of.target()?))
    })
}

/// The names of the variables of a section.
pub fn variables(types: &Btf<'_>, section: TypeId) -> Vec<String> {
    let section = types.resolve(section).filter(|ty| ty.kind() == Kind::DataSec);
    let names = section.into_iter().flat_map(|section| section.variables().iter());
    names.filter_map(|one| Some(types.get(one.ty)?.name().to_owned())).collect()
}

/// What lies at an offset in a value of a type, as an access of `size` bytes would be written in C: `.packets`, `[2].port`,
/// a variable of a section; and its type. The smallest thing that holds all of the bytes.
pub fn part_at(types: &Btf<'_>, id: TypeId, offset: u32, size: u32) -> Option<(String, TypeId)> {
    let (mut path, mut id, mut at) = (String::new(), id, offset);
    for _ in 0..DEPTH {
        let Some(ty) = types.resolve(id) else { break };
        let holds =
            |start: u32, len: u64| at >= start && u64::from(at - start) + u64::from(size) <= len;
        let size_of = |ty| types.size_of(ty).unwrap_or(0);
        match ty.kind() {
            Kind::Struct | Kind::Union => {
                let member = ty.members().iter().find(|member| {
                    member.bitfield == 0 && holds(member.bit_offset / 8, size_of(member.ty))
                });
                let Some(member) = member else { break };
                if !member.is_anonymous() {
                    path = format!("{path}.{}", member.name());
                }
                (id, at) = (member.ty, at - member.bit_offset / 8);
            }
            Kind::Array => {
                let Some(array) = ty.array() else { break };
                let Ok(each) = u32::try_from(size_of(array.element)) else { break };
                if each == 0 || u64::from(at % each) + u64::from(size) > each.into() {
                    break;
                }
                path = format!("{path}[{}]", at / each);
                (id, at) = (array.element, at % each);
            }
            Kind::DataSec => {
                let mut variables = ty.variables().iter();
                let variable = variables.find(|one| holds(one.offset, one.size.into()))?;
                let of = types.get(variable.ty)?;
                path = of.name().to_owned();
                (id, at) = (of.target()?, at - variable.offset);
            }
            _ => break,
        }
    }
    let whole = at == 0 && types.size_of(id).is_ok_and(|len| len == u64::from(size));
    Some(if whole { (path, id) } else { (format!("{path}+{at}"), TypeId::VOID) })
}

/// A number, in as many bytes as there are; a truth value is 0 or 1.
fn put(bytes: &mut [u8], value: &Value) -> Result<(), String> {
    let wrong = || format!("{value} does not fit into {} bytes", bytes.len());
    let word = match value {
        Value::Bool(value) => u64::from(*value).to_le_bytes(),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.to_le_bytes(),
            (None, Some(number)) => number.to_le_bytes(),
            (None, None) => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    let kept = bytes.len().min(8);
    let filler =
        if word[7] & 0x80 != 0 && value.as_i64().is_some_and(|value| value < 0) { 0xff } else { 0 };
    if word[kept..].iter().any(|byte| *byte != filler) {
        return Err(wrong());
    }
    bytes[..kept].copy_from_slice(&word[..kept]);
    Ok(())
}
