# SPDX-License-Identifier: Apache-2.0
"""What went into a program, and which package of this machine each part came from. Asks the linker's map, ninja's record
of headers, the program itself and dpkg or rpm; guesses nothing."""
import os
import re
import shutil
import subprocess


def output(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    return done.stdout


def linked_in(linker_map):
    """Objects and members of archives inside a program: ("dir/libx.a", "y.o") or ("", "dir/y.o")."""
    found, discarded = set(), False
    with open(linker_map, encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.startswith(".interp"):
                break  # from here on it says where each section lies
            discarded = (discarded or line.startswith("Discarded input")) and not line.startswith("Memory Configuration")
            if discarded:
                continue
            found.update(re.findall(r"([^\s()]+\.a)\(([^\s()]+\.o)\)", line))
            found.update(("", path) for path in re.findall(r"^LOAD (\S+\.o)$", line))
    return found


def object_of(archive, member, objects):
    """The object of the build that became this member: CMake keeps it below <name>.dir beside the archive."""
    if not archive:
        return [member]
    target = re.sub(r"^lib|\.a$", "", os.path.basename(archive))
    below = os.path.join(os.path.dirname(archive), "CMakeFiles", target + ".dir") + "/"
    return [path for path in objects if path.startswith(below) and os.path.basename(path) == member]


def headers(build):
    """object -> the files that were read to compile it."""
    found, current = {}, None
    for line in output("ninja", "-C", build, "-t", "deps").splitlines():
        if line.startswith("    "):
            path = line.strip()
            current.append(os.path.normpath(os.path.join(build, path)))
        elif ": #deps" in line:
            current = found.setdefault(line.split(": #deps")[0], [])
    return found


def compiled_in(linker_map, build, read):
    """Files of the system whose code is in a program: headers of its objects, archives, start-up objects."""
    files = set()
    for archive, member in linked_in(linker_map):
        whole = archive or member
        if os.path.isabs(whole):
            files.add(os.path.normpath(whole))
        for path in object_of(archive, member, read):
            files.update(read.get(path, ()))
    here = (os.path.realpath(build) + "/", os.path.dirname(os.path.realpath(build)) + "/")
    return {path for path in files if path.startswith("/usr/") and not os.path.realpath(path).startswith(here)}


def needed(program):
    """Names of the shared libraries that a program asks for, and where this machine has each."""
    names = re.findall(r"\(NEEDED\)\s+Shared library: \[(.*?)\]", output("readelf", "-d", program))
    places = dict(re.findall(r"(\S+) => (\S+) \(0x", output("ldd", program)))
    interpreter = re.search(r"^\s*(/\S+ld[-.]\S+) \(0x", output("ldd", program), re.M)
    if interpreter:
        places[os.path.basename(interpreter[1])] = interpreter[1]
    return {name: places.get(name, "") for name in names}


def spellings(path):
    """As the package may list it: /usr/lib and /lib are one directory."""
    real = os.path.realpath(path)
    names = [path, real, os.path.join(os.path.dirname(real), os.path.basename(path))]
    for name in list(names):
        names.append(name[4:] if name.startswith("/usr/lib") else "/usr" + name)
    return list(dict.fromkeys(names))


def dpkg_owners(paths):
    """path -> (package, version, architecture, source package)."""
    asked = {name: path for path in sorted(paths) for name in spellings(path)}
    owner, names = {}, sorted(asked)
    for begin in range(0, len(names), 4000):  # a command line has a bound
        for line in output("dpkg-query", "--search", *names[begin:begin + 4000]).splitlines():
            packages, _, name = line.rpartition(": ")
            if name in asked and not packages.startswith("diversion"):
                owner.setdefault(asked[name], packages.split(", ")[0])
    if not owner:
        return {}
    shown = output("dpkg-query", "-W", "-f", "${binary:Package} ${Package} ${Version} ${Architecture} ${source:Package}\n",
                   *sorted(set(owner.values())))
    fields = {}
    for line in shown.splitlines():
        full, name, version, architecture, source = line.split(" ")
        fields[full] = fields[name] = (name, version, architecture, source)
    return {path: fields[package] for path, package in owner.items() if package in fields}


def rpm_owners(paths):
    owner = {}
    for path in sorted(paths):
        line = output("rpm", "-qf", "--qf", "%{NAME} %{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM}\n", path).splitlines()
        if line and "not owned" not in line[0] and line[0].count(" ") == 3:
            name, version, architecture, source = line[0].split(" ")
            owner[path] = (name, version, architecture, source.rsplit("-", 2)[0])
    return owner


def kind_of_system():
    """"deb" or "rpm": who knows the files of this machine."""
    listed = output("dpkg-query", "-W", "-f", "${Package}\n", "libc6*") if shutil.which("dpkg-query") else ""
    return "deb" if listed.strip() else "rpm"


def owners(paths):
    return dpkg_owners(paths) if kind_of_system() == "deb" else rpm_owners(paths)


def tools(build):
    """The programs that built it, by CMake's cache."""
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as f:
        cache = dict(re.findall(r"^(\w+):\w+=(.*)$", f.read(), re.M))
    wanted = ("CMAKE_CXX_COMPILER", "HM_BPF_CLANG", "HM_BPFTOOL", "SCDOC", "CMAKE_COMMAND", "CMAKE_MAKE_PROGRAM", "CMAKE_LINKER")
    return {os.path.realpath(cache[name]) for name in wanted if cache.get(name, "").startswith("/")}
