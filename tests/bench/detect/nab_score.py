# SPDX-License-Identifier: Apache-2.0
"""The score of the Numenta Anomaly Benchmark, three profiles: rewards one detection in each window, the earlier the
better, and charges every sample that fires outside of them. Beside the benchmark's own rule, one threshold chosen on
all files, the threshold is also chosen on the other files (k-fold over files), to show how much is a fit to the labels."""
import json
import math
import os

import numpy as np

NAB_PROFILES = {"standard": (1.0, 0.11, 1.0),            # tp, fp, fn weights
                "reward_low_FP_rate": (1.0, 0.22, 1.0),
                "reward_low_FN_rate": (1.0, 0.11, 2.0)}


def _sig(x):
    """2*sigmoid(-5x)-1, clipped to -1 beyond 3: NAB's scaled sigmoid."""
    x = np.asarray(x, float)
    v = 2 / (1 + np.exp(np.clip(5 * x, -700, 700))) - 1
    return np.where(x > 3.0, -1.0, v)


NAB_MAX_TP = float(_sig(-1.0))


def nab_file_deltas(score, windows, tp_w, fp_w, fn_w, probation=0.15):
    """Score changes of one file as the threshold falls.

    windows: inclusive (start, end) sample indices in order.  Returns (score, delta)
    arrays - one entry per false positive and per improvement of a window's best true
    positive - and the number of scorable windows.
    """
    s = np.asarray(score, float)
    n = len(s)
    start = min(math.floor(probation * n), probation * 5000)
    first = int(math.ceil(start))
    val = np.full(n, -1.0)
    win = np.full(n, -1)
    edge = 0
    prev = None
    for k, (a, b) in enumerate(windows):
        if prev is not None:
            i = np.arange(edge, a)
            val[i] = _sig(np.abs(prev[0] - i) / float(prev[1] - 1))
        width = float(b - a + 1)
        i = np.arange(a, b + 1)
        val[i] = _sig(-(b - i + 1) / width) / NAB_MAX_TP * tp_w
        win[i] = k
        prev, edge = (b, width), b + 1
    if prev is not None:
        i = np.arange(edge, n)
        val[i] = _sig(np.abs(prev[0] - i) / float(prev[1] - 1))
    live = np.arange(n) >= first
    fp = live & (win < 0)
    out_s, out_d = [s[fp]], [val[fp] * fp_w]
    scorable = 0
    for k in range(len(windows)):
        m = np.flatnonzero(live & (win == k))
        if len(m) == 0:
            continue
        scorable += 1
        m = m[np.argsort(-s[m], kind="stable")]
        best = np.maximum.accumulate(np.r_[-fn_w, val[m]])
        out_s.append(s[m])
        out_d.append(np.diff(best))
    return np.concatenate(out_s), np.concatenate(out_d), scorable


def _sweep(parts, fn_w):
    """(thresholds, totals) for several files together, thresholds from high to low."""
    s = np.concatenate([p[0] for p in parts])
    d = np.concatenate([p[1] for p in parts])
    base = -fn_w * sum(p[2] for p in parts)
    o = np.argsort(-s, kind="stable")
    s, c = s[o], base + np.cumsum(d[o])
    last = np.r_[np.flatnonzero(np.diff(s)), len(s) - 1]
    return np.r_[np.inf, s[last]], np.r_[base, c[last]]


def nab_score(files, folds=5, seed=0):
    """files: list of (name, scores, windows).  Returns {profile: result dictionary}."""
    res = {}
    nwin = sum(len(f[2]) for f in files)
    rng = np.random.default_rng(seed)
    fold = rng.permutation(len(files)) % folds if folds > 1 else None
    for prof, (tp_w, fp_w, fn_w) in NAB_PROFILES.items():
        parts = [nab_file_deltas(f[1], f[2], tp_w, fp_w, fn_w) for f in files]
        th, tot = _sweep(parts, fn_w)
        k = int(np.argmax(tot))
        perfect, null = nwin * tp_w, -nwin * fn_w
        norm = lambda v: 100 * (v - null) / (perfect - null)
        r = dict(score=norm(tot[k]), threshold=float(th[k]), raw=float(tot[k]))
        if fold is not None:
            v = 0.0
            for j in range(folds):
                tr = [p for p, q in zip(parts, fold) if q != j]
                t2, s2 = _sweep(tr, fn_w)
                tj = t2[int(np.argmax(s2))]
                for p in (p for p, q in zip(parts, fold) if q == j):
                    v += -fn_w * p[2] + float(p[1][p[0] >= tj].sum())
            r["cv_score"] = norm(v)
        res[prof] = r
    return res


def load_nab(read_csv, windows_json, results_dir, detector=None):
    """Files (name, scores, windows) of a directory of results in the benchmark's layout."""
    with open(windows_json) as f:
        win = json.load(f)
    out = []
    for rel in sorted(win):
        p = os.path.join(results_dir, rel)
        if detector:
            d, b = os.path.split(rel)
            p = os.path.join(results_dir, detector, d, detector + "_" + b)
        if not os.path.exists(p) and os.path.exists(p + ".gz"):
            p += ".gz"
        head, rows = read_csv(p)
        col = "anomaly_score" if "anomaly_score" in head else "score"
        sc = np.array([float(r[head.index(col)]) for r in rows])
        ts = [r[head.index("timestamp")][:19] for r in rows]
        at = {t: i for i, t in reversed(list(enumerate(ts)))}
        w = [(at[a[:19]], at[b[:19]]) for a, b in win[rel]]
        out.append((rel, sc, w))
    return out
