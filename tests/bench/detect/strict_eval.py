#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""strict_eval.py - strict scorer for streaming anomaly detectors (numpy only).

Three sub-commands:

  strict    score files against point labels, one row per series, plus the means
  nab       the Numenta Anomaly Benchmark score (three profiles)
  selftest  built-in checks of the metrics on hand-made cases

WHAT "STRICT" MEANS
  * The detector saw the points in time order and its score at time t used points
    <= t only (nothing here can check that; state it beside every result).
  * No point adjustment anywhere.
  * One detector configuration for all series.
  * The main operating point is ONE threshold for all series together.

METRICS OF `strict` (per series, then the unweighted mean over series)
  AP       average precision over points (area under the PR curve; ties share one step)
  VUS_PR   volume under the PR surface as TSB-AD computes it: labels are extended on
           both sides by a slope of width L//2, 250 thresholds at equal ranks, recall
           times existence ratio, mean over L = 0..L_max.  L_max is --vus-window
           (default 100) or `acf` = TSB-AD's rule on the first data column, which
           needs a per-series window: give it in the manifest (column 4).
  F1       best point-wise F1 over all thresholds (an oracle threshold: an upper bound)
  Pages    Alarm state: score >= threshold.  A page is sent when the alarm state holds
           and no page was sent in the last --refire samples.  Every page outside the
           labelled events (each widened by --tol-before / --tol-after) is a false
           page.  An event is found if the alarm state holds at some sample inside it;
           its delay is the number of samples from its first sample to that sample.
           An alarm that is always on therefore costs a page every --refire samples.
  ER@B     event recall when the threshold is the lowest one with at most B false pages
           per day.  ER_glob: one threshold for all series, budget on the mean rate (the
           main number; it also tests whether scores are comparable between hosts).
           ER_each: a threshold per series (an oracle per series).
  delay    mean delay, in samples, of the events found at that threshold
  FIXED    with --threshold T: point F1, event recall, false pages/day at T (no oracle)

INPUT OF `strict`
  --manifest M.csv with rows  name,score_file,label_file[,vus_window]
  (paths relative to M.csv), or --scores S --labels L for one series.
  A file is CSV, optionally .gz, with or without a header.  One column: the value.
  Several columns: the last one is the value, the first one the timestamp; timestamps
  are used only to check that both files have the same ones if both have them.
  If the score file is longer than the label file its head (the warm-up) is dropped.

INPUT OF `nab`
  --windows combined_windows.json  --results DIR
  DIR/<relative path of a data file>: results have columns with the names `timestamp`
  and `anomaly_score` (or `score`); NAB's own result layout <detector>/<dir>/<detector>_<file>
  is accepted with --detector NAME.  Scores must lie in [0, 1].
  Printed: the three profiles with the threshold chosen on the whole corpus (as NAB does)
  and, to show how much of that is a fit to the labels, the same with the threshold
  chosen on the other files (k-fold over files, --folds).
