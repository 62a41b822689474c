//! The settings, from their JSON Schema.

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::{Page, head, row};

pub(super) fn page(schema: &str) -> Result<Page> {
    let schema: Value = serde_json::from_str(schema)?;
    let properties = schema["properties"].as_object().context("the schema has no properties")?;
    let mut text = format!(
        "# Configuration\n\n{}\n\nThe nearest `bpf-analyzer.toml` in the directories above a file counts. Everything is \
         optional. Editors use the same keys.\n\n",
        schema["description"].as_str().unwrap_or_default()
    );
    text += &table(properties);
    // The tables in it, from the outermost on.
    let definitions = schema["$defs"].as_object().context("the schema has no definitions")?;
    let mut tables: Vec<&Value> =
        definitions.values().filter(|one| one["title"].is_string()).collect();
    tables.sort_by_key(|one| one["title"].as_str().map(|title| (!title.starts_with('['), title)));
    for one in tables {
        let inner = one["properties"].as_object().context("a table has no properties")?;
        text += &format!(
            "\n## {}\n\n{}\n\n{}",
            one["title"].as_str().unwrap_or_default(),
            one["description"].as_str().unwrap_or_default(),
            table(inner)
        );
    }
    Ok(Page::new("reference/configuration.md", text))
}

/// A table of keys.
fn table(properties: &Map<String, Value>) -> String {
    let mut text = head(&["key", "type", "default", "meaning"]);
    for (name, property) in properties {
        let ty = match &property["type"] {
            Value::String(one) => one.clone(),
            Value::Array(many) => {
                let names: Vec<&str> =
                    many.iter().filter_map(Value::as_str).filter(|ty| *ty != "null").collect();
                names.join(" or ")
            }
            _ if property["$ref"].as_str().is_some_and(|of| of.ends_with("OneOrMany")) => {
                "string or array".to_owned()
            }
            _ if property["$ref"].as_str().is_some_and(|of| of.ends_with("NumberOrName")) => {
                "integer or string".to_owned()
            }
            _ if property["$ref"].as_str().is_some_and(|of| of.ends_with("Name")) => {
                "string".to_owned()
            }
            _ => "object".to_owned(),
        };
        let default = match &property["default"] {
            Value::Null | Value::Object(_) => "none".to_owned(),
            value => format!("`{value}`"),
        };
        let meaning = property["description"].as_str().unwrap_or_default();
        text += &row(&[&format!("`{name}`"), &ty, &default, meaning]);
    }
    text
}
