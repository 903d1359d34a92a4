// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/keyed.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace hostmedic;

namespace {

template <class Parser>
struct Tried {
  Parser parser;
  std::array<std::optional<std::uint64_t>, 3> values;
  template <class... Args>
  explicit Tried(Args... args) : parser(std::move(args)...) {}
  // Empty if it was taken.
  std::string said(std::string_view text) {
    const Status status = parser.parse(text, values);
    if (!status) {
      for (const auto& value : values) CHECK(!value);  // nothing half read
      return status.error().message();
    }
    return "";
  }
};
const KeyedText::Keys kMemory{"MemTotal:", "Dirty:", "New:"};

}  // namespace

TEST_CASE("keyed lines: wanted keys among others, in any place; what is not printed is absent") {
  Tried<KeyedLines> tried(kMemory);
  CHECK(tried.said("MemTotal:   8000000 kB\nMemFree: x\nDirty: 12 kB extra columns\n") == "");
  CHECK(tried.values[0] == 8000000);
  CHECK(tried.values[1] == 12);
  CHECK(!tried.values[2]);
  CHECK(tried.said("MemTotal:   8000001 kB\nMemFree: y\nDirty: 13 kB extra columns\n") == "");
  CHECK(tried.values[0] == 8000001);
  CHECK(tried.values[1] == 13);
}

TEST_CASE("keyed lines: another shape of the file is noticed") {
  Tried<KeyedLines> tried(kMemory);
  CHECK(tried.said("MemTotal: 1 kB\nMemFree: 2 kB\nDirty: 3 kB\n") == "");
  CHECK(tried.said("MemTotal: 1 kB\nNew: 2 kB\nDirty: 3 kB\n") == "");  // a wanted one where an unwanted one was
  CHECK(tried.values[2] == 2);
  CHECK(tried.said("Dirty: 4 kB\nMemTotal: 5 kB\nNew: 6 kB\n") == "");  // another order
  CHECK(tried.values[0] == 5);
  CHECK(tried.values[1] == 4);
  CHECK(tried.said("Dirty: 4 kB\n") == "");  // fewer
  CHECK(!tried.values[0]);
  CHECK(tried.values[1] == 4);
  CHECK(tried.said("Dirty: 4 kB\n\nMemTotal: 18446744073709551615 kB\n") == "");  // more, and an empty line
  CHECK(tried.values[0] == 18446744073709551615ULL);
}

TEST_CASE("keyed lines: keys behind other words") {
  Tried<KeyedLines> tried(kMemory, 2u);
  CHECK(tried.said("Node 0 MemTotal: 7 kB\nNode 0 Dirty: 8 kB\n") == "");
  CHECK(tried.values[0] == 7);
  CHECK(tried.values[1] == 8);
  CHECK(tried.said("MemTotal: 7 kB\n") == "");
  CHECK(!tried.values[0]);
}

TEST_CASE("keyed lines: bad files are refused with line and item") {
  Tried<KeyedLines> tried(kMemory);
  CHECK(tried.said("") == "empty");
  CHECK(tried.said("MemTotal: 1 kB\nMemFree: 12").find("cut off") == 0);
  CHECK(tried.said("MemTotal:\n") == "line 1: MemTotal:: missing");
  CHECK(tried.said("MemTotal: 1 kB\nDirty: many kB\n").find("line 2: Dirty:: 'many'") == 0);
  CHECK(tried.said("MemTotal: -1 kB\n").find("line 1: MemTotal:: ") == 0);
  CHECK(tried.said("MemTotal: 18446744073709551616 kB\n").find("line 1: MemTotal:: ") == 0);
  std::string endless;
  for (std::size_t i = 0; i <= KeyedText::kMostLines; ++i) endless += "a 1\n";
  CHECK(tried.said(endless) == "more lines than are followed");
  CHECK(tried.said("MemTotal: 1 kB\n") == "");
}

TEST_CASE("keyed columns: a heading over its numbers") {
  Tried<KeyedColumns> tried(KeyedText::Keys{"Tcp:RetransSegs", "Udp:NoPorts", "Ip:ReasmFails"});
  CHECK(tried.said("Ip: A ReasmFails B\nIp: 1 2 x\nTcp: MaxConn RetransSegs\nTcp: -1 3 4 5\n") == "");
  CHECK(tried.values[2] == 2);
  CHECK(tried.values[0] == 3);
  CHECK(!tried.values[1]);
  CHECK(tried.said("Ip: A ReasmFails B\nIp: 1 4 x\nTcp: MaxConn RetransSegs\nTcp: -1 5 4 5\n") == "");
  CHECK(tried.values[2] == 4);
  // A column and a block more: the kernel prints those of ICMP as they occur.
  CHECK(tried.said("Ip: A C ReasmFails B\nIp: 1 7 6 0\nTcp: MaxConn RetransSegs\nTcp: -1 8\nUdp: NoPorts\nUdp: 9\n") ==
        "");
  CHECK(tried.values[2] == 6);
  CHECK(tried.values[0] == 8);
  CHECK(tried.values[1] == 9);
}

