# SPDX-License-Identifier: Apache-2.0
"""The package and its configuration as an administrator meets them."""
import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
FILE = "/etc/hostmedic/conf.d/test.toml"

# text, and what `check` must say of it
FAULTS = [
    ('[probes]\nlog_roots = "x"\n', "test.toml:2:13"),
    ("[probes]\nlog_rots = []\n", "log_roots"),
    ('[upstream]\nheartbeat = "5 parsecs"\n', "test.toml:2:13"),
    ("[upstream]\nheartbeat = 5\n", "test.toml:2:13"),
    ("[upstream\n", "test.toml:1:"),
]


@options(packages=PACKAGES)
def test_faults_are_named_and_the_last_good_configuration_stays(host):
    medic.ready(host)
    before = host.show("hostmedic.service")["MainPID"]
    for text, wanted in FAULTS:
        host.write(FILE, text)
        check = host.run("hostmedic check", check=False)
        said = check.stdout + check.stderr
        assert check.returncode == 78, (text, check)
        assert wanted in said, (text, said)
        host.run("systemctl reload hostmedic", check=False)
        reason = wait_for(lambda: medic.ask(host, "status")["config_error"], 5, "the reason in status")
        assert wanted.split(":")[0] in reason or "test.toml" in reason, reason
        assert host.show("hostmedic.service")["MainPID"] == before, "the agent goes on"
    host.run("systemctl restart hostmedic", check=False)
    assert not host.is_active("hostmedic"), "a start with a wrong configuration is refused"
    assert any("test.toml:1:" in str(row.get("MESSAGE")) for row in host.journal("-u", "hostmedic"))
    host.run(["rm", FILE])
    host.run("systemctl reset-failed hostmedic; systemctl restart hostmedic")
    medic.ready(host)
    assert medic.ask(host, "status")["config_error"] == ""
    host.run("hostmedic check")
    missing = host.run("hostmedic check /etc/hostmedic/none.toml", check=False)
    assert missing.returncode == 78 and "none.toml" in missing.stdout + missing.stderr, missing


@options(packages=PACKAGES)
def test_installed_it_observes_and_listens_nowhere(host):
    medic.ready(host)
    status = medic.ask(host, "status")
    assert status["tier"] == "observe" and not status["halted"], status
    listening = host.out("ss -H -ltnu | grep -i hostmedic || true") + host.out(
        "ss -H -ltnup | grep hostmedic || true")
    assert listening == "", listening
    # Who runs as what, with which capabilities.
    caps = {}
    for unit in ("hostmedic", "hostmedic-probe"):
        pid = host.show(f"{unit}.service")["MainPID"]
        caps[unit] = host.out(f"grep CapEff /proc/{pid}/status").split()[1]
    assert int(caps["hostmedic"], 16) == 0, caps
    # CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE; CAP_PERFMON and CAP_BPF until all programs are loaded.
    keeps, gives_back = 1 << 2 | 1 << 19, 1 << 38 | 1 << 39
    assert int(caps["hostmedic-probe"], 16) & ~gives_back == keeps, caps
    host.run("hostmedic doctor", check=False)
    for unit in ("hostmedic", "hostmedic-probe", "hostmedic-actuator"):
        verified = host.run(f"systemd-analyze verify {unit}.service", check=False)
        said = [line for line in verified.stderr.splitlines() if "hostmedic" in line and "'man " not in line]
        assert not said, said  # a test host has no manual pages to look up


@options(packages=PACKAGES)
def test_purge_leaves_nothing(host):
    medic.ready(host)
    host.run("dpkg --purge hostmedic")
    left = host.out("ls -d /etc/hostmedic /var/lib/hostmedic /var/lib/hostmedic-actuator /run/hostmedic "
                    "/run/hostmedic-actuator 2>/dev/null || true")
    assert left == "", left
    assert "hostmedic" not in host.out("ps -eo comm")
