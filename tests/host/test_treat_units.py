# SPDX-License-Identifier: Apache-2.0
"""What is done to services and their processes, on a real host: the fault, the order, the host looked at from outside,
the undo, and the pre-check that refuses. The hosts have no memory, cpu, io and pids controllers: that a limit is set
is seen in the unit's properties, not in what it holds back."""
import medic
from actuator import alone, execute, order, undo
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
OFTEN = ('cooldown = "0s"\ncooldown_most = "0s"\nper_target_count = 50\nper_runbook_count = 50\nper_host_count = 100\n'
         'protected = ["process:dear", "service:dear*"]\n')


def unit(host, name, command, more="", install=""):
    host.write(f"/etc/systemd/system/{name}",
               f"[Unit]\nDescription=a test\n[Service]\nExecStart={command}\n{more}\n[Install]\n{install}\n")
    host.run("systemctl daemon-reload")


def program(host, path, text):
    host.write(path, "#!/usr/bin/python3\n" + text, mode=0o755)
    return path


def pids(host, name):
    """Of those that live: a parent that never asks keeps its dead."""
    rows = [row.split() for row in host.out("ps -eo pid=,stat=,comm=").splitlines()]
    return sorted(int(pid) for pid, state, comm, *_ in rows if comm == name and state[0] != "Z")


def props(host, name, *properties):
    shown = host.show(name)
    return tuple(shown[one] for one in properties)


@options(packages=PACKAGES)
def test_reload_makes_a_service_read_its_configuration(host):
    alone(host, OFTEN)
    host.run("systemctl restart nginx")
    pid = host.show("nginx.service")["MainPID"]
    host.write("/etc/nginx/conf.d/more.conf", "server { listen 8088; return 200 'read again'; }\n")
    outcome = execute(host, order("1", "service.reload", "service:nginx.service"))
    assert outcome["result"] == "done", outcome
    wait_for(lambda: "read again" in host.run("curl -s http://127.0.0.1:8088/", check=False).stdout, 5, "the new port")
    assert host.show("nginx.service")["MainPID"] == pid
    host.run("systemctl stop nginx")
    refused = execute(host, order("2", "service.reload", "service:nginx.service"))
    assert refused["result"] == "unnecessary" and "only what runs" in refused["text"], refused


@options(packages=PACKAGES)
def test_start_brings_back_what_is_wanted(host):
    alone(host, OFTEN)
    unit(host, "app.service", "/bin/sleep 1000", install="WantedBy=multi-user.target")
    host.run("systemctl enable --now app && systemctl kill -s KILL app")
    wait_for(lambda: host.show("app.service")["ActiveState"] == "failed", 5, "app failed")
    started = order("1", "service.start", "service:app.service", stopped="leave")
    outcome = execute(host, started)
    assert outcome["result"] == "done" and host.is_active("app"), outcome
    assert execute(host, undo("2", started))["result"] == "done"
    assert not host.is_active("app"), "it is as it was"
    left = execute(host, order("3", "service.start", "service:app.service", stopped="leave"))
    assert left["result"] == "unnecessary" and "stopped" in left["text"], left
    assert execute(host, order("4", "service.start", "service:app.service", stopped="start"))["result"] == "done"
    unit(host, "nobody.service", "/bin/false")
    host.run("systemctl start nobody", check=False)
    wait_for(lambda: host.show("nobody.service")["ActiveState"] == "failed", 5, "nobody failed")
    unwanted = execute(host, order("5", "service.start", "service:nobody.service", stopped="leave"))
    assert unwanted["result"] == "unnecessary" and "nothing wants it" in unwanted["text"], unwanted


@options(packages=PACKAGES)
def test_stop_and_start_again(host):
    alone(host, OFTEN)
    unit(host, "app.service", "/bin/sleep 1000")
    unit(host, "user.service", "/bin/sleep 1000", install="")
    host.write("/etc/systemd/system/user.service.d/needs.conf", "[Unit]\nRequires=app.service\nAfter=app.service\n")
    host.run("systemctl daemon-reload && systemctl start app user")
    held = execute(host, order("1", "service.stop", "service:app.service"))
    assert held["result"] == "refused" and "user.service would be stopped" in held["text"], held
    assert host.is_active("app") and host.is_active("user")
    host.run("systemctl stop user")
    stopped = order("2", "service.stop", "service:app.service")
    assert execute(host, stopped)["result"] == "done" and not host.is_active("app")
    assert execute(host, undo("3", stopped))["result"] == "done" and host.is_active("app")
    short = execute(host, order("4", "service.stop", "service:app.service", lasts=2))
    assert short["result"] == "done", short
    wait_for(lambda: host.is_active("app"), 15, "it is started again by itself")
    again = execute(host, order("5", "service.stop", "service:systemd-journald.service"))
    assert again["result"] == "refused" and "never touched" in again["text"], again


