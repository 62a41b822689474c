//! `ci/gitlab.yml`: the scripts of the job, run by a shell with its variables.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tests::places::repository;

use super::project::{Project, Ran, yaml};

/// Runs a script of the job as a runner does: the lines one after the other, until one fails.
fn run(project: &Project, job: &Value, changed: &[(&str, &str)]) -> Ran {
    let lines = |name: &str| -> Vec<String> {
        let lines = job[name].as_array().expect("is a list").iter();
        lines.map(|line| line.as_str().expect("is a text").to_owned()).collect()
    };
    let script = [lines("before_script"), lines("script")].concat().join("\n");
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &script]).env("CI_PROJECT_DIR", project.path("work"));
    for (name, value) in job["variables"].as_object().expect("is an object") {
        shell.env(name, value.as_str().expect("is a text"));
    }
    project.run(shell.envs(changed.iter().copied()))
}

#[test]
fn the_job_reports_tests_and_fails() {
    let project = Project::new();
    project.fake_cargo();
    let document = yaml("ci/gitlab.yml", "vendor.gitlab-ci");
    let job = &document["bpf-analyzer"];
    // A submodule is a repository of its own.
    let source = repository(".").display().to_string();
    let source = ("BPF_ANALYZER_SOURCE", source.as_str());
    for _ in 0..2 {
        let ran = run(&project, job, &[source]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.contains("info[unused-suppression]"), "{ran:?}");
    }
    let log = project.cargo_log();
    assert_eq!(log.lines().count(), 1, "the second time it is there: {log}");
    assert!(log.contains(&format!("--path {}/server --root ", source.1)), "{log}");
    let kept = job["cache"]["paths"][0].as_str().expect("is a path");
    assert!(log.contains(&format!("/work/{kept}/")), "what is kept is what is installed: {log}");
    let report = job["artifacts"]["reports"]["junit"].as_str().expect("is a path");
    let report = fs::read_to_string(project.path("work").join(report)).expect("was written");
    assert!(report.contains("<testsuites") && report.contains("unused-suppression"), "{report}");

    let options = ("BPF_ANALYZER_OPTIONS", "--diff-base HEAD --kernel 6.12");
    let ran = run(&project, job, &[source, options]);
    assert_eq!(ran.code, 0, "nothing changed: {ran:?}");
    assert_eq!(run(&project, job, &[source, ("BPF_ANALYZER_PATHS", "nowhere")]).code, 2);
}
