//! `action.yml`, interpreted as GitHub's runner does it: expressions, environment, output and path files, and the steps
//! that are shell scripts. Other actions are not run; what they are handed is looked at.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::places::repository;

use super::project::{GUILTY, Project, Ran, lint_shell, yaml};

/// Another action, and what it is handed.
type Used = (String, BTreeMap<String, String>);

/// One use of the action.
struct Job<'p> {
    project: &'p Project,
    inputs: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
    path: Vec<PathBuf>,
    /// The other actions that were reached, with what they were handed.
    used: Vec<Used>,
}

impl<'p> Job<'p> {
    /// The inputs that are not given have their defaults, as those that do not exist are refused.
    fn new(project: &'p Project, action: &Value, given: &[(&str, &str)]) -> Self {
        let declared = action["inputs"].as_object().expect("is an object");
        let default = |(name, input): (&String, &Value)| {
            let default = input["default"].as_str().expect("every input has a default");
            (name.clone(), default.to_owned())
        };
        let mut inputs: BTreeMap<String, String> = declared.iter().map(default).collect();
        for (name, value) in given {
            let known = inputs.insert((*name).to_owned(), (*value).to_owned());
            assert!(known.is_some(), "there is no input {name}");
        }
        Self { project, inputs, outputs: BTreeMap::new(), path: Vec::new(), used: Vec::new() }
    }

    /// Runs the steps until one fails; the last script that ran.
    fn run(&mut self, action: &Value) -> Ran {
        let mut last = Ran { code: 0, out: String::new(), err: String::new() };
        for step in action["runs"]["steps"].as_array().expect("is a list") {
            let condition = step["if"].as_str();
            if condition.is_none() && last.code != 0 || condition.is_some_and(|it| !self.holds(it))
            {
                continue;
            }
            if let Some(used) = step["uses"].as_str() {
                let with = self.expanded(&step["with"]);
                self.used.push((used.to_owned(), with));
            } else {
                last = self.script(step);
            }
        }
        last
    }

    fn script(&mut self, step: &Value) -> Ran {
        let script = step["run"].as_str().expect("is a script");
        assert!(!script.contains("${{"), "text from outside must not become a part of a script");
        assert_eq!(step["shell"], "bash");
        lint_shell("bash", script);
        let [file, output, path] =
            ["script", "output", "path"].map(|name| self.project.path("temp").join(name));
        for path in [&output, &path] {
            fs::write(path, "").expect("can write");
        }
        fs::write(&file, script).expect("can write");
        // As the runner calls it.
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(&file);
        bash.env("GITHUB_OUTPUT", &output).env("GITHUB_PATH", &path);
        bash.envs(self.expanded(&step["env"]));
        let first: Vec<&Path> = self.path.iter().map(PathBuf::as_path).collect();
        let ran = self.project.run_with(&mut bash, &first);
        let id = step["id"].as_str().unwrap_or("nameless");
        for line in fs::read_to_string(output).expect("is there").lines() {
            let (name, value) = line.split_once('=').expect("is an output");
            self.outputs.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
        }
        for line in fs::read_to_string(path).expect("is there").lines() {
            self.path.push(line.into());
        }
        ran
    }

    fn expanded(&self, object: &Value) -> BTreeMap<String, String> {
        let text = |value: &Value| self.expand(value.as_str().expect("is a text"));
        let entries = object.as_object().into_iter().flatten();
        entries.map(|(name, value)| (name.clone(), text(value))).collect()
    }

    fn expand(&self, text: &str) -> String {
        let mut parts = text.split("${{");
        let mut expanded = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (expression, rest) = part.split_once("}}").expect("is closed");
            expanded.push_str(&self.value(expression.trim()));
            expanded.push_str(rest);
        }
        expanded
    }

    fn value(&self, expression: &str) -> String {
        let shown = |path: PathBuf| path.display().to_string();
        match expression {
            "github.action_path" => shown(repository(".")),
            "runner.temp" => shown(self.project.path("temp")),
            "runner.os" => "Linux".to_owned(),
            "runner.arch" => "X64".to_owned(),
            _ => match expression.strip_prefix("inputs.") {
                Some(name) => self.inputs[name].clone(),
                None => {
                    assert!(expression.starts_with("steps."), "unknown expression {expression}");
                    self.outputs.get(expression).cloned().unwrap_or_default()
                }
            },
        }
    }

    /// Whether a condition holds: terms joined with `&&`.
    fn holds(&self, condition: &str) -> bool {
        let inner = condition.trim().strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
        inner.expect("is an expression").split("&&").all(|term| match term.trim() {
            "!cancelled()" => true,
            term => {
                let (value, other) = term.split_once(" != ").expect("is a comparison");
                self.value(value) != other.trim_matches('\'')
            }
        })
    }
}