WORKERS = """
import os, signal, sys, time
sizes, kept = [int(size) for size in sys.argv[1:]], None
for size in sizes:
    if os.fork() == 0:
        kept = bytearray(os.urandom(4096)) * (size * 256)
        if size == 90: signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if size == 7: files = [open("/dev/null") for _ in range(300)]
        time.sleep(10000)
time.sleep(10000)
"""


@options(packages=PACKAGES)
def test_ends_one_process_of_a_service(host):
    alone(host, OFTEN)
    path = program(host, "/usr/local/bin/workers", WORKERS)
    unit(host, "app.service", f"{path} 30 90 7", more="User=www-data\nRestart=always")
    host.run("systemctl start app")
    wait_for(lambda: len(pids(host, "workers")) == 4, 10, "four processes")
    host.run("sleep 1")
    main, before = int(host.show("app.service")["MainPID"]), pids(host, "workers")
    stubborn = execute(host, order("1", "service.kill_process", "service:app.service", victim="largest_memory",
                                   least=str(50 << 20), grace="1s"))
    assert stubborn["result"] == "done", stubborn
    assert stubborn["details"]["signal"] == "SIGKILL" and int(stubborn["details"]["took_ms"]) >= 1000, stubborn
    victim = int(stubborn["details"]["victim_pid"])
    assert set(before) - {victim} == set(pids(host, "workers")) and victim != main, (before, stubborn)
    assert int(stubborn["details"]["victim_takes"]) > 90 << 20, "the largest"
    small = execute(host, order("2", "service.kill_process", "service:app.service", victim="largest_memory",
                                least=str(50 << 20), grace="1s"))
    assert small["result"] == "unnecessary" and "less than" in small["text"], small
    files = execute(host, order("3", "service.kill_process", "service:app.service", victim="most_fds", least="200",
                                grace="5s"))
    assert files["result"] == "done" and files["details"]["signal"] == "SIGTERM", files
    assert int(files["details"]["victim_takes"]) > 300, files
    assert int(host.show("app.service")["MainPID"]) == main, "the service itself went on"
    gone = execute(host, order("4", "service.kill_process", "service:app.service", victim="main", least="0", grace="5s"))
    assert gone["result"] == "done" and int(gone["details"]["victim_pid"]) == main, gone
    wait_for(lambda: int(host.show("app.service")["MainPID"]) not in (0, main), 10, "systemd started it again")


@options(packages=PACKAGES)
def test_terminates_one_of_a_group_within_its_unit(host):
    alone(host, OFTEN)
    host.run("cp /bin/sleep /usr/local/bin/hogger && cp /bin/sleep /usr/local/bin/dear")
    for name in ("one", "two"):
        unit(host, f"{name}.service", "/usr/local/bin/hogger 1000")
    unit(host, "three.service", "/usr/local/bin/dear 1000")
    host.run("systemctl start one two three")
    one, two = (int(host.show(f"{name}.service")["MainPID"]) for name in ("one", "two"))
    outcome = execute(host, order("1", "process.terminate", "process:hogger", victim="largest_memory",
                                  unit="two.service", least="0", grace="5s"))
    assert outcome["result"] == "done" and int(outcome["details"]["victim_pid"]) == two, outcome
    assert pids(host, "hogger") == [one]
    idle = execute(host, order("2", "process.terminate", "process:hogger", victim="most_cpu", unit="any", least="50",
                               grace="5s"))
    assert idle["result"] == "unnecessary" and "less than 50% of a CPU" in idle["text"], idle
    dear = execute(host, order("3", "process.terminate", "process:dear", victim="largest_memory", unit="any",
                               least="0", grace="5s"))
    assert dear["result"] == "refused" and "protected" in dear["text"] and pids(host, "dear"), dear
    bus = execute(host, order("4", "process.terminate", "process:dbus-daemon", victim="largest_memory", unit="any",
                              least="0", grace="5s"))
    assert bus["result"] == "refused" and "never touched" in bus["text"] and pids(host, "dbus-daemon"), bus
    gone = execute(host, order("5", "process.terminate", "process:nosuch", victim="largest_memory", unit="any",
                               least="0", grace="5s"))
    assert gone["result"] == "unnecessary" and "there is no nosuch" in gone["text"], gone


