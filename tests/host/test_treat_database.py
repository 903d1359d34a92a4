# SPDX-License-Identifier: Apache-2.0
"""database.terminate_idle against a real PostgreSQL: sleepers go, those who work and those who are root there stay."""
from actuator import alone, execute, order
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
OFTEN = 'cooldown = "0s"\nper_target_count = 100\nper_runbook_count = 100\nper_host_count = 100\n'
UNIT = "postgresql@15-main.service"
QUERY = "SELECT application_name || ':' || state FROM pg_stat_activity WHERE application_name ~ '^app' ORDER BY 1"


def sql(host, text, user="postgres", database="postgres"):
    return host.out(["runuser", "-u", "postgres", "--", "psql", "-X", "-A", "-t", "-q", "-h",
                     "/run/postgresql" if user == "postgres" else "127.0.0.1", "-U", user, "-d", database, "-c", text])


def session(host, name, user, statement):
    """A client that says one thing and then holds its session."""
    process = host.popen(["env", "PGPASSWORD=app", f"PGAPPNAME={name}", "psql", "-X", "-q", "-h", "127.0.0.1", "-U",
                          user, "-d", "app"], stdin=-1, stdout=-3, stderr=-3, text=True)
    process.stdin.write(statement + "\n")
    process.stdin.flush()
    return process


def database(host):
    version = host.out("ls /etc/postgresql")
    unit = UNIT.replace("15", version)
    host.run(f"systemctl start {unit}")
    sql(host, "CREATE ROLE app LOGIN PASSWORD 'app'")
    sql(host, "CREATE ROLE boss LOGIN SUPERUSER PASSWORD 'app'")
    sql(host, "CREATE DATABASE app OWNER app")
    return unit


def ordered(key, unit, **parameters):
    return order(key, "database.terminate_idle", f"service:{unit}",
                 **{"port": "5432", "in_transaction": "2", "idle": "-1", "keep": "10", "full": "0", "most": "20",
                    **parameters})


@options(packages=PACKAGES, tree="database")
def test_ends_sessions_that_sleep_and_no_other(host):
    alone(host, OFTEN)
    unit = database(host)
    clients = [session(host, f"app-sleeper{i}", "app", "BEGIN; SELECT 1;") for i in range(3)]
    clients.append(session(host, "app-worker", "app", "SELECT pg_sleep(60);"))
    clients.append(session(host, "app-idle", "app", "SELECT 1;"))
    clients.append(session(host, "app-boss", "boss", "BEGIN; SELECT 1;"))
    wait_for(lambda: len(sql(host, QUERY).splitlines()) == 6, 10, "all sessions")
    host.run("sleep 3")
    clients.append(session(host, "app-young", "app", "BEGIN; SELECT 1;"))
    wait_for(lambda: "app-young:idle in transaction" in sql(host, QUERY), 5, "the young one")
    some = execute(host, ordered("a", unit, most="1"))
    assert some["result"] == "done" and some["details"]["terminated"] == "1", some
    outcome = execute(host, ordered("b", unit))
    assert outcome["result"] == "done", outcome
    left = sql(host, QUERY).splitlines()
    print(outcome["text"], outcome["details"])
    assert [line.split(":")[0] for line in left if "young" not in line] == ["app-boss", "app-idle", "app-worker"], left
    details = outcome["details"]
    assert int(details["sessions_before"]) - int(details["sessions_after"]) == int(details["terminated"]) >= 2, details
    assert "app-sleeper" in details["applications"], details
    host.run("sleep 2.5")
    assert execute(host, ordered("c", unit, most="500"))["result"] in ("done", "unnecessary")
    again = execute(host, ordered("d", unit))
    assert again["result"] == "unnecessary", again
    for client in clients:
        client.stdin.close()


@options(packages=PACKAGES, tree="database")
def test_leaves_a_pool_its_sessions(host):
    alone(host, OFTEN)
    unit = database(host)
    clients = [session(host, f"app{i}", "app", "SELECT 1;") for i in range(6)]
    wait_for(lambda: sql(host, QUERY).count("idle") == 6, 10, "all sessions")
    host.run("sleep 2")
    outcome = execute(host, ordered("a", unit, in_transaction="-1", idle="1", keep="4"))
    assert outcome["result"] == "done" and outcome["details"]["terminated"] == "2", outcome
    assert sql(host, QUERY).count("idle") == 4
    for client in clients:
        client.stdin.close()


@options(packages=PACKAGES, tree="database")
def test_ends_none_while_there_are_places(host):
    alone(host, OFTEN)
    unit = database(host)
    clients = [session(host, f"app{i}", "app", "BEGIN; SELECT 1;") for i in range(4)]
    wait_for(lambda: sql(host, QUERY).count("idle in transaction") == 4, 10, "all sessions")
    host.run("sleep 3")
    outcome = execute(host, ordered("a", unit, full="90"))
    assert outcome["result"] == "unnecessary" and sql(host, QUERY).count("idle in transaction") == 4, outcome
    version = host.out("ls /etc/postgresql")
    host.write(f"/etc/postgresql/{version}/main/conf.d/few.conf", "max_connections = 8\nsuperuser_reserved_connections = 3\n")
    for client in clients:
        client.stdin.close()
    host.run(f"systemctl restart {unit}")
    clients = [session(host, f"app{i}", "app", "BEGIN; SELECT 1;") for i in range(5)]
    # Seen from outside: who asks the database holds a place, and could be the one too many for a client that is on its way.
    held = ["pgrep", "-f", "-c", "^postgres: .* app .* idle in transaction"]
    wait_for(lambda: host.run(held, check=False).stdout.strip() == "5", 10, "no place is left")
    host.run("sleep 3")
    outcome = execute(host, ordered("b", unit, full="90"))
    assert outcome["result"] == "done" and outcome["details"]["terminated"] == "5", outcome
    for client in clients:
        client.stdin.close()


@options(packages=PACKAGES, tree="database")
def test_does_not_act_on_what_is_not_there(host):
    alone(host, OFTEN)
    unit = database(host)
    for bad in ({"port": "5432 host=evil"}, {"most": "1; DROP TABLE x"}, {"in_transaction": "-1"}):
        assert execute(host, ordered("a", unit, **bad))["text"].startswith("plan: "), bad
    wrong = execute(host, order("a", "database.terminate_idle", "service:nginx.service", port="5432",
                                in_transaction="2", idle="-1", keep="1", full="0", most="1"))
    assert wrong["text"].startswith("plan: "), wrong
    assert execute(host, ordered("b", unit, port="5433"))["result"] == "failed"
    # A template that others may write is not run, and not passed over for the shipped one.
    host.write("/etc/hostmedic/sql/postgresql-terminate-idle.sql", "CREATE TABLE proof ();\n", mode=0o666)
    refused = execute(host, ordered("c", unit))
    assert refused["result"] == "refused" and "written by others" in refused["text"], refused
    host.run(f"systemctl stop {unit}")
    host.run("rm -r /etc/hostmedic/sql")
    gone = execute(host, ordered("d", unit))
    assert gone["result"] in ("refused", "unnecessary"), gone
