//! The arguments of clang: those of the compilation database that can do no harm, or else defaults.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::headers::{CompileCommand, Headers};
use crate::paths::normal;

/// How a file is compiled, without what is the same for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flags {
    /// Where clang runs; relative paths among the arguments start there.
    pub(super) directory: PathBuf,
    pub(super) args: Vec<OsString>,
    /// The directories among them in which headers are searched, absolute.
    pub(super) search: Vec<PathBuf>,
}

/// The flags of the file with the absolute path `file`. `extra` are those of the user.
pub(super) fn of(file: &Path, config: &Config, headers: &Headers, extra: &[String]) -> Flags {
    let beside = file.parent().unwrap_or(Path::new("/")).to_owned();
    let command = headers.compile_command(file, config);
    let known = command.is_some();
    let CompileCommand { directory, arguments } = command
        .filter(|command| command.directory.is_dir())
        .unwrap_or(CompileCommand { directory: beside.clone(), arguments: Vec::new() });
    let mut accepted = accept(&arguments);
    accepted.extend(accept(extra));
    let has = |prefix: &str| accepted.iter().any(|arg| arg.starts_with(prefix));
    let mut args: Vec<String> = vec!["-g".into()];
    for (prefix, default) in [
        ("--target=", "--target=bpf"),
        ("-O", "-O2"),
        ("-mcpu=", "-mcpu=v3"),
        // The machine whose registers the macros of bpf_tracing.h name; that of the BTF that comes with the program.
        ("-D__TARGET_ARCH_", "-D__TARGET_ARCH_x86"),
        ("-fno-stack-protector", "-fno-stack-protector"),
    ] {
        if !has(prefix) {
            args.push(default.into());
        }
    }
    let mut search = directories(&accepted, &directory);
    args.append(&mut accepted);
    let mut args: Vec<OsString> = args.into_iter().map(OsString::from).collect();
    let mut add = |flag: &str, dir: PathBuf| {
        args.push(flag.into());
        args.push(dir.as_os_str().to_owned());
        search.push(dir);
    };
    if !known {
        add("-I", beside);
        if let Some(root) = headers.root(file) {
            let include = root.join("include");
            if include.is_dir() {
                add("-I", include);
            }
        }
    }
    for dir in &config.header_paths {
        add("-I", dir.clone());
    }
    // `asm/types.h` and others lie there where several machines share /usr/include.
    let machine = PathBuf::from(format!("/usr/include/{}-linux-gnu", machine()));
    if machine.is_dir() {
        add("-idirafter", machine);
    }
    Flags { directory, args, search }
}

fn machine() -> &'static str {
    match std::env::consts::ARCH {
        "powerpc64" => "powerpc64le",
        "x86" => "i386",
        machine => machine,
    }
}

/// Arguments with a value, glued to them or behind them.
const WITH_VALUE: [&str; 12] = [
    "-I",
    "-D",
    "-U",
    "-isystem",
    "-iquote",
    "-idirafter",
    "-include",
    "-imacros",
    "-isysroot",
    "-iprefix",
    "-iwithprefix",
    "-iwithprefixbefore",
];

/// Arguments that are left out together with their value.
const LEFT_OUT: [&str; 18] = [
    "-o",
    "-MF",
    "-MT",
    "-MQ",
    "-B",
    "-x",
    "-Xlinker",
    "-Xassembler",
    "-Xpreprocessor",
    "-arch",
    "-resource-dir",
    "-working-directory",
    "-ivfsoverlay",
    "--config",
    "-wrapper",
    "-specs",
    "-serialize-diagnostics",
    "--serialize-diagnostics",
];

/// Arguments that stand alone.
const ALONE: [&str; 10] = [
    "-nostdinc",
    "-nostdlibinc",
    "-nobuiltininc",
    "-undef",
    "-w",
    "-pedantic",
    "-ansi",
    "-pthread",
    "-mlittle-endian",
    "-mbig-endian",
];

/// `-f…` flags that stand alone and change the code, the language or the warnings, and nothing else.
const CODE: [&str; 21] = [
    "-ffreestanding",
    "-fms-extensions",
    "-fwrapv",
    "-fshort-enums",
    "-fsigned-char",
    "-funsigned-char",
    "-fcommon",
    "-fpack-struct",
    "-funroll-loops",
    "-fomit-frame-pointer",
    "-fstrict-aliasing",
    "-fblocks",
    "-fgnu89-inline",
    "-finline-functions",
    "-fbuiltin",
    "-fdebug-types-section",
    "-fstandalone-debug",
    "-fvectorize",
    "-fslp-vectorize",
    "-fmath-errno",
    "-fpcc-struct-return",
];