@options(packages=PACKAGES)
def test_relieves_memory_by_the_smallest_that_suffices(host):
    alone(host, OFTEN)
    path = program(host, "/usr/local/bin/workers", WORKERS)
    unit(host, "app.service", f"{path} 150 60 20")
    unit(host, "dear.service", f"{path} 100")
    host.run("systemctl start app dear")
    wait_for(lambda: len(pids(host, "workers")) == 6, 10, "their processes")
    host.run("sleep 1")
    before = pids(host, "workers")
    outcome = execute(host, order("1", "memory.relieve", "service:app.service", need=str(40 << 20), least_share="0.1",
                                  grace="5s", unit="app.service"))
    assert outcome["result"] == "done", outcome
    takes = int(outcome["details"]["victim_takes"])
    assert 60 << 20 < takes < 90 << 20, "not the largest: the smallest that gives 40 MiB"
    assert set(before) - set(pids(host, "workers")) == {int(outcome["details"]["victim_pid"])}, "one, and no other"
    assert "available_after" in outcome["details"], outcome
    print(f"smallest sufficient victim: {outcome['text']}")
    nobody = execute(host, order("2", "memory.relieve", "service:app.service", need=str(40 << 20), least_share="0.95",
                                 grace="5s", unit="app.service"))
    assert nobody["result"] == "unnecessary" and "no single process explains it" in nobody["text"], nobody
    dear = execute(host, order("3", "memory.relieve", "service:dear.service", need=str(40 << 20), least_share="0.1",
                               grace="5s", unit="dear.service"))
    assert dear["result"] == "refused" and "protected" in dear["text"], dear
    whole = execute(host, order("4", "memory.relieve", "host", need=str(100 << 20), least_share="0.1", grace="5s"))
    assert whole["result"] == "done" and whole["details"]["victim_unit"] == "app.service", whole
    assert int(whole["details"]["victim_takes"]) > 150 << 20, whole


@options(packages=PACKAGES)
def test_freezes_for_a_time(host):
    alone(host, OFTEN)
    unit(host, "app.service", "/bin/sh -c 'while :; do echo . >>/run/ticks; sleep 0.1; done'")
    host.run("systemctl start app && sleep 1")

    def ticks():
        return int(host.out("stat -c %s /run/ticks"))

    def moves():
        seen = ticks()
        host.run("sleep 0.6")
        return ticks() > seen
    frozen = order("1", "process.freeze", "service:app.service", victim="most_cpu", lasts=600)
    outcome = execute(host, frozen)
    assert outcome["result"] == "done", outcome
    assert "frozen 1" in host.read("/sys/fs/cgroup/system.slice/app.service/cgroup.events") and not moves()
    twice = execute(host, order("2", "process.freeze", "service:app.service", victim="most_cpu", lasts=600))
    assert twice["result"] == "unnecessary" and "frozen" in twice["text"], twice
    thawed = execute(host, undo("3", frozen))
    assert thawed["result"] == "done" and moves(), thawed
    assert execute(host, order("4", "process.freeze", "service:app.service", victim="most_cpu", lasts=2))["result"] == "done"
    wait_for(moves, 15, "it goes on by itself")
    watched = execute(host, order("7", "process.freeze", "service:hung.service", victim="most_cpu", lasts=600))
    assert watched["result"] == "unnecessary", watched
    unit(host, "hung.service", "/bin/sleep 1000", more="WatchdogSec=300")
    host.run("systemctl start hung")
    watched = execute(host, order("8", "process.freeze", "service:hung.service", victim="most_cpu", lasts=600))
    assert watched["result"] == "refused" and "has a watchdog" in watched["text"], watched
    host.run("cp /bin/sleep /usr/local/bin/hogger")
    unit(host, "one.service", "/usr/local/bin/hogger 1000", more="User=www-data")
    host.run("systemctl start one")
    [pid] = pids(host, "hogger")
    stopped = order("5", "process.freeze", "process:hogger", victim="largest_memory", lasts=600)
    outcome = execute(host, stopped)
    assert outcome["result"] == "done" and "State:\tT" in host.read(f"/proc/{pid}/status"), outcome
    assert execute(host, undo("6", stopped))["result"] == "done"
    assert "State:\tS" in host.read(f"/proc/{pid}/status")


