// SPDX-License-Identifier: Apache-2.0
// Drives the reader of a script's header and of its arguments. Input: a script's beginning, its first line as
// arguments. What must hold: no crash, nothing opened that reaches our own files, words without a way out of their
// place.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actions/catalog/script_run/effect_script.h"
#include "actions/catalog/script_run/script_args.h"

using namespace hostmedic;

std::vector<std::string> hm_fuzz_seeds() {
  return {"#!/bin/sh\n# hostmedic: network=yes paths=/srv,/var/cache/app user=app timeout=30s check=drained.sh\n",
          "a=b /srv/x,y:1 50%\n# hostmedic: paths=/srv/../etc\n", "a\n# hostmedic:\n# hostmedic: user=\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto header = parse_script_header(text)) {
    for (const std::string& path : header->paths)
      if (!path.starts_with('/') || path == "/" || path == "/etc/hostmedic" || path.starts_with("/etc/hostmedic/") ||
          (path + "/").find("/../") != std::string::npos)
        __builtin_trap();
  }
  if (const auto arguments = script_arguments(text.substr(0, text.find('\n')))) {
    if (arguments->size() > kMostScriptArguments) __builtin_trap();
    for (const std::string& argument : *arguments)
      if (argument.empty() || argument.find_first_of(" $`;|&<>'\"\\") != std::string::npos) __builtin_trap();
  }
  return 0;
}
