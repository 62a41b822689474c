//! Byte ranges of a text, and edits to it. Positions inside the program are byte offsets; lines,
//! columns and other encodings appear only where something is shown to a person or a client.

mod line_index;
mod span;

pub use line_index::{Encoding, LineColumn, LineIndex, Position};
pub use span::{Edit, EditError, Span, apply_edits};
