//! Which functions deal with checksums. Where the update stands is not followed: a program that
//! changes a header in one function and sums it up in another is not to be bothered.

use rustc_hash::FxHashSet;
use sema::Ty;
use smol_str::SmolStr;

use crate::interp::Interp;
use crate::mir::{Body, BodyRef, InstKind, Proj};
use crate::value::{EventId, FrameId};

/// Headers whose fields a checksum covers.
pub(crate) const CHECKSUMMED: &[&str] = &["iphdr", "tcphdr", "udphdr", "icmphdr", "icmp6hdr"];

/// Fields of one header that add to a sum in the same way.
const PAIRS: &[[&str; 2]] = &[["saddr", "daddr"], ["source", "dest"]];

impl Interp<'_> {
    /// Whether a function only exchanges the two addresses or ports of a header, which leaves its sums
    /// as they are.
    pub(crate) fn only_swaps(&self, event: EventId, record: &str) -> bool {
        let body = self.frame_body(self.interner.event_of(event).frame);
        let mut stored: Vec<&str> = Vec::new();
        for inst in body.blocks.iter().flat_map(|block| &block.insts) {
            let InstKind::Assign { place, .. } = &inst.kind else { continue };
            if let Some(Proj::Field { name, record: Some(own), .. }) = place.proj.last()
                && own == record
            {
                stored.push(name);
            }
        }
        PAIRS.iter().any(|pair| {
            pair.iter().all(|field| stored.contains(field))
                && stored.iter().all(|field| pair.contains(field))
        })
    }

    /// Whether the function in which something happened, what it calls, one of its callers, or a function
    /// that a caller hands a header to deals with checksums.
    pub(crate) fn deals_with_checksums(&mut self, event: EventId) -> bool {
        let own = self.interner.event_of(event).frame;
        if self.reaches_checksums(&self.frame_body(own)) {
            return true;
        }
        let mut frame: Option<FrameId> = self.interner.frame(own).caller.map(|(caller, _)| caller);
        while let Some(caller) = frame {
            let body = self.frame_body(caller);
            if deals(&body) || self.siblings_deal(&body) {
                return true;
            }
            frame = self.interner.frame(caller).caller.map(|(caller, _)| caller);
        }
        false
    }

    fn siblings_deal(&mut self, body: &BodyRef) -> bool {
        body.callees.iter().any(|callee| match self.body(callee) {
            Some(sibling) => takes_header(&sibling) && self.reaches_checksums(&sibling),
            None => false,
        })
    }

    fn reaches_checksums(&mut self, body: &BodyRef) -> bool {
        let mut seen: FxHashSet<SmolStr> = FxHashSet::default();
        let mut pending = vec![body.clone()];
        while let Some(body) = pending.pop() {
            if deals(&body) {
                return true;
            }
            for callee in &body.callees {
                if seen.insert(callee.clone())
                    && let Some(next) = self.body(callee)
                {
                    pending.push(next);
                }
            }
        }
        false
    }
}

/// Whether a function itself calls something named after checksums or stores to such a field.
fn deals(body: &Body) -> bool {
    let stores = body.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Assign { place, .. } | InstKind::Zero(place) => {
            place.proj.iter().any(|step| match step {
                Proj::Field { name, .. } => name == "check" || names_checksum(name),
                Proj::Index { .. } => false,
            })
        }
        _ => false,
    });
    stores || names_checksum(&body.name) || body.callees.iter().any(|callee| names_checksum(callee))
}

fn names_checksum(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["csum", "checksum", "chksum", "cksum", "chk_sum"].iter().any(|word| name.contains(word))
}

/// Whether a parameter may be a pointer to a header.
fn takes_header(body: &Body) -> bool {
    body.locals.iter().take(body.params).any(|param| match param.ty.target() {
        Some(Ty::Record(record)) => record.name().is_some_and(|name| CHECKSUMMED.contains(&name)),
        Some(Ty::Void | Ty::Int { bits: 8, .. }) => true,
        _ => false,
    })
}
