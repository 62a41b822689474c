//! SARIF against the official schema.

use std::sync::LazyLock;

use diagnostic::{Format, Options};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::fixture::{rendered, reports};

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../data/sarif-2.1.0.schema.json");
    let mut schema: Value = serde_json::from_str(schema).expect("JSON");
    // The published pattern has a stray `]`, which is no regular expression by ECMA 262; logs here do
    // not have the property.
    for owner in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][owner]["properties"]["language"];
        let pattern = language.as_object_mut().and_then(|language| language.remove("pattern"));
        assert!(pattern.is_some(), "the property moved");
    }
    jsonschema::validator_for(&schema).expect("a valid schema")
});

/// The log, if it is valid; where and why not otherwise.
pub(crate) fn validated(log: &str) -> Result<Value, String> {
    let log: Value = serde_json::from_str(log).map_err(|error| error.to_string())?;
    let error = VALIDATOR.iter_errors(&log).next();
    match error.map(|error| format!("{}: {error}", error.instance_path())) {
        Some(error) => Err(error),
        None => Ok(log),
    }
}

#[test]
fn logs_are_valid() {
    for reports in [&reports()[..], &reports()[1..], &[]] {
        validated(&rendered(Format::Sarif, Options::default(), reports)).expect("valid SARIF");
    }
    let invalid = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"nam":"x"}}}]}"#;
    validated(invalid).expect_err("the schema does check");
}

#[test]
fn a_result_carries_places_and_fixes() {
    let log =
        validated(&rendered(Format::Sarif, Options::default(), &reports())).expect("valid SARIF");
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert_eq!(
        run["tool"]["driver"]["rules"][0],
        json!({
            "id": "missing-write-back",
            "shortDescription": {"text": "What is written through a slice is lost unless written back."},
            "helpUri": "https://example.org/rules/missing-write-back",
            "defaultConfiguration": {"level": "error"},
            "properties": {"tags": ["dynptr"], "kernel": "accepts"},
        })
    );
    let result = &run["results"][0];
    assert_eq!(
        (&result["ruleId"], &result["ruleIndex"], &result["level"]),
        (&json!("missing-write-back"), &json!(0), &json!("error"))
    );
    let place = &result["locations"][0];
    assert_eq!(place["physicalLocation"]["artifactLocation"]["uri"], "src/a%2Cb%3A%20c.bpf.c");
    assert_eq!(
        place["physicalLocation"]["region"],
        json!({
            "startLine": 7, "startColumn": 10, "endLine": 7, "endColumn": 18,
            "byteOffset": 173, "byteLength": 8, "charOffset": 167, "charLength": 8,
        })
    );
    assert_eq!(place["logicalLocations"], json!([{"name": "prog", "kind": "function"}]));
    assert_eq!(result["relatedLocations"][1]["message"]["text"], "left without a write");
    let change = &result["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["replacements"][0]["deletedRegion"]["startLine"], 10);
    assert_eq!(result["fixes"][0]["description"]["text"], "write `buf` back");
    assert_eq!(
        run["results"][1]["properties"]["kernelMessage"],
        "R0 invalid mem access 'mem_or_null'"
    );
}

#[test]
fn absolute_paths_are_file_uris() {
    for (path, uri) in [
        ("/a b/ü.c", "file:///a%20b/%C3%BC.c"),
        (r"C:\x\y.c", "file:///C:/x/y.c"),
        ("./x.c", "./x.c"),
    ] {
        let mut reports = reports();
        reports[0].path = path.to_owned();
        let log =
            validated(&rendered(Format::Sarif, Options::default(), &reports)).expect("valid SARIF");
        let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], uri);
    }
}
