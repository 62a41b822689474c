//! Statements that access memory: stack, maps, variables, packet, slices.

use super::Flavour;
use super::statements::{BUFFER, DYNPTR, SLOTS, Scope, Writer};

/// Types of accesses and their sizes.
const TYPES: [(&str, i32); 4] = [("u8", 1), ("u16", 2), ("u32", 4), ("u64", 8)];
/// Types of loads with a sign.
const SIGNED: [&str; 3] = ["s8", "s16", "s32"];

impl Writer<'_, '_> {
    /// A type and its size.
    fn access(&mut self) -> (&'static str, i32) {
        self.bytes.choice(&TYPES, TYPES[3])
    }

    /// A multiple of the size, below a limit.
    fn aligned(&mut self, size: i32, limit: i32) -> i32 {
        i32::from(self.bytes.byte()) % (limit / size) * size
    }

    /// Stores a number to a slot, or to a part of it, and loads one.
    pub(super) fn spill(&mut self, scope: &Scope) {
        let (ty, size) = self.access();
        let limit = 8 * i32::try_from(SLOTS).unwrap_or(1);
        let offset = self.aligned(size, limit) - limit;
        let number = self.number_in(scope);
        match self.bytes.below(4) {
            0 => {
                let constant = self.bytes.number();
                self.line(format_args!("*({ty} *)(r10 - {}) = {constant}", -offset));
            }
            1 => self.line(format_args!("*({ty} *)(r10 - {}) = r{number}", -offset)),
            2 => self.line(format_args!("r{number} = *({ty} *)(r10 - {})", -offset)),
            _ => {
                let signed = self.bytes.choice(&SIGNED, "s8");
                let offset = offset & !3;
                self.line(format_args!("r{number} = *({signed} *)(r10 - {})", -offset));
            }
        }
    }

    /// An access to a slot that is chosen by a number.
    pub(super) fn variable_slot(&mut self, scope: &Scope) {
        let (number, value) = (self.number_in(scope), self.number_in(scope));
        let mask = self.bytes.choice(&[0x38, 0x30, 0x18, 7, 0x3f], 0x38);
        let ty = if mask & 7 == 0 { "u64" } else { "u8" };
        self.line(format_args!("r1 = r{number}\nr1 &= {mask}\nr2 = r10\nr2 += -64\nr2 += r1"));
        if self.bytes.below(2) == 0 {
            self.line(format_args!("r{value} = *({ty} *)(r2 + 0)"));
        } else {
            self.line(format_args!("*({ty} *)(r2 + 0) = r{value}"));
        }
    }

    /// A value of a map, if there is one, and what is done with it.
    pub(super) fn map_value(&mut self, scope: &Scope) {
        let end = self.label();
        let map = self.bytes.below(3);
        let number = self.number_in(scope);
        if self.bytes.below(3) == 0 {
            let key = self.bytes.below(4);
            self.line(format_args!("*(u32 *)(r10 - 8) = {key}"));
        } else {
            self.line(format_args!("*(u32 *)(r10 - 8) = r{number}"));
        }
        self.line(format_args!("r1 = map_fd({map})\nr2 = r10\nr2 += -8\ncall 1"));
        if !self.bytes.one_in(24) {
            self.line(format_args!("if r0 == 0 goto {end}"));
        }
        match (scope.numbers.split_last(), self.bytes.below(4)) {
            (Some((&kept, rest)), 0) if !rest.is_empty() => {
                // The pointer is kept over other statements.
                let inner =
                    Scope { numbers: rest.to_vec(), depth: scope.depth + 1, ..scope.clone() };
                self.line(format_args!("r{kept} = r0"));
                self.block(&inner, 2);
                self.line(format_args!("r1 = r{kept}"));
                self.value(&inner, "r1");
                self.line(format_args!("r{kept} = 1"));
            }
            _ => self.value(scope, "r0"),
        }
        self.line(format_args!("{end}:"));
    }

    /// An access to 64 bytes behind a pointer, at a place that is known, masked or compared.
    fn value(&mut self, scope: &Scope, pointer: &str) {
        let (ty, size) = self.access();
        let (number, index) = (self.number_in(scope), self.number_in(scope));
        let mut offset = self.aligned(size, 64);
        match self.bytes.below(4) {
            0 => {}
            1 => {
                let mask = self.bytes.choice(&[7, 15, 31, 56], 31);
                self.line(format_args!("r3 = r{index}\nr3 &= {mask}\n{pointer} += r3"));
                offset = if self.bytes.one_in(16) { 64 - mask } else { 0 };
            }
            2 => {
                let end = self.label();
                let limit = if self.bytes.one_in(16) { 65 - size } else { 64 - size };
                self.line(format_args!("r3 = r{index}\nif r3 > {limit} goto {end}"));
                self.line(format_args!("{pointer} += r3"));
                self.touch(ty, pointer, 0, number);
                self.line(format_args!("{end}:"));
                return;
            }
            _ => {
                // Both ends are compared, with signs.
                let end = self.label();
                self.line(format_args!("r3 = r{index}\nif r3 s> {} goto {end}", 64 - size));
                self.line(format_args!("if r3 s< 0 goto {end}\n{pointer} += r3"));
                self.touch(ty, pointer, 0, number);
                self.line(format_args!("{end}:"));
                return;
            }
        }
        if offset == 64 && self.bytes.byte() != 1 {
            offset = 0;
        }
        self.touch(ty, pointer, offset, number);
    }

