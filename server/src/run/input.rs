//! What goes into a run beside the packet: elements of maps, and contexts.

use kernel_model::{ContextField, ProgramType, context_layout};
use runtime::{Image, Machine};
use serde_json::{Value, json};

use super::RunError;
use super::typed;

/// Puts elements into a map: a list of objects with `key` and `value`, or for a section of variables an object with
/// variables.
///
/// # Errors
///
/// If there is no such map, or it does not take an element.
pub fn fill(
    machine: &mut Machine<'_>,
    image: &Image,
    name: &str,
    elements: &Value,
) -> Result<(), RunError> {
    let wrong = |why: String| RunError::Map { name: name.to_owned(), why };
    let known = || {
        let names: Vec<&str> = image.maps().iter().map(|map| map.name.as_str()).collect();
        format!("there is none; there are {}", names.join(", "))
    };
    let index = image.maps().iter().position(|map| map.name == name);
    let index = index.ok_or_else(|| wrong(known()))?;
    let definition = &image.maps()[index].definition;
    let (key_size, value_size) = (definition.key_size as usize, definition.value_size as usize);
    let types = image.types();
    let Value::Array(elements) = elements else {
        return Err(wrong("a list of objects with `key` and `value` is needed".to_owned()));
    };
    for element in elements {
        let part = |name: &str, id, size| {
            let value =
                element.get(name).ok_or_else(|| wrong(format!("an element has no `{name}`")))?;
            typed::write(types, id, size, value).map_err(|why| wrong(format!("{name}: {why}")))
        };
        let key = part("key", definition.key_type, key_size)?;
        let value = part("value", definition.value_type, value_size)?;
        machine
            .set_map_entry(index, &key, &value)
            .map_err(|errno| wrong(format!("the map does not take the element: errno {errno}")))?;
    }
    Ok(())
}

/// The elements of the maps that a run may have changed, typed.
pub fn contents(machine: &Machine<'_>, image: &Image) -> Vec<(String, Value)> {
    let maps = image.maps().iter().enumerate();
    let changed = maps.filter(|(index, _)| machine.may_have_changed(*index));
    let shown = changed.filter_map(|(index, map)| {
        let definition = &map.definition;
        let types = image.types();
        if Image::is_data(map) {
            let (_, bytes) = machine.map_entries(index)?.into_iter().next()?;
            return Some((map.name.clone(), typed::read(types, definition.value_type, &bytes)));
        }
        let records = machine.map_records(index);
        if !records.is_empty() {
            let records: Vec<Value> = records
                .iter()
                .map(|(submitted, bytes)| json!({ "submitted": submitted, "bytes": typed::digits(bytes) }))
                .collect();
            return Some((map.name.clone(), json!({ "records": records })));
        }
        let entries: Vec<Value> = machine
            .map_entries(index)?
            .iter()
            .map(|(key, value)| {
                json!({
                    "key": typed::read(types, definition.key_type, key),
                    "value": typed::read(types, definition.value_type, value),
                })
            })
            .collect();
        Some((map.name.clone(), Value::Array(entries)))
    });
    shown.collect()
}

/// The bytes of a context: hexadecimal digits, a list of 64-bit arguments, or an object with fields of the context that
/// programs of this type have.
///
/// # Errors
///
/// If a field does not exist or a value does not fit.
pub fn context(program: &ProgramType, value: &Value) -> Result<Vec<u8>, String> {
    match value {
        Value::String(digits) => {
            crate::packets::hex(digits).ok_or_else(|| format!("{digits}: no hexadecimal digits"))
        }
        Value::Array(arguments) => {
            let mut bytes = Vec::new();
            for argument in arguments {
                bytes.extend(typed::write(None, btf::TypeId::VOID, 8, argument)?);
            }
            Ok(bytes)
        }
        Value::Object(fields) => {
            let record = context_layout(program, None).and_then(|layout| layout.record);
            let record = record.ok_or_else(|| {
                format!("the context of {} programs has no named fields; give a list of arguments or digits", program.name)
            })?;
            let mut bytes = vec![0; record.size as usize];
            for (name, value) in fields {
                let find = |field: &&ContextField| field.name == name;
                let field = record.fields.iter().find(find);
                let field = field.ok_or_else(|| format!("{} has no field {name}", record.name))?;
                let (from, size) = (field.offset as usize, field.size as usize);
                let element = field.element_size() as usize;
                let place = bytes.get_mut(from..from + size).ok_or("the field lies outside")?;
                let values = match value {
                    Value::Array(values) => values.as_slice(),
                    value => std::slice::from_ref(value),
                };
                if values.len() * element > size {
                    return Err(format!("{name} has only {} elements", size / element.max(1)));
                }
                for (place, value) in place.chunks_mut(element.max(1)).zip(values) {
                    let written = typed::write(None, btf::TypeId::VOID, place.len(), value);
                    place.copy_from_slice(&written.map_err(|why| format!("{name}: {why}"))?);
                }
            }
            Ok(bytes)
        }
        _ => Err("a context is an object with fields, a list of arguments, or hexadecimal digits"
            .to_owned()),
    }
}
