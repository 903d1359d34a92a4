// SPDX-License-Identifier: Apache-2.0
// `hostmedic evidence`: the packages that evidence.collect left, and whether they are what they were.
#include "agent/ctl/evidence.h"

#include <algorithm>
#include <filesystem>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/ctl/verbs.h"
#include "agent/net/digest.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

constexpr Bytes kMostPackage = mib(300);  // more is never collected

std::string size_text(std::uint64_t bytes) { return format_bytes(Bytes{bytes}); }

Result<KeptEvidence> read_kept(const std::string& directory, const std::string& id) {
  const auto text = read_file(directory + "/" + id + std::string(kManifestEnding), Bytes{kMostManifest});
  if (!text) return text.error();
  auto hash = sha256_hex(*text);
  if (!hash) return hash.error();
  auto manifest = parse_manifest(*text);
  if (!manifest) return std::move(manifest.error()).in(id + std::string(kManifestEnding));
  return KeptEvidence{id, std::move(*manifest), std::move(*hash)};
}

// What is wrong with the package itself; empty: nothing.
std::string fault_of(const std::string& directory, const EvidenceManifest& manifest) {
  const auto content = read_file(directory + "/" + manifest.package, kMostPackage);
  if (!content) return content.error().message();
  if (content->size() != manifest.bytes)
    return manifest.package +
           strf(" has %zu bytes, not %llu", content->size(), static_cast<unsigned long long>(manifest.bytes));
  const auto hash = sha256_hex(*content);
  if (!hash) return hash.error().message();
  return *hash == manifest.sha256 ? "" : manifest.package + " was changed: its hash is another";
}

Failure unreadable(const Error& error) {
  const bool denied = error.code == ErrorCode::denied;
  return {denied ? Exit::denied : Exit::negative, error.message(),
          denied ? "evidence is for root: sudo hostmedic evidence ..." : "hostmedic list actions"};
}

// From the newest back, as each manifest names the one before.
void follow_chain(const std::vector<KeptEvidence>& kept, const std::string& head, std::vector<std::string>& faults) {
  std::vector<bool> seen(kept.size(), false);
  std::string next = head;
  for (std::size_t steps = 0; steps < kept.size(); ++steps) {
    const auto at = std::find_if(kept.begin(), kept.end(), [&](const KeptEvidence& one) { return one.sha256 == next; });
    if (at == kept.end()) break;
    seen[static_cast<std::size_t>(at - kept.begin())] = true;
    next = at->manifest.previous;
  }
  if (std::none_of(seen.begin(), seen.end(), [](bool one) { return one; }))
    faults.emplace_back("the newest manifest is missing or was changed");
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (!seen[i]) faults.push_back(kept[i].id + ": its manifest was changed, or one after it is missing");
}

}  // namespace

Result<EvidenceStock> read_evidence(const std::string& directory) {
  EvidenceStock stock;
  std::error_code failed;
  std::filesystem::directory_iterator at(directory, failed), end;
  if (failed == std::errc::no_such_file_or_directory) return stock;  // none was ever collected
  for (; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (!name.ends_with(kManifestEnding)) continue;
    const std::string id = name.substr(0, name.size() - kManifestEnding.size());
    if (!is_package_name(id)) continue;
    auto one = read_kept(directory, id);
    if (one)
      stock.kept.push_back(std::move(*one));
    else
      stock.faults.push_back(one.error().message());
  }
  if (failed) return errno_error(failed.value(), directory);
  std::sort(stock.kept.begin(), stock.kept.end(), [](const auto& a, const auto& b) { return a.id > b.id; });
  return stock;
}

std::vector<std::string> faults_of(const EvidenceStock& stock, const std::string& directory) {
  std::vector<std::string> faults = stock.faults;
  const auto head = read_file(directory + "/" + kEvidenceHead, Bytes{128});
  for (const KeptEvidence& one : stock.kept)
    if (const std::string fault = fault_of(directory, one.manifest); !fault.empty()) faults.push_back(fault);
  if (head) follow_chain(stock.kept, std::string(trim(*head)), faults);
  if (!head && (!stock.kept.empty() || head.error().code != ErrorCode::not_found))
    faults.push_back(head.error().message());
  return faults;
}

