//! What unit tests verify: programs of the corpus, and short ones in their place.

use bpf_object::{Kernel, Linked, Object, link};
use btf::Btf;
use kernel_model::Version;

use crate::capabilities::Capabilities;
use crate::program::{Options, Program};

/// An object of `tests/corpus` by its path there: `functions/global`.
pub(crate) fn corpus(path: &str) -> Object {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus");
    let bytes = std::fs::read(format!("{root}/{path}.bpf.o")).expect("the corpus is compiled");
    Object::parse(&bytes).expect("an object")
}

/// The types of the kernel.
pub(crate) fn types() -> &'static Btf<'static> {
    bpf_object::vmlinux().expect("the types of a kernel")
}

/// The object as it is linked against that kernel.
pub(crate) fn linked(object: &Object) -> Linked<'_> {
    link(object, &Kernel::new(types()))
}

/// A loader with all privileges, and 6.18, without log and explanations.
pub(crate) fn options() -> Options {
    Options {
        kernel: Version::new(6, 18),
        lists_variables: true,
        capabilities: Capabilities::ALL,
        log_level: 0,
        explain: false,
        file: String::new(),
    }
}

/// Runs a test with a program of the corpus, `functions/global` and `scalars`, whose code is replaced.
pub(crate) fn with_code<T>(
    (object, name): (&str, &str),
    text: &str,
    options: Options,
    test: impl FnOnce(Program<'_>) -> T,
) -> T {
    let object = corpus(object);
    let linked = linked(&object);
    let found = linked.programs.iter().find(|program| program.name == name).expect("a program");
    let code = isa::assemble(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let raw = code.encode();
    let mut program = Program::new(&linked, found, types(), options);
    (program.code, program.raw) = (code, &raw);
    (program.functions, program.lines) = (&[], &[]);
    test(program)
}

/// A program for the traffic classifier.
pub(crate) const CLASSIFIER: (&str, &str) = ("functions/global", "scalars");
