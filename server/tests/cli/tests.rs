//! `run --tests` and `verify --tests`: expectations in `bpf-analyzer.toml`.

use std::fs;
use std::path::Path;

use super::sandbox::{Ran, Sandbox};

/// A directory with objects of the corpus under their own names, and with tests.
fn sandbox(objects: &[&str], tests: &str) -> Sandbox {
    let sandbox = Sandbox::new(&[("bpf-analyzer.toml", tests)]);
    for name in objects {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
        let bytes = fs::read(corpus.join(format!("{name}.bpf.o"))).expect("is there");
        let name = name.rsplit('/').next().expect("has a name");
        sandbox.write(&format!("{name}.bpf.o"), &bytes);
    }
    sandbox
}

const PARSERS: &str = r#"
[[packets]]
name = "web"
spec = "tcp4:dport=443"

[[packets]]
name = "dns"
spec = "udp4:dport=53"
program = "ports_*"

[[tests]]
name = "ports are found"
file = "parsers.bpf.o"
program = "ports_of_any_packet"
packet = "web"
expect = { retval = "XDP_PASS", packet = "unchanged", maps = { ".bss" = { destination_port = 443 } } }

[[tests]]
name = "names are dropped"
file = "*.bpf.o"
program = "ports_of_any_*"
packet = ["dns", "udp6:dport=53"]
expect = { retval = 1, layouts = false, sent = [] }
"#;

