//! Testing what the verifier says of the programs of a file.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::collect::case;
use super::{Case, CaseResult, CaseStatus, FileTests, Mismatch};
use crate::config::VerdictName;
use crate::spelling;
use crate::verify::{Outcome, Verdict, VerifyError, VerifySettings, object};

/// Verifies the programs of a file that its tests are about. `wanted` says of a test whether it is; `lists` only names
/// them.
pub fn verify(
    tests: &FileTests,
    bytes: &[u8],
    settings: &VerifySettings<'_>,
    wanted: &dyn Fn(&Case) -> bool,
    lists: bool,
) -> Vec<CaseResult> {
    let names = match bpf_object::Object::parse(bytes) {
        Ok(object) => object.programs().map(|(_, function)| function.name.clone()).collect(),
        Err(_) => Vec::<String>::new(),
    };
    let mut cases = Vec::new();
    for (config, test) in tests.iter() {
        let path = config.path.as_deref().unwrap_or(Path::new(""));
        let base = case(test, path, tests.shown.clone());
        let Some(verdict) = &test.expected.verdict else { continue };
        let meant =
            |name: &&String| test.program.as_ref().is_none_or(|glob| glob.is_match(name.as_str()));
        let before = cases.len();
        for program in names.iter().filter(meant) {
            cases.push((Case { program: program.clone(), ..base.clone() }, verdict));
        }
        if cases.len() == before {
            cases.push((base, verdict));
        }
    }
    cases.retain(|(case, _)| wanted(case));
    let asked: BTreeSet<&str> = cases
        .iter()
        .map(|(case, _)| case.program.as_str())
        .filter(|name| names.iter().any(|known| known == name))
        .collect();
    let programs: Vec<String> = asked.into_iter().map(str::to_owned).collect();
    let settings = VerifySettings { programs: &programs, ..settings.clone() };
    let outcomes: Result<Vec<Outcome>, VerifyError> =
        if lists || programs.is_empty() && !names.is_empty() {
            Ok(Vec::new())
        } else {
            object(bytes, &settings)
        };
    let result = |(case, verdict): (Case, &(VerdictName, Option<String>))| {
        if lists {
            return CaseResult { case, status: CaseStatus::Passed, elapsed: Duration::ZERO };
        }
        let outcome = match &outcomes {
            Ok(outcomes) => outcomes.iter().find(|outcome| outcome.name == case.program),
            Err(error) => {
                let status = CaseStatus::Broken(error.to_string());
                return CaseResult { case, status, elapsed: Duration::ZERO };
            }
        };
        let Some(outcome) = outcome else {
            let guess = spelling::nearest(&case.program, names.iter().map(String::as_str));
            let guess = spelling::did_you_mean(guess);
            let why = format!(
                "no program matches `{}`{guess}; there are {}",
                case.program,
                names.join(", ")
            );
            return CaseResult { case, status: CaseStatus::Broken(why), elapsed: Duration::ZERO };
        };
        CaseResult { case, status: status(outcome, verdict), elapsed: outcome.elapsed }
    };
    cases.into_iter().map(result).collect()
}

fn status(outcome: &Outcome, (wanted, part): &(VerdictName, Option<String>)) -> CaseStatus {
    let failed =
        |what: &str, message: String| CaseStatus::Failed(vec![Mismatch::new(what, message)]);
    let at = outcome.place.as_ref().map(|place| format!("{}:{}: ", place.file, place.line));
    let at = at.unwrap_or_default();
    match (&outcome.verdict, wanted) {
        (Verdict::Unsupported(why), _) => {
            CaseStatus::Broken(format!("{at}the verdict is unknown: {why}"))
        }
        (Verdict::Accept, VerdictName::Accept) => CaseStatus::Passed,
        (Verdict::Accept, VerdictName::Reject) => {
            failed("verdict", "expected reject, got accept".to_owned())
        }
        (Verdict::Reject { message, .. }, VerdictName::Accept) => {
            failed("verdict", format!("expected accept, got reject: {at}{message}"))
        }
        (Verdict::Reject { message, .. }, VerdictName::Reject) => match part {
            Some(part) if !message.contains(part) => {
                failed("message", format!("expected `{part}`, got `{message}`"))
            }
            _ => CaseStatus::Passed,
        },
    }
}
