#!/usr/bin/env bash
# Compiles what generated programs are put into. The object is committed; the tests need no compiler.
set -euo pipefail
cd "$(dirname "$0")"
clang-19 -O2 -target bpfel -mcpu=v3 -g -I ../../corpus/include -ffile-prefix-map="$PWD"=. -fdebug-compilation-dir=. \
	-c generated.bpf.c -o generated.bpf.o
