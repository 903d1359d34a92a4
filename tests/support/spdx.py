# SPDX-License-Identifier: Apache-2.0
"""A bill of materials against the tree of files that it speaks of: it is valid SPDX 2.3 as far as we use it, nothing is
missing and nothing is over."""
import hashlib
import os
import re

RELATIONS = set("DESCRIBES CONTAINS DYNAMIC_LINK STATIC_LINK BUILD_DEPENDENCY_OF BUILD_TOOL_OF".split())
LICENCES = set("""Apache-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0-or-later
    LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-or-later MIT Zlib blessing""".split())
EXCEPTIONS = set("GCC-exception-3.1 LLVM-exception Linux-syscall-note".split())


def licence_is_known(text):
    """An SPDX licence expression of ids that are known here."""
    words = text.replace("(", " ( ").replace(")", " ) ").split()
    spelled = "".join("O" if w in ("AND", "OR") else "W" if w == "WITH" else w if w in "()" else "e" if w in EXCEPTIONS
                      else "l" if w in LICENCES else "?" for w in words)
    while True:
        shorter = re.sub(r"lWe|\(l\)|lOl", "l", spelled)
        if shorter == spelled:
            return spelled == "l"
        spelled = shorter


def check_head(document):
    assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0"
    assert document["SPDXID"] == "SPDXRef-DOCUMENT" and document["name"]
    assert re.fullmatch(r"https://[^\s#]+", document["documentNamespace"])
    made = document["creationInfo"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["created"]), made
    assert made["creators"] and all(re.match(r"(Person|Organization|Tool): \S", who) for who in made["creators"]), made


def check_files(document, root, own):
    """Every file of the package but the bill itself is listed with its checksums, and no other."""
    listed = {entry["fileName"]: entry for entry in document["files"]}
    there = {"./" + os.path.relpath(os.path.join(where, name), root) for where, _, names in os.walk(root) for name in names
             if not os.path.islink(os.path.join(where, name))}
    assert set(listed) == there - {own}, set(listed) ^ there
    sums = []
    for name, entry in listed.items():
        with open(os.path.join(root, name), "rb") as f:
            content = f.read()
        given = {one["algorithm"]: one["checksumValue"] for one in entry["checksums"]}
        assert given == {"SHA1": hashlib.sha1(content).hexdigest(), "SHA256": hashlib.sha256(content).hexdigest()}, name
        sums.append(given["SHA1"])
        assert licence_is_known(entry["licenseConcluded"]) and entry["copyrightText"], entry
    return hashlib.sha1("".join(sorted(sums)).encode()).hexdigest()


def check_packages(document, code, own):
    for package in document["packages"]:
        assert package["name"] and package["downloadLocation"] and package["versionInfo"], package
        assert licence_is_known(package["licenseDeclared"]), package
        if package.get("filesAnalyzed", True):
            given = package["packageVerificationCode"]
            assert given == {"packageVerificationCodeValue": code, "packageVerificationCodeExcludedFiles": [own]}, given
        for reference in package.get("externalRefs", ()):
            assert re.fullmatch(r"pkg:(deb|rpm)/\S+@\S+", reference["referenceLocator"]), reference


def check_relations(document):
    ids = [entry["SPDXID"] for entry in (document, *document["packages"], *document["files"])]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", one) for one in ids)
    relations = {(one["spdxElementId"], one["relationshipType"], one["relatedSpdxElement"]) for one in document["relationships"]}
    ends = {end for first, _, last in relations for end in (first, last)}
    assert {kind for _, kind, _ in relations} <= RELATIONS and ends == set(ids), ends ^ set(ids)
    assert [first for first, kind, _ in relations if kind == "DESCRIBES"] == ["SPDXRef-DOCUMENT"]
    return relations


def check(document, root, own):
    """Its relations (from, kind, to). `own` is the path of the document itself, as "./path"."""
    check_head(document)
    check_packages(document, check_files(document, root, own), own)
    return check_relations(document)
