//! Entry points for fuzzing: any bytes as an object, and any bytes as types on both sides of CO-RE relocations.

use btf::Btf;

use crate::btf_ext::{CoreRelocation, Record};
use crate::core::{Resolver, patch};
use crate::{Kernel, Object, link};
use isa::RawInsn;

/// Opens `data` as an object and links it against its own types, which are as good as any.
///
/// # Panics
///
/// If a linked program has a reference, a function or a line outside of its instructions.
pub fn fuzz_elf(data: &[u8]) {
    let Ok(object) = Object::parse(data) else { return };
    let empty = btf::Writer::new(object.endian).finish();
    let Ok(empty) = Btf::parse(empty) else { return };
    let types = object.btf.as_ref().unwrap_or(&empty);
    let linked = link(&object, &Kernel::new(types));
    for program in &linked.programs {
        let len = program.insns.len();
        assert_eq!(program.parts.iter().map(|part| part.len).sum::<usize>(), len);
        assert!(program.map_references.iter().all(|one| one.insn + 1 < len));
        assert!(program.map_references.iter().all(|one| one.map.0 < linked.maps.len()));
        assert!(program.functions.iter().all(|info| (info.insn as usize) < len));
        assert!(program.lines.iter().all(|info| (info.insn as usize) < len));
        let last = len.saturating_sub(1);
        let _ = (linked.source_line(program, last), program.part_of(last));
        let _ = program.to_bytes(object.endian, |map| i32::try_from(map.0).unwrap_or(0));
    }
}

/// Takes the first bytes of `data` as relocations and the rest as the types of both the object and the kernel.
pub fn fuzz_core(data: &[u8]) {
    const RELOCATIONS: usize = 4;
    let Some((head, types)) = data.split_at_checked(RELOCATIONS * 8) else { return };
    let Ok(types) = Btf::parse(types) else { return };
    let mut resolver = Resolver::new(&types, &types);
    for (index, record) in head.chunks_exact(8).enumerate() {
        let [ty, access0, access1, kind, opcode, src, imm, off] = *record else { continue };
        let words = [0, ty.into(), u32::from(access0) << 8 | u32::from(access1), kind.into()];
        let relocation = CoreRelocation::read(0, |at| words.get(at).copied().unwrap_or_default());
        if let Ok(outcome) = resolver.resolve(index, &relocation) {
            let (imm, off) = (imm.into(), off.into());
            let insn = RawInsn { opcode, dst: 0, src: src & 0xf, off, imm };
            let mut insns = [insn, RawInsn::default()];
            let _ = patch(&mut insns, &outcome);
        }
    }
}
