# SPDX-License-Identifier: Apache-2.0
"""What the probes say beside independent tools, on a host that works."""
import json
import re

from testhost import Skip, options, wait_for

PACKAGES = ("hostmedic",)
PROBE = "/usr/lib/hostmedic/hostmedic-probe"

SINK = """
import selectors, socket
server, chosen = socket.create_server(("", 9000)), selectors.DefaultSelector()
chosen.register(server, selectors.EVENT_READ)
while True:
    for key, _ in chosen.select():
        if key.fileobj is server: chosen.register(server.accept()[0], selectors.EVENT_READ)
        else: key.fileobj.recv(65536)
"""
# Small messages, so that each is a packet that can be lost.
SOURCE = """
import contextlib, socket, time
sockets = [socket.create_connection(("198.51.100.2", 9000)) for _ in range(8)]
for s in sockets:
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.setblocking(False)
end = time.time() + 8
while time.time() < end:
    for s in sockets:
        with contextlib.suppress(BlockingIOError): s.send(b"x" * 500)
    time.sleep(0.002)
"""


def printed(host, probe, name, attributes):
    """One value of one probe, read now."""
    text = host.out(f"{PROBE} --enable {probe} --print=1")
    found = re.search(rf" {re.escape(name)}\{{{re.escape(attributes)}\}} (\S+)", text)
    assert found, f"{name}{{{attributes}}} is not in:\n{text}"
    return float(found[1])


def between(before, ours, after, tolerance=0.02):
    """The tool was read before and after us: our value lies between, or within the tolerance of one of them."""
    assert min(before, after) * (1 - tolerance) <= ours <= max(before, after) * (1 + tolerance), (before, ours, after)


@options(packages=PACKAGES, timeout=120)
def test_tcp_retransmits_with_nstat(host):
    """A link that loses packets, between two network namespaces of the host's own."""
    host.run("ip link add left type veth peer name right && ip netns add far && ip link set right netns far && "
             "ip addr add 198.51.100.1/30 dev left && ip link set left up && "
             "ip -n far addr add 198.51.100.2/30 dev right && ip -n far link set right up")
    if host.run("ip netns exec far sh -c \"nft add table inet lossy && nft add chain inet lossy in "
                "'{ type filter hook input priority 0; }' && "
                "nft add rule inet lossy in tcp dport 9000 numgen random mod 100 lt 5 drop\"", check=False).returncode != 0:
        raise Skip("the kernel has no nft with random numbers")
    host.write("/root/sink.py", SINK)
    host.write("/root/source.py", SOURCE)
    host.run("systemd-run --quiet --unit=sink ip netns exec far python3 /root/sink.py")
    wait_for(lambda: ":9000" in host.out("ip netns exec far ss -ltn"), 20, "the other end listens")
    host.run("timeout 40 python3 /root/source.py", timeout=60)

    def nstat():
        return float(host.out("nstat -asz TcpRetransSegs | awk '/TcpRetransSegs/ {print $2}'"))
    before = nstat()
    ours = printed(host, "protocols", "hostmedic.network.tcp.events", "event=retransmit")
    after = nstat()
    print(f"nstat {before:.0f} .. {after:.0f}, ours {ours:.0f}")
    assert before >= 50, "the link lost too little to compare"
    between(before, ours, after)


@options(packages=PACKAGES)
def test_latency_of_disks_with_iostat(host):
    """The mean time of a request since boot: both read the same counters, each with its own arithmetic."""
    host.run("dd if=/dev/zero of=/var/tmp/load bs=64k count=400 oflag=direct conv=fsync 2>&1")
    text = host.out(f"{PROBE} --enable disk --print=1")
    disks = json.loads(host.out("iostat -dx -o JSON"))["sysstat"]["hosts"][0]["statistics"][0]["disk"]
    compared = 0
    for disk in disks:
        for direction, key in (("read", "r_await"), ("write", "w_await")):
            ours = {metric: re.search(rf"block_device:{disk['disk_device']} {metric}\{{disk.io.direction={direction}\}} (\S+)", text)
                    for metric in ("system.disk.operation_time", "system.disk.operations")}
            if disk[key] < 0.5 or not all(ours.values()):  # printed with two digits behind the point
                continue
            mean = float(ours["system.disk.operation_time"][1]) / float(ours["system.disk.operations"][1]) * 1000
            print(f"{disk['disk_device']} {direction}: iostat {disk[key]:.2f} ms, ours {mean:.2f} ms")
            between(disk[key], mean, disk[key])
            compared += 1
    if not compared:
        raise Skip("no disk of this machine is slow enough to compare")
