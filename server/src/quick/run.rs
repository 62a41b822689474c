//! Running a program on a packet, or on all its layouts.

use std::path::Path;
use std::time::{Duration, Instant};

use bpf_object::Linked;
use kernel_model::Packet;
use runtime::layouts::Limits;
use runtime::{Image, Input, PacketInput};

use super::{CheckError, CheckKind, CheckRequest, Checked, Times, findings, timed};
use crate::packets;
use crate::report::{self, Source};
use crate::run::{Job, RunError, RunPacket, choose, run as run_job};
use crate::tests::packets_for;

/// The packet that programs are run on.
const PACKET: &str = "tcp4:len=100";

/// How long layouts are tried.
const LAYOUTS: Duration = Duration::from_secs(2);

pub(super) fn run(
    request: &CheckRequest<'_>,
    linked: &Linked<'_>,
    source: Source<'_>,
    times: &mut Times,
) -> Result<Checked, CheckError> {
    let index = choose(linked, request.program)?;
    let image = Image::new(linked, index).map_err(RunError::from)?;
    let ty = image.program_type();
    let layouts = request.kind == CheckKind::Layouts;
    if layouts && ty.packet == Packet::None {
        return Err(CheckError::NoPacket(ty.name));
    }
    let job = job(request, &image, layouts)?;
    let begun = Instant::now();
    let go_on = || !request.cancel.is_cancelled() && begun.elapsed() < LAYOUTS;
    let (report, took) = timed(|| run_job(&image, &job, go_on));
    times.check = took;
    let mut report = report?;
    if request.cancel.is_cancelled() {
        return Err(CheckError::Cancelled);
    }
    let (checked, took) = timed(|| {
        request.wishes().apply_to_run(&mut report, request.kernel, request.headers);
        let (verdict, summary) = match layouts {
            true => report::lens_of_layouts(&report, ty),
            false => report::lens_of_run(&report, ty),
        };
        Checked {
            program: report.program.clone(),
            kind: request.kind,
            verdict,
            summary,
            report: match layouts {
                true => report::of_layouts(&report, ty, source),
                false => report::of_run(&report, ty, source),
            },
            findings: findings::of_run(request, &report, source),
        }
    });
    times.render = took;
    Ok(checked)
}

fn job(request: &CheckRequest<'_>, image: &Image, layouts: bool) -> Result<Job, CheckError> {
    let has_packet = image.program_type().packet != Packet::None;
    Ok(Job {
        packets: if has_packet { packets(request, image)? } else { Vec::new() },
        input: Input { packet: has_packet.then(PacketInput::default), ..Input::default() },
        layouts: layouts.then(Limits::default),
        ..Job::default()
    })
}

/// The packets that the configuration has for the program, or else a usual one.
fn packets(request: &CheckRequest<'_>, image: &Image) -> Result<Vec<RunPacket>, CheckError> {
    let root = request.config.root().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    for packet in packets_for(request.config, request.path, image.name()) {
        found.extend(packet.load(root)?);
    }
    if found.is_empty() {
        found.extend(packets::packets(PACKET)?.into_iter().map(RunPacket::from));
    }
    Ok(found)
}
