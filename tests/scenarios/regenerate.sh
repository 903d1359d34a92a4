#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the .expected of each recording here anew, with the unit_recorder of a build: regenerate.sh BUILD_DIR.
# The recordings with a number are those of the ward's faults: ./dev ward --twins none --record tests/scenarios.
# Look at what changed before you commit it: each line is a decision that a host would now take differently.
set -eu
HM_WRITE_EXPECTED=1 "$1/tests/unit_recorder" --test-case='recorded faults*'
git -C "$(dirname "$0")" diff --stat -- .
