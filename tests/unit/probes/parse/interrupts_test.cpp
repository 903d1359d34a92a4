// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/interrupts.h"

#include <doctest/doctest.h>

using namespace hostmedic;

TEST_CASE("interrupts: the sum of a row over the CPUs") {
  const char* text =
      "           CPU0       CPU1       \n"
      "  0:         12          0   IO-APIC   2-edge      timer\n"
      "MCE:          1          2   Machine check exceptions\n"
      "MCP:         33         33   Machine check polls\n"
      "ERR:          7\n";
  CHECK(*parse_interrupt_row(text, "MCE") == 3);
  CHECK(*parse_interrupt_row(text, "0") == 12);
  CHECK(*parse_interrupt_row(text, "ERR") == 7);
  CHECK(!*parse_interrupt_row(text, "MC"));
  CHECK(!*parse_interrupt_row(text, ""));
  CHECK(*parse_interrupt_row("MCE:\n", "MCE") == 0);
}

TEST_CASE("interrupts: cut and overflowing text") {
  CHECK(!parse_interrupt_row("", "MCE"));
  CHECK(!parse_interrupt_row("MCE: 1 2", "MCE"));
  CHECK(!parse_interrupt_row("MCE: 18446744073709551615 1\n", "MCE"));
}
