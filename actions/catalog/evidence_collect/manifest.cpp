// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/evidence_collect/manifest.h"

#include <algorithm>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::string_view kFirst = "hostmedic-evidence 1";
constexpr std::string_view kHidden = "[not told]";

bool all_of(std::string_view text, bool (*fits)(char)) { return std::all_of(text.begin(), text.end(), fits); }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Error malformed(std::size_t line, const char* what) {
  return make_error(ErrorCode::malformed, strf("line %zu: %s", line, what));
}

// False: this is no line of a manifest.
bool take_line(std::string_view line, EvidenceManifest& manifest) {
  TextCursor cursor(line);
  const std::string_view word = cursor.word();
  if (word == "member") {
    EvidenceMember member;
    const auto bytes = cursor.u64();
    member.sha256 = cursor.word();
    member.name = trim(cursor.rest());
    if (!bytes || !is_sha256(member.sha256) || member.name.empty()) return false;
    member.bytes = *bytes;
    manifest.members.push_back(std::move(member));
    return true;
  }
  const std::string_view value = trim(cursor.rest());
  if (word == "bytes") {
    const auto bytes = parse_u64(value);
    manifest.bytes = bytes ? *bytes : 0;
    return bytes.has_value();
  }
  if (word == "left-out")
    manifest.left_out.emplace_back(value);
  else if (word == "package")
    manifest.package = value;
  else if (word == "sha256")
    manifest.sha256 = value;
  else if (word == "previous")
    manifest.previous = value;
  else if (word == "target")
    manifest.target = value;
  else
    return false;
  return !value.empty();
}

bool names_secret(std::string_view name) {
  constexpr std::string_view kWords[] = {"passw",   "passphrase", "secret",     "token",      "apikey",
                                         "api-key", "api_key",    "credential", "private-key"};
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

// "https://user:word@host" without the word.
std::string without_url_password(std::string_view text) {
  std::string told(text);
  for (std::size_t at = told.find("://"); at != std::string::npos; at = told.find("://", at + 3)) {
    const std::size_t end = told.find_first_of("@/ ", at + 3), colon = told.find(':', at + 3);
    if (end == std::string::npos || told[end] != '@' || colon == std::string::npos || colon > end) continue;
    told.replace(colon + 1, end - colon - 1, kHidden);
  }
  return told;
}

}  // namespace

bool is_sha256(std::string_view text) { return text.size() == 64 && all_of(text, is_hex); }

bool is_package_name(std::string_view name) {
  return name.size() == 41 && all_of(name.substr(0, 8), is_digit) && name[8] == 'T' &&
         all_of(name.substr(9, 6), is_digit) && name.substr(15, 2) == "Z-" && all_of(name.substr(17), is_hex);
}

std::string to_text(const EvidenceManifest& manifest) {
  std::string text = std::string(kFirst) + "\npackage " + manifest.package +
                     strf("\nbytes %llu", static_cast<unsigned long long>(manifest.bytes)) + "\nsha256 " +
                     manifest.sha256 + "\nprevious " + manifest.previous + "\ntarget " + manifest.target + "\n";
  for (const EvidenceMember& member : manifest.members)
    text +=
        strf("member %llu ", static_cast<unsigned long long>(member.bytes)) + member.sha256 + " " + member.name + "\n";
  for (const std::string& left : manifest.left_out) text += "left-out " + left + "\n";
  return text;
}

Result<EvidenceManifest> parse_manifest(std::string_view text) {
  if (text.size() > kMostManifest) return make_error(ErrorCode::limit, "longer than a manifest is");
  TextCursor cursor(text);
  if (cursor.line() != kFirst) return malformed(1, "this is no manifest of this version");
  EvidenceManifest manifest;
  for (std::size_t line = 2; !cursor.at_end(); ++line)
    if (!take_line(cursor.line(), manifest)) return malformed(line, "not understood");
  if (manifest.members.size() > kMostEvidenceMembers) return make_error(ErrorCode::limit, "too many members");
  if (manifest.package.empty() || manifest.package.find('/') != std::string::npos || !is_sha256(manifest.sha256))
    return make_error(ErrorCode::malformed, "it names no package");
  if (manifest.previous != "-" && !is_sha256(manifest.previous))
    return make_error(ErrorCode::malformed, "it does not say what was before it");
  if (manifest.target.empty()) return make_error(ErrorCode::malformed, "it does not say what it is about");
  return manifest;
}

std::string without_secrets(std::string_view command_line) {
  std::string told;
  bool hide = false;  // the argument before named a secret
  while (!command_line.empty() && command_line.back() == '\0') command_line.remove_suffix(1);
  if (command_line.empty()) return told;
  for (const std::string_view argument : split(command_line, '\0')) {
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    if (hide)
      told += kHidden;
    else if (equals != std::string_view::npos && names_secret(name))
      told += printable(name, 256) + "=" + std::string(kHidden);
    else
      told += without_url_password(printable(argument, 4096));
    told += '\n';
    hide = equals == std::string_view::npos && argument.starts_with('-') && names_secret(name);
  }
  return told;
}

}  // namespace hostmedic
