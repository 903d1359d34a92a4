# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML file without anything from elsewhere: the bar, the table, a timeline of each trial."""
import html
import time

import table

STYLE = """
:root { color-scheme: light dark; --line: #8884; --ok: #2a8f4a; --bad: #c93b3b; --mark: #3b6fc9; --soft: #8882; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } td, th { border-bottom: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; }
.ok { color: var(--ok); } .bad { color: var(--bad); } .scroll { overflow-x: auto; } h3 { margin: 2rem 0 .2rem; } small { opacity: .75; }
svg { width: 100%; height: auto; background: var(--soft); border-radius: 4px; } svg text { font-size: 11px; fill: currentColor; }
"""
WIDTH, HEIGHT, LEFT = 960, 118, 8


def esc(text):
    return html.escape(str(text))


def timeline(result):
    """The observer's band above, what the tool knew and did as marks below."""
    states, samples = result.get("states", []), result.get("samples", [])
    if not states:
        return ""
    begin, end = -3.0, max([s["t"] for s in samples + states] + [5.0])
    x = lambda t: LEFT + (max(begin, min(end, t)) - begin) / (end - begin) * (WIDTH - 2 * LEFT)
    parts = []
    spans = [(begin, True)] + [(s["t"], s["ok"]) for s in states if s["t"] > begin]
    for (start, ok), (stop, _) in zip(spans, spans[1:] + [(end, True)]):
        parts.append(f'<rect x="{x(start):.1f}" y="8" width="{max(1.0, x(stop) - x(start)):.1f}" height="14" '
                     f'fill="var({"--ok" if ok else "--bad"})"/>')
    parts += curve(samples, x, begin)
    marks = [(0.0, "twin" if result["twin"] else "fault")]
    if result.get("noticed") is not None:
        marks.append((result["noticed"], "noticed: " + (result["notice"] or "")[:60]))
    marks += [(a["at"], ("WRONG: " if a in result.get("wrong", []) else "") + a["action"]) for a in result.get("actions", [])]
    if result.get("healed") is not None:
        marks.append((result["healed"], "healed"))
    for number, (at, text) in enumerate(sorted(marks)):
        y = 62 + 13 * (number % 4)
        anchor = ' text-anchor="end"' if x(at) > WIDTH * 0.75 else ""
        parts.append(f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="4" y2="{y}" stroke="var(--mark)"/>'
                     f'<text x="{x(at) + (-3 if anchor else 3):.1f}" y="{y}"{anchor}>{esc(f"{at:.2f} s {text}")}</text>')
    parts.append(f'<text x="{WIDTH - LEFT}" y="{HEIGHT - 4}" text-anchor="end">{end:.0f} s</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="timeline">{"".join(parts)}</svg>'


def curve(samples, x, begin):
    """What the observer measured first, scaled to its own range."""
    points = [(s["t"], s["values"][0]) for s in samples if s["values"] and s["t"] >= begin]
    low, high = min([v for _, v in points], default=0), max([v for _, v in points], default=0)
    if high <= low:
        return []
    path = " ".join(f"{x(t):.1f},{50 - (v - low) / (high - low) * 22:.1f}" for t, v in points)
    return [f'<polyline points="{path}" fill="none" stroke="currentColor" opacity=".6"/>']


def trial(result):
    head = f"{result['title']}{', its healthy twin' if result['twin'] else ''} — {result['against']}"
    facts = []
    if result["outcome"] == "noticed":
        facts.append(f"noticed after {table.seconds(result['noticed'])}, visible after {table.seconds(result['visible'])}, "
                     f"healed {table.seconds(result['healed'])}")
    elif result["outcome"] == "twin":
        facts.append(("done: " + ", ".join(a["action"] for a in result["actions"])) if result["actions"] else "nothing was done")
    else:
        facts.append(result["outcome"])
    if result.get("others"):
        facts.append("told besides: " + ", ".join(result["others"]))
    facts += result["notes"]
    entries = "".join(f"<tr><td>{e['at'] - result['began']:.2f} s</td><td>{esc(e['kind'])}</td><td>{esc(e['text'])}</td></tr>"
                      for one in result.get("incidents", []) for e in one["timeline"])
    details = f"<details><summary>its records</summary><table>{entries}</table></details>" if entries else ""
    return f"<h3>{esc(head)}</h3><small>{esc('; '.join(facts))}</small>{timeline(result)}{details}"


def write(path, faults, rows, results, bar, slower, setup):
    peers = [peer for peer in table.PEERS if any(r["against"] == peer for r in results)]
    lines = "".join(f'<li class="{"ok" if holds else "bad"}">{esc(text)}</li>' for holds, text in bar)
    lines += "".join(f'<li class="bad">{esc(text)}</li>' for text in slower)
    cells = []
    for line in table.markdown(rows, peers).splitlines():
        if not line.startswith("|--"):
            tag = "td" if cells else "th"
            cells.append("<tr>" + "".join(f"<{tag}>{esc(cell.strip())}</{tag}>" for cell in line.strip("|").split("|")) + "</tr>")
    whats = {fault.name: fault for fault in faults}
    trials = "".join(trial(result) for result in sorted(results, key=lambda r: (r["fault"], r["twin"], r["against"]))
                     if result["fault"] in whats)
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
                f"<title>Hostmedic: the ward</title><style>{STYLE}</style><h1>The ward</h1>"
                f"<p>{esc(setup)}, {time.strftime('%Y-%m-%d %H:%M')}. Green is health as an observer saw it that asked every "
                f"50 ms and knew no agent; red is harm.</p><ul>{lines}</ul><div class=scroll><table>{''.join(cells)}</table></div>"
                f"<h2>Trials</h2>{trials}</html>\n")