/// The arguments that cannot run or load anything, and write nothing. Everything else is left out: a database in the
/// workspace may come from anyone.
fn accept(arguments: &[String]) -> Vec<String> {
    let mut accepted = Vec::new();
    let mut rest = arguments.iter().map(String::as_str).peekable();
    while let Some(argument) = rest.next() {
        match argument {
            "-target" => {
                if let Some(target) = rest.next().filter(|target| is_bpf(target)) {
                    accepted.push(format!("--target={target}"));
                }
            }
            // Backend options that old builds spell like this: pairs of `-Xclang`.
            "-Xclang" => match rest.next() {
                Some("-target-feature") if rest.peek() == Some(&"-Xclang") => {
                    rest.next();
                    if let Some(feature) = rest.next().filter(|feature| is_feature(feature)) {
                        accepted.extend(
                            ["-Xclang", "-target-feature", "-Xclang", feature].map(str::to_owned),
                        );
                    }
                }
                _ => {}
            },
            "-mllvm" => {
                if let Some(option) = rest.next().filter(|option| option.starts_with("-bpf-")) {
                    accepted.extend(["-mllvm".to_owned(), option.to_owned()]);
                }
            }
            _ if LEFT_OUT.contains(&argument) => {
                rest.next();
            }
            _ if WITH_VALUE.contains(&argument) => {
                if let Some(value) = rest.next() {
                    accepted.extend([argument.to_owned(), value.to_owned()]);
                }
            }
            _ if is_harmless(argument) => accepted.push(argument.to_owned()),
            _ => {}
        }
    }
    accepted
}

fn is_harmless(argument: &str) -> bool {
    if let Some(target) = argument.strip_prefix("--target=") {
        return is_bpf(target);
    }
    if let Some(level) = argument.strip_prefix("-O") {
        return matches!(level, "" | "0" | "1" | "2" | "3" | "s" | "z" | "g" | "fast");
    }
    if ALONE.contains(&argument) || CODE.contains(&argument) {
        return true;
    }
    if let Some(warning) = argument.strip_prefix("-W") {
        // `-Wa,`, `-Wl,` and `-Wp,` are for other tools.
        return !warning.contains(',');
    }
    if let Some(negative) = argument.strip_prefix("-fno-") {
        return !negative.contains('=');
    }
    let is_known = |prefixes: &[&str]| prefixes.iter().any(|prefix| argument.starts_with(prefix));
    is_known(&["-std=", "-mcpu=", "--sysroot=", "-fvisibility=", "-fmacro-prefix-map="])
        || is_known(&["-I", "-D", "-U", "-isystem", "-iquote", "-idirafter"])
            && !WITH_VALUE.contains(&argument)
}

fn is_bpf(target: &str) -> bool {
    let machine = target.split('-').next().unwrap_or_default();
    matches!(machine, "bpf" | "bpfel" | "bpfeb" | "bpf_le" | "bpf_be")
}

fn is_feature(feature: &str) -> bool {
    feature.strip_prefix(['+', '-']).is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    })
}

fn directories(arguments: &[String], base: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        for flag in ["-isystem", "-iquote", "-idirafter", "-I"] {
            let Some(value) = argument.strip_prefix(flag) else { continue };
            let value = if value.is_empty() {
                arguments.get(index + 1).map(String::as_str)
            } else {
                Some(value)
            };
            found.extend(value.map(|value| normal(&base.join(value))));
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(arguments: &str) -> String {
        let arguments: Vec<_> = arguments.split_whitespace().map(str::to_owned).collect();
        accept(&arguments).join(" ")
    }

    #[test]
    fn only_what_does_no_harm_is_taken_from_a_database() {
        for (given, taken) in [
            ("clang -c x.c -o x.o", ""),
            (
                "cc -Iinc -I inc2 -DX=1 -D Y -UZ -include pre.h",
                "-Iinc -I inc2 -DX=1 -D Y -UZ -include pre.h",
            ),
            ("cc -target bpf -O1 -mcpu=v2 -std=gnu11", "--target=bpf -O1 -mcpu=v2 -std=gnu11"),
            ("cc --target=x86_64-linux-gnu -target arm64 -O0", "-O0"),
            (
                "cc --target=bpfeb -Wall -Wno-unused -Werror=format",
                "--target=bpfeb -Wall -Wno-unused -Werror=format",
            ),
            ("cc -MD -MF d -MT t -MMD -MP -Wp,-MD,d -Wl,-z -Wa,-x", ""),
            ("cc -fplugin=./evil.so -fpass-plugin=./evil.so -Xclang -load -Xclang ./evil.so", ""),
            (
                "cc -B. -B ./evil @evil -cc1 -wrapper ./evil -specs=evil --config=evil --config evil",
                "",
            ),
            (
                "cc -mllvm -load=./evil.so -mllvm -bpf-stack-size=1024",
                "-mllvm -bpf-stack-size=1024",
            ),
            ("cc -Xclang -target-feature -Xclang +alu32", "-Xclang -target-feature -Xclang +alu32"),
            (
                "cc -fno-builtin -fno-jump-tables -fwrapv -ftime-trace=x -fmodule-file=x",
                "-fno-builtin -fno-jump-tables -fwrapv",
            ),
            (
                "cc -save-temps -E -S -emit-llvm -fuse-ld=x -resource-dir x --gcc-toolchain=x -serialize-diagnostics x",
                "",
            ),
            ("cc -ivfsoverlay x -working-directory=x -o", ""),
        ] {
            assert_eq!(accepted(given), taken, "{given}");
        }
    }

    #[test]
    fn values_are_not_mistaken_for_flags() {
        assert_eq!(accepted("cc -o -I -D"), "");
        assert_eq!(accepted("cc -MF -Ix -I"), "");
    }
}
