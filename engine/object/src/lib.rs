//! Compiled BPF objects: from ELF to programs, maps and types, linked against the BTF of a kernel.
