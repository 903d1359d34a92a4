# SPDX-License-Identifier: Apache-2.0
"""Detection as installed: what the models learn outlives restarts; their health is shown; files can be scored."""
import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
CHECKPOINT = "/var/lib/hostmedic/models.checkpoint"


def groups(host):
    return {row["entity"]: row for row in medic.ask(host, "list groups")}


@options(packages=PACKAGES)
def test_what_is_learnt_outlives_a_restart_and_a_broken_checkpoint_is_told(host):
    medic.ready(host)
    wait_for(lambda: groups(host).get("host", {}).get("series", 0) > 300, 30, "the host's series are watched")
    assert "service:nginx.service" in groups(host)
    assert groups(host)["host"]["learning"] and not groups(host)["host"]["suspicious"]
    assert groups(host)["host"]["complete"] > 0.9

    host.run("systemctl restart hostmedic")
    medic.ready(host)
    owner = host.run(f"stat -c '%U %a' {CHECKPOINT}").stdout.split()
    assert owner == ["hostmedic", "600"], owner
    said = host.run("journalctl -u hostmedic -o cat").stdout
    assert "begin anew" not in said, said

    host.run(f"systemctl stop hostmedic && echo rubbish >{CHECKPOINT} && systemctl start hostmedic")
    medic.ready(host)
    wait_for(lambda: "the models begin anew: not a checkpoint" in host.run("journalctl -u hostmedic -o cat").stdout,
             10, "the broken checkpoint is told")
    wait_for(lambda: "host" in groups(host), 20, "it learns anew")


@options(packages=PACKAGES)
def test_health_thresholds_and_learning_anew_on_the_command_line(host):
    medic.ready(host)
    wait_for(lambda: "host" in groups(host), 20, "the host's group")
    shown = host.run("hostmedic list detectors --health").stdout
    for word in ("MODEL", "level", "serving", "GROUP", "learning"):
        assert word in shown, shown
    assert "No threshold was moved" in host.run("hostmedic thresholds --since 1h").stdout
    assert host.run("hostmedic thresholds --since tomorrow", check=False).returncode != 0
    assert "1 group learns anew" in host.run("hostmedic relearn host").stdout
    refused = host.run("hostmedic relearn service:nobody.service", check=False)
    assert refused.returncode != 0 and "no group of series matches" in refused.stderr


@options(packages=PACKAGES)
def test_a_file_is_scored_without_an_agent(host):
    host.run("systemctl stop hostmedic hostmedic-probe")
    rows = ["timestamp,requests,errors"]
    for minute in range(3000):
        wave = (minute * 7919) % 97 / 10
        rows.append(f"{1790000000 + 60 * minute},{100 + wave:.1f},{2 + wave / 20 + (60 if minute >= 2990 else 0):.2f}")
    host.write("/root/requests.csv", "\n".join(rows) + "\n")
    host.run("hostmedic score --in /root/requests.csv --out /root/scores.csv --per-series")
    out = host.run("cat /root/scores.csv").stdout.splitlines()
    head, scores = out[0].split(","), [line.split(",") for line in out[1:]]
    assert head[0] == "timestamp" and head[-1] == "probability", head
    assert len(scores) == 3000
    quiet = max(float(row[-1]) for row in scores[1500:2985])
    loud = max(float(row[-1]) for row in scores[2990:])
    assert loud > 0.5 > quiet, (quiet, loud)
    last = dict(zip(head, scores[-1]))
    assert float(last["errors"]) > float(last["requests"]), last
