#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# page.sh SCDOC SOURCE OUTPUT [HOSTMEDIC WHICH]: one manual page from its source, as the build calls it.
# The line @KEYS WHICH@ of a source stands for the keys of a file, which the program itself knows best. SOURCE_DATE_EPOCH,
# where it is set, is the date of the page.
set -eu
scdoc=$1 source=$2 output=$3
if [ $# -eq 5 ]; then
  "$4" config reference "$5" --scdoc >"$output.keys"
  sed -e "/^@KEYS/{r $output.keys" -e 'd}' "$source" >"$output.scd"
  rm "$output.keys"
else
  cp "$source" "$output.scd"
fi
"$scdoc" <"$output.scd" >"$output.page"
# The first line tells a formatter that there are tables; scdoc does not write it.
if grep -q '^\.TS' "$output.page"; then printf "'\\\\\" t\n" >"$output"; else : >"$output"; fi
cat "$output.page" >>"$output"
rm "$output.scd" "$output.page"
