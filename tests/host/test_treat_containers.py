# SPDX-License-Identifier: Apache-2.0
"""What is done to containers, on real ones: Docker's, and one that no engine answers for."""
import json

from actuator import alone, execute, order, undo
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
# The host's own programs; nothing is pulled.
FILES = "/bin/sh /bin/sleep /bin/cat /usr/bin/curl /usr/bin/python3"


def docker(host):
    """Docker is up and has the image "tiny"; the actuator may act."""
    alone(host, 'cooldown = "0s"\n')
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


SERVE = "import http.server as h; h.ThreadingHTTPServer(('', {port}), h.SimpleHTTPRequestHandler).serve_forever()"


def talks(host, url, name=None):
    """Whether the URL is reached: by the host, or from within the container."""
    inside = ["docker", "exec", name] if name else []
    return host.run([*inside, "curl", "-s", "-o", "/dev/null", "-m", "2", url], check=False).returncode == 0


def start_talker(host, *arguments):
    """A container that serves port 80, and two listeners of the host that it reaches. Its address and the host's."""
    host.run(["docker", "run", "-d", "--name", "web", *arguments, "tiny", "python3", "-c", SERVE.format(port=80)],
             timeout=60)
    for port in (8001, 8002):
        host.run(f"systemd-run --unit listen-{port} python3 -c \"{SERVE.format(port=port)}\"")
    address = host.out("docker inspect -f '{{.NetworkSettings.IPAddress}}' web")
    gateway = host.out("docker inspect -f '{{.NetworkSettings.Gateway}}' web")
    for url, name in ((f"http://{address}/", None), (f"http://{gateway}:8001/", "web"), (f"http://{gateway}:8002/", "web")):
        wait_for(lambda url=url, name=name: talks(host, url, name), 20, f"{url} is reached")
    return address, gateway


def isolate(key, **parameters):
    return order(key, "container.isolate", "container:web", lasts=3600, **{"for": "1h", "allow": "none", **parameters})


@options(packages=PACKAGES, tree="docker", timeout=240)
def test_isolates_a_container_that_goes_on_running(host):
    docker(host)
    address, gateway = start_talker(host)
    pid = state(host, "web")["Pid"]
    first = isolate("a", allow=f"{gateway}:8001")
    done = execute(host, first)
    assert done["result"] == "done", done
    print(done["text"], {key: value for key, value in done["details"].items() if key != "container_id"})
    assert not talks(host, f"http://{address}/"), "the host reached it"
    assert not talks(host, f"http://{gateway}:8002/", "web"), "it reached what is not allowed"
    assert talks(host, f"http://{gateway}:8001/", "web"), "the allowed path is cut"
    assert talks(host, "http://127.0.0.1/", "web"), "its own loopback is cut"
    now = state(host, "web")
    assert now["Running"] and now["Pid"] == pid, now
    assert f"hostmedic order {'a' * 24}" in host.out(f"nsenter -t {pid} -n nft list table inet hostmedic")
    assert "hostmedic" not in host.out("nft list tables"), "the host's own rules are untouched"
    again = execute(host, isolate("b"))
    assert again["result"] == "unnecessary", again
    released = execute(host, undo("c", first))
    assert released["result"] == "done", released
    assert talks(host, f"http://{address}/") and talks(host, f"http://{gateway}:8002/", "web")
    assert "hostmedic" not in host.out(f"nsenter -t {pid} -n nft list tables")
    assert state(host, "web")["Pid"] == pid
    assert int(released["details"]["packets_cut"]) > 0, released


@options(packages=PACKAGES, tree="docker", timeout=240)
def test_isolation_ends_by_the_kernels_own_clock_and_with_the_container(host):
    docker(host)
    address, _ = start_talker(host)
    short = isolate("a", **{"for": "4s"})
    short["plan"]["lasts_nano"] = 4 * 10**9
    assert execute(host, short)["result"] == "done"
    assert not talks(host, f"http://{address}/")
    wait_for(lambda: talks(host, f"http://{address}/"), 10, "its network comes back")
    host.run("docker restart -t 1 web", timeout=60)
    assert execute(host, isolate("b"))["result"] == "done"
    host.run("docker restart -t 1 web", timeout=60)
    address = host.out("docker inspect -f '{{.NetworkSettings.IPAddress}}' web")
    wait_for(lambda: talks(host, f"http://{address}/"), 20, "a new start has a new network")
    late = execute(host, undo("c", isolate("b")))
    assert late["result"] == "unnecessary", late


@options(packages=PACKAGES, tree="docker", timeout=240)
def test_never_cuts_the_network_of_the_host(host):
    docker(host)
    host.run("docker run -d --name web --network host tiny sleep 600", timeout=60)
    refused = execute(host, isolate("a"))
    assert refused["result"] in ("refused", "failed") and "host's own network" in refused["text"], refused
    host.run("docker rm -f web; mv /usr/sbin/nft /root/nft")
    host.run("docker run -d --name web tiny sleep 600", timeout=60)
    missing = execute(host, isolate("b"))
    assert missing["result"] == "refused" and "nft" in missing["text"], missing


@options(packages=PACKAGES, tree="docker", timeout=240)
def test_what_was_paused_goes_on_and_what_was_stopped_is_started(host):
    docker(host)
    for name in ("web", "other"):
        host.run(f"docker run -d --name {name} tiny sleep 600", timeout=60)
    before = state(host, "web")
    pause = order("a", "container.pause", "container:web", **{"for": "10m"}, lasts=600)
    assert execute(host, pause)["result"] == "done" and state(host, "web")["Paused"]
    taken_back = execute(host, undo("b", pause))
    now = state(host, "web")
    assert taken_back["result"] == "done" and now["Running"] and not now["Paused"], (taken_back, now)
    assert now["Pid"] == before["Pid"] and now["StartedAt"] == before["StartedAt"], "it stood still, it was not restarted"
    again = execute(host, undo("c", pause))
    assert again["result"] == "refused" and "was taken back" in again["text"], again

    stop = order("d", "container.stop", "container:other", timeout=60)
    assert execute(host, stop)["result"] == "done" and not state(host, "other")["Running"]
    started = execute(host, undo("e", stop))
    assert started["result"] == "done" and state(host, "other")["Running"], started
    once_more = order("f", "container.stop", "container:other", timeout=60)
    assert execute(host, once_more)["result"] == "done"
    host.run("docker rm -f web other", timeout=60)
    gone = execute(host, undo("0", once_more))
    assert gone["result"] == "unnecessary", gone


@options(packages=PACKAGES, tree="docker", timeout=240)
def test_a_pause_ends_by_itself(host):
    docker(host)
    host.run("docker run -d --name web tiny sleep 600", timeout=60)
    short = order("a", "container.pause", "container:web", **{"for": "4s"}, lasts=4)
    assert execute(host, short)["result"] == "done" and state(host, "web")["Paused"]
    wait_for(lambda: not state(host, "web")["Paused"], 20, "it goes on by itself")
    assert state(host, "web")["Running"]
