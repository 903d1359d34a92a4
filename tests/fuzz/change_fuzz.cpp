// SPDX-License-Identifier: Apache-2.0
// What the probe of changes reads: lines of package managers' logs, lists of packages, unit files, its own memory.
// Input: byte 0 selects (modulo their number), the rest is the text. What must hold: no crash, bounded and valid names,
// an order of versions that is one, and a memory that reads as it was written.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probes/change/file_rules.h"
#include "probes/change/memory.h"
#include "probes/parse/package_files.h"
#include "probes/parse/package_log.h"
#include "probes/parse/unit_name.h"

using namespace hostmedic;

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}
void check_change(const std::optional<PackageChange>& change) {
  if (!change) return;
  check(!change->name.empty() && change->name.size() <= 200 && change->name.find('/') == std::string::npos);
  check(!change->version.empty() || change->action == PackageAction::removed);
  check(change->at.month >= 1 && change->at.month <= 12);
}
void versions(std::string_view text) {
  const std::size_t cut = text.find('\n');
  const std::string_view a = text.substr(0, cut), b = cut == text.npos ? a : text.substr(cut + 1);
  const int order = compare_debian_versions(a, b), back = compare_debian_versions(b, a);
  check((order < 0) == (back > 0) && (order == 0) == (back == 0));
  check(compare_debian_versions(a, a) == 0);
}
void lists(std::string_view text) {
  const auto services = services_of_list(text, {{"/sbin/web", "web.service"}});
  check(services.size() <= kMostUnitsOfPackage);
  for (const std::string& service : services) check(is_followed_service(service));
}
void rules(std::string_view text) {
  if (const auto service = change::service_of_unit_file(text)) check(is_followed_service(*service));
  for (const std::string& name : change::services_of_configuration(text)) check(is_unit_name(name));
  (void)change::may_be_copied(text, 0644);
}
void memory(std::string_view text) {
  const auto parsed = change::parse_memory(text);
  if (!parsed) return;
  const auto again = change::parse_memory(change::to_text(*parsed));
  check(again && *again == *parsed);
}

constexpr void (*kReaders[])(std::string_view) = {
    [](std::string_view text) { check_change(parse_dpkg_log_line(text)); },
    [](std::string_view text) { check_change(parse_dnf_log_line(text)); },
    versions,
    lists,
    [](std::string_view text) {
      for (const std::string& program : programs_of_unit(text)) check(program.starts_with('/'));
    },
    rules,
    memory,
};

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  std::vector<std::string> seeds;
  for (const std::string_view text :
       {"2026-11-21 14:02:33 upgrade libc6:amd64 2.36-9+deb12u7 2.36-9+deb12u14",
        "2026-02-14T09:30:12+0530 SUBDEBUG Upgrade: openssl-libs-1:3.2.2-6.el9.x86_64", "1:1.0~rc1-1\n1.0-1+b1",
        "/lib/systemd/system/web.service\n/usr/sbin/web\n", "[Service]\nExecStart=-/usr/sbin/nginx -g x\n",
        "/etc/systemd/system/web.service.d/a.conf", "boot b\nkernel k\nseen 7\nlog /var/log/dpkg.log 1 2 3\nend\n"}) {
    for (std::size_t reader = 0; reader < std::size(kReaders); ++reader)
      seeds.push_back(std::string(1, static_cast<char>(reader)).append(text));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kReaders[data[0] % std::size(kReaders)](std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
