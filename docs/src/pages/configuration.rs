//! The settings, from their JSON Schema.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Page, head, row};

pub(super) fn page(schema: &str) -> Result<Page> {
    let schema: Value = serde_json::from_str(schema)?;
    let properties = schema["properties"].as_object().context("the schema has no properties")?;
    let mut text = format!(
        "# Configuration\n\n{}\n\nThe nearest `bpf-analyzer.toml` in the directories above a file counts. Everything is \
         optional. Editors use the same keys.\n\n",
        schema["description"].as_str().unwrap_or_default()
    );
    text += &head(&["key", "type", "default", "meaning"]);
    for (name, property) in properties {
        let ty = match &property["type"] {
            Value::String(one) => one.clone(),
            Value::Array(many) => {
                let names: Vec<&str> =
                    many.iter().filter_map(Value::as_str).filter(|ty| *ty != "null").collect();
                names.join(" or ")
            }
            _ => "object".to_owned(),
        };
        let default = match &property["default"] {
            Value::Null => "none".to_owned(),
            value => format!("`{value}`"),
        };
        let meaning = property["description"].as_str().unwrap_or_default();
        text += &row(&[&format!("`{name}`"), &ty, &default, meaning]);
    }
    Ok(Page::new("reference/configuration.md", text))
}
