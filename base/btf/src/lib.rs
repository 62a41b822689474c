//! The BPF Type Format: types of the kernel and of compiled programs, their names, sizes and layout.
