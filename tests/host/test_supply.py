# SPDX-License-Identifier: Apache-2.0
"""The built packages themselves: how their programs are hardened, which build they are, what they are made of."""
import glob
import json
import os
import re
import subprocess
import tempfile

import elf
import spdx
from testhost import REPO, Skip, options, package_files

BOTH = ("hostmedic", "hostmedic-aggregator")
PROGRAMS = {"hostmedic": ["usr/bin/hostmedic", "usr/sbin/hostmedicd"] + ["usr/lib/hostmedic/hostmedic-" + name for name in
                         ("probe", "check", "actuator", "effect")],
            "hostmedic-aggregator": ["usr/sbin/hostmedic-aggregator"]}
# With -fcf-protection every function that may be reached by a pointer begins with ENDBR64: 7 of 10 pieces of our code. A
# cold part of a function and a local one that is only called by name do not, nor do a distribution's static libraries.
# Without the flag it is one piece in thousands.
LEAST_LANDING_PADS = 0.25


class Unpacked:
    """The packages' files on this machine; root(package) and programs() lead to them."""

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory()
        for package, path in zip(BOTH, package_files(BOTH)):
            subprocess.run(["dpkg-deb", "--extract", path, self.root(package)], check=True)
        return self

    def __exit__(self, *_):
        self.scratch.cleanup()

    def root(self, package):
        return os.path.join(self.scratch.name, package)

    def programs(self):
        return [os.path.join(self.root(package), path) for package, paths in PROGRAMS.items() for path in paths]

    def others(self):
        """Programs that PROGRAMS does not know."""
        known, found = set(self.programs()), []
        for where, _, names in os.walk(self.scratch.name):
            for name in names:
                path = os.path.join(where, name)
                with open(path, "rb") as f:
                    if path not in known and not os.path.islink(path) and f.read(4) == b"\x7fELF":
                        found.append(path)
        return found


@options(hosts=())
def test_programs_are_hardened():
    wrong = []
    with Unpacked() as unpacked:
        assert unpacked.others() == [], unpacked.others()
        for path in unpacked.programs():
            name = os.path.basename(path)
            faults = elf.faults(path)
            wrong += [f"{name} {fault}" for fault in faults]
            said = ", ".join(faults) or ("PIE, full RELRO, stack protector, fortified, no RPATH, no text relocation, "
                                         "no executable stack")
            if "X86-64" in elf.readelf(path, "--file-header"):
                marked, count = elf.functions_with_landing_pad(path)
                said += f", CET landing pads in {marked} of {count} functions"
                if marked < LEAST_LANDING_PADS * count:
                    wrong.append(f"{name} has landing pads in {marked} of {count} functions")
            print(f"{name}: {said}")
    assert not wrong, "\n".join(wrong)


@options(hosts=())
def test_each_program_tells_its_version_and_build():
    with Unpacked() as unpacked:
        version = subprocess.run(["dpkg-deb", "-f", package_files(BOTH)[0], "Version"], capture_output=True, text=True,
                                 check=True).stdout.strip()
        ids = set()
        for path in unpacked.programs():
            name, build = os.path.basename(path), elf.build_id(path)
            assert build and re.fullmatch("[0-9a-f]{40}", build), (name, build)
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
            assert said == f"{name} {version} (build {build})\n", said
            ids.add(build)
        assert len(ids) == len(unpacked.programs()), "each program is a build of its own"
        said = subprocess.run([unpacked.programs()[0], "--socket", "/none", "version", "--json"], capture_output=True,
                              text=True, check=True).stdout
        assert json.loads(said) == {"version": version, "build_id": elf.build_id(unpacked.programs()[0]), "agent": None}


@options(hosts=())
def test_debug_packages_belong_to_the_programs():
    found = {package: glob.glob(f"{REPO}/build/package/{package}-dbgsym_*.deb") for package in BOTH}
    if not all(found.values()):
        raise Skip("there are no -dbgsym packages beside the others: they were not made by ./dev package")
    with Unpacked() as unpacked, tempfile.TemporaryDirectory() as scratch:
        for package, [path] in found.items():
            subprocess.run(["dpkg-deb", "--extract", path, scratch], check=True)
            for program in PROGRAMS[package]:
                build = elf.build_id(os.path.join(unpacked.root(package), program))
                debug = f"{scratch}/usr/lib/debug/.build-id/{build[:2]}/{build[2:]}.debug"
                assert os.path.exists(debug) and elf.build_id(debug) == build, program
                names = subprocess.run(["nm", debug], capture_output=True, text=True, check=True).stdout
                main = re.search(r"^(\w+) T main$", names, re.M)[1]
                line = subprocess.run(["addr2line", "-e", debug, main], capture_output=True, text=True, check=True).stdout
                assert re.search(r"main\.cpp:[1-9]", line), (program, line)
                assert not os.path.isabs(line), line  # where it was built is nobody's business
                print(f"{os.path.basename(program)}: main is at {line.strip()}")


# ---- the bill of materials -----------------------------------------------------------------------

def bill(unpacked, package):
    with open(f"{unpacked.root(package)}/usr/share/doc/{package}/{package}.spdx.json", encoding="utf-8") as f:
        return json.load(f)


def owner(path):
    """The package of this machine that a file came with; the last word of dpkg, whichever way the file is spelled."""
    for name in (path, os.path.realpath(path), "/usr" + path, "/usr" + os.path.realpath(path)):
        said = subprocess.run(["dpkg", "--search", name], capture_output=True, text=True, check=False).stdout
        if said:
            return said.split(":")[0].split(",")[0]
    return None


def header_libraries():
    """Packages of the libraries that are taken in as headers or archives: CMake asks for each by one of its files."""
    with open(f"{REPO}/packaging/cmake/dependencies.cmake", encoding="utf-8") as f:
        asked = re.findall(r"find_path\(\w+ (\S+) REQUIRED\)", f.read())
    return {owner("/usr/include/" + header) for header in [*asked, "boost/version.hpp"]} - {None}


@options(hosts=())
def test_bill_of_materials_is_complete():
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    # The machine's own word size comes first.
    places = dict(reversed(re.findall(r"^\t(\S+) .* => (\S+)$", known, re.M)))
    with Unpacked() as unpacked:
        everything = set()
        for package in BOTH:
            document, root = bill(unpacked, package), unpacked.root(package)
            own = f"./usr/share/doc/{package}/{package}.spdx.json"
            relations = spdx.check(document, root, own)
            names = {entry["SPDXID"]: entry["name"] for entry in document["packages"]}
            files = {entry["fileName"][2:]: entry["SPDXID"] for entry in document["files"]}
            for program in PROGRAMS[package]:
                linked = {names[to] for one, kind, to in relations if one == files[program] and kind == "DYNAMIC_LINK"}
                wanted = {owner(places[library]) for library in elf.needed(os.path.join(root, program))}
                assert wanted == linked, (program, wanted ^ linked)
            everything |= set(names.values())
            print(f"{package}: {len(files)} files, {len(names) - 1} packages, {len(relations)} relations")
        assert header_libraries() <= everything, header_libraries() - everything
        assert not any("doctest" in name for name in everything), "what only tests use is not in a program"
