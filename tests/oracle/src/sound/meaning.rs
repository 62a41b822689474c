//! What it means that a value in a run is what the verifier says.

use bpf_object::Map;
use kernel_model::TypeFlags;
use runtime::{Address, Memory, Origin, PacketPlace, split};
use verifier::{Bounds, Detail, RegKind};

use super::graph::RegFact;

/// How a value stands to a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// The fact says nothing of it.
    Vacuous,
    /// It is a number that the fact allows.
    Number,
    /// It is a pointer to what the fact says, at an offset that the fact allows.
    Pointer,
    /// It is a pointer, but where it may point to cannot be told.
    PointerOnly,
    /// It is something else.
    No,
}

/// Where pointers of a run point to.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) memory: &'a Memory,
    pub(super) packet: Option<PacketPlace>,
    /// The frame pointers of the frames of the fact, from the outermost.
    pub(super) frame_pointers: &'a [Address],
    pub(super) maps: &'a [Map],
}

/// Types of maps whose lookup gives maps or sockets: arrays and hashes of maps, and maps of sockets.
const HOLDS_OTHERS: [u32; 5] = [12, 13, 15, 17, 18];

/// A distance that no access bridges (`BPF_MAX_VAR_OFF`).
const FAR: i64 = 1 << 29;

/// Numbers below are no pointers, for the runtime.
const NULL_PAGE: u64 = 1 << 16;

