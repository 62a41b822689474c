//! C declarations of packet headers, contexts and small types, for files whose headers are not at hand.

/// C text that declares the structures and typedefs, ready to be parsed in front of a program.
///
/// Field names, types and order are those of the kernel's headers, so that sizes and offsets agree on a
/// 64-bit target; bit-fields are in little-endian order, as BPF C sees them on such a machine.
pub const RECORDS: &str = include_str!("../data/records.h");

/// [`RECORDS`].
pub fn records() -> &'static str {
    RECORDS
}