"""
import argparse
import csv
import gzip
import json
import math
import os

import numpy as np

from nab_score import load_nab, nab_score

# ---------------------------------------------------------------------------- point metrics


def segments(y):
    """Inclusive [start, end] of every run of non-zero values."""
    y = np.asarray(y) != 0
    d = np.diff(np.r_[0, y.astype(np.int8), 0])
    return np.c_[np.flatnonzero(d == 1), np.flatnonzero(d == -1) - 1]


def _pr_counts(y, s):
    """TP and predicted-positive counts at every distinct score, from the highest down."""
    order = np.argsort(-s, kind="stable")
    ss, yy = s[order], y[order]
    last = np.r_[np.flatnonzero(np.diff(ss)), len(ss) - 1]
    return np.cumsum(yy)[last], last + 1, ss[last]


def average_precision(y, s):
    y = np.asarray(y, float)
    tp, n, _ = _pr_counts(y, np.asarray(s, float))
    p = y.sum()
    if p == 0:
        return float("nan")
    return float(np.sum(np.diff(np.r_[0, tp]) / p * tp / n))


def best_f1(y, s):
    """(F1, precision, recall, threshold) at the best threshold."""
    y = np.asarray(y, float)
    tp, n, th = _pr_counts(y, np.asarray(s, float))
    f = 2 * tp / (n + y.sum())
    k = int(np.argmax(f))
    return float(f[k]), float(tp[k] / n[k]), float(tp[k] / y.sum()), float(th[k])


def vus_pr(y, s, window=100, thre=250):
    """Volume under the PR surface, numerically the same as TSB-AD's 'opt' version."""
    y = (np.asarray(y) != 0).astype(float)
    s = np.asarray(s, float)
    n = len(y)
    seg = segments(y)
    if len(seg) == 0:
        return float("nan")
    pos = y.sum()
    srt = -np.sort(-s)
    thr = srt[np.linspace(0, n - 1, thre).astype(int)]
    order = np.argsort(-s, kind="stable")
    npred = np.searchsorted(-srt, -thr, side="right")      # points with score >= threshold
    total = 0.0
    inside = y > 0
    for w in range(window + 1):
        ext = y.copy()
        h = w // 2
        if h:
            for a, b in seg:
                x1 = np.arange(b + 1, min(b + h + 1, n))
                ext[x1] += np.sqrt(1 - (x1 - b) / w)
                x2 = np.arange(max(a - h, 0), a)
                ext[x2] += np.sqrt(1 - (a - x2) / w)
            np.minimum(ext, 1.0, out=ext)
        ctp = np.r_[0, np.cumsum(ext[order])]
        cout = np.r_[0, np.cumsum(np.where(inside, 0.0, ext)[order])]
        tp = ctp[npred]
        nlab = pos + cout[npred]
        merged = []
        a0, b0 = max(seg[0][0] - h, 0), seg[0][1] + h
        for a, b in seg[1:]:
            if a - h <= b0:
                b0 = b + h
            else:
                merged.append((a0, min(b0, n - 1)))
                a0, b0 = a - h, b + h
        merged.append((a0, min(b0, n - 1)))
        peak = np.sort([s[a:b + 1].max() for a, b in merged])
        hit = len(peak) - np.searchsorted(peak, thr, side="left")
        recall = np.minimum(tp / ((pos + nlab) / 2), 1.0) * hit / len(merged)
        total += float(np.sum(np.diff(np.r_[0, recall]) * tp / npred))
    return total / (window + 1)


# ---------------------------------------------------------------------------- event metrics


class Series:
    """One labelled series prepared for page counting at many thresholds."""

    def __init__(self, name, y, s, refire, tol_before, tol_after, per_day):
        self.name, self.n = name, len(y)
        self.minutes = 1440 / per_day     # per sample
        self.y = (np.asarray(y) != 0).astype(np.int8)
        self.s = np.asarray(s, float)
        self.refire = refire
        self.days = self.n / per_day
        self.seg = segments(self.y)
        self.peak = np.array([self.s[a:b + 1].max() for a, b in self.seg])
        ok = np.zeros(self.n, bool)
        for a, b in self.seg:
            ok[max(0, a - tol_before):min(self.n, b + tol_after + 1)] = True
        self.ok = ok

    def false_pages(self, th, stop=None):
        """False pages at a threshold.  Pages inside events also start a re-fire wait."""
        idx = np.flatnonzero(self.s >= th)
        if self.refire <= 1:
            return int(np.sum(~self.ok[idx]))
        count, pos, m = 0, 0, len(idx)
        while pos < m:
            t = idx[pos]
            if not self.ok[t]:
                count += 1
                if stop is not None and count > stop:
                    return count
            pos = int(np.searchsorted(idx, t + self.refire))
        return count

    def found(self, th):
        return int(np.sum(self.peak >= th))

    def delays(self, th):
        out = []
        for a, b in self.seg:
            k = np.flatnonzero(self.s[a:b + 1] >= th)
            if len(k):
                out.append(int(k[0]))
        return out


def _lowest_threshold(cands, rate_of, budget):
    """Lowest candidate (sorted high to low) whose false-page rate stays within budget.

    The rate is not strictly monotone (re-fire waits shift), so a bisection finds a
    bracket and a short downward walk finishes it.
    """
    lo, hi = -1, len(cands) - 1           # cands[lo] within budget, cands[hi] maybe not
    if rate_of(cands[hi]) <= budget:
        return cands[hi]
    while hi - lo > 1:
        mid = (lo + hi) // 2
        if rate_of(cands[mid]) <= budget:
            lo = mid
        else:
            hi = mid
    return cands[lo] if lo >= 0 else math.inf


