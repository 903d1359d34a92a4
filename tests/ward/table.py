# SPDX-License-Identifier: Apache-2.0
"""What the trials come to: a row a fault, medians over repeats, and the bar."""
import statistics

BUDGET_CPU, BUDGET_MIB = 0.01, 64  # of the agent: share of a core, PSS
PEERS = ("monit 1s", "monit 30s", "netdata")


def seconds(value):
    if value is None:
        return "—"
    return f"{value:.2f} s" if value < 9.95 else f"{value:.0f} s"


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def of(results, **keys):
    return [r for r in results if all(r.get(key) == value for key, value in keys.items())]


def after_notice(result):
    """Seconds from noticing to health that stayed; zero if the observer saw health before the record was written."""
    if result.get("healed") is None or result.get("noticed") is None:
        return None
    return max(0.0, result["healed"] - result["noticed"])


def peer_cell(rows, covered):
    if not covered:
        return "—"
    if not rows:
        return ""
    noticed = median([r.get("noticed") for r in rows])
    if noticed is None:
        return "no"
    healed = median([r.get("healed") for r in rows])
    return seconds(noticed) + (f" / {seconds(healed)}" if healed is not None else "")


def row_of(fault, results, covers):
    """One fault over its repeats, as a dictionary of cells."""
    ours = [r for r in of(results, fault=fault.name, twin=False, against="hostmedic") if r["outcome"] in ("noticed", "missed")]
    twins = [r for r in of(results, fault=fault.name, twin=True, against="hostmedic") if r["outcome"] == "twin"]
    row = {"fault": fault.title, "trials": len(ours), "noticed": median([r["noticed"] for r in ours]),
           "kind": "; ".join(sorted({r["notice"] for r in ours if r["notice"]})),
           "root": sum(r["outcome"] == "noticed" and r["first_right"] for r in ours),
           "action": sum(r["action_right"] and r["outcome"] == "noticed" for r in ours),
           "did": ", ".join(sorted({a["action"] for r in ours for a in r["actions"]})),
           "healed": median([r["healed"] for r in ours]), "after": median([after_notice(r) for r in ours]),
           "prevented": bool(ours) and all(r["prevented"] and r["outcome"] == "noticed" for r in ours),
           "wrong": sum(len(r["wrong"]) for r in ours), "twins": len(twins),
           "twin_wrong": sum(len(r["wrong"]) for r in twins), "cpu": median([r.get("cpu") for r in ours]),
           "memory": max([r["memory"] for r in ours if "memory" in r], default=None),
           "survived": all(r.get("survived", True) for r in ours + twins), "peers": {}}
    for peer in PEERS:
        row["peers"][peer] = peer_cell([r for r in of(results, fault=fault.name, against=peer, twin=False)
                                        if r["outcome"] in ("noticed", "missed")], covers(fault, peer))
    broken = [r for r in results if r["fault"] == fault.name and r["outcome"] in ("broken", "not here")]
    row["notes"] = "; ".join(sorted({f"{r['against']}{' (twin)' if r['twin'] else ''} {r['outcome']}: {r['notes'][-1]}" for r in broken}))
    return row


def healed_cell(row):
    if row["prevented"]:
        return "before harm"
    return seconds(row["healed"])


def markdown(rows, peers):
    lines = ["| fault | noticed | healed | what it did | " + " | ".join(peers) + (" | " if peers else "") + "CPU | MiB |",
             "|---|---|---|---|" + "---|" * len(peers) + "---|---|"]
    for row in rows:
        cpu = "" if row["cpu"] is None else f"{row['cpu']:.1%}"
        memory = "" if row["memory"] is None else f"{row['memory']:.0f}"
        noticed = seconds(row["noticed"]) if row["trials"] else "not here"
        lines.append(f"| {row['fault']} | {noticed} | {healed_cell(row) if row['trials'] else ''} | "
                     f"{row['did'] or ('' if row['noticed'] is None else 'told')} | " + "".join(f"{row['peers'][peer]} | " for peer in peers) + f"{cpu} | {memory} |")
    return "\n".join(lines)


