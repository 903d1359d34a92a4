# SPDX-License-Identifier: Apache-2.0
"""What the samples of a soak say: a table with a line of blocks for each quantity, and what must hold, held or not."""
import math

BLOCKS = "▁▂▃▄▅▆▇█"
MIB = 1 << 20
# (title, where in a sample, unit's divisor)
ROWS = (
    ("agent RSS MiB", ("agent", "rss"), 1024), ("agent anonymous MiB", ("agent", "anonymous"), 1024),
    ("agent descriptors", ("agent", "descriptors"), 1), ("agent threads", ("agent", "threads"), 1),
    ("aggregator RSS MiB", ("hub", "rss"), 1024), ("aggregator anonymous MiB", ("hub", "anonymous"), 1024),
    ("aggregator descriptors", ("hub", "descriptors"), 1),
    ("entities", ("detect", "entities"), 1), ("series", ("detect", "series"), 1), ("detection's own count MiB", ("detect", "bytes"), MIB),
    ("open incidents", ("incidents", "open"), 1), ("waiting for delivery", ("upstream", "pending"), 1),
    ("agent.db MiB", ("files", "hostmedic/agent.db"), MIB), ("its log MiB", ("files", "hostmedic/agent.db-wal"), MIB),
    ("recorder: ring MiB", ("recorder", "bytes"), MIB), ("recorder: kept MiB", ("recorder", "recordings_bytes"), MIB),
    ("models MiB", ("files", "hostmedic/models.checkpoint"), MIB),
    ("aggregator's store MiB", ("files", "hostmedic-aggregator/fleet.db"), MIB),
    ("its log MiB", ("files", "hostmedic-aggregator/fleet.db-wal"), MIB),
    ("actuator's ledger MiB", ("files", "hostmedic-actuator/ledger.db"), MIB),
)
# Student's t for a one-sided bound of 95 %, by degrees of freedom; beyond the table the normal distribution's.
T95 = {1: 6.31, 2: 2.92, 3: 2.35, 4: 2.13, 5: 2.02, 6: 1.94, 8: 1.86, 10: 1.81, 15: 1.75, 20: 1.72, 30: 1.70, 60: 1.67}


def pick(sample, path):
    for key in path:
        sample = sample.get(key) if isinstance(sample, dict) else None
    return sample


