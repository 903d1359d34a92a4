# SPDX-License-Identifier: Apache-2.0
"""Licences of what Hostmedic is built from, by the names that Debian and the RPM distributions give it. SPDX expressions,
read in each project's own files."""
import re

# (packages, upstream's name, licence)
TABLE = (
    (r"libboost.*|boost-.*", "Boost", "BSL-1.0"),
    (r"libbpf.*", "libbpf", "LGPL-2.1-only OR BSD-2-Clause"),
    (r"libtomlplusplus.*|tomlplusplus-devel", "toml++", "MIT"),
    (r"libprotozero-dev|protozero-devel", "protozero", "BSD-2-Clause"),
    (r"libcli11-dev|cli11-devel", "CLI11", "BSD-3-Clause"),
    (r"libmbed.*|mbedtls.*", "Mbed TLS", "Apache-2.0 OR GPL-2.0-or-later"),
    (r"libsqlite3-.*|sqlite-.*", "SQLite", "blessing"),
    (r"libelf.*|elfutils-libelf.*", "elfutils libelf", "GPL-2.0-or-later OR LGPL-3.0-or-later"),
    (r"zlib.*", "zlib", "Zlib"),
    (r"libsystemd.*|systemd-.*", "systemd", "LGPL-2.1-or-later"),
    (r"libstdc\+\+.*|libgcc-.*|libgcc|gcc-\d+-base", "GCC run-time library", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    (r"libc6.*|glibc.*", "GNU C library", "LGPL-2.1-or-later"),
    (r"linux-libc-dev|kernel-headers", "Linux kernel headers", "GPL-2.0-only WITH Linux-syscall-note"),
    (r"g\+\+.*|gcc.*|cpp.*", "GCC", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    (r"clang.*|libclang.*|llvm.*", "LLVM", "Apache-2.0 WITH LLVM-exception"),
    (r"bpftool", "bpftool", "GPL-2.0-only OR BSD-2-Clause"),
    (r"binutils.*", "GNU binutils", "GPL-3.0-or-later"),
    (r"cmake.*", "CMake", "BSD-3-Clause"),
    (r"ninja-build", "Ninja", "Apache-2.0"),
    (r"scdoc", "scdoc", "MIT"),
)


def of(package):
    """(upstream's name, licence) of a distribution's package; its own name and NOASSERTION where the table has none."""
    for names, upstream, licence in TABLE:
        if re.fullmatch(names, package):
            return upstream, licence
    return package, "NOASSERTION"
