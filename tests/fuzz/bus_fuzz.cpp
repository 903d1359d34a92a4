// SPDX-License-Identifier: Apache-2.0
// What systemd tells over D-Bus: names of units, properties of whatever type under whatever name. The library sees to
// it that a message is well-formed; what is in it is up to the sender. Input: properties, each a byte that selects the
// name, one that selects the type, and the value. What must hold: no crash, a type that is not the promised one is
// passed over or refused, lists are bounded.
#include <systemd/sd-bus.h>

#include <string>
#include <vector>

#include "agent/base/text.h"
#include "probes/service/bus_message.h"
#include "support.h"

using namespace hostmedic;
using namespace hostmedic::service;
using fuzz::check;

namespace {

constexpr const char* kNames[] = {"Result",
                                  "Restart",
                                  "Type",
                                  "NRestarts",
                                  "MainPID",
                                  "MemoryMax",
                                  "TasksMax",
                                  "LimitNOFILESoft",
                                  "ExecMainStatus",
                                  "StateDirectory",
                                  "LogsDirectory",
                                  "CacheDirectory",
                                  "WorkingDirectory",
                                  "Requires",
                                  "Wants",
                                  "PartOf",
                                  "After",
                                  "RequiresMountsFor",
                                  "ActiveState",
                                  "SubState",
                                  "Unit",
                                  "NextElapseUSecRealtime",
                                  "LastTriggerUSec",
                                  "Id"};

// A bus that nobody is on: messages are made for it and read where they were made.
sd_bus* lone_bus() {
  sd_bus* bus = nullptr;
  check(sd_bus_new(&bus) >= 0);
  check(sd_bus_set_address(bus, "unix:path=/nonexistent/bus") >= 0);
  (void)sd_bus_start(bus);  // it cannot; from here on it takes messages
  return bus;
}

// The library takes UTF-8 only.
std::string text_of(fuzz::Input& input, std::size_t most) { return printable(input.take(most), 1024); }

void append_texts(sd_bus_message* message, fuzz::Input& input) {
  check(sd_bus_message_open_container(message, 'a', "s") >= 0);
  for (int left = input.byte(); left > 0; --left) {
    const std::string text = text_of(input, input.byte() % 32);
    check(sd_bus_message_append_basic(message, 's', text.c_str()) >= 0);
  }
  check(sd_bus_message_close_container(message) >= 0);
}

// One value in a variant, of a type that need not be that of its name.
void append_value(sd_bus_message* message, fuzz::Input& input) {
  constexpr const char* kTypes[] = {"s", "u", "t", "i", "as", "b", "v", "(su)"};
  const char* type = kTypes[input.byte() % std::size(kTypes)];
  check(sd_bus_message_open_container(message, 'v', type) >= 0);
  const std::uint64_t number = static_cast<std::uint64_t>(input.number()) << 48 | input.number();
  const std::string text = text_of(input, input.byte());
  switch (type[0]) {
    case 's': (void)sd_bus_message_append(message, "s", text.c_str()); break;
    case 'u': (void)sd_bus_message_append(message, "u", static_cast<std::uint32_t>(number)); break;
    case 't': (void)sd_bus_message_append(message, "t", number); break;
    case 'i': (void)sd_bus_message_append(message, "i", static_cast<std::int32_t>(number)); break;
    case 'b': (void)sd_bus_message_append(message, "b", static_cast<int>(number & 1)); break;
    case 'v': (void)sd_bus_message_append(message, "v", "u", static_cast<std::uint32_t>(number)); break;
    case 'a': append_texts(message, input); break;
    default: (void)sd_bus_message_append(message, "(su)", text.c_str(), 1U);
  }
  check(sd_bus_message_close_container(message) >= 0);
}

template <class Take>
Take read(sd_bus_message* message) {
  check(sd_bus_message_rewind(message, 1) >= 0);
  Take take;
  (void)read_properties(message, take);
  return take;
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  using namespace std::string_literals;
  std::string all;
  std::vector<std::string> seeds;
  for (char name = 0; name < static_cast<char>(std::size(kNames)); ++name)
    for (char type = 0; type < 5; ++type) {
      const std::string one = name + (type + "\0\1\0\2\6failed\2\3abc\2de"s);
      all += one;
      if (type == name % 5) seeds.push_back(one);
    }
  seeds.push_back(all);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static sd_bus* const bus = lone_bus();
  fuzz::Input input(data, size);
  sd_bus_message* raw = nullptr;
  if (sd_bus_message_new_signal(bus, &raw, kManagerPath, kManagerInterface, "Told") < 0) return 0;
  const Message message(raw);
  check(sd_bus_message_open_container(raw, 'a', "{sv}") >= 0);
  for (int properties = 0; !input.empty() && properties < 256; ++properties) {
    check(sd_bus_message_open_container(raw, 'e', "sv") >= 0);
    check(sd_bus_message_append_basic(raw, 's', kNames[input.byte() % std::size(kNames)]) >= 0);
    append_value(raw, input);
    check(sd_bus_message_close_container(raw) >= 0);
  }
  check(sd_bus_message_close_container(raw) >= 0);
  check(sd_bus_message_seal(raw, 1, 0) >= 0);
  const auto service = read<ReadService>(raw);
  for (const auto* list : {&service.directories.state, &service.directories.logs, &service.directories.cache})
    check(list->size() <= kMostListed);
  const auto dependencies = read<ReadDependencies>(raw);
  check(dependencies.found.after.size() <= kMostListed && dependencies.found.requires_.size() <= kMostListed);
  (void)read<ReadState>(raw);
  (void)read<ReadTimer>(raw);
  const std::string path(reinterpret_cast<const char*>(data), size);
  (void)unit_of_path(path.c_str());
  return 0;
}
