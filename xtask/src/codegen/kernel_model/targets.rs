//! `targets.toml`, `iterators.toml` and `callbacks.toml`: functions that programs are made for, and that are called back.

use std::fmt::Write as _;

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use super::write::{array, camel, header, joined};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetTable {
    source: String,
    /// Name, what it returns, and the lists it is in.
    pub(crate) lsm: Vec<(String, String, String)>,
    d_path: Vec<String>,
    noreturn: Vec<String>,
    /// Tracepoint, position, and what a program gets.
    tracepoint_args: Vec<(String, u32, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallbackTable {
    source: String,
    callback: Vec<CallbackRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackRow {
    function: String,
    args: Vec<String>,
    returns: (i32, i32),
    #[serde(default)]
    repeated: bool,
    #[serde(default)]
    later: bool,
    source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IteratorTable {
    source: String,
    pub(crate) iterator: Vec<IteratorRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IteratorRow {
    pub(crate) name: String,
    /// Name, and what a load gives.
    pub(crate) args: Vec<(String, String)>,
}

pub(super) fn render(
    targets: &TargetTable,
    iterators: &IteratorTable,
    callbacks: &CallbackTable,
) -> Result<String> {
    let mut out = header(
        "Functions that programs are made for, and callbacks",
        "targets.toml`, `data/iterators.toml` and `data/callbacks.toml",
        "use crate::target::{Callback, CallbackArg, IteratorArg, IteratorValue, KernelIterator, TracepointArg, LsmHook, LsmReturn, LsmSockopt};",
    );
    ensure!(!targets.source.is_empty(), "the targets have no source");
    ensure!(targets.lsm.is_sorted(), "LSM hooks are in the order of their names");
    array(&mut out, "LSM_HOOKS", "LsmHook", targets.lsm.len());
    for (name, returns, lists) in &targets.lsm {
        let known = ["sleepable", "disabled", "untrusted", "current", "locked", "unlocked"];
        let lists: Vec<_> = lists.split_whitespace().collect();
        if let Some(list) = lists.iter().find(|list| !known.contains(list)) {
            bail!("{name} is in `{list}`, which is no list");
        }
        let is = |list| lists.contains(&list);
        let sockopt = match (is("locked"), is("unlocked")) {
            (false, false) => "No",
            (true, _) => "Locked",
            (false, true) => "Unlocked",
        };
        writeln!(
            out,
            "LsmHook {{ name: {name:?}, returns: LsmReturn::{}, sleepable: {}, disabled: {}, untrusted: {}, \
             current: {}, sockopt: LsmSockopt::{sockopt} }},",
            camel(returns),
            is("sleepable"),
            is("disabled"),
            is("untrusted"),
            is("current"),
        )?;
    }
    out += "];\n\n";
    for (name, list) in
        [("D_PATH_TARGETS", &targets.d_path), ("NORETURN_TARGETS", &targets.noreturn)]
    {
        writeln!(out, "pub(crate) static {name}: [&str; {}] = {list:?};\n", list.len())?;
    }
    ensure!(targets.tracepoint_args.is_sorted(), "tracepoints are in the order of their names");
    let row = "(&str, u32, TracepointArg)";
    array(&mut out, "TRACEPOINT_ARGS", row, targets.tracepoint_args.len());
    for (name, index, what) in &targets.tracepoint_args {
        writeln!(out, "({name:?}, {index}, {}),", variant("TracepointArg", what))?;
    }
    out += "];\n\n";
    array(&mut out, "ITERATORS", "KernelIterator", iterators.iterator.len());
    for row in &iterators.iterator {
        let mut args = String::new();
        for (name, value) in &row.args {
            let value = variant("IteratorValue", value);
            write!(args, "IteratorArg {{ name: {name:?}, value: {value} }},")?;
        }
        let (name, source) = (&row.name, &iterators.source);
        writeln!(out, "KernelIterator {{ name: {name:?}, args: &[{args}], source: {source:?} }},")?;
    }
    out += "];\n\n";
    array(&mut out, "CALLBACKS", "Callback", callbacks.callback.len());
    for row in &callbacks.callback {
        let args: Vec<_> = row.args.iter().map(|arg| variant("CallbackArg", arg)).collect();
        writeln!(
            out,
            "Callback {{ function: {:?}, args: &[{}], min: {}, max: {}, repeated: {}, later: {}, source: {:?} }},",
            row.function,
            args.join(", "),
            row.returns.0,
            row.returns.1,
            row.repeated,
            row.later,
            joined(&callbacks.source, row.source.as_deref()),
        )?;
    }
    out += "];\n";
    Ok(out)
}

/// `map_key` or `trusted task_struct` as a variant of `kind`.
fn variant(kind: &str, text: &str) -> String {
    match text.split_once(' ') {
        Some((name, what)) => format!("{kind}::{}({what:?})", camel(name)),
        None => format!("{kind}::{}", camel(text)),
    }
}
