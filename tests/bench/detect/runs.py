# SPDX-License-Identifier: Apache-2.0
"""Runs `hostmedic score` and the group models over data sets, and reads what they wrote."""
import concurrent.futures
import os
import resource
import subprocess

import numpy as np

import data

COLUMNS = ("anomaly_score", "suspicious", "page", "rank", "probability")


class Failed(Exception):
    pass


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def call(args):
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(" ".join(args[:2]) + ": " + done.stderr.strip()[:500])
    return done.stdout


def read_scores(path, per_series):
    """{column: scores}, and the evidence of the series, rows by columns, where it was written."""
    with open(path) as f:
        head = f.readline().strip()
    names = head.split(",")
    first = 1 if names[0] == "timestamp" else 0
    values = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2, usecols=range(first, len(names)))
    scores = {name: values[:, names.index(name) - first] for name in COLUMNS}
    return scores, values[:, :-len(COLUMNS)] if per_series else None


class Programs:
    """The programs under test and where they may write."""

    def __init__(self, hostmedic, models, work, jobs):
        self.hostmedic, self.models, self.work, self.jobs = hostmedic, models, work, jobs
        self.config = None

    def group_models(self):
        return call([self.models, "--list"]).split() if self.models else []

    def shipped_models(self):
        """[(name, mode)] of the pipeline's own models."""
        return [line.split() for line in call([self.models, "--shipped"]).splitlines()] if self.models else []

    def rescale(self, dataset):
        """Writes the data set in units of its own; the entities then name those files."""
        for entity in dataset.entities:
            values = data.rescaled(entity)
            parts = {"train": values[:entity.train_rows], "test": values[entity.train_rows:]}
            places = {part: os.path.join(self.work, "scaled", dataset.name, part, entity.name + ".csv") for part in parts}
            for part, rows in parts.items():
                if len(rows):
                    data.write_matrix(places[part], rows)
            entity.test_file = places["test"]
            entity.train_file = places["train"] if entity.train_rows else None
            entity.values = values

    def run(self, dataset, name, per_series=False):
        """{entity: file of scores}: the shipped pipeline. In one call for all files that go into the same directory and
        learn from the same one."""
        calls, places = {}, {}
        for entity in dataset.entities:
            train = os.path.dirname(entity.train_file) if entity.train_file else ""
            out = os.path.join(self.work, name, dataset.name, os.path.basename(os.path.dirname(entity.test_file)))
            calls.setdefault((out, train, entity.seconds), []).append(entity.test_file)
            places[entity.name] = os.path.join(out, data.stem(entity.test_file) + ".csv")
        for (out, train, seconds), inputs in calls.items():
            os.makedirs(out, exist_ok=True)
            args = [self.hostmedic, "score", "--quiet", "--in", *inputs, "--out", out, "--jobs", str(self.jobs),
                    "--interval", "%gs" % seconds]
            args += ["--train-dir", train] if train else []
            args += ["--per-series"] if per_series else []
            args += ["--config", self.config] if self.config else []
            call(args)
        return places

    def score(self, dataset, name, per_series=False):
        """(scores and evidence of each entity, CPU seconds)."""
        begin = cpu_seconds()
        places = self.run(dataset, name, per_series)
        used = cpu_seconds() - begin
        return [read_scores(places[e.name], per_series) for e in dataset.entities], used

    def causal(self, dataset):
        """How many series, cut at a random row, give the same bytes up to it."""
        same = 0
        cut = data.DataSet(dataset.name, dataset.kind, dataset.path, [])
        for entity in dataset.entities:
            short = data.Entity(entity.name, None, entity.train_file, None, entity.train_rows, None, entity.seconds)
            short.test_file = os.path.join(self.work, "cut", dataset.name,
                                           os.path.relpath(entity.test_file, os.path.dirname(os.path.dirname(entity.test_file))))
            data.cut_file(entity.test_file, short.test_file)
            cut.entities.append(short)
        whole, parts = self.run(dataset, "whole"), self.run(cut, "part")
        for entity in dataset.entities:
            with open(whole[entity.name], "rb") as f, open(parts[entity.name], "rb") as g:
                part = g.read()
                same += f.read(len(part)) == part
        return same

    def alone(self, dataset, model):
        """(scores of each entity, CPU seconds): one group model by itself."""
        out = os.path.join(self.work, model, dataset.name)
        os.makedirs(out, exist_ok=True)
        begin = cpu_seconds()

        def one(entity):
            place = os.path.join(out, entity.name.replace("/", "_") + ".csv")
            call([self.models, model, "%d" % entity.seconds, entity.test_file, entity.train_file or "-", place])
            return np.loadtxt(place, skiprows=1, ndmin=1)
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            scores = list(pool.map(one, dataset.entities))
        return scores, cpu_seconds() - begin
