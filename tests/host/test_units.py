# SPDX-License-Identifier: Apache-2.0
"""What the probes see of units and containers on a real host, against systemd's and Docker's own word."""
import os
import re
import subprocess
import time

from testhost import REPO, Skip, options, wait_for

PROBE = "/usr/local/bin/hostmedic-probe"
# What the packaged unit gives it, without the package.
AS_PACKAGED = ("setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all,+dac_read_search,+sys_ptrace "
               "--ambient-caps=-all,+dac_read_search,+sys_ptrace")


def push_probe(host):
    """The probe of this build, and the libraries that it was linked with and the tree may not have."""
    found = [path for path in (os.path.join(REPO, "build", kind, "agent/probe/hostmedic-probe")
                               for kind in ("package-build", "release", "opt", "debug", "quick")) if os.path.exists(path)]
    if not found:
        raise Skip("hostmedic-probe is not built")
    newest = max(found, key=os.path.getmtime)
    host.push(newest, PROBE)
    missing = host.run(f"ldd {PROBE}", check=False).stdout
    for name in re.findall(r"(\S+) => not found", missing):
        listed = subprocess.run(["ldd", newest], capture_output=True, text=True, check=True).stdout
        host.push(re.search(rf"{re.escape(name)} => (\S+)", listed)[1], f"/usr/lib/{name}")


class Watch:
    """hostmedic-probe --print in the background; what it printed is in `path` inside the host."""

    def __init__(self, host, probes, prefix="", path="/tmp/probe.out"):
        self.host, self.path = host, path
        enabled = " ".join(f"--enable {name}" for name in probes)
        self.process = host.popen(f"{prefix} {PROBE} --print 600 {enabled} >{path} 2>&1")

    def __enter__(self):
        wait_for(lambda: "frame " in self.text(), 10, "the first frame")
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print("\n".join(line for line in self.text().splitlines() if line.startswith("  event ")))
        self.process.terminate()
        self.process.wait()

    def text(self):
        return self.host.run(["cat", self.path], check=False).stdout

    def events(self, kind, entity):
        """Attributes of the events of one kind about one entity, oldest first."""
        lines = [line for line in self.text().splitlines() if line.startswith(f"  event {kind} {entity} ")]
        return [dict(re.findall(r'([\w.]+)="([^"]*)"', line)) for line in lines]

    def event(self, kind, entity, timeout=15, **wanted):
        """The first event whose attributes have these values; dots of a key are written as underscores."""
        def matching():
            for event in self.events(kind, entity):
                flat = {key.replace(".", "_"): value for key, value in event.items()}
                if all(flat.get(key) == value for key, value in wanted.items()):
                    return event
            return None
        return wait_for(matching, timeout, f"{kind} of {entity} with {wanted}")


def service(host, name, text):
    host.write(f"/etc/systemd/system/{name}", text)