@options(packages=PACKAGES)
def test_renices_and_puts_back(host):
    alone(host, OFTEN)
    host.run("cp /bin/sleep /usr/local/bin/hogger")
    unit(host, "one.service", "/usr/local/bin/hogger 1000", more="User=www-data\nNice=2")
    unit(host, "two.service", "/usr/local/bin/hogger 1000", more="Nice=15")
    host.run("systemctl start one two")
    one, two = (host.show(f"{name}.service")["MainPID"] for name in ("one", "two"))

    def seen(pid):
        return host.out(f"ps -o ni= -p {pid}"), host.out(f"ionice -p {pid}")
    was_one, was_two = seen(one), seen(two)
    treated = order("1", "process.renice", "process:hogger", nice="12", io="idle")
    outcome = execute(host, treated)
    assert outcome["result"] == "done" and outcome["details"]["processes"] == "1", outcome
    assert seen(one)[0].strip() == "12" and "idle" in seen(one)[1], seen(one)
    assert seen(two) == was_two, "who is nicer already is left alone"
    nothing = execute(host, order("2", "process.renice", "process:hogger", nice="12", io="keep"))
    assert nothing["result"] == "unnecessary", nothing
    assert execute(host, undo("3", treated))["result"] == "done"
    assert seen(one) == was_one, "exactly as before"
    unit(host, "spin.service", "/bin/sh -c 'while :; do :; done'")
    host.run("systemctl start spin")
    busiest = order("4", "process.renice", "host", nice="19", io="keep", lasts=600)
    outcome = execute(host, busiest)
    spin = host.show("spin.service")["MainPID"]
    assert outcome["result"] == "done" and seen(spin)[0].strip() == "19", outcome
    assert execute(host, undo("5", busiest))["result"] == "done" and seen(spin)[0].strip() == "0"


@options(packages=PACKAGES)
def test_reaps_zombies_through_their_parents_service(host):
    alone(host, OFTEN)
    path = program(host, "/usr/local/bin/careless", """
import os, time
for _ in range(60):
    if os.fork() == 0: os._exit(0)
while open("/run/careless").read() == "careless\\n": time.sleep(1)
time.sleep(10000)
""")
    host.write("/run/careless", "careless\n")
    none = execute(host, order("1", "zombies.reap", "host", how="restart", least="50"))
    assert none["result"] == "unnecessary", none
    scope = host.popen(["systemd-run", "--scope", "--unit=shell", path], stdin=-3, stdout=-3, stderr=-3)
    wait_for(lambda: host.run("ps -eo stat= | grep -c ^Z", check=False).stdout.strip() == "60", 10, "60 zombies")
    held = execute(host, order("2", "zombies.reap", "host", how="restart", least="50"))
    assert held["result"] == "refused" and "belongs to no service" in held["text"], held
    host.run("systemctl stop shell.scope")
    scope.wait(10)
    unit(host, "app.service", path)
    host.run("systemctl start app")
    wait_for(lambda: host.run("ps -eo stat= | grep -c ^Z", check=False).stdout.strip() == "60", 10, "60 zombies")
    host.write("/run/careless", "careful\n")
    host.run("sed -i 's/range(60)/range(2)/' /usr/local/bin/careless")
    outcome = execute(host, order("3", "zombies.reap", "host", how="restart", least="50"))
    assert outcome["result"] == "done" and outcome["details"]["parent_unit"] == "app.service", outcome
    assert (outcome["details"]["dead_before"], outcome["details"]["dead_after"]) == ("60", "0"), outcome
    assert host.is_active("app")


