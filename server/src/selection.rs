//! Which rules run and how severe they are: `--select`, `--ignore` and their counterparts in the
//! configuration, in layers.

use std::collections::BTreeMap;

use diagnostic::{RuleInfo, Severity};

use crate::rules::{Catalogue, UnknownRule};

/// A name that stands for rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// `ALL`: every rule.
    All,
    /// Every rule of a group.
    Group(&'static str),
    /// One rule.
    Rule(&'static str),
}

/// What one source of settings says about the rules; a later layer goes on from the earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// If not empty, only these run, whatever earlier layers said.
    pub select: Vec<Selector>,
    /// These do not run.
    pub ignore: Vec<Selector>,
}

/// How severe a rule's findings are said to be, or that it does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeverityChange {
    /// The rule does not run.
    Off,
    /// Its findings have this severity instead of their own.
    To(Severity),
}

/// The rules that run, with changed severities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSet {
    enabled: BTreeMap<&'static str, Option<Severity>>,
}

impl Selector {
    /// Reads a rule name, a group or `ALL`.
    pub fn parse(name: &str, catalogue: &Catalogue) -> Result<Self, UnknownRule> {
        if name == "ALL" {
            return Ok(Selector::All);
        }
        catalogue
            .find(name)
            .map(|rule| Selector::Rule(rule.info.name))
            .or_else(|| catalogue.group(name).map(Selector::Group))
            .ok_or_else(|| catalogue.unknown_selector(name))
    }

    /// Whether `rule` is meant.
    pub fn matches(self, rule: &RuleInfo) -> bool {
        match self {
            Selector::All => true,
            Selector::Group(group) => rule.group == group,
            Selector::Rule(name) => rule.name == name,
        }
    }

    /// The narrower a selector, the later it speaks.
    fn breadth(self) -> Breadth {
        match self {
            Selector::All => Breadth::All,
            Selector::Group(_) => Breadth::Group,
            Selector::Rule(_) => Breadth::Rule,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Breadth {
    All,
    Group,
    Rule,
}

impl Layer {
    /// Whether `rule` runs, if it `did` before this layer. A narrower selector beats a broader one, so
    /// `select = ["ALL"], ignore = ["dynptr"]` and `select = ["stale-slice"], ignore = ["dynptr"]` both
    /// do what they look like; between equals `ignore` wins.
    fn keeps(&self, rule: &RuleInfo, did: bool) -> bool {
        let mut runs = did && self.select.is_empty();
        for breadth in [Breadth::All, Breadth::Group, Breadth::Rule] {
            let named = |list: &[Selector]| {
                list.iter().any(|selector| selector.breadth() == breadth && selector.matches(rule))
            };
            runs = (runs || named(&self.select)) && !named(&self.ignore);
        }
        runs
    }
}

impl RuleSet {
    /// The rules left by all `layers`, the weakest first, with severities changed by `severity`.
    pub fn new(
        catalogue: &Catalogue,
        layers: &[&Layer],
        severity: &[(Selector, SeverityChange)],
    ) -> Self {
        let mut enabled = BTreeMap::new();
        for rule in catalogue.rules() {
            let change =
                [Breadth::Rule, Breadth::Group, Breadth::All].into_iter().find_map(|breadth| {
                    severity
                        .iter()
                        .find(|(s, _)| s.breadth() == breadth && s.matches(rule))
                        .map(|(_, c)| *c)
                });
            let starts = change != Some(SeverityChange::Off);
            if layers.iter().fold(starts, |did, layer| layer.keeps(rule, did)) {
                enabled.insert(
                    rule.name,
                    match change {
                        Some(SeverityChange::To(severity)) => Some(severity),
                        Some(SeverityChange::Off) | None => None,
                    },
                );
            }
        }
        Self { enabled }
    }

    /// Whether the rule runs.
    pub fn contains(&self, rule: &str) -> bool {
        self.enabled.contains_key(rule)
    }

    /// The severity the user wants for the rule's findings, if any.
    pub fn severity(&self, rule: &str) -> Option<Severity> {
        self.enabled.get(rule).copied().flatten()
    }

    /// This set without the rules meant by `selectors`.
    #[must_use]
    pub fn without(&self, catalogue: &Catalogue, selectors: &[Selector]) -> Self {
        let mut enabled = self.enabled.clone();
        for rule in catalogue.rules() {
            if selectors.iter().any(|selector| selector.matches(rule)) {
                enabled.remove(rule.name);
            }
        }
        Self { enabled }
    }
}
