//! `rules` and `explain`: what the rules are, and what the verifier says.

use std::io::{self, Write};

use diagnostic::{RuleInfo, write_rules_json};
use kernel_model::Message;
use serde::Serialize;

use super::Status;
use super::args::{ExplainArgs, ListFormat, RulesArgs};
use crate::messages;
use crate::rules::{Catalogue, Rule};
use crate::verify::{VERIFIER, VERIFIER_PAGE};

/// Version of the JSON document of a page.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct ExplainDocument<'c> {
    version: u32,
    rule: &'c RuleInfo,
    page: &'c str,
}

/// `bpf-analyzer rules`.
pub(super) fn rules(args: &RulesArgs, catalogue: &Catalogue) -> anyhow::Result<Status> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let rules: Vec<RuleInfo> = catalogue.rules().copied().collect();
    match args.format {
        ListFormat::Json => write_rules_json(&rules, &mut out)?,
        ListFormat::Text => write_table(&rules, &mut out)?,
    }
    out.flush()?;
    Ok(Status::Clean)
}

fn write_table(rules: &[RuleInfo], out: &mut dyn Write) -> io::Result<()> {
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for rule in rules {
        let fix = rule.fix.map_or(String::new(), |fix| format!("{} fix", fix.name()));
        let (name, severity, kernel) = (rule.name, rule.severity.name(), rule.kernel.name());
        writeln!(out, "{name:width$}  {severity:7}  kernel {kernel}  {fix:10}  {}", rule.summary)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct MessageDocument<'m> {
    version: u32,
    message: MessageFacts<'m>,
    page: &'m str,
}

/// An entry of the table of the verifier's messages.
#[derive(Serialize)]
struct MessageFacts<'m> {
    name: &'m str,
    text: String,
    family: Option<&'m str>,
    means: &'m str,
    help: &'m str,
    rule: Option<&'m str>,
}

/// `bpf-analyzer explain RULE`, or a message of the verifier.
pub(super) fn explain(args: &ExplainArgs, catalogue: &Catalogue) -> anyhow::Result<Status> {
    let is_rule = args.rule == VERIFIER.name || catalogue.find(&args.rule).is_some();
    if let Some(message) = messages::find(&args.rule).filter(|_| !is_rule) {
        return explain_message(args, message);
    }
    let verifier = Rule { info: VERIFIER, page: VERIFIER_PAGE };
    let rule =
        if args.rule == VERIFIER.name { &verifier } else { catalogue.require(&args.rule)? };
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        ListFormat::Json => {
            let document = ExplainDocument { version: VERSION, rule: &rule.info, page: rule.page };
            serde_json::to_writer(&mut out, &document).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        ListFormat::Text => out.write_all(rule.page_for_people().as_bytes())?,
    }
    out.flush()?;
    Ok(Status::Clean)
}

fn explain_message(args: &ExplainArgs, message: &Message) -> anyhow::Result<Status> {
    let page = message.page();
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        ListFormat::Json => {
            let facts = MessageFacts {
                name: message.anchor,
                text: message.shown(),
                family: message.family().map(|family| family.name),
                means: message.means,
                help: message.fix,
                rule: Some(message.rule).filter(|rule| !rule.is_empty()),
            };
            let document = MessageDocument { version: VERSION, message: facts, page: &page };
            serde_json::to_writer(&mut out, &document).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        ListFormat::Text => out.write_all(page.as_bytes())?,
    }
    out.flush()?;
    Ok(Status::Clean)
}
