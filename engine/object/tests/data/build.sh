#!/usr/bin/env bash
# Compiles the programs of this folder. The objects are committed; tests need no compiler.
set -euo pipefail
cd "$(dirname "$0")"

build() { # compiler target cpu suffix flags source...
    local clang=$1 target=$2 cpu=$3 suffix=$4 flags=$5 source
    for source in "${@:6}"; do
        # shellcheck disable=SC2086
        "$clang" -O2 -target "$target" -mcpu="$cpu" $flags -Wno-unused -ffile-prefix-map="$PWD"=. \
            -fdebug-compilation-dir=. -c "$source.c" -o "$source$suffix.o"
    done
}

all=(core.bpf calls.bpf maps.bpf data.bpf externs.bpf missing.bpf sections.bpf struct_ops.bpf)
build clang-19 bpfel v3 "" -g kernel "${all[@]}"
build clang-19 bpfel v4 .v4 -g arena.bpf calls.bpf core.bpf data.bpf
build clang-19 bpfel v1 .v1 -g core.bpf data.bpf
build clang-19 bpfeb v3 .be -g kernel core.bpf maps.bpf externs.bpf
build clang-14 bpfel v2 .clang14 -g core.bpf calls.bpf maps.bpf data.bpf externs.bpf
build clang-19 bpfel v3 "" -g many.bpf
build clang-19 bpfel v3 "" "" legacy.bpf
build clang-19 bpfel v3 .bare "" data.bpf calls.bpf
# Of the made-up kernel only its types are wanted.
for kernel in kernel kernel.be; do
    llvm-objcopy-19 --dump-section .BTF=$kernel.btf $kernel.o /dev/null
    rm $kernel.o
done
