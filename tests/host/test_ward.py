# SPDX-License-Identifier: Apache-2.0
"""The ward judges right: what heals counts as healed, what is wrong counts as wrong, and so it stands in the table."""
import os
import sys

from testhost import REPO, ensure_tree, options

sys.path.append(os.path.join(REPO, "tests", "ward"))
import fault as faults_of  # noqa: E402  pylint: disable=wrong-import-position
import table  # noqa: E402  pylint: disable=wrong-import-position
from contender import Hostmedic  # noqa: E402  pylint: disable=wrong-import-position
from trial import Trial  # noqa: E402  pylint: disable=wrong-import-position


@options(hosts=(), timeout=300)
def test_killed_service_and_its_twin():
    ensure_tree("ward")
    fault = faults_of.load("01-service-killed")
    killed = Trial(fault, False, Hostmedic, 0).run()
    assert killed["outcome"] == "noticed" and killed["healed"] is not None, killed["notes"]
    assert killed["first_right"] and killed["action_right"] and not killed["wrong"] and killed["survived"], killed
    assert killed["visible"] <= killed["healed"], killed  # the observer saw the harm by itself
    twin = Trial(fault, True, Hostmedic, 0).run()
    assert twin["outcome"] == "twin" and not twin["actions"] and not twin["wrong"], twin
    row = table.row_of(fault, [killed, twin], lambda *_: False)
    assert row["root"] == row["action"] == 1 and row["wrong"] == row["twin_wrong"] == 0, row
    assert all(holds for holds, text in table.bar([fault], [row]) if "actions" in text or "proof" in text)


@options(hosts=(), timeout=200)
def test_an_action_that_was_not_wanted_is_wrong():
    ensure_tree("ward")
    fault = faults_of.load("01-service-killed")
    fault.treat["actions"] = []  # as if only telling were right
    result = Trial(fault, False, Hostmedic, 0).run()
    assert [action["action"] for action in result["wrong"]] == ["service.restart"], result
    row = table.row_of(fault, [result], lambda *_: False)
    assert row["wrong"] == 1 and row["action"] == 0, row
    assert [text for holds, text in table.bar([fault], [row]) if not holds and "wrong actions: 1" in text]
