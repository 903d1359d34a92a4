# SPDX-License-Identifier: Apache-2.0
"""Reference points, all of them running and free of scale: what a few moments per series reach.

  random      a lot for each row
  EWMA z max  distance from a mean of one day in deviations, the largest of the group
  F0          the same with a memory of two weeks, squared and summed
  R4          level and change with a memory of two weeks, what exceeds 3 deviations to the power 1.5, summed and
              smoothed at two speeds
"""
import zlib

import numpy as np

DAY = 86400.0
PRIOR, FLOOR, FADES, DRAW_IN, DEAD_ZONE = 0.2, 0.02, 1000.0, 1e-5, 3.0
NAMES = ("random", "EWMA z max", "F0", "R4")


def filled(values):
    """The last known value where there is none; the first before it."""
    values = values.copy()
    for column in values.T:
        known = np.flatnonzero(np.isfinite(column))
        if len(known):
            at = np.maximum.accumulate(np.where(np.isfinite(column), np.arange(len(column)), known[0]))
            column[:] = column[at]
        else:
            column[:] = 0
    return values


def side_by_side(matrices):
    rows = max(len(m) for m in matrices)
    return np.hstack([np.vstack([filled(m), np.repeat(filled(m)[-1:], rows - len(m), axis=0)]) for m in matrices])


def reference_scores(matrices, seconds):
    """{name: [score of each matrix]}; matrices are rows by columns, seconds between rows of each. All step together:
    a row costs the same for one column as for hundreds."""
    x = side_by_side(matrices)
    x -= x[0]
    widths = [m.shape[1] for m in matrices]
    starts = np.r_[0, np.cumsum(widths)[:-1]]
    per_day = np.repeat([DAY / s for s in seconds], widths)
    shortest = 1 / np.vstack([per_day, 14 * per_day])  # of one day and of two weeks
    mean, var = np.zeros((2, x.shape[1])), np.zeros((2, x.shape[1]))
    var_change, last = np.zeros(x.shape[1]), x[0].copy()
    low, high = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    fast = slow = 0.0
    out = {name: np.zeros((len(x), len(matrices))) for name in NAMES[1:]}
    for n, now in enumerate(x):
        span = high - low
        fade = np.exp(-n / FADES)
        prior, floor = fade * (PRIOR * span) ** 2, (FLOOR * span) ** 2
        a = np.maximum(shortest, 1 / (n + 2))
        off, change = now - mean, now - last
        moves = span > 0
        z = np.abs(off) * moves / np.sqrt((1 - fade) * var + prior + floor + ~moves)
        w = np.abs(change) * moves / np.sqrt((1 - fade) * var_change + prior + floor / 9 + ~moves)
        mean += a * off
        var = (1 - a) * (var + a * off * off)
        var_change = (1 - a[1]) * (var_change + a[1] * change * change)
        last = now
        low, high = np.minimum(now, low + DRAW_IN * span), np.maximum(now, high - DRAW_IN * span)
        over = np.maximum(np.vstack([z[1], w]) - DEAD_ZONE, 0)
        q = np.add.reduceat((over * np.sqrt(over)).sum(axis=0), starts)
        fast, slow = fast + (q - fast) / 5, slow + (q - slow) / 20
        out["EWMA z max"][n] = np.maximum.reduceat(z[0], starts)
        out["F0"][n] = np.add.reduceat(z[1] * z[1], starts)
        out["R4"][n] = np.sqrt(fast * slow)
    return {name: [out[name][:len(m), i] for i, m in enumerate(matrices)] for name in out}


def random_scores(entity):
    return np.random.default_rng([1, zlib.crc32(entity.name.encode())]).random(len(entity.values))
