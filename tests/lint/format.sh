#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every C and C++ file is formatted as .clang-format says; ./dev format does it. BPF programs keep the kernel's style.
cd "$(dirname "$0")/../.." || exit 1
if ! command -v clang-format-19 >/dev/null; then
  echo "FAIL formatted clang-format-19 is not installed"
  exit 1
fi
out=$(git ls-files -z --cached --others --exclude-standard -- '*.c' '*.cpp' '*.h' ':!*.bpf.c' ':!*.bpf.h' ':!probes/bpf/record/*' | grep -zv vmlinux |
  xargs -0 -r ls -d 2>/dev/null | xargs -r clang-format-19 --dry-run -Werror 2>&1)
if [ -z "$out" ]; then
  echo "ok formatted"
else
  echo "FAIL formatted run ./dev format: $(echo "$out" | sed -n 's/^\([^:]*\):[0-9].*error.*/\1/p' | sort -u | head -n 5 | tr '\n' ' ')"
  exit 1
fi
