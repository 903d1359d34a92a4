# SPDX-License-Identifier: Apache-2.0
"""One fault, one incident: nginx asks an application, which asks a database, over real sockets; and a storm."""
import textwrap
import time

import medic
from test_change import build_deb
from testhost import options, wait_for

DATABASE = textwrap.dedent("""\
    import socketserver
    class Answer(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"42")
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer(("127.0.0.1", 5432), Answer).serve_forever()
    """)
APPLICATION = textwrap.dedent("""\
    import http.server, socket
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                with socket.create_connection(("127.0.0.1", 5432), 1) as database:
                    text, status = database.recv(16), 200
            except OSError as error:
                text, status = str(error).encode(), 500
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        def log_message(self, *_):
            pass
    http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Page).serve_forever()
    """)
# People who look at pages, ten a second.
VISITORS = textwrap.dedent("""\
    import time, urllib.error, urllib.request
    while True:
        try:
            urllib.request.urlopen("http://127.0.0.1/", timeout=2).read()
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    """)
DB, APP, FRONT = "service:db.service", "service:app.service", "service:nginx.service"


def add_service(host, name, script):
    host.write(f"/usr/local/lib/{name}.py", script)
    host.write(f"/etc/systemd/system/{name}.service",
               f"[Service]\nExecStart=/usr/bin/python3 /usr/local/lib/{name}.py\n")


def add_stack(host):
    for name, script in (("db", DATABASE), ("app", APPLICATION), ("visitors", VISITORS)):
        add_service(host, name, script)
    host.write("/etc/nginx/sites-enabled/default",
               "server { listen 127.0.0.1:80; location / { proxy_pass http://127.0.0.1:8000; } }\n")
    host.run("mkdir -p /etc/systemd/system/nginx.service.d")
    host.write("/etc/systemd/system/nginx.service.d/alone.conf", "[Service]\nRestart=no\n")
    host.run("ip link set lo up; systemctl daemon-reload; systemctl start db app; systemctl restart nginx; systemctl start visitors")


def knows(host, dependent, target):
    return any(row["from"] == dependent and row["to"] == target and row["relation"] == "connects_to"
               for row in medic.ask(host, "list relations"))


def standing(host):
    """Open incidents that stand for themselves and are more than a suspicion."""
    return [one for one in medic.incidents(host)
            if one["active"] and not one["part_of"] and not one["suspicion"]]


def affected(incident):
    return sorted(one["entity"] for one in incident["affected"])


@options(packages=("hostmedic",), timeout=240)
def test_dead_database_is_one_incident(host):
    medic.ready(host)
    add_stack(host)
    wait_for(lambda: knows(host, APP, DB) and knows(host, FRONT, APP), 90, "who asks whom is known")
    time.sleep(8)  # requests have a rate now
    before = {one["id"] for one in standing(host)}
    began = host.kill_unit("db.service", "KILL", "main")
    new = lambda: [one for one in standing(host) if one["id"] not in before]
    complete = lambda: [one for one in new() if {APP, FRONT} <= set(affected(one))]
    wait_for(complete, 20, "the database's incident names both that suffer")
    took = time.time() - began
    assert [one["root"] for one in new()] == [DB], new()
    assert took < 5, f"took {took:.1f} s"
    print(f"root and both that suffer were named {took:.1f} s after the kill")
    paths = {one["entity"]: one["path"] for one in new()[0]["affected"]}
    assert paths[FRONT] == f"{FRONT} > {APP} > {DB}", paths
    time.sleep(25)  # their own rules fire by now
    assert [one["root"] for one in new()] == [DB], new()
    print(host.out(f"hostmedic explain {new()[0]['id']}"))
    host.run("systemctl start db")
    wait_for(lambda: not new(), 30, "it is over with the database's start alone")
    time.sleep(10)
    assert not new()


@options(packages=("hostmedic",), timeout=240)
def test_only_the_front_fails(host):
    medic.ready(host)
    add_stack(host)
    wait_for(lambda: knows(host, APP, DB) and knows(host, FRONT, APP), 90, "who asks whom is known")
    time.sleep(8)
    host.kill_unit("nginx.service", "KILL", "main")
    wait_for(lambda: standing(host), 10, "an incident")
    time.sleep(5)
    assert [one["root"] for one in standing(host)] == [FRONT], standing(host)
    assert not {APP, DB} & set(affected(standing(host)[0])), standing(host)


@options(packages=("hostmedic",), timeout=240)
def test_storm_is_one_incident_and_one_page(host):
    medic.ready(host)
    host.write("/etc/systemd/system/flop@.service", "[Service]\nExecStart=/bin/false\n")
    host.run("systemctl daemon-reload; for i in $(seq 200); do systemctl start --no-block flop@$i; sleep 0.2; done",
             timeout=120)
    time.sleep(12)
    open_now = [one for one in medic.incidents(host) if one["active"] and not one["part_of"]]
    assert [one["kind"] for one in open_now] == ["systemic"], [(one["kind"], one["root"]) for one in open_now]
    pages = host.out("journalctl -u hostmedic -o cat | grep -c 'hostmedic explain' || true").strip()
    assert pages == "1", host.out("journalctl -u hostmedic -o cat | grep 'hostmedic explain'")


@options(packages=("hostmedic",), timeout=180)
def test_upgrade_that_breaks_a_service_is_the_leading_hypothesis(host):
    for version in ("1.0", "2.0"):
        build_deb(host, version)
    host.run("dpkg -i /root/hm-demo_1.0.deb")
    host.run("systemctl restart hostmedic-probe")  # what is there when it starts is no change
    medic.ready(host)
    wait_for(lambda: any(row["from"] == "service:hm-demo.service" and row["relation"] == "owned_by"
                         for row in medic.ask(host, "list relations")), 60, "whose service it is")
    host.run("dpkg -i /root/hm-demo_2.0.deb")
    broken = lambda: [one for one in standing(host) if one["root"] == "service:hm-demo.service"
                      and any("upgraded" in change["text"] for change in one["changes"])]
    wait_for(broken, 30, "the incident of the broken service, with what was changed")
    incident = broken()[0]
    leading = incident["changes"][0]
    assert leading["entity"] == "package:hm-demo", incident["changes"]
    assert leading["text"] == "package hm-demo was upgraded from 1.0 to 2.0", leading
    assert incident["causes"][0] == "package:hm-demo", incident["causes"]
    told = host.out(f"hostmedic explain {incident['id']}")
    assert "hm-demo was upgraded from 1.0 to 2.0" in told, told
    print(told)