def event_recall_at(series, budget, per_series=False):
    """(recall over events, mean of per-series recall, mean delay in samples, false pages/day, thresholds)."""
    if per_series:
        ths = [_lowest_threshold(np.unique(x.s)[::-1],
                                 lambda t, x=x: x.false_pages(t, budget * x.days) / x.days, budget)
               for x in series]
    else:
        allv = np.unique(np.concatenate([np.unique(x.s) for x in series]))[::-1]
        if len(allv) > 200000:
            allv = allv[np.unique(np.geomspace(1, len(allv), 200000).astype(int) - 1)]
        days = sum(x.days for x in series)
        th = _lowest_threshold(allv, lambda t: sum(x.false_pages(t) for x in series) / days, budget)
        ths = [th] * len(series)
    found = [x.found(t) for x, t in zip(series, ths)]
    total = [len(x.seg) for x in series]
    delay = [d for x, t in zip(series, ths) for d in x.delays(t)]
    fp = sum(x.false_pages(t) for x, t in zip(series, ths)) / sum(x.days for x in series)
    per = [f / n for f, n in zip(found, total) if n]
    return (sum(found) / max(1, sum(total)), float(np.mean(per)) if per else float("nan"),
            float(np.mean(delay)) if delay else float("nan"), fp, ths)


def strict_report(rows, budgets=(0.1, 1.0, 10.0), refire=60, tol_before=5, tol_after=30,
                  per_day=1440, vus_window=100, threshold=None, quiet=False, names=True):
    """rows: (name, labels, scores[, vus window]).  Prints and returns a dictionary."""
    series, per = [], []
    for r in rows:
        name, y, s = r[:3]
        w = int(r[3]) if len(r) > 3 and r[3] not in (None, "") else vus_window
        if not np.all(np.isfinite(s)):
            raise ValueError("%s: scores must be finite" % name)
        x = Series(name, y, s, refire, tol_before, tol_after, per_day)
        f, p, rc, th = best_f1(x.y, x.s)
        per.append(dict(name=name, n=x.n, events=len(x.seg), ratio=float(x.y.mean()),
                        AP=average_precision(x.y, x.s),
                        VUS_PR=vus_pr(x.y, x.s, w) if w >= 0 else float("nan"), F1=f))
        series.append(x)
    out = {k: float(np.nanmean([q[k] for q in per])) for k in ("AP", "VUS_PR", "F1")}
    for b in budgets:
        g = event_recall_at(series, b)
        e = event_recall_at(series, b, True)
        out["ER_glob@%g" % b], out["delay@%g" % b], out["th@%g" % b] = g[0], g[2], g[4][0]
        out["ER_each@%g" % b] = e[0]
    if threshold is not None:
        f1 = []
        for x in series:
            pred = x.s >= threshold
            f1.append(2 * np.sum(pred & (x.y > 0)) / max(1, pred.sum() + x.y.sum()))
        out["FIXED_F1"] = float(np.mean(f1))
        out["FIXED_ER"] = sum(x.found(threshold) for x in series) / sum(len(x.seg) for x in series)
        out["FIXED_pages"] = (sum(x.false_pages(threshold) for x in series)
                              / sum(x.days for x in series))
    out["series"] = per
    if not quiet:
        if names:
            print("%-24s %8s %6s %7s %7s %7s %7s" % ("series", "points", "events", "ratio",
                                                     "AP", "VUS_PR", "F1"))
            for q in per:
                print("%-24s %8d %6d %7.4f %7.4f %7.4f %7.4f" % (
                    q["name"], q["n"], q["events"], q["ratio"], q["AP"], q["VUS_PR"], q["F1"]))
        print("mean over %d series: AP %.4f  VUS_PR %.4f  best F1 %.4f" % (
            len(per), out["AP"], out["VUS_PR"], out["F1"]))
        for b in budgets:
            print("at <= %g false pages/day: event recall %.4f (one threshold %.6g), "
                  "mean delay %.1f samples; %.4f with a threshold per series" % (
                      b, out["ER_glob@%g" % b], out["th@%g" % b], out["delay@%g" % b],
                      out["ER_each@%g" % b]))
        if threshold is not None:
            print("at the fixed threshold %g: F1 %.4f, event recall %.4f, %.2f false pages/day" % (
                threshold, out["FIXED_F1"], out["FIXED_ER"], out["FIXED_pages"]))
    return out


# ---------------------------------------------------------------------------- files


def read_csv(path):
    op = gzip.open if path.endswith(".gz") else open
    with op(path, "rt", newline="") as f:
        rows = [r for r in csv.reader(f) if r]
    try:
        float(rows[0][-1])
        return [], rows
    except ValueError:
        return [c.strip() for c in rows[0]], rows[1:]


def read_values(path):
    head, rows = read_csv(path)
    v = np.array([float(r[-1]) for r in rows])
    t = [r[0] for r in rows] if len(rows[0]) > 1 else None
    return t, v


def load_pair(name, score_file, label_file, window=None):
    ts, s = read_values(score_file)
    tl, y = read_values(label_file)
    if len(s) < len(y):
        raise SystemExit("%s: fewer scores (%d) than labels (%d)" % (name, len(s), len(y)))
    cut = len(s) - len(y)
    if ts and tl and ts[cut:] != tl:
        raise SystemExit("%s: timestamps of scores and labels differ" % name)
    return name, (y > 0).astype(int), s[cut:], window


