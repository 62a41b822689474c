#!/usr/bin/env bash
# Compiles the programs of the benchmark. The object is committed; the benchmark needs no compiler.
set -euo pipefail
cd "$(dirname "$0")"
clang-19 -O2 -target bpfel -mcpu=v3 -g -ffile-prefix-map="$PWD"=. -fdebug-compilation-dir=. -c speed.bpf.c -o speed.bpf.o
