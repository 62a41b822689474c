#!/usr/bin/env bash
# Records what libbpf makes of the objects that tests compare with. Needs root and Linux.
set -euo pipefail
cd "$(dirname "$0")"
cargo build --release
record=${CARGO_TARGET_DIR:-$PWD/target}/release/record-libbpf
cd ../..
if [ "${1-}" = corpus ]; then
    mapfile -t objects < <(find tests/corpus -name '*.bpf.o' | sort)
    "$record" --into tests/corpus/libbpf "${objects[@]}"
else
    cd engine/object/tests/data
    # What is measured is linked against a real kernel; the loader takes no objects of the other byte order.
    mapfile -t objects < <(ls -- *.o | grep -v -e '\.be\.o$' -e '^many\.')
    # shellcheck disable=SC2016
    unshare --mount sh -c 'mount --bind kernel.btf /sys/kernel/btf/vmlinux && exec "$@"' - \
        "$record" --config kernel.config "${objects[@]}"
    "$record" many.bpf.o
fi
