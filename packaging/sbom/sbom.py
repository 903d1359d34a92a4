#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the bill of materials of one package as SPDX 2.3 JSON: every file in it with its checksums, and what its
programs were made from and link, with the versions of the machine that built it.

    sbom.py --name hostmedic --version 0.1.0 --root DIR [--files LIST] --build BUILD-DIR --out FILE

DIR holds the files as they will be installed, after the programs were stripped; where it holds those of several packages,
LIST names the package's own, one path below DIR a line. BUILD-DIR is CMake's, of a Ninja build of
type Release: it has PROGRAM.map of each program. The same input gives the same bytes: the time is SOURCE_DATE_EPOCH."""
import argparse
import hashlib
import json
import os
import sys
import time

import licenses
import origin

SUPPLIER = "Organization: Hostmedic Developers"
BPF = "GPL-2.0-only OR BSD-2-Clause"


def is_elf(path):
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF"


def installed(root, but, own):
    """Paths below root of every regular file, or of those that the file `own` lists, sorted; without the document itself."""
    if own:
        with open(own, encoding="utf-8") as f:
            return sorted(f.read().splitlines())
    found = [os.path.join(where, name) for where, _, names in os.walk(root) for name in names]
    regular = [path for path in found if os.path.isfile(path) and not os.path.islink(path)]
    return sorted(os.path.relpath(path, root) for path in regular
                  if os.path.abspath(path) != os.path.abspath(but) and not os.path.relpath(path, root).startswith("DEBIAN/"))


def identifier(kind, text):
    """Letters, digits, dots and dashes only; what else there is becomes a dash, and a digest keeps it unique."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c == ".") else "-" for c in text)
    return f"SPDXRef-{kind}-{plain}" + ("" if plain == text else "-" + hashlib.sha1(text.encode()).hexdigest()[:8])


def file_entry(root, path):
    with open(os.path.join(root, path), "rb") as f:
        content = f.read()
    kind = "BINARY" if content[:4] == b"\x7fELF" else "DOCUMENTATION" if "/share/man/" in path or "/share/doc/" in path else "TEXT"
    licence = "Apache-2.0" if not path.endswith("hostmedic-probe") else f"Apache-2.0 AND ({BPF})"
    return {"SPDXID": identifier("File", path), "fileName": "./" + path, "fileTypes": [kind],
            "checksums": [{"algorithm": "SHA1", "checksumValue": hashlib.sha1(content).hexdigest()},
                          {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()}],
            "licenseConcluded": licence, "licenseInfoInFiles": ["NOASSERTION"], "copyrightText": "2026 Hostmedic Developers"}


def verification_code(files):
    """As the specification computes it: SHA1 of the sorted SHA1 sums of all files."""
    sums = sorted(entry["checksums"][0]["checksumValue"] for entry in files)
    return hashlib.sha1("".join(sums).encode()).hexdigest()


def purl(kind, package):
    name, version, architecture, _ = package
    distribution = origin.output("sh", "-c", ". /etc/os-release && printf %s \"$ID\"") or "linux"
    escaped = version.replace("%", "%25").replace("+", "%2B").replace("~", "~").replace(":", "%3A")
    return f"pkg:{kind}/{distribution}/{name.replace('+', '%2B')}@{escaped}?arch={architecture}"


def part_entry(package):
    name, version, _, source = package
    upstream, licence = licenses.of(name)
    return {"SPDXID": identifier("Package", name), "name": name, "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": licence,
            "licenseDeclared": licence, "copyrightText": "NOASSERTION", "supplier": "NOASSERTION",
            "sourceInfo": f"built from source package {source}", "summary": upstream,
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": purl(origin.kind_of_system(), package)}]}


class Parts:
    """Packages of the machine that went in, and how: relations (from, kind, to), each once."""

    def __init__(self):
        self.packages, self.relations, self.owner = {}, set(), {}

    def add(self, files, relation):
        new = set(files) - set(self.owner)
        self.owner.update({path: None for path in new} | (origin.owners(new) if new else {}))
        for package in {self.owner[path] for path in files} - {None}:
            entry = part_entry(package)
            self.packages[entry["SPDXID"]] = entry
            self.relations.add(relation(entry["SPDXID"]))


def parts_of(root, build, files, whole):
    parts = Parts()
    read = origin.headers(build)
    maps = {name[:-4]: os.path.join(where, name) for where, _, names in os.walk(build) for name in names if name.endswith(".map")}
    for path in files:
        program = os.path.join(root, path)
        if not is_elf(program):
            continue
        me, linker_map = identifier("File", path), maps.get(os.path.basename(path))
        if linker_map is None:
            sys.exit(f"sbom.py: {build} has no linker map of {os.path.basename(path)}")
        parts.add({place for place in origin.needed(program).values() if place}, lambda it, me=me: (me, "DYNAMIC_LINK", it))
        inside = origin.compiled_in(linker_map, build, read)
        archived = {file for file in inside if file.endswith((".a", ".o"))}
        parts.add(archived, lambda it, me=me: (me, "STATIC_LINK", it))
        parts.add(inside - archived, lambda it, me=me: (it, "BUILD_DEPENDENCY_OF", me))
    parts.add(origin.tools(build), lambda it: (it, "BUILD_TOOL_OF", whole))
    return parts


def document(options):
    files = installed(options.root, options.out, options.files)
    entries = [file_entry(options.root, path) for path in files]
    whole = identifier("Package", options.name)
    parts = parts_of(options.root, options.build, files, whole)
    unknown = sorted(path for path, package in parts.owner.items() if package is None)
    if unknown:
        print("sbom.py: no package has " + ", ".join(unknown), file=sys.stderr)
    itself = {"SPDXID": whole, "name": options.name, "versionInfo": options.version, "supplier": SUPPLIER,
              "downloadLocation": "NOASSERTION", "filesAnalyzed": True, "primaryPackagePurpose": "APPLICATION",
              "packageVerificationCode": {
                  "packageVerificationCodeValue": verification_code(entries),
                  "packageVerificationCodeExcludedFiles": ["./" + os.path.relpath(options.out, options.root)]},
              "licenseConcluded": f"Apache-2.0 AND ({BPF})", "licenseDeclared": f"Apache-2.0 AND ({BPF})",
              "licenseInfoFromFiles": ["NOASSERTION"], "copyrightText": "2026 Hostmedic Developers"}
    relations = {("SPDXRef-DOCUMENT", "DESCRIBES", whole), *parts.relations}
    relations |= {(whole, "CONTAINS", entry["SPDXID"]) for entry in entries}
    body = {"packages": [itself, *(parts.packages[key] for key in sorted(parts.packages))], "files": entries,
            "relationships": [{"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
                              for one, kind, other in sorted(relations)]}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"{options.name}-{options.version}",
            # Another content has another name; it is a name and leads nowhere.
            "documentNamespace": f"https://hostmedic.example.org/spdx/{options.name}-{options.version}-{digest[:32]}",
            "creationInfo": {"created": created, "creators": [SUPPLIER, "Tool: hostmedic-sbom"]}, **body}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("name", "version", "root", "build", "out"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--files")
    options = parser.parse_args()
    os.makedirs(os.path.dirname(options.out), exist_ok=True)
    text = json.dumps(document(options), indent=1) + "\n"
    with open(options.out, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(options.out, 0o644)


if __name__ == "__main__":
    main()
