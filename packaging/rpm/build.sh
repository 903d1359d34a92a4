#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh TOP SOURCES [rpmbuild options]: the .rpms of the staged sources in directory SOURCES, into TOP/RPMS.
# TOP is rpmbuild's working directory. The names that the spec asks for as BuildRequires are Fedora's; where another
# distribution's package manager installed them, rpm cannot know it and the build itself finds out.
set -eu
top=$(realpath "$1") sources=$(realpath "$2") here=$(dirname "$(realpath "$0")")
shift 2
name=hostmedic-$(sed -n 's/^Version: *//p' "$here/hostmedic.spec")
mkdir -p "$top/SOURCES" "$top/SPECS"
tar -C "$sources" --transform "s,^\.,$name," --sort=name --owner=0 --group=0 --numeric-owner -cf - . |
  gzip -n >"$top/SOURCES/$name.tar.gz"
cp "$sources"/systemd/*.sysusers "$top/SOURCES/"
cp "$here/hostmedic.spec" "$top/SPECS/"
[ "$(rpm --eval '%{?_unitdir}')" ] || set -- --load="$here/macros.missing" "$@"
command -v dnf >/dev/null || set -- --nodeps "$@"
exec rpmbuild -bb --define "_topdir $top" "$@" "$top/SPECS/hostmedic.spec"
