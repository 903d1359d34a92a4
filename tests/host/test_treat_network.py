# SPDX-License-Identifier: Apache-2.0
"""Peers blocked, circuits opened, connections dropped, a host segmented: on real hosts, looked at from outside."""
import time

from actuator import alone, ask, execute, order, undo
from testhost import join, options, wait_for

PACKAGES = ("hostmedic",)
FREE = 'cooldown = "0s"\nper_target_count = 20\nper_runbook_count = 100\nper_host_count = 100\n'
SERVE = "import http.server as h; h.ThreadingHTTPServer(('', {port}), h.SimpleHTTPRequestHandler).serve_forever()"


def serve(host, port, name=None):
    host.run(f"systemd-run --unit {name or f'listen-{port}'} python3 -c \"{SERVE.format(port=port)}\"")
    wait_for(lambda: reaches(host, f"http://127.0.0.1:{port}/"), 10, f"port {port} listens")


def reaches(host, url, *more):
    return host.run(["curl", "-s", "-o", "/dev/null", "-m", "2", *more, url], check=False).returncode == 0


def for_seconds(key, action, target, seconds, **parameters):
    return order(key, action, target, lasts=seconds, **{"for": f"{seconds}s", **parameters})


def result_of(host, an_order, result="done"):
    done = execute(host, an_order)
    assert done["result"] == result, {key: done.get(key) for key in ("result", "text", "details")}
    return done


@options(hosts=("victim", "mallory", "trudy"), packages=PACKAGES, timeout=180)
def test_story_11_each_peer_is_blocked_for_its_own_time(victim, mallory, trudy):
    """Story 11: others blocked the first attacker only, and kept a time that had grown until their manager was restarted."""
    join(victim, mallory, trudy)
    alone(victim, FREE)
    serve(victim, 8080)
    url = f"http://{victim.address}:8080/"
    assert reaches(mallory, url) and reaches(trudy, url)
    long = for_seconds("a", "peer.block", f"endpoint:tcp://{mallory.address}:4711", 600)
    result_of(victim, long)
    assert not reaches(mallory, url) and reaches(trudy, url)
    result_of(victim, for_seconds("b", "peer.block", f"endpoint:{mallory.address}", 600), "unnecessary")
    # The second attacker is blocked as the first was, and let in again while the first is not.
    begin = time.monotonic()
    result_of(victim, for_seconds("c", "peer.block", f"endpoint:{trudy.address}", 6))
    assert not reaches(mallory, url) and not reaches(trudy, url)
    wait_for(lambda: reaches(trudy, url), 12, "the second is let in again")
    assert time.monotonic() - begin >= 4
    assert not reaches(mallory, url), "the first one's time is its own"
    # Blocked once more, it stays so although the first order for it ends now.
    again = for_seconds("d", "peer.block", f"endpoint:{trudy.address}", 600)
    result_of(victim, again)
    assert f"hostmedic order {'d' * 24}" in victim.out("nft list set inet hostmedic blocked4")
    result_of(victim, undo("e", long))
    assert reaches(mallory, url) and not reaches(trudy, url)
    result_of(victim, undo("f", again))
    assert reaches(trudy, url)
    assert "hostmedic" not in victim.out("nft list tables") or "blocked" not in victim.out("nft list table inet hostmedic")


@options(hosts=("victim", "admin"), packages=PACKAGES, timeout=120)
def test_never_blocks_whom_the_host_needs(victim, admin):
    """Story 12: others blocked their own addresses; asked last of all, just before acting, of the host itself."""
    join(victim, admin)
    alone(victim, FREE + 'never_block = ["198.51.100.*"]\n')
    number = iter("0123456789abcdef")

    def refused(address, word):
        key = next(number)  # of a runbook of its own: one that fails so often would be disarmed
        done = execute(victim, {**for_seconds(key, "peer.block", f"endpoint:{address}", 60), "runbook": f"test-{key}"})
        assert done["result"] in ("refused", "failed") and word in done["text"], done["text"]
    refused("127.0.0.1", "nobody's")
    refused("0.0.0.0", "nobody's")
    refused("224.0.0.1", "nobody's")
    refused("example.org", "not an address")
    refused("198.51.100.7", "198.51.100")
    refused(victim.address, "of this host")
    victim.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")
    refused("192.0.2.53", "name server")
    victim.run(f"ip route add 192.0.2.128/25 via {admin.address}")
    refused(admin.address, "gateway")
    victim.run(f"ip route del 192.0.2.128/25 via {admin.address}")
    # A session over ssh, at the port that its configuration names.
    victim.write("/etc/ssh/sshd_config", "Port 2222\n")
    serve(victim, 2222)
    admin.run(f"systemd-run python3 -c \"import socket,time; s=socket.create_connection(('{victim.address}', 2222));"
              " time.sleep(60)\"")
    wait_for(lambda: "2222" in victim.out("ss -tnH state established"), 10, "the session")
    refused(admin.address, "over ssh")
    assert "hostmedic" not in victim.out("nft list tables")


