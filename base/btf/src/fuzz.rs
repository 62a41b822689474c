//! An entry point for fuzzing: opens any bytes and asks everything of every type.

use crate::{Btf, CHeader, TypeId, Writer};

/// Opens `data` as type information. If it is well-formed, walks all of it and writes it again.
///
/// # Panics
///
/// If what was written does not read as what was there.
pub fn fuzz_btf(data: &[u8]) {
    let Ok(btf) = Btf::parse(data) else { return };
    // The questions below are linear each; a file of a thousand types has shown whatever there is to show.
    for ty in btf.types().take(1000) {
        let _ =
            (ty.name(), ty.linkage(), ty.int(), ty.array(), ty.component(), btf.resolve(ty.id()));
        let _ = (btf.size_of(ty.id()), btf.align_of(ty.id()), btf.field(ty.id(), "a[1].b"));
        for member in ty.members().iter() {
            let _ = (member.name(), btf.field(ty.id(), member.name()));
        }
        for value in ty.enumerators().iter() {
            let _ = (value.name(), value.value());
        }
        let _ = ty.params().iter().map(|param| param.name().len()).sum::<usize>();
        assert!(ty.name().is_empty() || btf.find(ty.name(), ty.kind()).is_some());
    }
    if btf.len() < 1000 {
        // Whatever is there, it is text or an error.
        let _ = CHeader::of(&btf);
    }
    assert!(btf.get(TypeId(btf.len())).is_none());
    let written = Writer::of(&btf).finish();
    let again = Btf::parse(&written).expect("what was read can be written");
    assert_eq!(btf.len(), again.len());
}
