//! With clang itself, which `.ci/test` installs.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bpf_analyzer::compile::{CompileError, CompileSettings, Compiled, Compiler};
use bpf_analyzer::config::Config;
use btf::{Btf, CHeader, Kind, TypeId};
use diagnostic::{Finding, Severity};

use crate::Workspace;

const PROGRAM: &str = "\
#define SEC(name) __attribute__((section(name), used))
#include \"limits.h\"
char _license[] SEC(\"license\") = \"GPL\";
SEC(\"xdp\") int pass(void *ctx) { return LIMIT; }
";

fn compiler(workspace: &Workspace) -> Compiler {
    let path = std::env::var_os("PATH").expect("is set");
    Compiler::find(workspace.settings(Path::new(&path))).expect("install clang as .ci/test does")
}

fn compiles(workspace: &Workspace, path: &str) -> Compiled {
    match workspace.compile(&compiler(workspace), path) {
        Ok(compiled) => compiled,
        Err(CompileError::Rejected(findings)) => panic!("{findings:#?}"),
        Err(error) => panic!("{error}"),
    }
}

fn rejected(workspace: &Workspace, path: &str) -> Vec<Finding> {
    match workspace.compile(&compiler(workspace), path) {
        Err(CompileError::Rejected(findings)) => findings,
        other => panic!("{other:?}"),
    }
}

/// Files must be older than the compilation to be kept.
fn wait() {
    std::thread::sleep(Duration::from_millis(60));
}

#[test]
fn programs_become_objects_once() {
    let workspace =
        Workspace::new(&[("src/a.bpf.c", PROGRAM), ("src/limits.h", "#define LIMIT 1\n")]);
    wait();
    let first = compiles(&workspace, "src/a.bpf.c");
    assert!(first.object.starts_with(b"\x7fELF") && !first.cached && first.warnings.is_empty());
    assert_eq!(
        first.dependencies,
        ["src/a.bpf.c", "src/limits.h"].map(|path| workspace.path(path))
    );
    let second = compiles(&workspace, "src/a.bpf.c");
    assert!(second.cached);
    assert_eq!((second.object, second.dependencies), (first.object.clone(), first.dependencies));

    workspace.write("src/limits.h", "#define LIMIT 2\n");
    wait();
    let changed = compiles(&workspace, "src/a.bpf.c");
    assert!(!changed.cached && changed.object != first.object, "a header changed");
    workspace.write("src/a.bpf.c", &PROGRAM.replace("LIMIT; }", "LIMIT + 1; }"));
    assert!(!compiles(&workspace, "src/a.bpf.c").cached, "the program changed");
}

#[test]
fn many_at_once_share_a_cache() {
    let workspace =
        Workspace::new(&[("src/a.bpf.c", PROGRAM), ("src/limits.h", "#define LIMIT 1\n")]);
    wait();
    let objects = std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| compiles(&workspace, "src/a.bpf.c").object);
        let runs: Vec<_> = (0..4).map(start).collect();
        let end = |run: std::thread::ScopedJoinHandle<'_, _>| run.join().expect("ends well");
        runs.into_iter().map(end).collect::<Vec<_>>()
    });
    let kept = compiles(&workspace, "src/a.bpf.c");
    assert!(kept.cached && objects.iter().all(|object| *object == kept.object));
}

#[test]
fn a_header_that_comes_first_now_is_noticed() {
    let program = PROGRAM.replace("\"limits.h\"", "<limits.h>");
    let mut workspace =
        Workspace::new(&[("a.bpf.c", &program), ("inc/limits.h", "#define LIMIT 1\n")]);
    workspace.config = Config {
        header_paths: vec![workspace.path("new"), workspace.path("inc")],
        ..Config::default()
    };
    wait();
    let first = compiles(&workspace, "a.bpf.c");
    assert!(compiles(&workspace, "a.bpf.c").cached);
    workspace.write("new/limits.h", "#define LIMIT 2\n");
    let second = compiles(&workspace, "a.bpf.c");
    assert!(!second.cached && second.object != first.object);
}

