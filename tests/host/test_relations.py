# SPDX-License-Identifier: Apache-2.0
"""Who depends on whom, told by the probes alone: three services that talk to each other over real sockets."""
import textwrap

from test_units import AS_PACKAGED, Watch, push_probe
from testhost import wait_for

# Answers whoever asks it, and asks another all the time, with a connection that it keeps for a while.
TALKER = textwrap.dedent("""\
    import socket, socketserver, sys, threading, time
    class Answer(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"here")
            self.request.recv(1)
    def ask(address, port):
        while True:
            try:
                with socket.create_connection((address, port), 2) as asked:
                    asked.recv(4)
                    time.sleep(0.5)
            except OSError:
                time.sleep(0.1)
    if len(sys.argv) > 2:
        threading.Thread(target=ask, args=(sys.argv[2], int(sys.argv[3])), daemon=True).start()
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer(("0.0.0.0", int(sys.argv[1])), Answer).serve_forever()
    """)
# Unix sockets: with no argument it serves, else it connects and stays.
LOCAL = textwrap.dedent("""\
    import signal, socket, sys, time
    made = socket.socket(socket.AF_UNIX)
    if len(sys.argv) > 1:
        while made.connect_ex("/run/local"):
            time.sleep(0.1)
    else:
        made.bind("/run/local")
        made.listen()
        kept = made.accept()
    signal.pause()
    """)
OWN = "10.77.0.1"  # an address of the host that is not the loopback's


def add_service(host, name, arguments, unit="", service="", script="talker"):
    host.write(f"/etc/systemd/system/{name}.service", f"[Unit]\n{unit}\n[Service]\n{service}\n"
               f"ExecStart=/usr/bin/python3 /usr/local/lib/{script}.py {arguments}\n")


def add_stack(host):
    push_probe(host)
    host.run(f"ip link set lo up; ip addr add {OWN}/32 dev lo")
    host.write("/usr/local/lib/talker.py", TALKER)
    add_service(host, "db", "7003", service="StateDirectory=db")
    add_service(host, "app", "7002 127.0.0.1 7003", unit="Requires=db.service\nAfter=db.service")
    add_service(host, "front", f"7001 {OWN} 7002", unit="Wants=app.service")
    host.run("systemctl daemon-reload; systemctl start db app front")
    connected = lambda port: host.out(f"ss -Htn state established 'dport = :{port}'")
    wait_for(lambda: connected(7003) and connected(7002), 20, "the connections")  # so that they are there at first sight


def assert_sockets(watch):
    for service, port in (("db", "7003"), ("app", "7002"), ("front", "7001")):
        found = watch.event("listener", f"service:{service}.service", network_local_port=port)
        assert found["network.listener.state"] == "listening" and found["network.initial"] == "1", found
        assert found["process.unit"] == f"{service}.service", found
    app = watch.event("destination", "service:app.service", network_peer_port="7003")
    assert app["network.peer.address"] == "127.0.0.1" and app["process.unit"] == "app.service", app
    front = watch.event("destination", "service:front.service", network_peer_port="7002")
    assert front["network.peer.address"] == front["network.local.address"] == OWN, front
    assert not watch.events("destination", "service:db.service")  # it asks nobody


def test_services_that_talk_to_each_other(host):
    add_stack(host)
    kind = host.filesystem("/srv/data", 64)
    with Watch(host, ("systemd", "filesystem", "tcp", "tcp-sockets")) as watch:
        assert_sockets(watch)
        related = lambda about, kind, target: watch.event("relation", about, relation_type=kind, relation_target=target)
        related("service:app.service", "requires", "service:db.service")
        related("service:front.service", "wants", "service:app.service")
        related("service:db.service", "writes_to", "filesystem:/")
        if kind != "tmpfs":
            device = related("filesystem:/srv/data", "stored_on", "block_device:" + host.out(
                "basename $(findmnt -no SOURCE /srv/data)"))
            assert device["relation.state"] == "present"

        # A unit that no longer requires another says so after a reload.
        add_service(host, "app", "7002 127.0.0.1 7003", unit="Wants=db.service")
        host.run("systemctl daemon-reload")
        gone = watch.event("relation", "service:app.service", relation_state="gone", relation_type="requires")
        assert gone["relation.target"] == "service:db.service", gone


def test_services_that_talk_over_unix_sockets(host):
    push_probe(host)
    host.write("/usr/local/lib/local.py", LOCAL)
    add_service(host, "db", "", script="local")
    add_service(host, "app", "client", script="local")
    host.run("systemctl daemon-reload; systemctl start db app")
    wait_for(lambda: "/run/local" in host.out("ss -xH state connected"), 10, "the connection")
    with Watch(host, ("unix-sockets",)) as watch:
        found = watch.event("relation", "service:app.service", relation_type="connects_to")
        assert found["relation.target"] == "service:db.service", found
        assert not watch.events("relation", "service:db.service")


def test_sockets_are_told_without_bpf_and_without_rights(host):
    add_stack(host)
    with Watch(host, ("tcp-sockets",), AS_PACKAGED.replace("dac_read_search,+sys_ptrace", "dac_read_search")) as watch:
        wait_for(lambda: "hostmedic.socket.accept_queue" in watch.text(), 20, "the sockets")
        assert_sockets(watch)
