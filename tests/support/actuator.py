# SPDX-License-Identifier: Apache-2.0
"""The actuator of a test host, asked over its socket as the agent would."""
import json
import time

SOCKET = "/run/hostmedic-actuator/actuator.sock"
ASK = r'''
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(60)
s.connect(sys.argv[1])
try:
    s.send(sys.stdin.buffer.read())
    print(s.recv(1 << 16).decode() or "{}")
except (BrokenPipeError, ConnectionResetError):
    print("{}")  # hung up on
'''


def alone(host, extra=""):
    """The actuator may act; the daemon, which would act too, is off."""
    host.run("systemctl stop hostmedic hostmedic-probe", check=False)
    host.write("/etc/hostmedic/policy.toml",
               '[guard]\ntier = "auto"\nboot_grace = "0s"\nlog_roots = ["/var/log", "/srv/log"]\n' + extra, mode=0o644)


def ask(host, request, user="root", **fields):
    argv = ["runuser", "-u", user, "--"] if user != "root" else []
    done = host.run([*argv, "python3", "-c", ASK, SOCKET], input=json.dumps({"request": request, **fields}))
    return json.loads(done.stdout)


def order(key, action, target, timeout=20, lasts=0, **parameters):
    """An order that its catalogue entry would have planned; key is one hex digit."""
    now = time.time_ns()
    plan = {"action": action, "target": target, "parameters": parameters, "what": f"{action} on {target}",
            "command": "", "undo": "", "touched": 1, "timeout_nano": timeout * 10**9, "lasts_nano": lasts * 10**9}
    return {"key": key * 24, "incident_id": "0123456789abcdef", "incident_kind": "test", "runbook": "test", "step": 0,
            "plan": plan, "confidence": 0.99, "signals": 2, "proof": True, "issued_at_unix_nano": now,
            "expires_at_unix_nano": now + 60 * 10**9, "approved_by": "", "undoes": "", "not_while": "",
            "cooldown_nano": 0, "touched_most": 0}


def execute(host, an_order, user="root"):
    answer = ask(host, "execute", user, order=an_order)
    return answer.get("outcome") or answer


def undo(key, done, **fields):
    """The order that takes back an executed one."""
    return {**done, **fields, "key": key * 24, "undoes": done["key"], "issued_at_unix_nano": time.time_ns(),
            "expires_at_unix_nano": time.time_ns() + 60 * 10**9}