#[test]
fn mistakes_are_findings_where_they_are() {
    let text = "int f(int a)\n{\n\treturn a + undeclared;\n}\nint g(void)\n{\n\tint x = 1\n\treturn x;\n}\n";
    let workspace = Workspace::new(&[("a.bpf.c", text)]);
    let findings = rejected(&workspace, "a.bpf.c");
    let found: Vec<_> = findings
        .iter()
        .map(|finding| (finding.message.as_str(), finding.span.text(text)))
        .collect();
    assert_eq!(found[0], ("use of undeclared identifier 'undeclared'", "undeclared"));
    assert_eq!(found[1].0, "expected ';' at end of declaration");
    let fix = &findings[1].fixes[0];
    let mended = text::apply_edits(text, &fix.edits).expect("edits fit");
    assert_eq!(mended, text.replace("int x = 1\n", "int x = 1;\n"));
    assert!(
        findings
            .iter()
            .all(|finding| finding.rule == "clang" && finding.severity == Severity::Error)
    );
}

#[test]
fn mistakes_in_headers_are_at_the_include() {
    let text = "int before;\n#include \"b.h\"\nint f(void) { return missing(); }\n";
    let workspace = Workspace::new(&[
        ("a.bpf.c", text),
        ("b.h", "#include \"c.h\"\n"),
        ("c.h", "\nint x = y;\n"),
    ]);
    let findings = rejected(&workspace, "a.bpf.c");
    assert_eq!(findings[0].span.text(text), "#include \"b.h\"");
    let expected =
        format!("{}:2:9: use of undeclared identifier 'y'", workspace.path("c.h").display());
    assert_eq!(findings[0].message, expected);

    let text = "#include <bpf/none.h>\n";
    let workspace = Workspace::new(&[("a.bpf.c", text)]);
    let findings = rejected(&workspace, "a.bpf.c");
    assert_eq!(findings[0].message, "'bpf/none.h' file not found");
    assert!(findings[0].help.as_deref().is_some_and(|help| help.contains("libbpf-dev")));
}

#[test]
fn warnings_come_with_the_object_and_with_the_kept_one() {
    let text = "struct s;\nint f(void) { int *p = 0L + 1; return p != 0; }\n";
    let workspace = Workspace::new(&[("a.bpf.c", &text.replace("0L + 1", "(char *)1"))]);
    wait();
    let first = compiles(&workspace, "a.bpf.c");
    let warning = &first.warnings[0];
    assert_eq!(warning.severity, Severity::Warning);
    assert!(warning.message.starts_with("incompatible pointer types"), "{}", warning.message);
    let second = compiles(&workspace, "a.bpf.c");
    assert!(second.cached);
    assert_eq!(second.warnings, first.warnings);
}

#[test]
fn unsaved_texts_are_compiled_in_the_place_of_their_files() {
    let mut workspace = Workspace::new(&[("a.bpf.c", "broken"), ("limits.h", "#define LIMIT 1\n")]);
    workspace.text = Some(PROGRAM.into());
    wait();
    let saved_header = compiles(&workspace, "a.bpf.c");
    // The lines in the BTF are those of the text, not those on the disk.
    let has =
        |object: &[u8], line: &str| object.windows(line.len()).any(|at| at == line.as_bytes());
    let line = "SEC(\"xdp\") int pass(void *ctx) { return LIMIT; }\0";
    assert!(has(&saved_header.object, line));
    workspace.unsaved = vec![(workspace.path("limits.h"), "#define LIMIT 7\n".into())];
    let unsaved_header = compiles(&workspace, "a.bpf.c");
    assert!(!unsaved_header.cached && unsaved_header.object != saved_header.object);
    workspace.text = Some(PROGRAM.replace("LIMIT;", "LIMITS;").into());
    let findings = rejected(&workspace, "a.bpf.c");
    assert_eq!(findings[0].message, "use of undeclared identifier 'LIMITS'");

    // Nor need there be a file.
    let mut workspace = Workspace::new(&[("limits.h", "#define LIMIT 1\n")]);
    workspace.text = Some(PROGRAM.into());
    compiles(&workspace, "new.bpf.c");
    let text = "int x;\nint y = z;\n";
    workspace.text = Some(text.into());
    let findings = rejected(&workspace, "new.bpf.c");
    assert_eq!(findings[0].span.text(text), "z");
}

