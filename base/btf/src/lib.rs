//! The BPF Type Format: types of the kernel and of compiled programs, their names, sizes and layout.
//!
//! [`Btf::parse`] looks at every type once, so that everything after it is in bounds, and copies nothing: names,
//! members and enumerators are read from the bytes when asked for. The kernel's own 150,000 types open in a few
//! milliseconds. The index of names is made by the first lookup.
//!
//! Input is untrusted. No function panics on it, memory is a small multiple of its size, and what follows chains of
//! types ([`Btf::resolve`], [`Btf::size_of`], [`Btf::field`]) ends on cycles with an error.
//!
//! ```
//! let mut writer = btf::Writer::new(btf::Endian::Little);
//! let int = writer.add(&btf::NewType::int("int", 4, true)).expect("short");
//! let point = btf::NewType::Struct {
//!     name: "point",
//!     size: 8,
//!     members: &[btf::NewMember::at("x", int, 0), btf::NewMember::at("y", int, 32)],
//! };
//! writer.add(&point).expect("short");
//! let bytes = writer.finish();
//! let btf = btf::Btf::parse(&bytes).expect("well-formed");
//! let point = btf.find("point", btf::Kind::Struct).expect("was added");
//! assert_eq!(btf.field(point.id(), "y").expect("is there").bit_offset, 32);
//! ```

mod c_header;
mod error;
mod fuzz;
mod index;
mod kind;
mod layout;
mod parse;
mod records;
mod types;
mod write;

pub use c_header::{C_HEADER_REVISION, CHeader, CHeaderError};
pub use error::{LayoutError, ParseError, ParseProblem, WriteError};
pub use fuzz::fuzz_btf;
pub use index::essential_name;
pub use kind::{Endian, Kind, Linkage, TypeId};
pub use layout::Field;
pub use parse::Btf;
pub use records::{Array, Enumerator, Int, Member, Param, Records, Variable};
pub use types::Type;
pub use write::{NewEnumerator, NewMember, NewParam, NewType, NewVariable, Writer};
