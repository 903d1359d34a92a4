#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bills.sh BUILDROOT BUILD VERSION DOCDIR: the bill of materials of each package, over the files that are its own and as
# they are packed. The spec runs it when rpm has stripped the programs and compressed the manual pages.
set -eu
root=$1 build=$2 version=$3 docdir=$4
files=$(mktemp)
trap 'rm -f "$files"' EXIT
for package in hostmedic hostmedic-aggregator; do
  if [ $package = hostmedic ]; then others=-v; else others=; fi
  (cd "$root" && find . -type f ! -path './usr/lib/debug/*' ! -path './usr/src/*' ! -name '*.spdx.json') |
    sed 's,^\./,,' | grep $others hostmedic-aggregator >"$files"
  python3 -B packaging/sbom/sbom.py --name $package --version "$version" --root "$root" --files "$files" --build "$build" \
    --out "$root$docdir/$package/$package.spdx.json"
done
