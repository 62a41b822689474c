//! A terminal of any width, with and without colours.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::sandbox::Sandbox;

/// A finding with labels, a help and a fix, and a line that is wider than most terminals.
const WIDE: &str = "SEC(\"tc\")\nint prog(struct __sk_buff *skb)\n{\n\tstruct bpf_dynptr pkt;\n\tchar buf[20], *p;\n\n\
    \tbpf_dynptr_from_skb(skb, 0, &pkt);\n\tp = bpf_dynptr_slice_rdwr(&pkt, 32, buf, sizeof(buf));\n\
    \tif (!p)\n\t\treturn 0;\n\
    \tp[0] = 1; /* the comment behind this store is long enough to leave any terminal that has two hundred columns or \
    fewer, and says nothing at all, but says it at length, for it has to reach beyond the two hundredth column */\n\
    \treturn 0;\n}\n";

/// What a command prints on a terminal with that many columns.
fn on_terminal(command: &mut Command, columns: u16) -> String {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("has terminals");
    grantpt(&controller).expect("is ours");
    unlockpt(&controller).expect("is ours");
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&controller, size).expect("is a terminal");
    let name =
        ptsname(&controller, Vec::new()).expect("has a name").into_string().expect("is text");
    let terminal = File::options().read(true).write(true).open(name).expect("can be opened");
    let side = || Stdio::from(terminal.try_clone().expect("can be opened twice"));
    let mut child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("is built");
    // The command must hold the only other end, or reading would not end.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(terminal);
    let mut printed = Vec::new();
    // Linux says with an error that the other side is gone.
    let _ = File::from(controller).read_to_end(&mut printed);
    child.wait().expect("it ends");
    String::from_utf8(printed).expect("is UTF-8").replace("\r\n", "\n")
}

/// Without the sequences that colour.
fn plain(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('m').expect("only colours are set");
        assert!(code.starts_with('[') && !code.contains(char::is_alphabetic), "{code:?}");
        plain.push_str(rest);
    }
    plain
}

#[test]
fn source_fits_the_terminal() {
    let sandbox = Sandbox::new(&[("wide.bpf.c", WIDE)]);
    for columns in [40_u16, 80, 120, 200] {
        let mut command = sandbox.command(&["check"]);
        let printed = plain(&on_terminal(command.env("TERM", "xterm"), columns));
        assert!(printed.contains("missing-write-back"), "{printed}");
        // Source is cut; what is said about it is for the terminal to break, and source as wide as a mark is kept.
        let width = |line: &str| line.chars().count();
        let cut = printed.lines().find(|line| line.contains("the comment")).expect("is shown");
        let others = printed.lines().filter(|line| line.contains(" | ") && *line != cut);
        let most = others.map(width).max().expect("has marks").max(columns.into());
        assert!(cut.ends_with("...") && width(cut) <= most, "{columns} columns:\n{printed}");
        assert!(printed.contains("p[0] = 1"), "the guilty place stays visible:\n{printed}");
    }
}

#[test]
fn any_width_is_survived() {
    let sandbox = Sandbox::new(&[("wide.bpf.c", WIDE)]);
    for columns in [0, 1, 2, 39, 1_000, u16::MAX] {
        for args in [&["check"][..], &["check", "--help"], &["rules"], &["explain", "stale-slice"]]
        {
            let printed = on_terminal(&mut sandbox.command(args), columns);
            assert!(printed.len() > 100 && !printed.contains("panicked"), "{args:?}: {printed}");
        }
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let sandbox = Sandbox::new(&[("wide.bpf.c", WIDE)]);
    let coloured = |args: &[&str], environment: &[(&str, &str)]| {
        let mut command = sandbox.command(&[&["check"], args].concat());
        command.env("TERM", "xterm").envs(environment.iter().copied());
        on_terminal(&mut command, 80).contains('\u{1b}')
    };
    assert!(coloured(&[], &[]));
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
    assert!(!coloured(&[], &[("TERM", "dumb")]));
    assert!(!coloured(&["--color=never"], &[]));
    assert!(!coloured(&["--color=never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(coloured(&["--color=always"], &[("NO_COLOR", "1")]));
    for format in ["json", "sarif", "github", "junit"] {
        assert!(!coloured(&[&format!("--format={format}")], &[]), "{format} is for programs");
    }
}

/// The bar is on the terminal only while files are linted.
#[test]
fn progress_leaves_nothing_behind() {
    let sandbox = Sandbox::new(&[]);
    for index in 0..300 {
        sandbox.write(&format!("{index:03}.bpf.c"), b"int x;\n");
    }
    let printed = on_terminal(sandbox.command(&["check"]).env("TERM", "xterm"), 80);
    let last = printed.trim_end().rsplit(['\r', '\n']).next().expect("prints something");
    assert!(last.ends_with("no findings in 300 files"), "{printed:?}");
}