    fn touch(&mut self, ty: &str, pointer: &str, offset: i32, number: u8) {
        match self.bytes.below(3) {
            0 => self.line(format_args!("*({ty} *)({pointer} + {offset}) = r{number}")),
            1 => self.line(format_args!("*({ty} *)({pointer} + {offset}) = 9")),
            _ => self.line(format_args!("r{number} = *({ty} *)({pointer} + {offset})")),
        }
    }

    /// A variable or a constant of the object.
    pub(super) fn global_variable(&mut self, scope: &Scope) {
        let number = self.number_in(scope);
        let (ty, size) = self.access();
        if self.bytes.below(2) == 0 {
            let offset = self.aligned(size, 32);
            self.line(format_args!("r1 = map_value({CONSTANTS}, {offset})"));
            self.line(format_args!("r{number} = *({ty} *)(r1 + 0)"));
        } else {
            let offset = self.aligned(size, 64);
            self.line(format_args!("r1 = map_value({VARIABLE}, {offset})"));
            self.touch(ty, "r1", 0, number);
        }
    }

    /// An access to the packet, behind a comparison with its end.
    pub(super) fn packet(&mut self, scope: &Scope) {
        let (data, end_field) = match self.flavour {
            Flavour::Frame => (76, 80),
            Flavour::Raw => (0, 4),
        };
        let (number, index) = (self.number_in(scope), self.number_in(scope));
        let (ty, size) = self.access();
        let end = self.label();
        self.line(format_args!("r2 = *(u32 *)(r6 + {data})\nr3 = *(u32 *)(r6 + {end_field})"));
        let length = self.bytes.choice(&[14, 20, 34, 40, 54], 14);
        if self.bytes.below(2) == 0 {
            let mask = self.bytes.choice(&[15, 60, 255, 1023], 60);
            self.line(format_args!("r4 = r{index}\nr4 &= {mask}\nr2 += r4"));
        }
        self.line(format_args!("r4 = r2\nr4 += {length}"));
        match self.bytes.below(5) {
            0 => self.line(format_args!("if r4 > r3 goto {end}")),
            1 => self.line(format_args!("if r3 < r4 goto {end}")),
            2 => self.line(format_args!("if r4 >= r3 goto {end}")),
            3 => {
                let good = self.label();
                self.line(format_args!("if r4 <= r3 goto {good}\ngoto {end}\n{good}:"));
            }
            _ => {
                let good = self.label();
                self.line(format_args!("if r3 >= r4 goto {good}\ngoto {end}\n{good}:"));
            }
        }
        let limit = if self.bytes.one_in(16) { length + 1 } else { length };
        let offset = (i32::from(self.bytes.byte()) % limit).min(limit - size);
        match self.bytes.below(3) {
            0 if self.flavour == Flavour::Raw => {
                self.line(format_args!("*({ty} *)(r2 + {offset}) = r{number}"));
            }
            _ => self.line(format_args!("r{number} = *({ty} *)(r2 + {offset})")),
        }
        self.line(format_args!("{end}:"));
    }

    /// A dynptr over the packet.
    pub(super) fn make_dynptr(&mut self) {
        let function = match self.flavour {
            Flavour::Frame => "bpf_dynptr_from_skb",
            Flavour::Raw => "bpf_dynptr_from_xdp",
        };
        self.line(format_args!("r1 = r6\nr2 = 0\nr3 = r10\nr3 += {DYNPTR}\ncall {function}"));
        for slot in 0..4 {
            self.line(format_args!("*(u64 *)(r10 - {}) = 0", -BUFFER - 8 * slot));
        }
    }

