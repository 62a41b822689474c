//! What maps hold before and after a run.

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
    if Image::is_data(&image.maps()[index]) {
        let bytes = variables(machine, image, index, elements).map_err(wrong)?;
        return machine
            .set_map_entry(index, &[0; 4], &bytes)
            .map_err(|errno| wrong(format!("the map does not take it: errno {errno}")));
    }
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

/// The bytes of a section of variables in which some have got values.
fn variables(
    machine: &Machine<'_>,
    image: &Image,
    index: usize,
    values: &Value,
) -> Result<Vec<u8>, String> {
    let Value::Object(values) = values else {
        return Err("an object with values of variables is needed".to_owned());
    };
    let section = image.maps()[index].definition.value_type;
    let types = image.types().ok_or_else(|| "the object has no types".to_owned())?;
    let entries = machine.map_entries(index).unwrap_or_default();
    let (_, mut bytes) = entries.into_iter().next().ok_or_else(|| "it is empty".to_owned())?;
    for (name, value) in values {
        let (range, id) = variable(types, section, name)?;
        let written = typed::write(Some(types), id, range.len(), value);
        let place = bytes.get_mut(range).ok_or_else(|| format!("{name} lies outside"))?;
        place.copy_from_slice(&written.map_err(|why| format!("{name}: {why}"))?);
    }
    Ok(bytes)
}

/// A variable of a section: where it is, and its type.
///
/// # Errors
///
/// If there is none of that name; with what there is.
pub fn variable(
    types: &btf::Btf<'_>,
    section: btf::TypeId,
    name: &str,
) -> Result<(std::ops::Range<usize>, btf::TypeId), String> {
    typed::variable(types, section, name).ok_or_else(|| {
        let names = typed::variables(types, section).join(", ");
        format!("there is no variable `{name}` in it; there are {names}")
    })
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
