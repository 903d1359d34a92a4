#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the packages a second time, where all differs that may differ, and compares them byte for byte with those in
# build/package: another directory, of another length, whose files were made in the opposite order; umask, time zone,
# locale, home, kernel name, later clock. Its compiler cache is its own, so no object of the first build serves the second.
# Prints one line per package, and what differs in those that do. Exit status 0 when all are the same. The second build
# stays in build/twice. With --compare: only compares.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
readonly FIRST=build/package SECOND=$PWD/build/twice
readonly SOURCES=$SECOND/a-directory-of-quite-another-length/hostmedic
readonly CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/hostmedic/twice-ccache
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

stage() {
  rm -rf "$SECOND"
  mkdir -p "$SOURCES" "$SECOND/home"
  git ls-files -z --cached --others --exclude-standard | sort -zr | while IFS= read -r -d '' file; do
    [[ ! -f $file ]] || cp --parents -p "$file" "$SOURCES/"
  done
  cp -r packaging/debian "$SOURCES/debian"
}

# A locale with other rules for upper case and for numbers; C where the machine cannot make it.
other_locale() {
  if localedef -i tr_TR -f UTF-8 "$SECOND/tr_TR.UTF-8" 2>/dev/null; then echo tr_TR.UTF-8; else echo C; fi
}

build_second() (
  umask 0027
  cd "$SOURCES"
  env -u CCACHE_BASEDIR -u CCACHE_NOHASHDIR CCACHE_DIR="$CACHE" HOME="$SECOND/home" PATH="$PATH:/elsewhere" \
    LOCPATH="$SECOND" LC_ALL="$(other_locale)" TZ=Elsewhere-13:45 setarch "$(uname -m)" --uname-2.6 \
    env DEB_BUILD_OPTIONS="nocheck terse parallel=$(nproc)" dpkg-buildpackage -b -us -uc
  mv ../*.deb "$SECOND/"
)

# What differs inside: names of files, then owners, modes and times.
show_difference() {
  local side
  for side in 1 2; do
    rm -rf "${scratch:?}/$side"
    dpkg-deb -R "${@:side:1}" "$scratch/$side"
    dpkg-deb -c "${@:side:1}" >"$scratch/list.$side"
  done
  diff -rq --no-dereference "$scratch/1" "$scratch/2" | sed "s,$scratch/,,g; s,^,  ," || true
  diff "$scratch/list.1" "$scratch/list.2" | sed 's,^,  ,' | head -n 40 || true
}

compare() {
  local package name same=0 all=0
  for package in "$FIRST"/*.deb; do
    name=$(basename "$package")
    all=$((all + 1))
    if cmp -s "$package" "$SECOND/$name"; then
      same=$((same + 1))
      echo "same $(sha256sum <"$package" | cut -c 1-64) $name"
    else
      echo "DIFFERENT $name"
      [[ ! -f $SECOND/$name ]] || show_difference "$package" "$SECOND/$name"
    fi
  done
  echo "$same of $all packages are the same in both builds"
  ((all > 0 && same == all))
}

if [[ ${1:-} != --compare ]]; then
  stage
  build_second
fi
compare