# ---------------------------------------------------------------------------- self test


def selftest():
    rng = np.random.default_rng(1)
    y = np.zeros(2000, int)
    y[300:340] = 1
    y[1000:1010] = 1
    assert abs(average_precision(y, y.astype(float)) - 1) < 1e-12
    assert abs(average_precision(y, np.zeros(2000)) - y.mean()) < 1e-12
    assert best_f1(y, y.astype(float))[0] == 1.0
    r = rng.random(2000)
    assert average_precision(y, r) < 0.06
    assert vus_pr(y, y + 0.01 * r, 20) > 0.8 > 0.2 > vus_pr(y, r, 20)
    # brute-force average precision
    o = np.argsort(-r)
    hits = np.cumsum(y[o])
    ap = np.sum((hits / np.arange(1, 2001))[y[o] == 1]) / y.sum()
    assert abs(ap - average_precision(y, r)) < 1e-12
    # pages: an always-on alarm pages every `refire` samples outside the events
    x = Series("x", y, np.ones(2000), 60, 0, 0, 1440)
    assert 30 <= x.false_pages(0.5) <= 34
    # one spike before, one inside: one false page, event found with delay 5
    s = np.zeros(2000)
    s[100] = 1
    s[305] = 1
    x = Series("x", y, s, 60, 0, 0, 1440)
    assert x.false_pages(0.5) == 1 and x.found(0.5) == 1 and x.delays(0.5) == [5]
    g = event_recall_at([x], 1.0)
    assert g[0] == 0.5 and g[2] == 5
    # NAB: a perfect detector (first sample of each window) scores 100, silence 0
    w = [(300, 399), (1500, 1599)]
    s = np.zeros(2000)
    s[300] = s[1500] = 1
    q = nab_score([("a", s, w)], folds=1)
    assert all(abs(q[p]["score"] - 100) < 1e-9 for p in q)
    q = nab_score([("a", np.zeros(2000), w)], folds=1)
    assert all(abs(q[p]["score"]) < 1e-9 for p in q)
    # one far false positive costs 0.11 of a unit in the standard profile
    s[1400] = 1
    q = nab_score([("a", s, w)], folds=1)
    assert abs(q["standard"]["raw"] - (2 - 0.11)) < 1e-9
    print("selftest: all checks passed")


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="cmd", required=True)
    p = sub.add_parser("strict")
    p.add_argument("--manifest")
    p.add_argument("--scores")
    p.add_argument("--labels")
    p.add_argument("--budgets", default="0.1,1,10", help="false pages per day and series")
    p.add_argument("--samples-per-day", type=float, default=1440)
    p.add_argument("--refire", type=int, default=60)
    p.add_argument("--tol-before", type=int, default=5)
    p.add_argument("--tol-after", type=int, default=30)
    p.add_argument("--vus-window", type=int, default=100, help="-1 skips VUS_PR")
    p.add_argument("--threshold", type=float)
    p.add_argument("--json")
    p = sub.add_parser("nab")
    p.add_argument("--windows", required=True)
    p.add_argument("--results", required=True)
    p.add_argument("--detector")
    p.add_argument("--folds", type=int, default=5)
    p.add_argument("--json")
    sub.add_parser("selftest")
    a = ap.parse_args(argv)
    if a.cmd == "selftest":
        selftest()
        return
    if a.cmd == "nab":
        res = nab_score(load_nab(read_csv, a.windows, a.results, a.detector), a.folds)
        for k, v in res.items():
            print("%-20s %7.3f  (threshold %.6g%s)" % (
                k, v["score"], v["threshold"],
                ", threshold from other files %.3f" % v["cv_score"] if "cv_score" in v else ""))
    else:
        if a.manifest:
            base = os.path.dirname(os.path.abspath(a.manifest))
            head, rows = read_csv(a.manifest)
            rows = [r for r in ([head] if head else []) + rows if r[0] != "name"]
            pairs = [load_pair(r[0], os.path.join(base, r[1]), os.path.join(base, r[2]),
                               int(r[3]) if len(r) > 3 and r[3] else None) for r in rows]
        else:
            pairs = [load_pair("series", a.scores, a.labels)]
        res = strict_report(pairs, [float(b) for b in a.budgets.split(",")], a.refire,
                            a.tol_before, a.tol_after, a.samples_per_day, a.vus_window,
                            a.threshold)
    if a.json:
        with open(a.json, "w") as f:
            json.dump(res, f, indent=1)


if __name__ == "__main__":
    main()