    /// A slice of the packet.
    pub(super) fn slice(&mut self, scope: &Scope) {
        let (number, index) = (self.number_in(scope), self.number_in(scope));
        let end = self.label();
        let length = self.bytes.choice(&[4, 8, 14, 20, 32], 4);
        let writes = self.flavour == Flavour::Raw && self.bytes.below(2) == 0;
        let function = if writes { "bpf_dynptr_slice_rdwr" } else { "bpf_dynptr_slice" };
        self.line(format_args!("r1 = r10\nr1 += {DYNPTR}"));
        if self.bytes.below(2) == 0 {
            let mask = self.bytes.choice(&[15, 63, 255], 15);
            self.line(format_args!("r2 = r{index}\nr2 &= {mask}"));
        } else {
            let offset = self.bytes.below(40);
            self.line(format_args!("r2 = {offset}"));
        }
        if self.bytes.below(3) == 0 && !writes {
            self.line(format_args!("r3 = 0"));
        } else {
            self.line(format_args!("r3 = r10\nr3 += {BUFFER}"));
        }
        self.line(format_args!("r4 = {length}\ncall {function}\nif r0 == 0 goto {end}"));
        let (ty, size) = self.access();
        let limit = if self.bytes.one_in(16) { length + 1 } else { length };
        let offset = (i32::from(self.bytes.byte()) % limit).min(limit - size).max(0);
        if writes && self.bytes.below(2) == 0 {
            self.line(format_args!("*({ty} *)(r0 + {offset}) = r{number}"));
        } else {
            self.line(format_args!("r{number} = *({ty} *)(r0 + {offset})"));
        }
        self.line(format_args!("{end}:"));
    }

    /// A read-modify-write of a slot or a variable.
    pub(super) fn atomic(&mut self, scope: &Scope) {
        let number = self.number_in(scope);
        if self.bytes.below(2) == 0 {
            let slot = 8 * (1 + self.bytes.below(SLOTS));
            self.line(format_args!("r1 = r10\nr1 += -{slot}"));
        } else {
            self.line(format_args!("r1 = map_value({VARIABLE}, 8)"));
        }
        let ty = self.bytes.choice(&["u32", "u64"], "u64");
        match self.bytes.below(5) {
            0 => self.line(format_args!("lock *({ty} *)(r1 + 0) += r{number}")),
            1 => self.line(format_args!("lock *({ty} *)(r1 + 0) ^= r{number}")),
            2 => {
                self.line(format_args!(
                    "r{number} = atomic_fetch_add(({ty} *)(r1 + 0), r{number})"
                ));
            }
            3 => self.line(format_args!("r{number} = atomic_xchg(({ty} *)(r1 + 0), r{number})")),
            _ => self.line(format_args!(
                "r0 = 1\nr0 = atomic_cmpxchg(({ty} *)(r1 + 0), r0, r{number})\nr{number} = r0"
            )),
        }
    }

    /// Bytes of the packet, copied to the stack, as many as a number says.
    pub(super) fn copied(&mut self, scope: &Scope) {
        let number = self.number_in(scope);
        let helper = match self.flavour {
            Flavour::Frame => 26,
            Flavour::Raw => 189,
        };
        let offset = self.bytes.below(40);
        self.line(format_args!("r1 = r6\nr2 = {offset}\nr3 = r10\nr3 += -64"));
        match self.bytes.below(4) {
            0 => {
                let length = 1 + self.bytes.below(64);
                self.line(format_args!("r4 = {length}"));
            }
            1 => {
                let mask = self.bytes.choice(&[7, 15, 31, 63], 7);
                self.line(format_args!("r4 = r{number}\nr4 &= {mask}\nr4 += 1"));
            }
            2 => {
                let end = self.label();
                self.line(format_args!("r4 = r{number}\nif r4 > 64 goto {end}"));
                self.line(format_args!("if r4 == 0 goto {end}\ncall {helper}\n{end}:"));
                return;
            }
            _ => {
                let limit = if self.bytes.one_in(16) { 65 } else { 64 };
                let good = self.label();
                self.line(format_args!("r4 = 8\nr5 = r{number}\nif r5 s> {limit} goto {good}"));
                self.line(format_args!("if r5 s< 1 goto {good}\nr4 = r5\n{good}:"));
            }
        }
        self.line(format_args!("call {helper}"));
    }

    /// A pointer that lies on the stack while other things are done.
    pub(super) fn kept_on_stack(&mut self, scope: &Scope) {
        let inner = Scope { depth: scope.depth + 1, ..scope.clone() };
        self.stack -= 8;
        let (place, slot) = (-self.stack, 8 * (1 + self.bytes.below(SLOTS)));
        if self.bytes.below(2) == 0 {
            self.line(format_args!("r1 = r10\nr1 += -{slot}"));
        } else {
            self.line(format_args!("r1 = map_value({VARIABLE}, 0)"));
        }
        self.line(format_args!("*(u64 *)(r10 - {place}) = r1"));
        self.block(&inner, 3);
        self.line(format_args!("r1 = *(u64 *)(r10 - {place})"));
        let number = self.number_in(scope);
        self.touch("u64", "r1", 0, number);
    }
}

/// The places of the maps of `generated.bpf.c` that hold variables and constants.
const VARIABLE: usize = 5;
const CONSTANTS: usize = 4;