Exit list_evidence(Context& context) {
  const auto stock = read_evidence(context.paths.evidence);
  if (!stock) return fail(context, unreadable(stock.error()));
  json::array rows;
  Table table({"package", "of", "size", "members"});
  for (const auto& [id, manifest, hash] : stock->kept) {
    rows.push_back({{"id", id},
                    {"target", printable(manifest.target, 300)},
                    {"path", context.paths.evidence + "/" + printable(manifest.package, 300)},
                    {"bytes", manifest.bytes},
                    {"members", manifest.members.size()},
                    {"manifest_sha256", hash}});
    table.add({{id},
               {printable(manifest.target, 300)},
               {size_text(manifest.bytes)},
               {std::to_string(manifest.members.size())}});
  }
  if (context.json)
    write_json(context, rows);
  else if (table.empty())
    say(context, "No evidence is kept.");
  else
    context.out << table.render(context.look);
  for (const std::string& fault : stock->faults) context.err << fault << '\n';
  return stock->faults.empty() ? Exit::fine : Exit::negative;
}

Exit verify_evidence(Context& context) {
  const auto stock = read_evidence(context.paths.evidence);
  if (!stock) return fail(context, unreadable(stock.error()));
  const std::vector<std::string> faults = faults_of(*stock, context.paths.evidence);
  if (context.json) {
    write_json(context, json::object{{"intact", faults.empty()},
                                     {"packages", stock->kept.size()},
                                     {"faults", json::array(faults.begin(), faults.end())}});
  } else {
    for (const std::string& fault : faults) context.out << paint(context.look, Tone::bad, fault) << '\n';
    if (faults.empty()) say(context, strf("%zu packages are what they were.", stock->kept.size()));
  }
  return faults.empty() ? Exit::fine : Exit::negative;
}

Exit show_evidence(Context& context, const std::string& id) {
  const auto stock = read_evidence(context.paths.evidence);
  if (!stock) return fail(context, unreadable(stock.error()));
  constexpr std::size_t kKeyAt = 17;  // in the name of a package, after its time
  const KeptEvidence* found = nullptr;
  for (const KeptEvidence& one : stock->kept) {
    if (!one.id.starts_with(id) && !one.id.substr(kKeyAt).starts_with(id)) continue;
    if (found != nullptr) return fail(context, {Exit::usage, "several packages begin so", "hostmedic evidence list"});
    found = &one;
  }
  if (found == nullptr) return fail(context, {Exit::negative, "no such package", "hostmedic evidence list"});
  const EvidenceManifest& manifest = found->manifest;
  const std::string path = context.paths.evidence + "/" + printable(manifest.package, 300);
  if (context.json) {
    json::array members, left;
    for (const EvidenceMember& member : manifest.members)
      members.push_back({{"name", printable(member.name, 300)}, {"bytes", member.bytes}, {"sha256", member.sha256}});
    for (const std::string& one : manifest.left_out) left.emplace_back(printable(one, 300));
    write_json(context, json::object{{"id", found->id},
                                     {"target", printable(manifest.target, 300)},
                                     {"path", path},
                                     {"sha256", manifest.sha256},
                                     {"members", std::move(members)},
                                     {"left_out", std::move(left)}});
    return Exit::fine;
  }
  context.out << field(context.look, "of", printable(manifest.target, 300))
              << field(context.look, "package", path + ", " + size_text(manifest.bytes));
  for (const EvidenceMember& member : manifest.members)
    context.out << field(context.look, size_text(member.bytes), printable(member.name, 300));
  for (const std::string& left : manifest.left_out)
    context.out << field(context.look, "left out", printable(left, 300), Tone::dim);
  context.out << field(context.look, "to unpack", "tar -xf " + path);
  return Exit::fine;
}

}  // namespace hostmedic
