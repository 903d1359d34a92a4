#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The libraries that must be pure need no symbol that opens, prints, waits, forks or reads a clock.
# A list of refusals, so a guard rail and not a proof. purity.sh [ARCHIVE...]: default, those of the debug build.
cd "$(dirname "$0")/../.." || exit 1
build=${HM_BUILD:-build/debug}

libc='open|openat|creat|read|write|close|fopen|fread|fwrite|fputs|puts|putchar|printf|fprintf|__printf_chk|__fprintf_chk'
libc="$libc|syslog|socket|connect|send|recv|getenv|secure_getenv|clock_gettime|gettimeofday|time|nanosleep"
libc="$libc|clock_nanosleep|usleep|sleep|rand|random|getrandom|pthread_create|fork|execve|system|syscall|kill|unlink|rename"
cxx='_clock3now|basic_(file|if|of)|random_device|St6thread|filesystem|_ZSt[0-9]c(out|err|log|in)$'

purity() { # archive
  name="pure-$(basename "$1" .a)"
  hits=$(nm -u "$1" 2>/dev/null | awk '{print $NF}' | grep -E "^($libc)(64)?(@.*)?$|$cxx" | sort -u | tr '\n' ' ')
  if [ -z "$hits" ]; then echo "ok $name"; else echo "FAIL $name needs $hits"; failed=1; fi
}

failed=0
if [ $# -gt 0 ]; then
  for archive in "$@"; do purity "$archive"; done
  exit $failed
fi
for library in model:detect/model detect:detect actions:actions probes_parse:probes/parse; do
  archive=$(find "$build" -name "libhm_${library%%:*}.a" 2>/dev/null | head -n 1)
  if [ -n "$archive" ]; then
    purity "$archive"
  elif [ -n "$(git ls-files -co --exclude-standard "${library#*:}/*.cpp")" ]; then
    echo "FAIL pure-libhm_${library%%:*} $build has no libhm_${library%%:*}.a"
    failed=1
  fi
done
exit $failed
