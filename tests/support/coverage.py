# SPDX-License-Identifier: Apache-2.0
"""Coverage of the programs of a test host: where they leave their counts, and how these come out of the host.

Only with HM_COVERAGE=DIR in the environment, and packages whose programs were built for it (tests/coverage/package.sh);
`./dev coverage --host` sees to both. A program writes its counts when it ends by itself: what kill -9 or a power cut
ends is not counted.
"""
import os
import subprocess

COUNTS = os.environ.get("HM_COVERAGE")
INSIDE = "/coverage"

# A directory for each unit, since the users and the capabilities of one may not write what another made. The name of
# the drop-in's directory holds for the agent's units and for the transient ones of orders alike.
DROP_IN = f"""[Service]
Environment=GCOV_PREFIX={INSIDE}/%n GCOV_ERROR_FILE=/dev/null
ReadWritePaths={INSIDE}
"""
# The same for what a test starts by hand.
ENVIRONMENT = {"GCOV_PREFIX": f"{INSIDE}/by-hand", "GCOV_ERROR_FILE": "/dev/null"} if COUNTS else {}


def prepare(host):
    """Before the packages are installed."""
    if COUNTS:
        host.run(["install", "-d", "-m", "1777", INSIDE])
        host.write("/etc/systemd/system/hostmedic-.service.d/coverage.conf", DROP_IN)


def fetch(host, upper):
    """Before the host is ended; upper is the directory of this machine that holds what the host wrote."""
    if not COUNTS or not os.path.isdir(upper + INSIDE):
        return
    host.run("systemctl stop 'hostmedic*'", check=False, timeout=60)
    target = os.path.join(COUNTS, host.machine)
    os.makedirs(target, exist_ok=True)
    # What had no such environment wrote where the programs were built.
    subprocess.run(f"find . -name '*.gcda' -print0 | tar --null -T - -cf - | tar -xf - -C '{target}'", shell=True,
                   cwd=upper, check=False)
