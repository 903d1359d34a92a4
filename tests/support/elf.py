# SPDX-License-Identifier: Apache-2.0
"""What readelf and the file itself say of a program, as far as the tests of the packages ask."""
import re
import struct
import subprocess

ENDBR64 = b"\xf3\x0f\x1e\xfa"


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], capture_output=True, text=True, check=True).stdout


def build_id(path):
    found = re.search(r"Build ID: ([0-9a-f]+)", readelf(path, "--notes"))
    return found[1] if found else None


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.*?)\]", readelf(path, "--dynamic"))


def functions_with_landing_pad(path):
    """(functions that begin with ENDBR64, all functions) of an x86-64 program, by its table of unwind information."""
    with open(path, "rb") as f:
        content = f.read()
    table = re.search(r"\.eh_frame_hdr\s+PROGBITS\s+([0-9a-f]+) ([0-9a-f]+)", readelf(path, "--sections"))
    address, offset = int(table[1], 16), int(table[2], 16)
    encodings, count = content[offset:offset + 4], struct.unpack_from("<I", content, offset + 8)[0]
    assert encodings == b"\x01\x1b\x03\x3b", encodings  # as every linker writes it for x86-64
    loads = [tuple(int(word, 16) for word in row) for row in
             re.findall(r"LOAD\s+(0x\w+) (0x\w+) 0x\w+ (0x\w+) 0x\w+ R E", readelf(path, "--segments"))]
    marked = 0
    for number in range(count):
        start = address + struct.unpack_from("<i", content, offset + 12 + 8 * number)[0]
        place = next((where + start - begin for where, begin, size in loads if begin <= start < begin + size), None)
        marked += place is not None and content[place:place + 4] == ENDBR64
    return marked, count


def faults(path):
    """What a program lacks of what every distribution asks for today; empty: nothing."""
    head, segments = readelf(path, "--file-header"), readelf(path, "--segments")
    dynamic, symbols = readelf(path, "--dynamic"), readelf(path, "--dyn-syms")
    chk = set(re.findall(r"\b(__\w+_chk)\b", symbols))
    stack = re.search(r"GNU_STACK.* (RWE?|R E) ", segments)
    return [text for wrong, text in (
        ("DYN (" not in head or "PIE" not in dynamic, "is not position-independent"),
        ("GNU_RELRO" not in segments, "has no RELRO"),
        (not re.search(r"BIND_NOW|\bNOW\b", dynamic), "does not bind at the start (so RELRO is partial)"),
        (stack is None or "E" in stack[1], "has an executable stack"),
        (re.search(r"LOAD.* RWE ", segments), "has a segment that is writable and executable"),
        ("RPATH" in dynamic or "RUNPATH" in dynamic, "has a path to libraries of its own"),
        ("TEXTREL" in dynamic, "has relocations in its text"),
        ("__stack_chk_fail" not in symbols, "has no stack protector"),
        (not chk - {"__stack_chk_fail"}, "has no fortified call"),
    ) if wrong]