@options(timeout=120)
def test_systemd_watchdog_jobs_and_timers(host):
    push_probe(host)
    service(host, "dog.service", "[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=1\nTimeoutAbortSec=1\n"
            "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 60'\n")
    service(host, "slow.service", "[Service]\nType=notify\nTimeoutStartSec=3\nExecStart=/bin/sleep 60\n")
    service(host, "missing.service", "[Unit]\nRequires=broken.service\nAfter=broken.service\n"
            "[Service]\nExecStart=/bin/sleep 60\n")
    service(host, "broken.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    service(host, "hm.timer", "[Timer]\nOnActiveSec=2\nUnit=hm-job.service\n")
    service(host, "hm-job.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
    host.run("systemctl daemon-reload")
    with Watch(host, ["systemd"]) as watch:
        host.run("systemctl start --no-block dog.service slow.service missing.service hm.timer")
        host.run("systemd-run --unit hostmedic-order-0123 /bin/false")
        watch.event("unit_state", "service:dog.service", unit_active_state="failed", unit_result="watchdog")
        watch.event("unit_job", "service:missing.service", job_result="dependency")
        watch.event("unit_job", "service:broken.service", job_result="failed")
        watch.event("unit_state", "service:slow.service", unit_active_state="failed", unit_result="timeout")
        watch.event("unit_state", "service:hm-job.service", unit_active_state="inactive", unit_result="success")
        text = watch.text()
        assert re.search(r"service:slow\.service hostmedic\.service\.transition\.time [12]\.", text), text
        assert "hostmedic-order" not in text
        assert "unit_job service:hm.timer" not in text


@options(timeout=120)
def test_cpu_of_units_agrees_with_systemd_cgtop(host):
    push_probe(host)
    host.run("systemd-run --unit busy /bin/sh -c 'while :; do :; done'")
    with Watch(host, ["services"]) as watch:
        time.sleep(5)
        top = host.popen(["systemd-cgtop", "--batch", "--raw", "--iterations=2", "--delay=16", "--depth=3"],
                         stdout=subprocess.PIPE, text=True)
        with top.stdout:
            # When the unit was printed, and its words; the second has the rate since the first.
            rounds = [(time.time() % 86400, line.split()) for line in top.stdout
                      if line.startswith("system.slice/busy.service ")]
        top.wait()
        time.sleep(5)
        text = watch.text()
    assert len(rounds) == 2 and rounds[1][0] - rounds[0][0] > 15, rounds
    theirs = float(rounds[1][1][2]) / 100
    begin, end = (cpu_time_at(text, at) for at, _ in rounds)
    ours = (end - begin) / (rounds[1][0] - rounds[0][0])
    print(f"systemd-cgtop {theirs:.4f} CPUs, ours {ours:.4f}")
    assert abs(ours - theirs) <= 0.02 * theirs, (ours, theirs)


def cpu_time_at(text, at):
    """CPU seconds of busy.service at a second of the day, between the two samples around it."""
    samples = []
    for line in text.splitlines():
        frame = re.match(r"frame \d+ \S+T(\d+):(\d+):([\d.]+)Z", line)
        if frame:
            now = int(frame[1]) * 3600 + int(frame[2]) * 60 + float(frame[3])
        found = re.match(r"  service:busy\.service hostmedic\.service\.cpu\.time ([\d.]+)", line)
        if found:
            samples.append((now, float(found[1])))
    before = max(sample for sample in samples if sample[0] <= at)
    after = min(sample for sample in samples if sample[0] > at)
    return before[1] + (after[1] - before[1]) * (at - before[0]) / (after[0] - before[0])


def import_image(host):
    """An image of the host's own shell and sleep; nothing is pulled."""
    files = "/bin/sh /bin/sleep $(ldd /bin/sh /bin/sleep | grep -o '/lib[^ ]*' | sort -u)"
    host.run(f"tar -ch {files} | docker import - tiny", timeout=60)


def see_containers(host, prefix):
    push_probe(host)
    wait_for(lambda: host.run("docker info", check=False).returncode == 0, 30, "Docker is up")
    import_image(host)
    host.run("docker run -d --name steady tiny sleep 600", timeout=60)
    host.run("touch /tmp/probe.out && chmod 666 /tmp/probe.out")
    with Watch(host, ["containers"], prefix) as watch:
        watch.event("container_state", "container:steady", container_event="found", container_state="running")
        host.run("docker run -d --name flaky --restart on-failure:2 tiny sh -c 'sleep 1; exit 3'", timeout=60)
        watch.event("container_state", "container:flaky", container_event="start")
        died = watch.event("container_state", "container:flaky", container_event="die", container_exit_code="3")
        assert died["container.image.name"] == "tiny" and died["container.runtime"] == "docker", died
        assert died["container.id"] == host.out("docker inspect -f '{{.Id}}' flaky"), died
        watch.event("container_state", "container:flaky", container_event="restart", container_restarts="2")
        host.run("docker rm -f flaky")
        watch.event("container_state", "container:flaky", container_event="destroy")
        host.run("docker run -d --name sick --health-cmd 'exit 1' --health-interval 1s --health-retries 1 tiny sleep 99")
        watch.event("container_state", "container:sick", container_event="health_status", container_health="unhealthy")
        wait_for(lambda: "container:steady container.cpu.time" in watch.text(), 15, "its use of the CPU")
        deaths = [e for e in watch.events("container_state", "container:flaky") if e["container.event"] == "die"]
        assert 2 <= len(deaths) <= 3, deaths
        return watch.text()


@options(tree="docker", timeout=240)
def test_docker_over_its_socket(host):
    text = see_containers(host, "")
    assert len(re.findall("container:flaky .*container.event=\"die\"", text)) == 3, text


@options(tree="docker", timeout=240)
def test_docker_without_a_right_to_its_socket(host):
    see_containers(host, AS_PACKAGED)
