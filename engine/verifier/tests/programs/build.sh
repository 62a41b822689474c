#!/usr/bin/env bash
# Compiles the programs of the tests. The objects are committed; the tests need no compiler.
set -euo pipefail
cd "$(dirname "$0")"
for source in *.bpf.c; do
	clang-19 -O2 -target bpfel -mcpu=v3 -g -I ../../../../tests/corpus/include -ffile-prefix-map="$PWD"=. -fdebug-compilation-dir=. -c "$source" -o "${source%.c}.o"
done
