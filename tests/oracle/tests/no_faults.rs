//! What the kernel accepts never faults: each accepted program that is run on packets is run on random ones, in random
//! layouts.

use std::collections::BTreeSet;

use bpf_object::{Kernel, Object, link, vmlinux};
use oracle::recording::{Recordings, Verdict};
use oracle::{Corpus, Mode};
use runtime::{FaultKind, Image, Input, Layout, Machine, Options, PacketInput};

/// Packets for each program.
const PACKETS: usize = 100;

/// Programs that the kernel accepts although they go wrong, and how.
const WRONG: [(&str, &str); 4] = [
    ("catalogue/m49", "it writes to a record that was submitted"),
    ("dynptr/slice_of_record_outlives_submit", "it reads a record that was submitted"),
    (
        "dynptr/short_length_after_long_without_buffer",
        "a slice without a buffer is as long as one that was checked on another path",
    ),
    (
        "functions/untrusted_memory_has_no_end",
        "it reads what is not mapped, for which the kernel reads zero and a run ends",
    ),
];

#[test]
fn accepted_programs_do_not_fault() {
    let corpus = Corpus::of_repository();
    let recordings = Recordings::of(&corpus, "6.18", Mode::Root);
    let kernel = Kernel::new(vmlinux().expect("there are types"));
    let mut random = fastrand::Rng::with_seed(7);
    let (mut programs, mut runs, mut not_modelled) = (0, 0, 0);
    let (mut faults, mut wrong) = (Vec::new(), BTreeSet::new());
    for topic in corpus.recorded_topics().expect("can be listed") {
        let recording = recordings.load(&topic).expect("can be read").expect("is recorded");
        let bytes = std::fs::read(corpus.object(&topic)).expect("is there");
        let object = Object::parse(&bytes).expect("opens");
        let linked = link(&object, &kernel);
        for (index, program) in linked.programs.iter().enumerate() {
            let accepted = recording.programs.get(&program.name);
            if accepted.is_none_or(|one| one.verdict != Verdict::Accept) {
                continue;
            }
            let Ok(image) = Image::new(&linked, index) else { continue };
            if image.program_type().packet == kernel_model::Packet::None {
                continue;
            }
            programs += 1;
            let path = format!("{}/{}", topic.family, program.name);
            let Ok(mut machine) = Machine::new(&image, &Options::default()) else { continue };
            for _ in 0..PACKETS {
                machine.reset();
                let packet = packet(&mut random, image.takes_fragments());
                let input = Input { packet: Some(packet), budget: 200_000, ..Input::default() };
                let outcome = machine.run(&input);
                runs += 1;
                match outcome.fault.map(|fault| fault.kind) {
                    None => {}
                    Some(FaultKind::NotModelled(_)) => not_modelled += 1,
                    // The kernel bounds what the verifier follows, not what the program takes.
                    Some(FaultKind::Budget(_)) => {}
                    Some(_) if WRONG.iter().any(|(known, _)| *known == path) => {
                        wrong.insert(path.clone());
                        break;
                    }
                    Some(kind) => {
                        faults.push(format!("{path}: {kind}"));
                        break;
                    }
                }
            }
        }
    }
    let found: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = WRONG.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, known.into_iter().collect::<Vec<_>>(), "programs that go wrong");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(
        programs > 300 && not_modelled * 10 < runs,
        "{programs} programs, {not_modelled} of {runs}"
    );
}

/// A packet that may look like IP, in a random layout.
fn packet(random: &mut fastrand::Rng, fragments: bool) -> PacketInput {
    let len = random.usize(14..600);
    let mut bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(len).collect();
    if random.bool() {
        bytes[12..14].copy_from_slice(&[0x08, 0x00]);
        if let Some(version) = bytes.get_mut(14) {
            *version = 0x45;
        }
    }
    let linear = if fragments {
        random.u32(14..=600).min(u32::try_from(len).unwrap_or(14))
    } else {
        u32::MAX
    };
    let layout = Layout { linear: Some(linear), ..Layout::default() };
    PacketInput { bytes, layout, ..PacketInput::default() }
}
