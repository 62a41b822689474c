//! `.pre-commit-hooks.yaml`, with the real pre-commit on a scratch repository.

use std::fs;
use std::process::Command;

use tests::places::{python_tools, repository};

use super::project::{GUILTY, Project, Ran};

impl Project {
    /// A repository of hooks with those of this one, and a configuration that uses one of them.
    fn use_hook(&self, id: &str, args: &str) {
        let hooks = self.path("hooks");
        fs::create_dir(&hooks).expect("can create");
        let manifest = ".pre-commit-hooks.yaml";
        fs::copy(repository(manifest), hooks.join(manifest)).expect("can copy");
        let hooks = hooks.display().to_string();
        self.git(&["-C", &hooks, "init", "--quiet"]);
        self.git(&["-C", &hooks, "add", "--all"]);
        self.git(&["-C", &hooks, "commit", "--quiet", "-m", "hooks"]);
        self.git(&["-C", &hooks, "tag", "v1"]);
        let hook = format!("      - id: {id}\n        args: [{args}]\n");
        let config = format!("repos:\n  - repo: {hooks}\n    rev: v1\n    hooks:\n{hook}");
        self.write(".pre-commit-config.yaml", &config);
        self.commit();
    }

    fn pre_commit(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(python_tools().join("pre-commit"));
        command.args(args).args(["--color", "never"]);
        self.run(command.env("PRE_COMMIT_HOME", self.path("temp/pre-commit")))
    }
}

#[test]
fn the_hook_checks_what_is_committed() {
    let project = Project::new();
    Project::install(&project.path("bin"));
    project.use_hook("bpf-analyzer-system", "--format=concise");
    let ran = project.pre_commit(&["run"]);
    assert_eq!(ran.code, 0, "nothing is staged: {ran:?}");

    project.write("src/user_space.c", GUILTY);
    project.write("src/new.bpf.c", GUILTY);
    project.git(&["add", "src"]);
    let ran = project.pre_commit(&["run"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("src/new.bpf.c:1:1: info[unused-suppression]"), "{ran:?}");
    assert!(!ran.out.contains("old.bpf.c") && !ran.out.contains("user_space.c"), "{ran:?}");

    project.write("src/new.bpf.c", "int x;\n");
    project.git(&["add", "src"]);
    assert_eq!(project.pre_commit(&["run"]).code, 0);
    let ran = project.pre_commit(&["run", "--all-files"]);
    assert!(ran.code == 1 && ran.out.contains("src/old.bpf.c:1:1"), "{ran:?}");
}

#[test]
fn the_hook_mends_if_it_is_told_to() {
    let project = Project::new();
    Project::install(&project.path("bin"));
    project.use_hook("bpf-analyzer-system", "--fix");
    project.write("src/new.bpf.c", GUILTY);
    project.git(&["add", "src"]);
    let ran = project.pre_commit(&["run"]);
    assert!(ran.code == 1 && ran.out.contains("files were modified by this hook"), "{ran:?}");
    assert_eq!(project.read("src/new.bpf.c"), "int x;\n");
    assert_eq!(project.read("src/old.bpf.c"), GUILTY, "it is not committed now");
    project.git(&["add", "src"]);
    assert_eq!(project.pre_commit(&["run"]).code, 0);
}

#[test]
fn the_manifest_is_valid() {
    let mut validate = Command::new(python_tools().join("pre-commit"));
    let status = validate.arg("validate-manifest").arg(repository(".pre-commit-hooks.yaml"));
    assert!(status.status().expect("is installed").success());
}
