#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package.sh BUILD TARGET: the built packages again, into TARGET, with what acts taken from a coverage build. Only that:
# the programs that watch and decide stay as fast as they are shipped, so that the host tests keep their times.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
readonly build=$1 target=$2
rm -rf "$target" && mkdir -p "$target"
cp build/package/*.deb "$target"/
deb=$(ls "$target"/hostmedic_*.deb)
dpkg-deb -R "$deb" "$target/tree"
for program in hostmedic-actuator hostmedic-effect; do
  install -s -m 755 "$build/agent/actuator/$program" "$target/tree/usr/lib/hostmedic/$program"
done
rm -f "$target/tree/DEBIAN/md5sums"
dpkg-deb --root-owner-group -Zgzip -z1 -b "$target/tree" "$deb"
rm -rf "$target/tree"