@options(packages=PACKAGES)
def test_limits_are_set_read_back_and_undone_exactly(host):
    alone(host, OFTEN)
    unit(host, "app.service", "/bin/sleep 1000", more="TasksMax=100\nMemoryMax=512M")
    host.run("systemctl start app")
    names = ("CPUQuotaPerSecUSec", "MemoryHigh", "MemoryMax", "IOWeight", "TasksMax")
    was = props(host, "app.service", *names)
    limited = order("1", "service.limit", "service:app.service", cpu_quota="50%", memory_high="256MiB",
                    memory_max="x0.5", io_weight="20", tasks_max="x1.5")
    outcome = execute(host, limited)
    assert outcome["result"] == "done", outcome
    assert props(host, "app.service", *names) == ("500ms", str(256 << 20), str(256 << 20), "20", "150"), outcome
    same = execute(host, order("2", "service.limit", "service:app.service", cpu_quota="50%"))
    assert same["result"] == "unnecessary", same
    assert execute(host, undo("3", limited))["result"] == "done"
    assert props(host, "app.service", *names) == was
    assert host.run("ls /run/systemd/system.control/app.service.d", check=False).returncode != 0, "no file is left"
    host.run("systemctl daemon-reload")
    assert props(host, "app.service", *names) == was
    # What somebody sets in between is theirs.
    mine = order("4", "service.limit", "service:app.service", tasks_max="200", memory_high="300MiB")
    assert execute(host, mine)["result"] == "done"
    host.run("systemctl set-property --runtime app.service TasksMax=300")
    back = execute(host, undo("5", mine))
    assert back["result"] == "done" and "TasksMax" in back["text"], back
    assert props(host, "app.service", "TasksMax", "MemoryHigh") == ("300", "infinity")
    for wrong in ({"memory_max": "1MiB"}, {"cpu_quota": "1%"}, {"tasks_max": "x11"}, {"io_weight": "-1"},
                  {"memory_max": "18446744073709551615B"}, {}):
        refused = execute(host, order("6", "service.limit", "service:app.service", **wrong))
        assert refused["result"] == "refused", (wrong, refused)
    nothing = execute(host, order("7", "service.limit", "service:app.service", cpu_quota="x0.5"))
    assert nothing["result"] == "refused" and "nothing to scale" in nothing["text"], nothing
    free = execute(host, order("8", "service.limit", "service:app.service", cpu_quota="x1.5"))
    assert free["result"] == "unnecessary", free


@options(packages=PACKAGES)
def test_scales_a_template_out_and_in(host):
    alone(host, OFTEN)
    unit(host, "worker@.service", "/bin/sleep 1000")
    host.run("systemctl start worker@1")
    out = {"direction": "out", "most": "2", "least": "1"}
    more = order("1", "service.scale", "service:worker@1.service", **out)
    outcome = execute(host, more)
    assert outcome["result"] == "done" and outcome["details"]["instance"] == "worker@2.service", outcome
    assert host.is_active("worker@2")
    enough = execute(host, order("2", "service.scale", "service:worker@1.service", **out))
    assert enough["result"] == "unnecessary" and "2 may be" in enough["text"], enough
    assert execute(host, undo("3", more))["result"] == "done"
    assert not host.is_active("worker@2") and host.is_active("worker@1")
    last = execute(host, order("4", "service.scale", "service:worker@1.service", **{**out, "direction": "in"}))
    assert last["result"] == "unnecessary" and "1 stay" in last["text"], last
    none = execute(host, order("5", "service.scale", "service:nothing@1.service", **out))
    assert none["result"] == "unnecessary" and "no template" in none["text"], none


@options(packages=PACKAGES, timeout=180)
def test_zombies_are_noticed_approved_reaped_and_proved(host):
    """The same through the agent: its own rule, runbook, proposal, human, verification."""
    medic.policy(host, "auto")
    host.write("/etc/hostmedic/conf.d/soon.toml",
               '[[rule]]\nid = "processes-zombies"\n'
               'when = "system.process.count{process.state=defunct} > 200 clear below 100 for 2s"\nprobability = 0.95\nproof = true\n')
    path = program(host, "/usr/local/bin/careless", """
import os, time
if not os.path.exists("/run/cured"):
    for _ in range(250):
        if os.fork() == 0: os._exit(0)
time.sleep(10000)
""")
    unit(host, "app.service", path)
    host.run("systemctl restart hostmedic hostmedic-probe")
    medic.ready(host)
    host.run("systemctl start app && sleep 3 && touch /run/cured")
    incident = medic.wait_incident(host, "process.zombies", timeout=60)
    wait_for(lambda: medic.entries(medic.incidents(host, "process.zombies")[0], "planned"), 30, "a plan")
    assert host.is_active("app") and not medic.entries(incident, "acted"), "the runbook goes no further than to ask"
    host.run(f"hostmedic approve {incident['id']} --yes")
    healed = medic.wait_incident(host, "process.zombies", "resolved", 60)
    assert medic.entries(healed, "verified") and "app.service" in str(medic.entries(healed, "acted")), healed["timeline"]
    assert host.run("ps -eo stat= | grep -c ^Z", check=False).stdout.strip() == "0"
