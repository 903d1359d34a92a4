// SPDX-License-Identifier: Apache-2.0
// Certificates and keys as files, read by the library behind TLS: when a connection is set up, at enrolment, and when
// an authority signs. Input: byte 0 selects what the file is taken for, the rest is the file. What must hold: no crash,
// printable and bounded names, and what is signed is a certificate.
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "agent/net/certificate.h"
#include "tls_world.h"

using namespace hostmedic;
using fuzz::check;

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct World : fuzz::TlsWorld {
  std::string authority = text_of(directory / "ca.pem"), key = text_of(directory / "ca.key");
};
World& world() {
  static World one;
  return one;
}

void describe(const std::string& path, std::string_view) {
  const auto info = describe_certificate(path);
  if (!info) return;
  for (const std::string& text : {info->common_name, info->issuer}) check(text == printable(text, 256));
  check(info->names.size() <= 64 && info->fingerprint.size() == 64);
  for (const std::string& name : info->names) check(name == printable(name, 256));
}
void sign(const KeyPair& authority) {
  const auto issued = issue_client(authority, "web-1", valid_days(wall_now(), 1));
  if (issued) check(issued->certificate_pem.starts_with("-----BEGIN CERTIFICATE-----"));
}

constexpr void (*kUses[])(const std::string& path, std::string_view bytes) = {
    describe,
    [](const std::string& path, std::string_view) { (void)TlsContext::client({path, "", ""}); },
    [](const std::string& path, std::string_view) {
      (void)TlsContext::server({world().directory / "ca.pem", path, world().directory / "server.key"});
    },
    [](const std::string& path, std::string_view) {
      (void)TlsContext::server({world().directory / "ca.pem", world().directory / "server.pem", path});
    },
    [](const std::string&, std::string_view bytes) { sign({std::string(bytes), world().key}); },
    [](const std::string&, std::string_view bytes) { sign({world().authority, std::string(bytes)}); },
    [](const std::string&, std::string_view bytes) {
      const std::string name(bytes.substr(0, bytes.find('\n')));
      (void)issue_server({world().authority, world().key}, {name, {name}, {}}, valid_days(wall_now(), 1));
    },
};

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  std::vector<std::string> seeds;
  const std::string server = text_of(world().directory / "server.pem"), key = text_of(world().directory / "server.key");
  for (char use = 0; use < static_cast<char>(std::size(kUses)); ++use)
    seeds.push_back(use + (use == 3 || use == 5 ? key : server));
  seeds.push_back('\6' + std::string("aggregator.example\n"));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::size_t use = input.byte() % std::size(kUses);
  const std::string_view bytes = input.rest();
  const std::string path = world().directory / "fuzzed.pem";
  fuzz::write_file(path, bytes);
  kUses[use](path, bytes);
  return 0;
}