@options(hosts=("front", "back"), packages=PACKAGES, timeout=180)
def test_a_circuit_fails_fast_and_closes_when_the_upstream_answers(front, back):
    join(front, back)
    alone(front, FREE)
    back.run("nft add table inet lost; nft add chain inet lost in '{ type filter hook input priority 0; }';"
             " nft add rule inet lost in tcp dport 8080 drop")
    serve(back, 8081)
    url = f"http://{back.address}:8080/"

    def takes():
        begin = time.monotonic()
        front.run(["curl", "-s", "-o", "/dev/null", "-m", "4", url], check=False)
        return time.monotonic() - begin
    assert takes() > 3.5, "the upstream lets its callers wait"
    opened = for_seconds("a", "circuit.open", f"endpoint:tcp://{back.address}:8080", 600, half_open="6")
    result_of(front, opened)
    takes()  # may be the one that is let through to try
    assert takes() < 1 and takes() < 1, "callers fail fast"
    assert reaches(front, f"http://{back.address}:8081/"), "only that port"
    result_of(front, for_seconds("b", "circuit.open", f"endpoint:tcp://{back.address}:8080", 600, half_open="6"),
              "unnecessary")
    back.run("nft delete table inet lost")
    serve(back, 8080)
    assert not all(reaches(front, url) for _ in range(2)), "still open"
    wait_for(lambda: reaches(front, url), 25, "one is let through")
    assert all(reaches(front, url) for _ in range(10)), "an answer closes the circuit"
    result_of(front, undo("c", opened))
    assert "hostmedic" not in front.out("nft list tables") or "circuit" not in front.out("nft list table inet hostmedic")
    shut = for_seconds("d", "circuit.open", f"endpoint:{back.address}:8080", 5, half_open="0")
    result_of(front, shut)
    assert not reaches(front, url) and not reaches(front, url)
    wait_for(lambda: reaches(front, url), 10, "its time is over")


@options(packages=PACKAGES, timeout=120)
def test_drops_the_idle_connections_of_one_service(host):
    alone(host, FREE)
    serve(host, 9000)
    hold = ("import socket,time; all=[socket.create_connection(('127.0.0.1', 9000)) for _ in range({n})];"
            " time.sleep(600)")
    for name, count in (("pool", 30), ("other", 10)):
        host.run(f"systemd-run --unit {name} python3 -c \"{hold.format(n=count)}\"")

    def held():
        return len(host.out("ss -tnH state established dport = :9000").splitlines())
    wait_for(lambda: held() == 40, 10, "the pools are there")
    time.sleep(2.5)

    def drop(key, service, **parameters):
        return order(key, "connections.drop", f"service:{service}", **{
            "state": "established", "local_port": "0", "remote_port": "9000", "idle": "1s", "most": "20", **parameters})
    first = result_of(host, drop("a", "pool.service"))
    assert first["details"]["dropped"] == "20" and held() == 20, (first["details"], held())
    second = result_of(host, drop("b", "pool.service"))
    assert second["details"]["dropped"] == "10" and held() == 10, (second["details"], held())
    result_of(host, drop("c", "pool.service"), "unnecessary")
    result_of(host, drop("d", "other.service", idle="1h"), "unnecessary")
    result_of(host, drop("e", "gone.service"), "unnecessary")
    result_of(host, drop("f", "other.service", remote_port="0"), "refused")
    assert held() == 10 and host.is_active("pool")


@options(hosts=("sick", "admin", "peer"), packages=PACKAGES, timeout=180)
def test_segments_a_host_and_releases_it_by_itself(sick, admin, peer):
    join(sick, admin, peer)
    alone(sick, FREE)
    for port in (22, 8080):
        serve(sick, port)
    for port in (80, 443):
        serve(peer, 8000 + port)
    serve(admin, 8080)
    web, ssh = f"http://{sick.address}:8080/", f"http://{sick.address}:22/"
    for host, url in ((admin, web), (admin, ssh), (peer, web), (sick, f"http://{peer.address}:8443/")):
        assert reaches(host, url), url
    cut = for_seconds("a", "host.segment", "host", 600, allow=f"{peer.address}:8443")
    result_of(sick, cut, "refused")
    assert reaches(admin, web), "nobody approved it"
    claimed = {**cut, "key": "9" * 24, "approved_by": "uid 0 (root)"}
    result_of(sick, claimed, "refused")
    assert reaches(admin, web), "the asker's word for it does not count"
    cut = {**cut, "key": "b" * 24}
    assert ask(sick, "approve", key="b" * 24, plan=cut["plan"])["ok"]
    done = result_of(sick, cut)
    print(done["text"], done["details"])
    assert not reaches(admin, web) and not reaches(peer, web)
    assert not reaches(sick, f"http://{peer.address}:8080/") and not reaches(sick, f"http://{admin.address}:8080/")
    assert reaches(admin, ssh, "--http0.9"), "ssh is cut"
    assert reaches(sick, f"http://{peer.address}:8443/"), "the allowed place is cut"
    assert reaches(sick, "http://127.0.0.1:8080/"), "the loopback is cut"
    assert ask(sick, "approve", key="c" * 24, plan=cut["plan"])["ok"]
    result_of(sick, {**cut, "key": "c" * 24}, "unnecessary")
    result_of(sick, undo("d", cut))
    assert reaches(admin, web) and reaches(sick, f"http://{peer.address}:8080/")
    brief = for_seconds("e", "host.segment", "host", 6, allow="none")
    assert ask(sick, "approve", key="e" * 24, plan=brief["plan"])["ok"]
    result_of(sick, brief)
    assert not reaches(admin, web)
    wait_for(lambda: reaches(admin, web), 15, "it is released by itself")
    result_of(sick, for_seconds("f", "host.segment", "host", 7200, allow="none"), "refused")