#[test]
fn tests_pass_and_are_told() {
    let sandbox = sandbox(&["run/parsers"], PARSERS);
    let ran = sandbox.run(&["run", "--tests"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("ports_of_any_packet::ports are found[web]"), "{}", ran.out);
    assert!(ran.out.contains("3 passed, 0 failed in "), "{}", ran.out);
    let list = sandbox.run(&["run", "--tests", "--list", "--test", "udp6"]);
    assert_eq!(list.out, "parsers.bpf.o::ports_of_any_packet::names are dropped[udp6:dport=53]\n");
    // What the packets are for is also what a program is run on if nothing is said.
    let ran =
        sandbox.run(&["run", "parsers.bpf.o", "--program", "ports_of_any_packet", "--format=json"]);
    let names: Vec<serde_json::Value> = ran.json()["runs"]
        .as_array()
        .expect("is a list")
        .iter()
        .map(|run| run["packet"].clone())
        .collect();
    assert_eq!(names, ["web", "dns"]);
    let named = ["run", "parsers.bpf.o", "--program", "ports_of_any_packet", "--packet", "dns"];
    let ran = sandbox.run(&[&named[..], &["--expect", "XDP_DROP"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("result 1 (XDP_DROP)"), "{}", ran.out);
}

#[test]
fn paths_choose_tests() {
    let sandbox = sandbox(&["run/parsers", "run/maps"], PARSERS);
    let count = |ran: &Ran| ran.json()["tests"].as_array().map(Vec::len);
    let run = |path: &str| sandbox.run(&["run", "--tests", "--format=json", path]);
    assert_eq!(count(&run("parsers.bpf.o")), Some(3));
    assert_eq!(count(&run("bpf-analyzer.toml")), count(&run(".")));
    let none = run("maps.bpf.o");
    // The pattern matches the file, but it has no such program.
    assert_eq!(none.code, 2, "{none:?}");
    let error = none.json()["tests"][0]["error"].as_str().expect("is told").to_owned();
    assert!(error.contains("no program matches `ports_of_any_*`"), "{error}");
    sandbox.write("deeper/bpf-analyzer.toml", b"[[tests]]\nfile = \"../parsers.bpf.o\"\nprogram = \"ports_of_any_packet\"\npacket = \"tcp4\"\nexpect.retval = 2\n");
    let all = sandbox.run(&["run", "--tests", "--format=json", "deeper"]);
    assert_eq!((all.code, count(&all)), (0, Some(1)), "{all:?}");
    sandbox.write("empty/bpf-analyzer.toml", b"");
    let empty = sandbox.run(&["run", "--tests", "empty"]);
    assert_eq!(empty.code, 2);
    assert!(empty.err.contains("[[tests]]"), "{}", empty.err);
}

const WRONG: &str = r#"
[[tests]]
file = "parsers.bpf.o"
program = "ports_of_any_packet"
packet = "tcp4:dport=443"
[tests.expect]
retval = "XDP_DROP"
packet = "ffffffffffff????"
maps = { ".bss" = { destination_port = 444 } }
printed = ["hello"]
sent = [3]

[[tests]]
file = "parsers.bpf.o"
program = "ports_of_any_pocket"
packet = "tcp4"
expect = { retval = 0 }

[[tests]]
file = "nowhere.bpf.o"
expect = { retval = 0 }
"#;

#[test]
fn what_differs_is_told_in_all_formats() {
    let sandbox = sandbox(&["run/parsers"], WRONG);
    let ran = sandbox.run(&["run", "--tests"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in [
        "retval: expected XDP_DROP (1), got XDP_PASS (2)",
        "packet: expected 8 bytes, got 86",
        ".bss destination_port: expected 444, got 443",
        "printed: expected \"hello\", got nothing",
        "sent: expected [3], got []",
        "no program matches `ports_of_any_pocket`; did you mean `ports_of_any_packet`?",
        "nowhere.bpf.o: ",
        "bpf-analyzer.toml:2)",
        "0 passed, 1 failed, 2 could not be run",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert_eq!(sandbox.run(&["run", "--tests", "--test", "ports_of_any_packet["]).code, 1);
    let ran = sandbox.run(&["run", "--tests", "--format=github"]);
    assert!(ran.out.contains("::error file=bpf-analyzer.toml,line=2,title="), "{}", ran.out);
    let ran = sandbox.run(&["run", "--tests", "--format=junit"]);
    assert!(ran.out.contains("<testsuite name=\"parsers.bpf.o\" tests=\"2\""), "{}", ran.out);
    assert!(ran.out.contains("failures=\"1\"") && ran.out.contains("<error "), "{}", ran.out);
    let document = sandbox.run(&["run", "--tests", "--format=json"]).json();
    assert_eq!(document["summary"]["failed"], 1);
    assert_eq!(document["summary"]["errors"], 2);
    let failed = document["tests"].as_array().expect("is a list").iter();
    let failed = failed.clone().find(|test| test["outcome"] == "fail").expect("is there");
    let packet = failed["failures"].as_array().expect("is a list").iter();
    let packet = packet.clone().find(|failure| failure["what"] == "packet").expect("is there");
    assert_eq!(packet["expected"], "ffffffffffff????");
}

#[test]
fn bytes_that_depend_on_the_layout_fail() {
    let tests = "[[tests]]\nfile = \"slices.bpf.o\"\nprogram = \"*\"\npacket = \"udp4:dport=7\"\nexpect.layouts = true\n";
    let sandbox = sandbox(&["run/slices"], tests);
    let ran = sandbox.run(&["run", "--tests", "--format=json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let document = ran.json();
    let tests = document["tests"].as_array().expect("is a list").iter();
    let told = tests.filter(|test| test["failures"][0]["what"] == "layouts").count();
    assert!(told > 0, "{document}");
}

#[test]
fn coverage_is_that_of_all_tests() {
    let sandbox = sandbox(&["run/parsers"], PARSERS);
    let hit = |lcov: &str, of: &str| -> u32 {
        let value = lcov.lines().find_map(|line| line.strip_prefix(of)).expect("is there");
        value.parse().expect("is a number")
    };
    let lcov = |tests: &[&str]| {
        let ran = sandbox.run(&[&["run", "--tests", "--lcov", "out.info"][..], tests].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        sandbox.read("out.info")
    };
    let (all, one) = (lcov(&[]), lcov(&["--test", "[web]"]));
    for of in ["LF:", "BRF:"] {
        assert_eq!(hit(&all, of), hit(&one, of), "{of}");
    }
    assert!(hit(&all, "BRH:") > hit(&one, "BRH:") && hit(&one, "BRH:") > 0, "{all}");
    assert!(hit(&all, "LH:") > hit(&one, "LH:"), "{all}");
    // One branch of the last decision is taken by one test, the other by the others.
    let decision = |lcov: &str| {
        let line = "BRDA:83,";
        lcov.lines().filter(|found| found.starts_with(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(decision(&all).len() < 2 || decision(&all) != decision(&one), "{all}");
}

#[test]
fn verdicts_are_expected() {
    let tests = r#"
[[tests]]
file = "encodings.bpf.o"
program = "unknown_opcode"
expect = { verdict = "reject", message = "unknown opcode" }

[[tests]]
name = "wrong"
file = "encodings.bpf.o"
program = "unknown_opcode"
expect = { verdict = "accept" }
"#;
    let sandbox = sandbox(&["asm/encodings"], tests);
    let ran = sandbox.run(&["verify", "--tests"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("pass  unknown_opcode"), "{}", ran.out);
    assert!(ran.out.contains("verdict: expected accept, got reject: "), "{}", ran.out);
    assert!(ran.out.contains("1 passed, 1 failed"), "{}", ran.out);
    let ran = sandbox.run(&["verify", "--tests", "--format=junit"]);
    assert!(ran.out.contains("tests=\"2\""), "{}", ran.out);
    // Nothing is expected of runs.
    assert_eq!(sandbox.run(&["run", "--tests"]).code, 2);
    assert_eq!(sandbox.run(&["verify", "--tests", "--exit-zero"]).code, 0);
}

#[test]
fn mistakes_have_a_place_and_a_guess() {
    for (text, expected) in [
        (
            "[[tests]]\nfile = \"a.o\"\nexpect = { retvl = 0 }",
            "3:12: unknown key `retvl` in `expect`; did you mean `retval`?",
        ),
        ("[[packets]]\nnam = \"a\"", "2:1: unknown key `nam` in `packets`; did you mean `name`?"),
        (
            "[[tests]]\nfile = \"a.o\"\nexpect = { retval = \"XDP_DORP\" }",
            "3:21: `XDP_DORP` is no known result; did you mean `XDP_DROP`?",
        ),
        ("[[tests]]\nfile = \"a.o\"\nexpect = {}", "3:10: nothing is expected"),
        (
            "[[tests]]\nfile = 3\nexpect = { retval = 0 }",
            "2:8: a string or a list of strings is expected",
        ),
        (
            "[[packets]]\nname = \"a\"\nspec = \"tcp4\"\n[[packets]]\nname = \"a\"\nspec = \"tcp4\"",
            "5:8: there is a packet `a` in line 1",
        ),
        (
            "[[packets]]\nname = \"a\"\nspec = \"tcp4\"\nmetadata = \"0\"",
            "4:12: no hexadecimal digits",
        ),
        (
            "[[tests]]\nfile = \"a.o\"\nexpect = { message = \"x\" }",
            "3:22: a message needs `verdict`",
        ),
        (
            "[[tests]]\nfile = \"a.o\"\nroutes = [{ to = \"x\", interface = 1 }]\nexpect = { retval = 0 }",
            "`x` is no network",
        ),
    ] {
        let sandbox = Sandbox::new(&[("bpf-analyzer.toml", text)]);
        let ran = sandbox.run(&["run", "--tests"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(expected), "{expected}: {}", ran.err);
    }
}

/// What a workspace from anywhere may try: nothing hangs, nothing is executed, nothing outside is needed.
#[cfg(unix)]
#[test]
fn hostile_configurations_are_refused() {
    let tests = r#"
[[tests]]
file = "/dev/zero"
expect = { retval = 0 }

[[tests]]
file = "parsers.bpf.o"
program = "ports_of_any_packet"
packet = "/dev/zero"
expect = { retval = 0 }

[[tests]]
file = "parsers.bpf.o"
program = "ports_of_any_packet"
packet = "tcp4"
maps = { ".bss" = "/dev/zero" }
expect = { retval = 0 }
"#;
    let sandbox = sandbox(&["run/parsers"], tests);
    let ran = sandbox.run(&["run", "--tests"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("0 passed, 0 failed, 3 could not be run"), "{}", ran.out);
}

#[test]
fn what_surrounds_a_program_stands_in_its_test() {
    let tests = r#"
[[tests]]
file = "around.bpf.o"
program = "text_of_user_space"
context = [0x10000, 0]
user = [{ at = 0x10000, text = "hello" }]
expect = { retval = 0, maps = { names = [{ key = 0, value = "Jello" }] } }

[[tests]]
file = "around.bpf.o"
program = "task_around"
task = { pid = 8, tgid = 7, uid = 1, gid = 2, comm = "sh", cgroup = 42 }
expect = { retval = 0, signals = [9] }

[[tests]]
file = "around.bpf.o"
program = "to_a_queue"
packet = "tcp4"
maps = { sockets = [{ key = 1, value = 3 }] }
expect = { retval = "XDP_REDIRECT", sent = [3] }

[[tests]]
name = "not modelled"
file = "around.bpf.o"
program = "text_of_user_space"
context = [0x10000, 0]
expect = { retval = 0 }
"#;
    let sandbox = Sandbox::new(&[("bpf-analyzer.toml", tests)]);
    let program = "../engine/runtime/tests/programs/around.bpf.o";
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(program)).expect("is there");
    sandbox.write("around.bpf.o", &bytes);
    let ran = sandbox.run(&["run", "--tests"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("3 passed, 0 failed, 1 could not be run"), "{}", ran.out);
    assert!(ran.out.contains("memory of user space is not modelled"), "{}", ran.out);
}

#[test]
fn contexts_and_what_becomes_of_them_stand_in_tests() {
    let tests = r#"
[[tests]]
file = "hooks.bpf.o"
program = "connects"
context = { user_ip4 = 33554442, user_port = 20480, family = 2, type = 1, protocol = 6 }
expect = { retval = 1, context = { user_port = 47873 } }

[[tests]]
file = "hooks.bpf.o"
program = "sets_option"
context = { level = 6, optname = 1, optval = "07000000" }
expect = { retval = 1, context = { optlen = 1 }, values = { optval = "09 ?? 00 00" } }

[[tests]]
file = "hooks.bpf.o"
program = "shows_tasks"
context = { task = { pid = 9, comm = "sh" } }
expect = { retval = 0, sequence = "9 sh\n" }

[[tests]]
file = "hooks.bpf.o"
program = "tracked"
packet = "tcp4"
connections = [{ protocol = "tcp", source = "10.0.0.1:1000", destination = "10.0.0.2:80" }]
expect = { retval = 0 }

[[tests]]
file = "hooks.bpf.o"
program = "task_and_group"
task = { pid = 8, tgid = 7, cgroup = 42, namespace = { dev = 4, ino = 5 } }
expect = { retval = 0 }

[[tests]]
file = "hooks.bpf.o"
program = "fills_open_map"
expect = { retval = 0, maps = { open = [{ key = 1, value = 1 }] } }

[[tests]]
name = "something else"
file = "hooks.bpf.o"
program = "shows_tasks"
expect = { retval = 0, sequence = "9 sh\n" }

[[tests]]
name = "no such value"
file = "hooks.bpf.o"
program = "shows_tasks"
expect = { values = { optval = "00" } }
"#;
    let sandbox = Sandbox::new(&[("bpf-analyzer.toml", tests)]);
    let program = "../engine/runtime/tests/programs/hooks.bpf.o";
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(program)).expect("is there");
    sandbox.write("hooks.bpf.o", &bytes);
    let ran = sandbox.run(&["run", "--tests", "--max-entries", "4"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("6 passed, 1 failed, 1 could not be run"), "{}", ran.out);
    for told in [r#"expected "9 sh\n", got "end\n""#, "the context has no `optval` afterwards"] {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
}
