//! How long opening and linking take: `cargo bench -p bpf-object`. The best of many runs counts, because other programs
//! only ever make one slower.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use bpf_object::{Kernel, Object, link, vmlinux};
use btf::{Btf, Kind};

const MANY: &[u8] = include_bytes!("../tests/data/many.bpf.o");

fn best<T>(runs: u32, mut run: impl FnMut() -> T) -> Duration {
    let once = |_| {
        let start = Instant::now();
        black_box(run());
        start.elapsed()
    };
    (0..runs).map(once).min().unwrap_or_default()
}

fn main() -> io::Result<()> {
    // Only the first call decompresses.
    let start = Instant::now();
    let bytes = kernel_model::vmlinux_btf();
    let decompress = start.elapsed();
    let open = best(50, || Btf::parse(bytes));
    let fresh = || Btf::parse(bytes).expect("it comes with the program");
    let search = best(20, || fresh().find("task_struct", Kind::Struct).map(|ty| ty.id()));
    let walk = best(20, || fresh().types().map(|ty| ty.name().len()).sum::<usize>());
    let kernel = Kernel::new(vmlinux().expect("it comes with the program"));
    let object = Object::parse(MANY).expect("it is one of ours");
    let programs = link(&object, &kernel).programs;
    let insns: usize = programs.iter().map(|program| program.insns.len()).sum();
    let parse = best(200, || Object::parse(MANY));
    let linked = best(200, || link(&object, &kernel).programs.len());
    let decode = best(200, || {
        programs.iter().filter(|one| isa::Program::decode(&one.insns).is_ok()).count()
    });
    let both = parse + linked;

    let milliseconds = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
    let ratio = |a: Duration, b: Duration| format!("{:.2} x", a.as_secs_f64() / b.as_secs_f64());
    let mut out = io::stdout().lock();
    let mut line =
        |what: &str, value: String, bar: &str| writeln!(out, "{what:<60} {value:>12}   {bar}");
    line("types of the kernel: decompress, once", milliseconds(decompress), "")?;
    line("types of the kernel: open", milliseconds(open), "bar <= 6 ms")?;
    let opened = decompress + open;
    line("types of the kernel: decompress and open", milliseconds(opened), "bar <= 15 ms")?;
    line("types of the kernel: open and first search", milliseconds(search), "")?;
    line("open / walk over all names", ratio(open, walk), "")?;
    let what = format!("{} programs, {insns} instructions: open", programs.len());
    line(&what, milliseconds(parse), "")?;
    line("the same: link, warm", milliseconds(linked), "")?;
    line("the same: open and link, warm", milliseconds(both), "bar <= 10 ms")?;
    line("open and link / decode the linked instructions", ratio(both, decode), "")
}
