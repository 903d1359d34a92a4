// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/query.h"

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {
Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const Result<std::uint64_t> byte = parse_u64(text.substr(i + 1, 2), 16);
    if (!byte || i + 2 >= text.size()) return make_error(ErrorCode::malformed, "bad escape in the address");
    out += static_cast<char>(*byte);
    i += 2;
  }
  return out;
}
}  // namespace

Result<Target> parse_target(std::string_view target) {
  if (target.size() > 2048) return make_error(ErrorCode::limit, "the address is too long");
  Target out;
  const auto question = target.find('?');
  Result<std::string> path = unescape(target.substr(0, question));
  if (!path) return std::move(path.error());
  out.path = std::move(*path);
  if (question == std::string_view::npos) return out;
  for (const std::string_view part : split(target.substr(question + 1), '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    Result<std::string> name = unescape(part.substr(0, equals));
    Result<std::string> value = unescape(equals == std::string_view::npos ? "" : part.substr(equals + 1));
    if (!name) return std::move(name.error());
    if (!value) return std::move(value.error());
    out.query[std::move(*name)] = std::move(*value);
    if (out.query.size() > 16) return make_error(ErrorCode::limit, "too many parameters");
  }
  return out;
}

}  // namespace hostmedic
