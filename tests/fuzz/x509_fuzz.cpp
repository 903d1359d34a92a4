// SPDX-License-Identifier: Apache-2.0
// Drives the reader of certificates, as DER and as PEM. What must hold: no crash, no read outside the input, bounded
// and printable names.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/x509.h"
#include "probes/parse/certificate_paths.h"

using namespace hostmedic;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto& certificate : {parse_certificate_der(bytes), parse_certificate_pem(bytes)}) {
    if (!certificate) continue;
    for (const std::string& name : {certificate->subject, certificate->issuer})
      if (name.size() > 140 || name.find('\x1b') != std::string::npos) __builtin_trap();
  }
  std::vector<std::string> paths;
  find_certificates_in_config(bytes, paths);
  find_certificates_in_arguments(bytes, paths);
  for (const std::string& path : paths)
    if (!path.starts_with('/')) __builtin_trap();
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  const auto element = [](char tag, const std::string& value) {
    return std::string(1, tag) + static_cast<char>(value.size()) + value;
  };
  const std::string name = element('\x30', element('\x31', element('\x30', "\x06\x03\x55\x04\x03\x0c\x01z")));
  const std::string names = element('\x30', "\x06\x03\x55\x1d\x11" + element('\x04', element('\x30', "\x82\x02xy")));
  const std::string body = element('\x02', "1") + element('\x30', "") + name +
                           element('\x30', element('\x17', "200101000000Z") + element('\x18', "20520101000000Z")) +
                           element('\x30', "") + element('\xa3', element('\x30', names));
  return {element('\x30', element('\x30', body)),
          "-----BEGIN CERTIFICATE-----\nMAYwBAIBATAA\n-----END CERTIFICATE-----\n",
          "ssl_certificate /a.crt; crt \"/b\"", std::string("x\0--cert=/c.pem\0", 16)};
}
