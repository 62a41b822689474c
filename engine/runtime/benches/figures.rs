//! How fast programs run: `cargo bench -p runtime`. The best of many runs counts, because other programs only ever make
//! one slower. The interpreter of `rbpf` runs the same functions on the same bytes, without knowing where a program may
//! access memory beyond the packet and its stack.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use bpf_object::{Kernel, Linked, Object, link, vmlinux};
use isa::Endian;
use runtime::{Coverage, Image, Input, Layout, Machine, Options, PacketInput};

const OBJECT: &[u8] = include_bytes!("programs/speed.bpf.o");
const LEN: usize = 1500;
/// How often each is run.
const RUNS: u32 = 2000;

fn best(runs: u32, mut run: impl FnMut()) -> Duration {
    let once = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..runs).map(once).min().unwrap_or_default()
}

/// Ethernet, a tag, IPv6 with two extension headers, TCP with 40 bytes of options, and bytes that count up.
fn packet() -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 42, 0x86, 0xdd];
    bytes.extend([0x60, 0, 0, 0, 5, 0, 0, 64]);
    bytes.extend((0..32).map(|byte| byte * 7));
    bytes.extend([60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0]);
    bytes.extend([0x9c, 0x40, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 2, 0xf0, 0x18, 4, 0, 0, 0, 0, 0]);
    bytes.extend([1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 5, 0xb4, 3, 3, 7]);
    bytes.extend([1; 21]);
    bytes.extend((0..=u8::MAX).cycle().take(LEN - bytes.len()));
    bytes
}

fn index(linked: &Linked<'_>, name: &str) -> usize {
    linked.programs.iter().position(|program| program.name == name).expect("is there")
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let object = Object::parse(OBJECT).expect("it is one of ours");
    let linked = link(&object, &Kernel::new(vmlinux().expect("they come with the program")));
    let packet = packet();
    let input = Input {
        packet: Some(PacketInput { bytes: packet.clone(), ..PacketInput::default() }),
        ..Input::default()
    };
    for name in ["fnv", "jhash", "parse"] {
        let image = Image::new(&linked, index(&linked, name)).expect("can be decoded");
        let mut machine = Machine::new(&image, &Options::default()).expect("fits");
        let outcome = machine.run(&input);
        assert_eq!(outcome.fault, None);
        let ours = best(RUNS, || {
            black_box(machine.run(black_box(&input)));
        });
        let mut coverage = Coverage::default();
        let mut watched = Machine::new(&image, &Options::default()).expect("fits");
        watched.set_trace(&mut coverage);
        let traced = best(RUNS / 4, || {
            black_box(watched.run(black_box(&input)));
        });
        let raw = &linked.programs[index(&linked, &format!("raw_{name}"))];
        let code = raw.to_bytes(btf::Endian::Little, |_| 0);
        assert_eq!(isa::read(&code, Endian::Little).map(|slots| slots.len()), Ok(raw.insns.len()));
        let vm = rbpf::EbpfVmMbuff::new(Some(&code)).expect("is accepted");
        let ends = packet.as_ptr_range();
        let ends = [ends.start as u64, ends.end as u64].map(u64::to_le_bytes).concat();
        let theirs = vm.execute_program(&packet, &ends).expect("runs");
        assert_eq!(theirs & 0xffff_ffff, outcome.retval & 0xffff_ffff, "{name}");
        let rbpf = best(RUNS, || {
            black_box(vm.execute_program(black_box(&packet), &ends).expect("runs"));
        });
        let (ns, insns) = (ours.as_nanos(), u128::from(outcome.insns));
        writeln!(
            out,
            "{name}: {insns} instructions in {ns} ns, {} million/s; {} ns when watched; rbpf {} ns, {:.2} times ours",
            insns * 1000 / ns.max(1),
            traced.as_nanos(),
            rbpf.as_nanos(),
            rbpf.as_secs_f64() / ours.as_secs_f64()
        )?;
    }
    layouts(&mut out, &linked, &packet)
}

/// A parser on a thousand layouts, with maps as at the beginning each time.
fn layouts(out: &mut impl Write, linked: &Linked<'_>, packet: &[u8]) -> io::Result<()> {
    let image = Image::new(linked, index(linked, "parse")).expect("can be decoded");
    let mut machine = Machine::new(&image, &Options::default()).expect("fits");
    let inputs: Vec<Input> = (0..1000_u32)
        .map(|number| {
            let layout = Layout { linear: Some(200 + number), ..Layout::default() };
            let packet =
                PacketInput { bytes: packet[..1400].to_vec(), layout, ..PacketInput::default() };
            Input { packet: Some(packet), ..Input::default() }
        })
        .collect();
    let all = best(20, || {
        for input in &inputs {
            machine.reset();
            black_box(machine.run(input));
        }
    });
    writeln!(out, "1000 layouts: {:.2} ms", all.as_secs_f64() * 1000.0)
}
