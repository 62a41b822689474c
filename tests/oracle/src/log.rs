//! The text of the verifier's log.

use crate::recording::Stats;

/// How lines begin that end the log.
const CLOSING: [&str; 3] = ["processed ", "verification time ", "stack depth "];

/// How lines begin, beside instructions and states, that tell how the verifier went along.
const PROGRESS: [&str; 19] = [
    "; ",
    "from ",
    "mark_precise: ",
    "Func#",
    "Validating ",
    "caller:",
    "callee:",
    "to caller at ",
    "returning from callee:",
    "propagating ",
    "frame0",
    "frame1",
    "frame2",
    "frame3",
    "frame4",
    "frame5",
    "frame6",
    "frame7",
    " R",
];

/// The lines behind the last instruction or state: what is wrong, in the kernel's order. The first one is the
/// message a person wants to see.
pub fn messages(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().filter(|line| !line.is_empty()).collect();
    let end = lines.iter().position(|line| is_closing(line)).unwrap_or(lines.len());
    let start = lines[..end].iter().rposition(|line| is_progress(line)).map_or(0, |at| at + 1);
    lines[start..end].iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Parts of a log that should begin a line, but that the kernel prints behind what stands there.
const GLUED: [&str; 3] = ["infinite loop detected at insn ", "verification time ", "processed "];

/// The log with messages and closing lines on lines of their own.
pub fn separated(mut log: String) -> String {
    for part in GLUED {
        if let Some(at) = log.rfind(part)
            && at > 0
            && !log[..at].ends_with('\n')
        {
            log.insert(at, '\n');
        }
    }
    log
}

/// The figures of the line `processed …`.
pub fn stats(log: &str) -> Option<Stats> {
    let line = log.lines().rev().find(|line| line.starts_with("processed "))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let behind = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1)?.parse::<u64>().ok()
    };
    Some(Stats {
        insns_processed: behind("processed")?,
        max_states_per_insn: behind("max_states_per_insn")?,
        total_states: behind("total_states")?,
        peak_states: behind("peak_states")?,
        mark_read: behind("mark_read").unwrap_or(0),
        stack_depth: stack_depth(log),
    })
}

/// The figures of the line `stack depth …`.
fn stack_depth(log: &str) -> Vec<u64> {
    let rest = log.lines().rev().find_map(|line| line.strip_prefix("stack depth "));
    let depths = rest.into_iter().flat_map(|rest| rest.trim().split('+'));
    depths.filter_map(|depth| depth.parse().ok()).collect()
}

/// The figure of the line `verification time …`, in microseconds.
pub fn usec(log: &str) -> Option<u64> {
    let rest = log.lines().rev().find_map(|line| line.strip_prefix("verification time "))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The log without what differs from time to time: addresses of the kernel, durations. `is_address` says whether
/// the instruction of this number loads an address.
pub fn normalised(log: &str, is_address: impl Fn(usize) -> bool) -> String {
    let mut out = String::with_capacity(log.len());
    for line in log.lines() {
        if line.starts_with("verification time ") {
            continue;
        }
        match address_load(line) {
            Some((insn, at)) if is_address(insn) => {
                let end = line[at..].find([' ', ';']).map_or(line.len(), |length| at + length);
                out.push_str(&line[..at]);
                out.push_str("0xKERNEL");
                out.push_str(&line[end..]);
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// The number of the instruction, and where the value is, in lines such as `3: (18) r1 = 0xffff…`; in tables of live
/// registers, `3: ..2....... (18) r1 = 0xffff…`; and where the way back is told, `before 3: (18) r1 = 0xffff…`.
fn address_load(line: &str) -> Option<(usize, usize)> {
    let load = line.find("(18) r")?;
    let (before, _) = line[..load].rsplit_once(':')?;
    let number = before.rsplit(' ').next()?;
    let at = load + line[load..].find(" = 0x")? + " = ".len();
    Some((number.parse().ok()?, at))
}

fn is_closing(line: &str) -> bool {
    CLOSING.iter().any(|beginning| line.starts_with(beginning))
}

fn is_progress(line: &str) -> bool {
    let number = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
    let is_insn = number > 0 && line[number..].starts_with(':');
    is_insn || PROGRESS.iter().any(|beginning| line.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "0: R1=ctx() R10=fp0\n; return p[0]; @ a.bpf.c:3\n0: (18) r1 = 0xffff888100000000\n\
                       2: (71) r0 = *(u8 *)(r0 +0)\nR0 invalid mem access 'scalar'\nverification time 12 usec\nstack depth 8+0\n\
                       processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 3 \
                       mark_read 4\n";

    #[test]
    fn messages_stand_behind_the_last_instruction() {
        assert_eq!(messages(LOG), ["R0 invalid mem access 'scalar'"]);
        assert_eq!(messages("map 'a' has no lock\n"), ["map 'a' has no lock"]);
        assert_eq!(messages(""), Vec::<String>::new());
    }

    #[test]
    fn closing_lines_are_separated() {
        let log = "1: (85) call bpf_tail_call#12\nexpected thisverification time 3 usec\nprocessed 2 insns\n";
        assert_eq!(messages(&separated(log.to_owned())), ["expected this"]);
        let log =
            "1: (55) if r0 != 0x7 goto pc-2 infinite loop detected at insn 0\ncur state: R0=1\n";
        assert_eq!(messages(&separated(log.to_owned()))[0], "infinite loop detected at insn 0");
        assert_eq!(
            messages("0: R1=ctx()\nframe pointer is read only\n"),
            ["frame pointer is read only"]
        );
        assert_eq!(separated(LOG.to_owned()), LOG);
    }

    #[test]
    fn figures_are_read() {
        let stats = stats(LOG).expect("is there");
        assert_eq!((stats.insns_processed, stats.total_states, stats.peak_states), (2, 1, 3));
        assert_eq!(stats.stack_depth, [8, 0]);
        assert_eq!(usec(LOG), Some(12));
        assert_eq!(super::stats("nothing"), None);
    }

    #[test]
    fn only_addresses_are_replaced() {
        let text = normalised(LOG, |insn| insn == 0);
        assert!(text.contains("0: (18) r1 = 0xKERNEL\n") && !text.contains("usec"), "{text}");
        let table = "      4: ..2....... (18) r1 = 0xffff8883161f0c00\n";
        assert!(normalised(table, |insn| insn == 4).ends_with("r1 = 0xKERNEL\n"));
        let back = "mark_precise: frame0: regs=r1 stack= before 4: (18) r2 = 0xffff88810a54db38\n";
        assert!(normalised(back, |insn| insn == 4).ends_with("r2 = 0xKERNEL\n"));
        assert!(normalised(LOG, |_| false).contains("0xffff888100000000"));
    }
}