#[test]
fn flags_of_the_database_count_if_they_do_no_harm() {
    let text = "#include <dep.h>\n_Static_assert(DEP + FLAG == 3, \"\");\n#if __STDC_VERSION__ != 199901L\n#error\n#endif\nint x;\n";
    let workspace = Workspace::new(&[("src/a.bpf.c", text), ("inc/dep.h", "#define DEP 1\n")]);
    let database = serde_json::json!([{
        "directory": workspace.path("src"),
        "file": "a.bpf.c",
        "command": "cc -I../inc -DFLAG=2 -std=c99 -MD -MF evil.d -fplugin=./evil.so -o evil.o -c a.bpf.c",
    }]);
    workspace.write("compile_commands.json", &database.to_string());
    compiles(&workspace, "src/a.bpf.c");
    assert!(!workspace.path("src/evil.d").exists() && !workspace.path("src/evil.o").exists());
}

#[test]
fn a_missing_vmlinux_h_is_there() {
    let text = "\
#include \"vmlinux.h\"
_Static_assert(sizeof(struct task_struct) > 1000, \"\");
int pid(struct task_struct *task) { return task->pid; }
";
    let workspace = Workspace::new(&[("a.bpf.c", text)]);
    let compiled = compiles(&workspace, "a.bpf.c");
    assert!(compiled.warnings.is_empty(), "{:?}", compiled.warnings);
    assert!(compiled.dependencies.iter().any(|path| path.starts_with(workspace.path("cache"))));
    workspace.write("vmlinux.h", "struct task_struct { char big[2000]; int pid; };\n");
    let compiled = compiles(&workspace, "a.bpf.c");
    assert!(!compiled.cached && compiled.dependencies.contains(&workspace.path("vmlinux.h")));
}

#[test]
fn a_cache_that_cannot_be_written_to_changes_nothing() {
    let workspace = Workspace::new(&[("a.bpf.c", "#include <vmlinux.h>\nu64 x;\n"), ("file", "")]);
    let path = std::env::var_os("PATH").expect("is set");
    let settings = CompileSettings {
        cache: Some(workspace.path("file/below")),
        ..workspace.settings(Path::new(&path))
    };
    let compiler = Compiler::find(settings).expect("install clang as .ci/test does");
    for _ in 0..2 {
        assert!(!workspace.compile(&compiler, "a.bpf.c").expect("compiles").cached);
    }
}

/// Sizes of structures and places of members in the header are those of the BTF.
#[test]
fn the_layout_of_vmlinux_h_is_that_of_the_kernel() {
    let btf = Btf::parse(kernel_model::vmlinux_btf()).expect("well-formed");
    let header = CHeader::of(&btf).expect("can be written");
    let mut text = String::from("#include \"vmlinux.h\"\n");
    let mut count = 0;
    for ty in btf.types() {
        let (Some(name), Some(size)) = (header.name(ty.id()), ty.size()) else { continue };
        let _ = writeln!(text, "_Static_assert(sizeof({name}) == {size}, \"{name}\");");
        count += 1 + places(&btf, &mut text, name, ty.id(), 0);
    }
    assert!(count > 50_000, "{count} sizes and places");
    let workspace = Workspace::new(&[("vmlinux.h", &header.text), ("layout.c", &text)]);
    let output = Command::new(compiler(&workspace).program())
        .args(["--target=bpf", "-fsyntax-only", "-Wall", "-Werror"])
        .arg(workspace.path("layout.c"))
        .output()
        .expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
}

fn places(btf: &Btf<'_>, text: &mut String, name: &str, id: TypeId, base: u64) -> usize {
    let Some(ty) = btf.resolve(id) else { return 0 };
    let mut count = 0;
    for member in ty.members().iter() {
        let bits = base + u64::from(member.bit_offset);
        let is_composite = |kind| matches!(kind, Kind::Struct | Kind::Union);
        if !member.is_anonymous() && member.bitfield == 0 {
            let (member, bytes) = (member.name(), bits / 8);
            let _ = writeln!(
                text,
                "_Static_assert(__builtin_offsetof({name}, {member}) == {bytes}, \"{name}.{member}\");"
            );
            count += 1;
        } else if btf.resolve(member.ty).is_some_and(|ty| is_composite(ty.kind())) {
            count += places(btf, text, name, member.ty, bits);
        }
    }
    count
}
