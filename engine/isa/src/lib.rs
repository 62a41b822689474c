//! BPF instructions: one typed enum, decoding, encoding, assembly and disassembly.
