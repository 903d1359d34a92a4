# SPDX-License-Identifier: Apache-2.0
"""What is done to containers, on real ones: Docker's, and one that no engine answers for."""
import json

from actuator import alone, execute, order
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
# The host's own programs; nothing is pulled.
FILES = "/bin/sh /bin/sleep /bin/cat /usr/bin/curl /usr/bin/python3"


def docker(host):
    """Docker is up and has the image "tiny"; the actuator may act."""
    alone(host)
    wait_for(lambda: host.run("docker info", check=False).returncode == 0, 60, "Docker is up")
    host.run(f"tar -ch {FILES} /usr/lib/python3* $(ldd {FILES} | grep -o '/lib[^ ]*' | sort -u) | docker import - tiny",
             timeout=100)


def state(host, name):
    return json.loads(host.out(["docker", "inspect", name]))[0]["State"]


@options(packages=PACKAGES, tree="docker", timeout=240)
def test_restarts_an_unhealthy_container(host):
    docker(host)
    host.run("docker run -d --name web --health-cmd 'test -e /well' --health-interval 1s --health-retries 1"
             " tiny sh -c 'if test -e /begun; then : >/well; fi; : >/begun; exec sleep 600'", timeout=60)
    wait_for(lambda: state(host, "web")["Health"]["Status"] == "unhealthy", 30, "it is unhealthy")
    before = state(host, "web")["StartedAt"]
    done = execute(host, order("a", "container.restart", "container:web", timeout=60))
    assert done["result"] == "done", done
    assert state(host, "web")["StartedAt"] != before
    wait_for(lambda: state(host, "web")["Health"]["Status"] == "healthy", 30, "the restart helped")
    again = execute(host, order("b", "container.restart", "container:web", timeout=60))
    assert again["result"] == "unnecessary", again
    gone = execute(host, order("c", "container.restart", "container:nobody", timeout=60))
    assert gone["result"] == "unnecessary" and "no container" in gone["text"], gone


@options(packages=PACKAGES, tree="docker", timeout=240)
def test_pauses_and_stops_a_container(host):
    docker(host)
    host.run("docker run -d --name web tiny sleep 600", timeout=60)
    host.run("docker run -d --name other tiny sleep 600", timeout=60)
    done = execute(host, order("a", "container.pause", "container:web", **{"for": "10m"}, lasts=600))
    assert done["result"] == "done" and state(host, "web")["Paused"], done
    again = execute(host, order("b", "container.pause", "container:web", **{"for": "10m"}, lasts=600))
    assert again["result"] == "unnecessary" and "paused" in again["text"], again
    stopped = execute(host, order("c", "container.stop", "container:other", timeout=60))
    assert stopped["result"] == "done" and state(host, "other")["Status"] == "exited", stopped
    again = execute(host, order("d", "container.stop", "container:other", timeout=60))
    assert again["result"] == "unnecessary", again


@options(packages=PACKAGES, tree="docker", timeout=240)
def test_pauses_a_container_that_no_engine_answers_for(host):
    docker(host)
    host.write("/etc/docker/daemon.json", '{"live-restore": true}')
    host.run("systemctl restart docker", timeout=60)
    host.run("docker run -d --name web tiny sh -c 'while :; do echo tick; sleep 0.1; done'", timeout=60)
    name = host.out("docker inspect -f '{{.Id}}' web")[:12]
    host.run("systemctl stop docker.socket docker.service; rm -f /run/docker.sock", timeout=60)
    stopped = execute(host, order("a", "container.stop", f"container:{name}"))
    assert stopped["result"] != "done", stopped
    done = execute(host, order("b", "container.pause", f"container:{name}", **{"for": "10m"}, lasts=600))
    assert done["result"] == "done", done
    group = host.out(f"find /sys/fs/cgroup -name 'docker-{name}*.scope'")
    assert "frozen 1" in host.read(f"{group}/cgroup.events")
    again = execute(host, order("c", "container.pause", f"container:{name}", **{"for": "10m"}, lasts=600))
    assert again["result"] == "unnecessary", again
