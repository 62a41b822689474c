//! The suite of the crate. The programs are in `tests/data`, with the types of a kernel made up for them.

mod errors;
mod libbpf;
mod linking;
mod mutation;
mod opening;

use std::fs;
use std::path::{Path, PathBuf};

use bpf_object::{Kernel, KernelConfig, Linked, Object, Program, kernel_version, link};
use btf::Btf;

/// The address that the made-up kernel has for `vfs_read`.
const VFS_READ: u64 = 0xffff_ffff_8200_1234;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn file(name: &str) -> Vec<u8> {
    fs::read(data().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The objects, by name.
fn objects() -> Vec<String> {
    let files = fs::read_dir(data()).expect("the folder is there");
    let names = files.map(|file| file.expect("readable").file_name().into_string());
    let mut names: Vec<String> =
        names.map(|name| name.expect("plain")).filter(|name| name.ends_with(".o")).collect();
    names.sort();
    names
}

fn object(name: &str) -> Object {
    Object::parse(&file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The types of the made-up kernel, in the byte order of an object of that name.
fn types(object: &str) -> Btf<'static> {
    let name = if object.ends_with(".be.o") { "kernel.be.btf" } else { "kernel.btf" };
    Btf::parse(file(name)).expect("well-formed")
}

fn made_up<'k>(types: &'k Btf<'k>) -> Kernel<'k> {
    let config = fs::read_to_string(data().join("kernel.config")).expect("readable");
    Kernel {
        version: kernel_version(6, 18, 44),
        config: Some(KernelConfig::parse(&config)),
        symbols: Some([("vfs_read".to_owned(), VFS_READ)].into_iter().collect()),
        ..Kernel::new(types)
    }
}

/// Opens and links an object against the made-up kernel, and hands over the result.
fn linked<T>(name: &str, check: impl FnOnce(&Linked<'_>) -> T) -> T {
    let (object, types) = (object(name), types(name));
    check(&link(&object, &made_up(&types)))
}

fn program<'l>(linked: &'l Linked<'_>, name: &str) -> &'l Program {
    let found = linked.programs.iter().find(|program| program.name == name);
    found.unwrap_or_else(|| panic!("{name}: {:?}", linked.failures))
}
