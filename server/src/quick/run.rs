//! Running a program on a packet, or on all its layouts.

use std::time::{Duration, Instant};

use bpf_object::Linked;
use kernel_model::Packet;
use runtime::layouts::Limits;
use runtime::{Image, Input, PacketInput};

use super::{CheckError, CheckKind, CheckRequest, Checked, Times, findings, timed};
use crate::packets;
use crate::report::{self, Source};
use crate::run::{Job, RunError, choose, run as run_job};

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
    let job = job(&image, layouts);
    let begun = Instant::now();
    let go_on = || !request.cancel.is_cancelled() && begun.elapsed() < LAYOUTS;
    let (report, took) = timed(|| run_job(&image, &job, go_on));
    times.check = took;
    let report = report?;
    if request.cancel.is_cancelled() {
        return Err(CheckError::Cancelled);
    }
    let (checked, took) = timed(|| {
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

fn job(image: &Image, layouts: bool) -> Job {
    let has_packet = image.program_type().packet != Packet::None;
    // A template that is built in is always one; without a packet the run would say what is missing.
    let packets = match has_packet {
        true => packets::packets(PACKET).unwrap_or_default(),
        false => Vec::new(),
    };
    Job {
        packets,
        input: Input { packet: has_packet.then(PacketInput::default), ..Input::default() },
        layouts: layouts.then(Limits::default),
        ..Job::default()
    }
}
