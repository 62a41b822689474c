//! `.BTF.ext`: which instruction is which function, which line, and which needs a CO-RE relocation.

use btf::{Btf, Endian, TypeId};

use crate::{Error, Problem};

/// The records of all sections.
#[derive(Clone, Default, Debug)]
pub(crate) struct BtfExt {
    pub(crate) functions: Vec<Records<FuncInfo>>,
    pub(crate) lines: Vec<Records<LineInfo>>,
    pub(crate) core: Vec<Records<CoreRelocation>>,
}

/// The records of one section.
#[derive(Clone, Debug)]
pub(crate) struct Records<T> {
    /// The section in the file.
    pub(crate) section: usize,
    pub(crate) records: Vec<T>,
}

/// Where a function begins (`struct bpf_func_info`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FuncInfo {
    /// The first instruction.
    pub insn: u32,
    /// The function's type.
    pub ty: TypeId,
}

/// Where the code of a line begins (`struct bpf_line_info`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineInfo {
    /// The first instruction.
    pub insn: u32,
    /// The name of the file, among the strings of the type information.
    pub file: u32,
    /// The text of the line, among the strings of the type information.
    pub text: u32,
    /// The line (22 bits) and the column (10 bits), both from 1; 0 is unknown.
    pub line_column: u32,
}

impl LineInfo {
    /// The line, from 1.
    pub fn line(self) -> u32 {
        self.line_column >> 10
    }

    /// The column in bytes, from 1.
    pub fn column(self) -> u32 {
        self.line_column & 0x3ff
    }
}

/// An instruction that depends on the kernel's types (`struct bpf_core_relo`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CoreRelocation {
    /// The instruction.
    pub(crate) insn: u32,
    pub(crate) ty: TypeId,
    /// The access, among the strings of the type information: `0:1:2`.
    pub(crate) access: u32,
    pub(crate) kind: u32,
}

/// A record whose first word is the offset of an instruction in bytes.
pub(crate) trait Record: Sized {
    const SIZE: usize;
    fn read(insn: u32, word: impl Fn(usize) -> u32) -> Self;
    fn insn(&self) -> u32;
}

impl Record for FuncInfo {
    const SIZE: usize = 8;
    fn read(insn: u32, word: impl Fn(usize) -> u32) -> Self {
        FuncInfo { insn, ty: TypeId(word(1)) }
    }
    fn insn(&self) -> u32 {
        self.insn
    }
}

impl Record for LineInfo {
    const SIZE: usize = 16;
    fn read(insn: u32, word: impl Fn(usize) -> u32) -> Self {
        LineInfo { insn, file: word(1), text: word(2), line_column: word(3) }
    }
    fn insn(&self) -> u32 {
        self.insn
    }
}

impl Record for CoreRelocation {
    const SIZE: usize = 16;
    fn read(insn: u32, word: impl Fn(usize) -> u32) -> Self {
        CoreRelocation { insn, ty: TypeId(word(1)), access: word(2), kind: word(3) }
    }
    fn insn(&self) -> u32 {
        self.insn
    }
}

impl BtfExt {
    /// Reads the section; `find` gives the index of a section of the file by its name.
    pub(crate) fn parse(
        data: &[u8],
        btf: &Btf<'_>,
        find: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, Error> {
        let reader = Reader { data, btf, endian: btf.endian(), find: &find };
        if data.len() < 24 {
            return Err(fail("the header is cut off", data.len()));
        }
        if reader.endian.u16_at(data, 0) != 0xeb9f {
            return Err(fail("no magic number", 0));
        }
        if data[2] != 1 {
            return Err(fail("an unknown version", 2));
        }
        let header = reader.word(4);
        if header < 24 || header > data.len() {
            return Err(fail("the header is cut off", 4));
        }
        Ok(BtfExt {
            functions: sorted(reader.info(8)?),
            lines: sorted(reader.info(16)?),
            core: if header >= 32 { reader.info(24)? } else { Vec::new() },
        })
    }
}

/// Compilers write records in the order of instructions; searching relies on it.
fn sorted<T: Record>(mut all: Vec<Records<T>>) -> Vec<Records<T>> {
    all.iter_mut().for_each(|one| one.records.sort_by_key(Record::insn));
    all
}

fn fail(problem: &'static str, offset: usize) -> Error {
    Problem::BtfExt(problem).plain().at(offset as u64)
}

struct Reader<'d> {
    data: &'d [u8],
    btf: &'d Btf<'d>,
    endian: Endian,
    find: &'d dyn Fn(&str) -> Option<usize>,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> usize {
        self.endian.u32_at(self.data, at) as usize
    }

    /// The records of the kind whose place and length the header says at `field`.
    fn info<T: Record>(&self, field: usize) -> Result<Vec<Records<T>>, Error> {
        let start = self.word(4).checked_add(self.word(field));
        let end = start.and_then(|start| start.checked_add(self.word(field + 4)));
        let (start, end) = match (start, end) {
            (Some(start), Some(end)) if end <= self.data.len() => (start, end),
            _ => return Err(fail("records lie outside of the section", field)),
        };
        let mut all = Vec::new();
        if start == end {
            return Ok(all);
        }
        let each = if end - start < 4 { 0 } else { self.word(start) };
        if each < T::SIZE || !each.is_multiple_of(4) {
            return Err(fail("records of an impossible size", start));
        }
        let mut at = start + 4;
        while at < end {
            if end - at < 8 {
                return Err(fail("the header of a section is cut off", at));
            }
            let name = self.btf.string(self.endian.u32_at(self.data, at));
            let count = self.word(at + 4);
            at += 8;
            let bytes = count.checked_mul(each).filter(|&bytes| count > 0 && bytes <= end - at);
            let Some(bytes) = bytes else { return Err(fail("records are cut off", at)) };
            let records = self.data.get(at..at + bytes).unwrap_or_default();
            let mut list = Vec::with_capacity(count);
            for (index, record) in records.chunks_exact(each).enumerate() {
                let offset = self.endian.u32_at(record, 0);
                if !offset.is_multiple_of(8) {
                    return Err(fail("an offset within an instruction", at + index * each));
                }
                list.push(T::read(offset / 8, |index| self.endian.u32_at(record, 4 * index)));
            }
            // Records of sections that do not exist, as of functions a linker dropped, are ignored.
            if let Some(section) = (self.find)(name) {
                all.push(Records { section, records: list });
            }
            at += bytes;
        }
        Ok(all)
    }
}

impl<T: Record> Records<T> {
    /// The records of `len` instructions from `start`, if the section is the one given.
    pub(crate) fn range(&self, start: usize, len: usize) -> &[T] {
        let from = self.records.partition_point(|record| (record.insn() as usize) < start);
        let to = self.records.partition_point(|record| (record.insn() as usize) < start + len);
        self.records.get(from..to).unwrap_or_default()
    }
}
