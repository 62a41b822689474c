//! Instructions that the loop does not do by itself: accesses to what is not plain memory, atomics, loads of packets.

use crate::fault::{Access, FaultKind, Origin, Stop};
use crate::image::Image;
use crate::machine::Machine;
use crate::memory::{Address, AllocId};
use crate::op::Op;
use crate::{context, packet};

impl Machine<'_> {
    /// A load from what is not plain memory, or the fault.
    #[cold]
    pub(crate) fn load_slowly(&mut self, address: Address, size: u32) -> Result<u64, Stop> {
        match self.memory.origin_at(address) {
            Some((Origin::Context, _, offset)) => context::load(self, offset, size),
            Some((Origin::Variable { name }, ..)) => {
                Err(FaultKind::NotModelled(format!("variable {name} of the kernel")).into())
            }
            Some((Origin::Beyond { name }, ..)) => {
                Err(FaultKind::NotModelled(name.to_string()).into())
            }
            Some((Origin::MapValue(_), id, offset)) if self.arena_value() == Some(id) => {
                self.load_arena(id, offset, size as usize)
            }
            Some((Origin::Map(name), ..)) => {
                Err(FaultKind::NotModelled(format!("a field of map {name}")).into())
            }
            _ => Err(self.memory.fault(address, size as usize, Access::Read)),
        }
    }

    /// A store to what is not plain memory, or the fault.
    #[cold]
    pub(crate) fn store_slowly(&mut self, address: Address, bytes: &[u8]) -> Result<(), Stop> {
        match self.memory.origin_at(address) {
            Some((Origin::Context, _, offset)) => return context::store(self, offset, bytes),
            Some((Origin::PacketLinear, ..)) => packet::unshare_for_store(self),
            Some((Origin::MapValue(_), id, offset)) if self.arena_value() == Some(id) => {
                return self.store_arena(id, offset, bytes);
            }
            _ => {}
        }
        self.memory.put(address, bytes)
    }

    /// A read-modify-write.
    pub(crate) fn atomic(&mut self, op: &Op, r: &mut [u64; 16]) -> Result<(), Stop> {
        const FETCH: [bool; 8] = [false, true, false, true, false, true, false, true];
        let (base, s) = ((op.dst & 15) as usize, (op.src & 15) as usize);
        let address = r[base].wrapping_add(op.imm.cast_unsigned());
        let wide = op.target & 1 != 0;
        if self.memory.try_read(address, if wide { 8 } else { 4 }).is_none()
            && let Some((_, id, offset)) = self.memory.origin_at(address)
            && self.arena_value() == Some(id)
        {
            return self.atomic_outside(offset);
        }
        let what = (op.target >> 1) as usize;
        let old = if wide {
            self.memory.read_u64(address)?
        } else {
            self.memory.read_u32(address)?.into()
        };
        let operand = if wide { r[s] } else { r[s] & 0xffff_ffff };
        // In the order of `AtomicOp::ALL`.
        let new = match what {
            0 | 1 => old.wrapping_add(operand),
            2 | 3 => old | operand,
            4 | 5 => old & operand,
            6 | 7 => old ^ operand,
            8 => operand,
            _ => {
                let expected = if wide { r[0] } else { r[0] & 0xffff_ffff };
                if old == expected { operand } else { old }
            }
        };
        let bytes = new.to_le_bytes();
        self.memory.put(address, if wide { &bytes } else { &bytes[..4] })?;
        match what {
            9 => r[0] = old,
            8 => r[s] = old,
            _ if FETCH.get(what).copied().unwrap_or(false) => r[s] = old,
            _ => {}
        }
        Ok(())
    }

    /// `LD_ABS` and `LD_IND`; `None` ends the program.
    pub(crate) fn load_packet(&mut self, op: &Op, r: &[u64; 16]) -> Result<Option<u64>, Stop> {
        let index = match op.src {
            crate::image::NO_REGISTER => 0,
            register => r[(register & 15) as usize],
        };
        // The offset is 32 bits, and negative ones are places outside of the packet that the kernel gives a meaning.
        #[expect(clippy::cast_possible_truncation, reason = "an offset of 32 bits")]
        let offset = (op.imm as i32).wrapping_add(index as i32);
        packet::load_absolute(self, offset, op.target)
    }

    /// The allocation of the arena's bytes, if there is one.
    fn arena_value(&self) -> Option<AllocId> {
        let index = self.image.arena?;
        Some(Image::value_allocation(self.image.maps.len(), index))
    }

    /// Whether pages of the arena are there.
    fn arena_has(&mut self, offset: i64, len: usize) -> Result<bool, Stop> {
        let Some(index) = self.image.arena else { return Ok(false) };
        Ok(self.maps.get(index)?.arena().is_some_and(|arena| arena.has(offset, len)))
    }

    /// A load from the arena beyond the pages that are reached directly: 0 where there is no page.
    fn load_arena(&mut self, id: AllocId, offset: i64, len: usize) -> Result<u64, Stop> {
        let mut word = [0; 8];
        if self.arena_has(offset, len)? {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let bytes = self.memory.bytes(id).and_then(|bytes| bytes.get(start..)?.get(..len));
            let bytes = bytes.ok_or(FaultKind::Internal("an arena is too short"))?;
            word[..len].copy_from_slice(bytes);
        }
        Ok(u64::from_le_bytes(word))
    }

    /// A store, which does nothing where there is no page.
    fn store_arena(&mut self, id: AllocId, offset: i64, bytes: &[u8]) -> Result<(), Stop> {
        if self.arena_has(offset, bytes.len())? {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let place = self.memory.bytes_mut(id).and_then(|all| all.get_mut(start..));
            let place = place.and_then(|rest| rest.get_mut(..bytes.len()));
            place.ok_or(FaultKind::Internal("an arena is too short"))?.copy_from_slice(bytes);
        }
        Ok(())
    }

    /// A read-modify-write of the arena beyond the pages that are reached directly does nothing where there is no page.
    fn atomic_outside(&mut self, offset: i64) -> Result<(), Stop> {
        match self.arena_has(offset, 1)? {
            true => {
                let what = "an atomic operation behind a gap of an arena".to_owned();
                Err(FaultKind::NotModelled(what).into())
            }
            false => Ok(()),
        }
    }

    /// The address by which a byte of the arena can be accessed.
    pub(crate) fn arena_to_kernel(&self, address: Address) -> Address {
        match self.image.arena {
            Some(index) => {
                let value = Image::value_allocation(self.image.maps.len(), index);
                crate::arena::kernel(address, value.at(0))
            }
            None => address,
        }
    }
}
