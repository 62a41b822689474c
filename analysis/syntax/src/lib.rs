//! From text to syntax: masking, tree-sitter-c, and an owned tree of what BPF C says.

pub mod ast;