TEST_CASE("keyed columns: bad files are refused with line and item") {
  Tried<KeyedColumns> tried(KeyedText::Keys{"Tcp:RetransSegs", "Udp:NoPorts", "Ip:ReasmFails"});
  CHECK(tried.said("") == "empty");
  CHECK(tried.said("Tcp: RetransSegs\nTcp: 1").find("cut off") == 0);
  CHECK(tried.said("Tcp: RetransSegs\n") == "line 2: Tcp:: no numbers for the heading");
  CHECK(tried.said("Tcp: RetransSegs\nUdp: 1\n") == "line 2: Tcp:: no numbers for the heading");
  CHECK(tried.said("Tcp: A RetransSegs\nTcp: 1\n") == "line 2: Tcp:: missing");
  CHECK(tried.said("Tcp: RetransSegs\nTcp: many\n").find("line 2: Tcp:: 'many'") == 0);
  CHECK(tried.said("Tcp: RetransSegs\nTcp: 18446744073709551616\n").find("line 2: Tcp:: ") == 0);
  CHECK(tried.said("garbage\n") == "line 1: heading: no name and colon");
  std::string endless = "Tcp:";
  for (std::size_t i = 0; i <= KeyedText::kMostColumns; ++i) endless += " a";
  CHECK(tried.said(endless + "\nTcp: 1\n") == "more columns than are followed");
}

TEST_CASE("keyed pairs: names and numbers by turns") {
  Tried<KeyedPairs> tried(KeyedText::Keys{"sockets:used", "TCP:mem", "UDP:mem"});
  CHECK(tried.said("sockets: used 17\nTCP: inuse 1 orphan x tw 0 mem 260\nUDP: inuse 0\n") == "");
  CHECK(tried.values[0] == 17);
  CHECK(tried.values[1] == 260);
  CHECK(!tried.values[2]);
  CHECK(tried.said("") == "empty");
  CHECK(tried.said("TCP: mem 260").find("cut off") == 0);
  CHECK(tried.said("TCP: mem\n") == "line 1: mem: missing");
  CHECK(tried.said("UDP: a 1\nTCP: mem 99999999999999999999\n").find("line 2: mem: ") == 0);
  CHECK(tried.said("garbage\n") == "line 1: line: no name and colon");
  CHECK(tried.said("UDP: " + std::string(100, 'a') + " 1 mem 2\n") == "");
  CHECK(tried.values[2] == 2);
}

TEST_CASE("keyed hexadecimal table: the sum over CPUs") {
  Tried<KeyedHexTable> tried(KeyedText::Keys{"entries", "drop", "found"});
  CHECK(tried.said("entries searched found drop\n0000000a 00000000 00000001 000000ff\n0000000a 0 2 1\n") == "");
  CHECK(tried.values[0] == 10);  // of the table, not of each CPU
  CHECK(tried.values[1] == 256);
  CHECK(tried.values[2] == 3);
  CHECK(tried.said("entries drop\n1 2\n") == "");
  CHECK(tried.values[1] == 2);
  CHECK(!tried.values[2]);
  CHECK(tried.said("") == "empty");
  CHECK(tried.said("entries drop\n1").find("cut off") == 0);
  CHECK(tried.said("entries drop\n1\n").find("line 2: column: ") == 0);
  CHECK(tried.said("entries drop\n1 xyz\n").find("line 2: column: 'xyz'") == 0);
  CHECK(tried.said("drop\nffffffffffffffff\n1\n") == "line 3: column: too large");
  CHECK(tried.said("drop\n10000000000000000\n").find("line 2: column: ") == 0);
}

TEST_CASE("keyed hexadecimal table: without a heading, and with columns that an old kernel does not print") {
  Tried<KeyedHexTable> tried(KeyedText::Keys{"processed", "dropped", "flow_limit"},
                             std::string_view("processed dropped time_squeeze flow_limit"));
  CHECK(tried.said("0000000f 00000001 00000000 00000002 00000007\n000004b1 00000001 00000000 00000003\n") == "");
  CHECK(tried.values[0] == 0x4c0);
  CHECK(tried.values[1] == 2);
  CHECK(tried.values[2] == 5);
  CHECK(tried.said("0000000f 00000001 00000000\n") == "");
  CHECK(!tried.values[2]);
  CHECK(tried.said("garbage\n").find("line 1: column: 'garbage'") == 0);
}