fn action() -> Value {
    yaml("action.yml", "vendor.github-actions")
}

/// Runs the action in the project.
fn use_action(project: &Project, inputs: &[(&str, &str)]) -> (Ran, Vec<Used>) {
    let action = action();
    let mut job = Job::new(project, &action, inputs);
    let ran = job.run(&action);
    (ran, job.used)
}

#[test]
fn the_command_is_built_once_and_findings_are_annotated() {
    let project = Project::new();
    project.fake_cargo();
    for _ in 0..2 {
        let (ran, used) = use_action(&project, &[]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.starts_with("::notice file=src/old.bpf.c,line=1,"), "{ran:?}");
        let [(cache, with)] = used.as_slice() else { panic!("nothing else is reached: {used:?}") };
        assert_eq!(cache, "actions/cache@v4");
        let bin = project.path("temp").join("bpf-analyzer/bin");
        assert_eq!(with["path"], bin.display().to_string(), "what is kept is what is installed");
        let digest = with["key"].strip_prefix("bpf-analyzer-Linux-X64-").expect("is the key");
        assert!(digest.len() == 40 && digest.chars().all(|c| c.is_ascii_hexdigit()), "{digest}");
    }
    let expected = format!(
        "install --quiet --locked --no-track --path {}/server --root {}/bpf-analyzer\n",
        repository(".").display(),
        project.path("temp").display()
    );
    assert_eq!(project.cargo_log(), expected, "the second time it is there");
}

#[test]
fn inputs_become_options() {
    let project = Project::new();
    Project::install(&project.path("temp/bpf-analyzer/bin"));
    project.write("src/two words.bpf.c", GUILTY);
    project.write("other/new.bpf.c", GUILTY);
    let paths = ("paths", "src/two words.bpf.c\n\nother\n");
    let concise = ("format", "concise");
    let lines = |inputs: &[(&str, &str)]| {
        let (ran, _) = use_action(&project, inputs);
        assert!(ran.code < 2, "{ran:?}");
        (ran.out.lines().count(), ran.code)
    };
    assert_eq!(lines(&[concise]), (3, 1));
    assert_eq!(lines(&[concise, paths]), (2, 1));
    assert_eq!(lines(&[concise, ("rules", "dynptr")]), (0, 0));
    assert_eq!(lines(&[concise, ("ignore", "suppression,dynptr")]), (0, 0));
    assert_eq!(lines(&[concise, ("diff-base", "HEAD")]), (2, 1));
    assert_eq!(lines(&[concise, ("fail", "false")]), (3, 0));
    project.write("known.json", "{\"version\":1,\"findings\":[]}");
    assert_eq!(lines(&[concise, ("baseline", "known.json")]), (3, 1));
    let (ran, _) = use_action(&project, &[("kernel", "4.9")]);
    assert!(ran.code == 2 && ran.err.contains("4.9"), "an old kernel is refused: {ran:?}");
    let evil = "$(touch evil); `touch evil`; '\"";
    let (ran, _) = use_action(&project, &[("paths", evil), ("rules", evil)]);
    assert_eq!(ran.code, 2);
    assert!(!project.path("work/evil").exists(), "inputs are not commands");
}

#[test]
fn code_scanning_gets_the_findings_although_the_job_fails() {
    let project = Project::new();
    Project::install(&project.path("temp/bpf-analyzer/bin"));
    let (ran, used) = use_action(&project, &[("upload-sarif", "true")]);
    assert_eq!(ran.code, 1);
    let (upload, with) = used.last().expect("is reached");
    assert_eq!(upload, "github/codeql-action/upload-sarif@v3");
    let sarif = fs::read_to_string(&with["sarif_file"]).expect("was written");
    let sarif: Value = serde_json::from_str(&sarif).expect("is JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "unused-suppression");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/old.bpf.c", "relative to the repository");
}

#[test]
fn the_page_names_every_input() {
    let page = fs::read_to_string(repository("ci/README.md")).expect("is there");
    for name in action()["inputs"].as_object().expect("is an object").keys() {
        assert!(page.contains(&format!("`{name}`")), "ci/README.md does not name {name}");
    }
}