def spark(values, width=36):
    """One block for each part of the time, between the least and the greatest of all; a blank where nothing is known."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    line = ""
    for part in range(min(width, len(values))):
        at = values[part * len(values) // min(width, len(values))]
        line += " " if at is None else BLOCKS[0 if high == low else min(7, int((at - low) / (high - low) * 8))]
    return line


def slope(points):
    """Least squares over (x, y): the slope, and the upper end of its one-sided 95 % interval."""
    n = len(points)
    if n < 4:
        return None
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    sxx = sum((x - mx) ** 2 for x, _ in points)
    b = sum((x - mx) * (y - my) for x, y in points) / sxx
    rest = sum((y - my - b * (x - mx)) ** 2 for x, y in points)
    t = next((value for freedom, value in sorted(T95.items(), reverse=True) if freedom <= n - 2), T95[1])
    return b, b + t * math.sqrt(rest / (n - 2) / sxx)


def lives(samples, who):
    """The samples of each process, one list for each."""
    parts = []
    for sample in samples:
        pid = pick(sample, (who, "pid"))
        if pid is None:
            continue
        if not parts or pick(parts[-1][-1], (who, "pid")) != pid:
            parts.append([])
        parts[-1].append(sample)
    return parts


def means(samples, path, length):
    """(hour, mean) of parts of so many seconds, so that neighbouring samples do not count as independent ones."""
    parts = {}
    for sample in samples:
        value = pick(sample, path)
        if value is not None:
            parts.setdefault(int(sample["seconds"] // length), []).append(value)
    return [(part * length / 3600, sum(values) / len(values)) for part, values in sorted(parts.items())]


def growth(samples, who, key, warm_up, length):
    """In percent of the mean in a day, with the upper bound: of the longest life of the process, without its first hours."""
    life = max(lives(samples, who), key=len)
    begin = life[0]["seconds"] + warm_up * 3600
    points = means([sample for sample in life if sample["seconds"] >= begin], (who, key), length)
    found = slope(points)
    if found is None:
        return None
    mean = sum(y for _, y in points) / len(points)
    return found[0] * 24 / mean * 100, found[1] * 24 / mean * 100, points[-1][0] - points[0][0]


def print_table(samples):
    print(f"{'':<26} {'first':>8} {'last':>8} {'most':>8}")
    for title, path, divisor in ROWS:
        values = [pick(sample, path) for sample in samples]
        known = [value / divisor for value in values if value is not None]
        if known:
            print(f"{title:<26} {known[0]:>8.1f} {known[-1]:>8.1f} {max(known):>8.1f} {spark(values)}")
    for who, name in (("agent", "agent"), ("hub", "aggregator")):
        cpu = [(part[-1][who]["cpu"] - part[0][who]["cpu"], part[-1]["seconds"] - part[0]["seconds"]) for part in lives(samples, who)]
        used, hours = sum(c for c, _ in cpu), sum(s for _, s in cpu) / 3600
        print(f"{name + ' CPU s/h':<26} {used / hours:>8.1f}" if hours else "")


class Verdict:
    def __init__(self):
        self.lines = []

    def holds(self, good, text):
        self.lines.append((bool(good), text))

    def flat(self, samples, who, name, key, warm_up, most, parts=3600):
        found = growth(samples, who, key, warm_up, parts)
        if found is None:
            return
        middle, upper, hours = found
        self.holds(upper < most, f"{name} {key}: grows by {middle:+.2f} % a day over {hours:.0f} hours of one life, "
                                 f"at most {upper:+.2f} % (95 %); bound {most} %")

    def below(self, samples, path, most, text, divisor=MIB):
        values = [pick(sample, path) for sample in samples]
        top = max((value for value in values if value is not None), default=0) / divisor
        self.holds(top <= most, f"{text}: at most {top:.1f}, bound {most:g}")

    def same_descriptors(self, samples, who, name):
        """At rest after the start of its first life, and at rest at the very end."""
        at_rest = [sample for sample in samples if not sample["away"] and pick(sample, (who, "descriptors"))]
        first, last = (at_rest[at][who]["descriptors"] for at in (min(2, len(at_rest) - 1), -1))
        self.holds(last <= first, f"{name}: {first} descriptors early, {last} at the end")

    def end(self, end, samples):
        self.holds(end["settled"] is not None, f"all was delivered at the end ({end['settled']} s after the last frame)")
        behind = [sample["behind"] for sample in samples if sample["behind"]]
        self.holds(not end["missing"] and not behind,
                   f"incidents: the agent wrote {end['incidents']}, the aggregator lacks {len(end['missing'])} of what it has; "
                   f"samples at which one lacked: {len(behind)}")
        self.holds(end["gaps"] == 0, f"records given up before delivery: {end['gaps']}")
        self.holds(not end["errors"], f"error lines: {len(end['errors'])}" + "".join("\n    " + line for line in end["errors"][:5]))
        expected = end["kills"]
        self.holds(sum(end["restarts"].values()) <= expected and not end["watchdog"],
                   f"restarts that nobody asked for: {max(0, sum(end['restarts'].values()) - expected)}, by the watchdog: {len(end['watchdog'])}")
        last = samples[-1]
        self.holds(last["store"]["errors"] == 0, f"errors of the agent's store: {last['store']['errors']}")
        self.holds(not last["recorder"]["error"], "the recorder records" + (": " + last["recorder"]["error"] if last["recorder"]["error"] else ""))

    def say(self):
        for good, text in self.lines:
            print(("holds   " if good else "FAILS   ") + text)
        return all(good for good, _ in self.lines)
