//! Which files are linted, and in which order findings come.

use super::sandbox::{CLEAN, IDLE_ALLOW, Ran, Sandbox, files};

fn found_files(ran: &Ran) -> Vec<String> {
    ran.findings().into_iter().map(|(file, _)| file).collect()
}

#[test]
fn a_directory_is_searched_for_bpf_c() {
    let with_section = format!("{IDLE_ALLOW}{CLEAN}");
    let with_include = format!("#include <bpf/bpf_helpers.h>\n{IDLE_ALLOW}");
    let sandbox = Sandbox::new(&[
        ("named.bpf.c", IDLE_ALLOW),
        ("deep/er/section.c", &with_section),
        ("include.c", &with_include),
        ("user_space.c", IDLE_ALLOW),
        ("header.h", &with_section),
        (".hidden/a.bpf.c", IDLE_ALLOW),
        (".gitignore", "build/\n"),
        ("build/a.bpf.c", IDLE_ALLOW),
    ]);
    let expected = ["deep/er/section.c", "include.c", "named.bpf.c"];
    let ran = sandbox.run(&["check", "--format", "json"]);
    assert_eq!(found_files(&ran), expected);
    assert_eq!(files(&ran), 3);
    assert_eq!(found_files(&sandbox.run(&["check", ".", "--format", "json"])), expected);
    let ran = sandbox.run(&["check", "deep", "--format", "json"]);
    assert_eq!(found_files(&ran), ["deep/er/section.c"]);
}

#[test]
fn a_named_file_is_linted_whatever_it_is() {
    let sandbox = Sandbox::new(&[
        ("user_space.c", IDLE_ALLOW),
        ("header.h", IDLE_ALLOW),
        (".hidden.c", IDLE_ALLOW),
        (".gitignore", "header.h"),
    ]);
    let ran = sandbox.run(&["check", "--format=json", "user_space.c", "header.h", ".hidden.c"]);
    assert_eq!(found_files(&ran), [".hidden.c", "header.h", "user_space.c"]);
}

#[test]
fn a_file_reached_twice_is_linted_once() {
    let sandbox = Sandbox::new(&[("a/x.bpf.c", IDLE_ALLOW), ("a/plain.c", IDLE_ALLOW)]);
    let ran = sandbox.run(&["check", "--format=json", "a", ".", "a/x.bpf.c", "./a/plain.c"]);
    assert_eq!(files(&ran), 2);
}

#[test]
fn the_order_does_not_depend_on_the_threads() {
    let sandbox = Sandbox::new(&[]);
    for index in 0..150 {
        // Sizes differ so that later files are ready before earlier ones.
        let padding = "int y;\n".repeat((index * 37) % 150 * 10);
        sandbox.write(&format!("{index:03}.bpf.c"), format!("{IDLE_ALLOW}{padding}").as_bytes());
    }
    let run = |jobs| {
        let ran = sandbox.run(&["check", "--format=concise", "--jobs", jobs]);
        ran.out
            .lines()
            .filter(|line| line.contains(".bpf.c"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let single = run("1");
    assert_eq!(single.len(), 150);
    assert!(single.is_sorted());
    assert_eq!(run("2"), single);
    assert_eq!(run("7"), single);
}

/// The header says how large the buffer is; without it nothing is certain.
#[test]
fn headers_are_found_from_any_directory() {
    let program = "#include \"sizes.h\"\nSEC(\"tc\")\nint prog(struct __sk_buff *skb)\n{\n\tstruct bpf_dynptr pkt;\n\t__u8 hdr_buf[HDR_BYTES], *hdr;\n\n\tbpf_dynptr_from_skb(skb, 0, &pkt);\n\thdr = bpf_dynptr_slice(&pkt, 0, hdr_buf, 40);\n\treturn hdr ? hdr[0] : 0;\n}\n";
    let sandbox = Sandbox::new(&[
        ("src/a.bpf.c", program),
        ("src/sizes.h", "#include \"../inc/more.h\"\n"),
        ("inc/more.h", "#define HDR_BYTES 20\n"),
        ("without/b.bpf.c", program),
        ("elsewhere/.keep", ""),
    ]);
    for (directory, path) in
        [(".", "src/a.bpf.c"), ("elsewhere", "../src/a.bpf.c"), ("src", "a.bpf.c")]
    {
        let mut command = sandbox.command(&["check", "--format=json", path]);
        let ran = Ran::of(command.current_dir(sandbox.path(directory)));
        assert_eq!(
            ran.findings(),
            [(path.to_owned(), "buffer-too-small".to_owned())],
            "{directory}"
        );
    }
    assert_eq!(sandbox.run(&["check", "--format=json", "without"]).findings(), []);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_loops_reported() {
    use super::sandbox::link;

    let sandbox = Sandbox::new(&[("tree/a.bpf.c", IDLE_ALLOW), ("other/b.bpf.c", IDLE_ALLOW)]);
    link(&sandbox.path("tree"), &sandbox.path("tree/loop"));
    link(&sandbox.path("other"), &sandbox.path("tree/linked"));
    link(&sandbox.path("other/b.bpf.c"), &sandbox.path("tree/twice.bpf.c"));
    let ran = sandbox.run(&["check", "tree", "--format", "json"]);
    assert_eq!(found_files(&ran), ["tree/a.bpf.c", "tree/linked/b.bpf.c"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.err, "error: tree/loop: directory loop: links back to tree\n");
    link(&sandbox.path("self"), &sandbox.path("self"));
    let ran = sandbox.run(&["check", "self", "other", "--format", "json"]);
    assert_eq!((ran.code, found_files(&ran)), (2, vec!["other/b.bpf.c".to_owned()]));
    assert!(ran.err.starts_with("error: self: "), "{ran:?}");
    link(&sandbox.path("gone"), &sandbox.path("other/dangling.bpf.c"));
    let ran = sandbox.run(&["check", "other", "--format", "json"]);
    assert_eq!((ran.code, found_files(&ran)), (2, vec!["other/b.bpf.c".to_owned()]));
    assert!(ran.err.starts_with("error: other/dangling.bpf.c: "), "{ran:?}");
}
