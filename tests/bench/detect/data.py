# SPDX-License-Identifier: Apache-2.0
"""Data sets on disk, told by their layout, so that one that nobody saw before works as well:

  hosts   a directory with train/, test/ and test_label/ (and interpretation_label/): a file per host in each
  nab     data/*/*.csv.gz and labels/combined_windows.json
  single  */*.csv.gz with the columns TimeStamp,Value,Label
"""
import csv
import glob
import gzip
import json
import os
import re
import zlib

import numpy as np

# What the files do not say: the seconds between rows. By the beginning of the name; others by --interval.
INTERVALS = {"smd": 60, "asd": 300, "jumpstarter": 300, "js": 300, "d2": 300, "d3": 300}


class Entity:
    """One group of series: a host, or a single series. values: train rows, then test rows; labels: of the test rows."""

    def __init__(self, name, test_file, train_file, values, train_rows, labels, seconds, causes=()):
        self.name, self.test_file, self.train_file = name, test_file, train_file
        self.values, self.train_rows, self.labels = values, train_rows, labels
        self.seconds = seconds
        self.causes = causes      # (first row, last row, set of columns): rows of the test part, all from 0
        self.windows = None       # of nab: inclusive rows


class DataSet:
    def __init__(self, name, kind, path, entities):
        self.name, self.kind, self.path, self.entities = name, kind, path, entities


def open_text(path):
    return gzip.open(path, "rt", newline="") if path.endswith(".gz") else open(path, newline="")


def matrix(path):
    """The numbers of a file of nothing else, rows by columns."""
    with open_text(path) as f:
        return np.loadtxt(f, delimiter=",", ndmin=2)


def stem(path):
    return re.sub(r"(\.txt|\.csv)?(\.gz)?$", "", os.path.basename(path))


def files(directory):
    return {stem(p): p for p in glob.glob(os.path.join(directory, "*")) if re.search(r"\.(txt|csv)(\.gz)?$", p)}


def read_causes(path, labels):
    """Lines "first-last:dim,dim,...", dims from 1. Whether rows count from 0 or 1: whichever the labels agree with."""
    events = []
    with open(path) as f:
        for line in filter(None, map(str.strip, f)):
            rows, dims = line.split(":")
            first, last = (rows.split("-") * 2)[:2]
            events.append((int(first), int(last), {int(d) - 1 for d in dims.split(",") if d}))

    def agreement(base):
        return sum(labels[max(0, a - base):b - base + 1].sum() for a, b, _ in events)
    base = 1 if agreement(1) > agreement(0) else 0
    return [(a - base, b - base, dims) for a, b, dims in events]


def load_hosts(name, path, seconds):
    train, test, label = (files(os.path.join(path, part)) for part in ("train", "test", "test_label"))
    entities = []
    for host in sorted(test):
        if host not in label:
            continue
        before = matrix(train[host]) if host in train else np.empty((0, 0))
        values, labels = matrix(test[host]), matrix(label[host])[:, -1] > 0
        whole = np.vstack([before, values]) if len(before) else values
        causes_file = os.path.join(path, "interpretation_label", host + ".txt")
        causes = read_causes(causes_file, labels) if os.path.exists(causes_file) else ()
        entities.append(Entity(host, test[host], train.get(host), whole, len(before), labels, seconds, causes))
    return DataSet(name, "hosts", path, entities)


def seconds_between(times):
    """Median of the first steps of ISO times."""
    at = np.array([t.replace("Z", "").replace(" ", "T") for t in times[:16]], dtype="datetime64[s]")
    return float(np.median(np.diff(at)).astype(float))


def table(path):
    with open_text(path) as f:
        rows = [row for row in csv.reader(f) if row]
    return [name.strip() for name in rows[0]], rows[1:]


def load_single(name, path):
    entities = []
    for file in sorted(glob.glob(os.path.join(path, "*", "*.csv.gz"))):
        head, rows = table(file)
        value, label = head.index("Value"), head.index("Label")
        labels = np.array([float(r[label]) > 0 for r in rows])
        values = np.array([[float(r[value] or "nan")] for r in rows])
        if labels.any():
            entities.append(Entity(stem(file), file, None, values, 0, labels, seconds_between([r[0] for r in rows])))
    return DataSet(name, "single", path, entities)


def load_nab(name, path):
    with open(os.path.join(path, "labels", "combined_windows.json")) as f:
        windows = json.load(f)
    entities = []
    for relative in sorted(windows):
        file = os.path.join(path, "data", relative)
        file = file if os.path.exists(file) else file + ".gz"
        _, rows = table(file)
        times = [r[0][:19] for r in rows]
        row_of = {t: i for i, t in reversed(list(enumerate(times)))}
        entity = Entity(relative, file, None, np.array([[float(r[1])] for r in rows]), 0, None, seconds_between(times))
        entity.windows = [(row_of[a[:19]], row_of[b[:19]]) for a, b in windows[relative]]
        entities.append(entity)
    return DataSet(name, "nab", path, entities)


def kind_of(path):
    if all(os.path.isdir(os.path.join(path, part)) for part in ("train", "test", "test_label")):
        return "hosts"
    if os.path.exists(os.path.join(path, "labels", "combined_windows.json")):
        return "nab"
    for file in glob.glob(os.path.join(path, "*", "*.csv.gz"))[:1]:
        if {"Value", "Label"} <= set(table(file)[0]):
            return "single"
    return None


def discover(root):
    """(name, kind, path) of every data set at or below the directory, two levels deep."""
    found = []
    for depth in ("", "*", "*/*"):
        for path in sorted(glob.glob(os.path.join(root, depth)) if depth else [root]):
            inside = any(os.path.abspath(path).startswith(os.path.abspath(p) + os.sep) for _, _, p in found)
            kind = kind_of(path) if os.path.isdir(path) and not inside else None
            if kind:
                name = os.path.relpath(path, root) if path != root else os.path.basename(os.path.abspath(path))
                found.append((name, kind, path))
    return found


def interval_of(name, given):
    base = os.path.basename(name).lower()
    for known, seconds in {**INTERVALS, **given}.items():
        if name == known:
            return seconds
    fitting = [seconds for known, seconds in {**INTERVALS, **given}.items() if base.startswith(known.lower())]
    return fitting[-1] if fitting else None


def load(name, kind, path, seconds):
    if kind == "hosts":
        return load_hosts(name, path, seconds)
    return load_nab(name, path) if kind == "nab" else load_single(name, path)


def rescaled(entity, seed=1):
    """Every metric in a unit of its own: factor e^N(0,3), offset the factor times N(0,10). Ranges of published data
    know the future; in these units nothing does."""
    rng = np.random.default_rng([seed, zlib.crc32(entity.name.encode())])
    width = entity.values.shape[1]
    factor = np.exp(rng.normal(0, 3, width))
    return factor * (entity.values + rng.normal(0, 10, width))


def write_matrix(path, values):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    form = ",".join(["%.9g"] * values.shape[1]) + "\n"
    with open(path, "w") as f:
        f.writelines(form % tuple(row) for row in values.tolist())


def cut_file(source, target):
    """A copy that ends after a random row, not the last one."""
    with open_text(source) as f:
        lines = f.readlines()
    rows = np.random.default_rng([2, zlib.crc32(os.path.basename(source).encode())]).integers(len(lines) // 10 + 1, len(lines))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with (gzip.open(target, "wt", compresslevel=1) if target.endswith(".gz") else open(target, "w")) as f:
        f.writelines(lines[:rows])
