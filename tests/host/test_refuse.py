# SPDX-License-Identifier: Apache-2.0
"""What the aggregator refuses, with a clear line in its journal each time, and that it serves all the same."""
import time

import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic", "hostmedic-aggregator")

CLIENT = r'''
import http.client, ssl, sys
certificate, authority, what = sys.argv[1:4]
context = ssl.create_default_context(cafile=authority)
context.check_hostname = False
if certificate != "none":
    context.load_cert_chain(certificate + ".crt", certificate + ".key")
connection = http.client.HTTPSConnection("127.0.0.1", 4318, context=context, timeout=10)
headers = {"Content-Type": "application/x-protobuf"}
body = {"garbage": b"\xff" * 100, "large": b"\0" * (9 << 20), "empty": b""}[what]
try:
    connection.request("POST", "/v1/logs", body=body, headers=headers)
    print(connection.getresponse().status)
except (ssl.SSLError, OSError, http.client.HTTPException) as error:
    print("refused", type(error).__name__)
'''


def client(host, certificate, what="empty", authority="/root/ok.ca"):
    return host.out(["python3", "/root/client.py", certificate, authority, what])


def split_bundle(host, bundle, name):
    """A bundle's PEM parts as files for another client."""
    host.run(["python3", "-c", r'''
import re, sys
text = open(sys.argv[1]).read()
for key, suffix in (("ca", "ca"), ("certificate", "crt"), ("key", "key")):
    part = re.search(key + r'\s*=\s*(?:"""|\'\'\')\n?(.*?)(?:"""|\'\'\')', text, re.S).group(1)
    open(f"/root/{sys.argv[2]}.{suffix}", "w").write(part)
''', bundle, name])


def refusals(host):
    return "\n".join(str(row.get("MESSAGE")) for row in host.journal("-u", "hostmedic-aggregator"))


@options(packages=PACKAGES, timeout=180)
def test_strangers_and_garbage_are_refused(host):
    medic.enroll(host, host)
    medic.ready(host)
    host.write("/root/client.py", CLIENT)
    split_bundle(host, "/root/agent.bundle", "ok")
    # A stranger: another authority altogether.
    host.run("hostmedic-aggregator init --dir /root/other --name 127.0.0.1")
    host.run("hostmedic-aggregator enroll host --dir /root/other --url https://127.0.0.1:4318 --out /root/other.bundle")
    split_bundle(host, "/root/other.bundle", "other")

    assert client(host, "/root/ok", "garbage") == "400"
    # The answer may overtake a client that is still sending; it then sees a closed connection instead.
    large = client(host, "/root/ok", "large")
    assert large == "413" or large.startswith("refused"), large
    wait_for(lambda: "413" in refusals(host), 5, "a line about the large body")
    assert client(host, "none").startswith("refused")
    assert client(host, "/root/other").startswith("refused")
    plain = host.run("printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' | timeout 5 python3 -c \"import socket,sys;"
                     "s=socket.create_connection(('127.0.0.1',4318));s.sendall(sys.stdin.buffer.read());"
                     "print(len(s.recv(100)))\"", check=False)
    assert "200" not in plain.stdout
    # The other way round: an agent does not talk to an aggregator that another authority made.
    log = wait_for(lambda: "plain text" in refusals(host) and refusals(host), 5, "a line about the plain-text client")
    assert "no certificate" in log or "certificate" in log, log

    # A host may speak for itself only.
    host.run("hostmedic-aggregator enroll another --url https://127.0.0.1:4318 --out /root/another.bundle")
    split_bundle(host, "/root/another.bundle", "another")
    # It serves all the same.
    host.run("systemctl restart nginx")
    assert host.is_active("hostmedic-aggregator")
    assert client(host, "/root/ok", "empty") == "200"
    wait_for(lambda: medic.ask(host, "status")["upstream"]["state"] == "connected", 70, "the agent is still served")


@options(packages=PACKAGES, timeout=120)
def test_an_agent_refuses_a_stranger_as_aggregator(host):
    medic.enroll(host, host)
    host.run("hostmedic-aggregator init --dir /root/other --name 127.0.0.1")
    host.run("hostmedic-aggregator enroll host --dir /root/other --url https://127.0.0.1:4318 --out /root/other.bundle")
    host.run("hostmedic enroll /root/other.bundle")
    host.run("systemctl restart hostmedic")
    medic.ready(host)
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx")
    time.sleep(1)
    host.kill_unit("nginx.service", "KILL", "main")
    medic.wait_incident(host, "service.failed", timeout=10)
    error = wait_for(lambda: medic.ask(host, "status")["upstream"]["last_error"], 20, "the reason in status")
    assert "certificate" in error or "authority" in error, error
    assert medic.ask(host, "status")["upstream"]["sent"] == 0
