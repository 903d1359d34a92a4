#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Detection decides the same, bit by bit, whichever compiler built it: g++ and clang++ at -O2, and g++ without
# optimization. Prints "same" or the parts that differ; ends with 1 then.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

build_and_run() { # NAME COMPILER FLAGS
  local dir=build/compilers/$1
  [[ -f $dir/build.ninja ]] ||
    cmake -S . -B "$dir" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_COMPILER="$2" -DCMAKE_CXX_FLAGS="$3" >/dev/null
  cmake --build "$dir" --target detect_hash -j "$(nproc)" >"$dir/build.log" 2>&1 || { tail -n 40 "$dir/build.log"; exit 1; }
  "$dir/tests/detect_hash" >"$dir/hashes"
}

build_and_run gcc-O2 g++ "-O2"
build_and_run clang-O2 clang++-19 "-O2"
build_and_run gcc-O0 g++ "-O0"
status=0
for other in clang-O2 gcc-O0; do
  diff build/compilers/gcc-O2/hashes "build/compilers/$other/hashes" || { echo "gcc-O2 and $other differ"; status=1; }
done
((status)) || echo "same: $(wc -l <build/compilers/gcc-O2/hashes) parts of detection, by g++ -O2, clang++ -O2 and g++ -O0"
exit $status
