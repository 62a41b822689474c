//! A machine for a program of an object.

use bpf_object::{Kernel, Linked, Object, link, vmlinux};
use runtime::{Image, Machine, Options};

/// Calls `test` with a machine for a program of `object`.
pub(crate) fn with<T>(
    object: &[u8],
    program: &str,
    test: impl FnOnce(&mut Machine<'_>, &Linked<'_>) -> T,
) -> T {
    let object = Object::parse(object).expect("is well-formed");
    let linked = link(&object, &Kernel::new(vmlinux().expect("there are types")));
    let index = linked.programs.iter().position(|one| one.name == program).expect("is there");
    let image = Image::new(&linked, index).expect("can be made ready");
    let mut machine = Machine::new(&image, &Options::default()).expect("fits");
    test(&mut machine, &linked)
}
