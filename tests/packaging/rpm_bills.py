#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rpm_bills.py PACKAGE.rpm...: the bill of materials in each lists what is in the package, with its sums, and the programs
are linked from what it names. Prints one line per package; exit status 1 when a bill is wrong."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import spdx  # noqa: E402


def check(package):
    name = subprocess.run(["rpm", "-qp", "--qf", "%{NAME}", package], capture_output=True, text=True, check=True).stdout
    own = f"./usr/share/doc/{name}/{name}.spdx.json"
    with tempfile.TemporaryDirectory() as root:
        with open(package, "rb") as f:
            archive = subprocess.run(["rpm2archive", "-n", "-"], stdin=f, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", root], input=archive, check=True)
        with open(os.path.join(root, own), encoding="utf-8") as f:
            document = json.load(f)
        relations = spdx.check(document, root, own)
        files = {entry["SPDXID"]: entry["fileName"] for entry in document["files"]}
        linked = {files[one] for one, kind, _ in relations if kind == "DYNAMIC_LINK"}
        programs = {path for path, kinds in ((f["fileName"], f["fileTypes"]) for f in document["files"]) if "BINARY" in kinds}
        assert programs and linked == programs, programs ^ linked
    print(f"{name}: {len(files)} files, {len(programs)} programs, {len(document['packages']) - 1} packages, {len(relations)} relations")


for path in sys.argv[1:]:
    check(path)