impl World<'_> {
    /// How a value stands to what is known of its register.
    pub(super) fn holds(&self, fact: &RegFact, value: u64) -> Holds {
        let may_be_null = fact.ty.may_be_null();
        match fact.ty.kind {
            RegKind::NotInit => return Holds::Vacuous,
            RegKind::Scalar => return number(&fact.num, value),
            RegKind::Arena => return Holds::Vacuous,
            _ if may_be_null && value == 0 => return Holds::Pointer,
            // So far from what it was made for a pointer of the runtime is another one.
            _ if fact.num.smin < -FAR || fact.num.smax > FAR => return Holds::PointerOnly,
            // Contexts that lead to a packet which the runtime does not have.
            RegKind::Packet | RegKind::PacketMeta | RegKind::PacketEnd if self.packet.is_none() => {
                return Holds::PointerOnly;
            }
            _ => {}
        }
        let good = match fact.ty.kind {
            RegKind::Stack => {
                let base = self.frame_pointers.get(fact.frame as usize);
                base.is_some_and(|base| self.is_at(*base, fact, value))
            }
            RegKind::Packet => self.packet.is_some_and(|packet| {
                self.is_at(packet.data, fact, value) && is_in_packet(fact, value, packet.end)
            }),
            RegKind::PacketMeta => self.packet.is_some_and(|packet| {
                self.is_at(packet.metadata, fact, value) && is_in_packet(fact, value, packet.data)
            }),
            RegKind::PacketEnd => self.packet.is_some_and(|packet| packet.end == value),
            RegKind::MapValue => return self.map_value(fact, value),
            // Whatever a program has made of a number (`bpf_rdonly_cast`).
            RegKind::Mem if fact.ty.has(TypeFlags::PTR_UNTRUSTED) => return Holds::PointerOnly,
            RegKind::Mem => return self.mem(fact, value),
            RegKind::Ctx => {
                let (id, offset) = split(value);
                matches!(self.memory.origin(id), Some(Origin::Context))
                    && allows(fact, offset.cast_unsigned())
            }
            RegKind::ConstMapPtr => {
                matches!(self.memory.origin_at(value), Some((Origin::Map(_), _, 0)))
            }
            RegKind::Func => matches!(self.memory.origin_at(value), Some((Origin::Code, ..))),
            RegKind::BtfId => return self.object(fact, value),
            _ if value < NULL_PAGE => false,
            _ => return Holds::PointerOnly,
        };
        if good { Holds::Pointer } else { Holds::No }
    }

    /// A value in words.
    pub(super) fn tell(&self, value: u64) -> String {
        let Some(note) = self.memory.note(value) else { return format!("{value:#x}") };
        let death = note.death.map_or_else(String::new, |death| format!(", {death}"));
        format!("at offset {} of {}, which has {} bytes{death}", note.offset, note.origin, note.len)
    }

    /// The pointer is as far from the beginning of the live memory it is to point to as the fact says.
    fn is_at(&self, base: Address, fact: &RegFact, value: u64) -> bool {
        self.memory.origin_at(base).is_some() && allows(fact, value.wrapping_sub(base))
    }

    fn map_value(&self, fact: &RegFact, value: u64) -> Holds {
        let Detail::Map { map, .. } = fact.detail else { return Holds::No };
        let Some(declared) = self.maps.get(map.index as usize) else { return Holds::No };
        if HOLDS_OTHERS.contains(&declared.definition.map_type) && !map.inner {
            // Until it is compared with NULL, what such a map holds passes for a value.
            return Holds::PointerOnly;
        }
        let (id, offset) = split(value);
        let Some(Origin::MapValue(name)) = self.memory.origin(id) else { return Holds::No };
        if self.memory.note(value).is_none_or(|note| note.death.is_some()) {
            return Holds::No;
        }
        if map.inner {
            // Which of the inner maps it is, and so how its values lie, is not known.
            return Holds::PointerOnly;
        }
        if **name != *declared.name {
            return Holds::No;
        }
        // Values of arrays lie behind each other.
        let stride = i64::from(declared.definition.value_size.next_multiple_of(8));
        let len = i64::from(self.memory.len(id));
        let near = offset.checked_div(stride).unwrap_or(0);
        let is_element = |index: i64| {
            (0..len.max(1)).contains(&(index * stride))
                && allows(fact, (offset - index * stride).cast_unsigned())
        };
        let far = || (0..len.checked_div(stride).unwrap_or(0)).any(is_element);
        if is_element(near) || is_element(0) || is_element(near - 1) || far() {
            Holds::Pointer
        } else {
            Holds::No
        }
    }

    fn mem(&self, fact: &RegFact, value: u64) -> Holds {
        // Reading it is safe wherever it points.
        if fact.ty.has(TypeFlags::PTR_UNTRUSTED) {
            return Holds::Vacuous;
        }
        let Detail::Mem { size, .. } = fact.detail else { return Holds::No };
        let Some(note) = self.memory.note(value) else { return Holds::No };
        if note.death.is_some() || size > note.len {
            return Holds::No;
        }
        let Some(unknown) = fact.num.as_constant() else { return Holds::PointerOnly };
        let base = note.offset - i64::from(fact.off) - unknown.cast_signed();
        if base >= 0 && base + i64::from(size) <= i64::from(note.len) {
            Holds::Pointer
        } else {
            Holds::No
        }
    }

    /// Pointers that the kernel does not trust may be anything; the others are not NULL, if the runtime has objects at all.
    fn object(&self, fact: &RegFact, value: u64) -> Holds {
        let is_trusted = fact.ty.has(TypeFlags::PTR_TRUSTED) && self.packet.is_some();
        if is_trusted && value < NULL_PAGE { Holds::No } else { Holds::PointerOnly }
    }
}

fn number(bounds: &Bounds, value: u64) -> Holds {
    if *bounds == Bounds::UNKNOWN {
        Holds::Vacuous
    } else if bounds.contains(value) {
        Holds::Number
    } else {
        Holds::No
    }
}

/// The distance from the beginning of what is pointed to is the known part plus what the unknown part may be.
fn allows(fact: &RegFact, distance: u64) -> bool {
    fact.num.contains(distance.wrapping_sub(i64::from(fact.off).cast_unsigned()))
}

/// What is known to be in the packet is, and what is known not to be is not.
fn is_in_packet(fact: &RegFact, value: u64, end: Address) -> bool {
    const BEYOND: i32 = -2;
    const AT: i32 = -1;
    let distance = end.wrapping_sub(value).cast_signed();
    match fact.detail {
        Detail::Range(BEYOND) => distance < 0,
        Detail::Range(AT) => distance <= 0,
        // Nothing is known.
        Detail::Range(0) => true,
        Detail::Range(range) => i64::from(range) - i64::from(fact.off) <= distance,
        _ => true,
    }
}