def bar(faults, rows):
    """The lines that must hold, each as (holds, text). What was not run is not counted, and said."""
    pairs = [(fault, row) for fault, row in zip(faults, rows) if row["trials"]]
    trials = sum(row["trials"] for _, row in pairs)
    proof = [row["noticed"] for fault, row in pairs if fault.proof]
    other = [row["noticed"] for fault, row in pairs if not fault.proof and not fault.slow]
    slow = [row for fault, row in pairs if fault.slow]
    after = [row["after"] for fault, row in pairs if fault.treat["actions"]]
    roots, actions = sum(row["root"] for _, row in pairs), sum(row["action"] for _, row in pairs)
    wrong, twin_wrong = sum(row["wrong"] for _, row in pairs), sum(row["twin_wrong"] for row in rows)
    costly = [row["fault"] for _, row in pairs if (row["cpu"] or 0) > BUDGET_CPU or (row["memory"] or 0) > BUDGET_MIB]
    dead = [row["fault"] for row in rows if not row["survived"]]
    missed = [row["fault"] for _, row in pairs if row["noticed"] is None]
    twins = sum(row["twins"] for row in rows)
    lines = [
        within(proof, 1.0, "proof noticed after"), within(other, 10.0, "others noticed after"),
        within(after, 3.0, "healed after noticing, within"),
        (all(row["prevented"] for row in slow), f"slow ones noticed before harm: {sum(row['prevented'] for row in slow)} of {len(slow)}"),
        (roots >= 0.95 * trials, f"right root and kind first: {roots} of {trials}, wanted 95 %"),
        (actions >= 0.95 * trials, f"right action: {actions} of {trials}, wanted 95 %"),
        (wrong + twin_wrong == 0, f"wrong actions: {wrong} in {trials} trials, {twin_wrong} in {twins} twins, wanted 0"),
        (not costly, f"within {BUDGET_CPU:.0%} of a core and {BUDGET_MIB} MiB: {but(costly)}"),
        (not dead, f"the agent survived: {but(dead)}"), (not missed, f"noticed at all: {but(missed)}"),
    ]
    return [(bool(holds), text) for holds, text in lines]


def within(values, limit, text):
    """A line of the bar: the median of what was measured, if anything was."""
    known = median(values)
    if not values:
        return True, f"{text}: not measured"
    return (known is not None and known <= limit,
            f"{text} {seconds(known)} (median of {len(values)}), wanted {seconds(limit)}")


def but(names):
    return "all but " + ", ".join(names) if names else "all"


def wrong_of_peers(faults, results):
    """What the others did, and told, although all was well."""
    titles, lines = {fault.name: fault.title for fault in faults}, []
    for peer in PEERS:
        twins = [r for r in of(results, twin=True, against=peer) if r["outcome"] == "twin"]
        if twins:
            acted = [titles[r["fault"]] for r in twins if r["actions"]]
            told = [titles[r["fault"]] for r in twins if r["first_notice"]]
            lines.append(f"{peer}: acted in {len(acted)} of {len(twins)} twins ({', '.join(acted) or 'none'}), "
                         f"told of something in {len(told)}")
    return lines


def slower_than_peers(faults, results):
    """Faults that a peer noticed or healed sooner."""
    found = []
    for fault in faults:
        if not of(results, fault=fault.name, twin=False, against="hostmedic"):
            continue

        def value(name, key):
            return median([r.get(key) for r in of(results, fault=fault.name, twin=False, against=name)])
        for peer in PEERS:
            for key in ("noticed", "healed"):
                theirs, ours = value(peer, key), value("hostmedic", key)
                prevented = all(r.get("prevented") for r in of(results, fault=fault.name, twin=False, against="hostmedic"))
                if theirs is not None and not (key == "healed" and prevented) and (ours is None or theirs < ours):
                    found.append(f"{fault.title}: {peer} {key} after {seconds(theirs)}, hostmedic {seconds(ours)}")
    return found
