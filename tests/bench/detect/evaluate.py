# SPDX-License-Identifier: Apache-2.0
"""From scores to the figures of the table. Times are minutes, so that rows of any interval are treated alike: a page is
sent again after an hour, and is false outside the events, widened by 5 minutes before and 30 after."""
import math

import numpy as np

from nab_score import nab_score
from strict_eval import Series, average_precision, best_f1, event_recall_at, vus_pr

BUDGETS = (0.1, 1.0)


def prepared(entity, scores):
    def rows(minutes):
        return max(1, math.ceil(minutes * 60 / entity.seconds))
    return Series(entity.name, entity.labels, scores, rows(60), rows(5), rows(30), 86400 / entity.seconds)


def vus_window(entity):
    return 100 if entity.seconds < 300 else 24


def figures(entities, scores, paging=None, vus=True):
    """scores: of the test rows, one array for each entity, ranked for AP, VUS-PR and F1; paging, where it is another
    score, decides on pages."""
    series = [prepared(e, s) for e, s in zip(entities, scores)]
    out = {"AP": np.mean([average_precision(x.y, x.s) for x in series]),
           "F1": np.mean([best_f1(x.y, x.s)[0] for x in series])}
    if vus:
        out["VUS"] = np.mean([vus_pr(x.y, x.s, vus_window(e)) for e, x in zip(entities, series)])
    pages = [prepared(e, s) for e, s in zip(entities, paging)] if paging else series
    for budget in BUDGETS:
        recall, _, _, rate, thresholds = event_recall_at(pages, budget)
        minutes = [d * x.minutes for x in pages for d in x.delays(thresholds[0])]
        out["ER@%g" % budget], out["threshold@%g" % budget], out["pages@%g" % budget] = recall, thresholds[0], rate
        out["delay@%g" % budget] = np.mean(minutes) if minutes else math.nan
    return {k: float(v) for k, v in out.items()}


def as_shipped(entities, suspicious):
    """The pipeline's own word, no threshold chosen with the labels."""
    series = [prepared(e, s) for e, s in zip(entities, suspicious)]
    found = sum(x.found(1) for x in series)
    minutes = [d * x.minutes for x in series for d in x.delays(1)]
    return {"event_recall": found / max(1, sum(len(x.seg) for x in series)),
            "false_pages_a_day": sum(x.false_pages(1) for x in series) / sum(x.days for x in series),
            "delay": float(np.mean(minutes)) if minutes else math.nan}


def nab_figures(entities, scores):
    return nab_score([(e.name, s, e.windows) for e, s in zip(entities, scores)])


def attribution(entities, scores, evidence, threshold, named=5):
    """Of the events found at the threshold: the share of which at least one true series is among the five named, when
    those with the most evidence are named (a) at the first sample of the event whose score reaches the threshold,
    (b) over all samples of the event so far seen to do so, the event's end. And the share of the true series
    themselves that are among the five of (b), where an event has more than five of them counted as five."""
    first, whole, share = [], [], []
    for entity, score, parts in zip(entities, scores, evidence):
        for begin, end, dims in entity.causes:
            rows = np.arange(begin, min(end, len(score) - 1) + 1)
            over = rows[score[rows] >= threshold]
            if len(over) == 0 or not dims:
                continue
            tops = [top_of(parts[over[0]], named), top_of(parts[over].sum(axis=0), named)]
            first.append(bool(tops[0] & dims))
            whole.append(bool(tops[1] & dims))
            share.append(len(tops[1] & dims) / min(named, len(dims)))
    if not first:
        return None
    return {"events": len(first), "at_first": float(np.mean(first)), "over_event": float(np.mean(whole)),
            "share_of_true": float(np.mean(share))}


def top_of(parts, named):
    order = np.argsort(-parts, kind="stable")[:named]
    return {int(i) for i in order if parts[i] > 0}
