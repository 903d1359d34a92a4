// SPDX-License-Identifier: Apache-2.0
// `hostmedic enroll`: installs what `hostmedic-aggregator enroll` made for this host.
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/config/agent_config.h"
#include "agent/config/files.h"
#include "agent/ctl/verbs.h"
#include "agent/net/certificate.h"
#include "agent/net/tls.h"

namespace hostmedic {

namespace {

constexpr unsigned kPublic = 0644, kPrivate = 0640;

// url, and PEM texts.
struct Bundle {
  std::string url, ca, certificate, key;
};

Failure wrong(const std::string& cause) {
  return {Exit::config, cause, "make a new one on the aggregator's host: hostmedic-aggregator enroll"};
}

std::optional<Failure> read_bundle(const std::string& path, Bundle& bundle) {
  Diagnostics found;
  const Node root = load_toml(path, found);
  std::vector<Diagnostic> list = std::move(found).take();
  if (!list.empty()) return wrong(to_string(list.front()));
  const std::pair<std::string_view, std::string*> known[] = {
      {"url", &bundle.url}, {"ca", &bundle.ca}, {"certificate", &bundle.certificate}, {"key", &bundle.key}};
  for (const Member& member : root.members) {
    std::string* text = nullptr;
    for (const auto& [name, target] : known)
      if (name == member.name) text = target;
    const std::string place = path + strf(":%u:%u: ", member.at.line, member.at.column);
    if (text == nullptr) return wrong(place + "unknown key '" + printable(member.name, 64) + "'");
    if (member.value.kind != Node::Kind::text) return wrong(place + printable(member.name, 64) + " is not a text");
    *text = member.value.text;
  }
  for (const auto& [name, text] : known)
    if (text->empty()) return wrong(path + ": '" + std::string(name) + "' is missing");
  return std::nullopt;
}

std::string drop_in(const Bundle& bundle) {
  std::string quoted;
  for (const char c : printable(bundle.url, 512)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return "# Written by `hostmedic enroll`.\n[upstream]\nurl = \"" + quoted + "\"\n";
}

Failure not_written(const Error& error) {
  if (error.code == ErrorCode::denied) return {Exit::denied, error.message(), "run this as root"};
  return {Exit::unavailable, error.message(), ""};
}

Status make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return errno_error(errno, "create " + path);
  return ok();
}

// The daemon reads its key as a member of the group.
Status give_to_group(const std::string& path, const std::string& group) {
  const struct group* entry = ::getgrnam(group.c_str());
  if (entry == nullptr) return ok();
  if (::chown(path.c_str(), 0, entry->gr_gid) != 0) return errno_error(errno, "give " + path + " to group " + group);
  return ok();
}

// The new files beside the present ones, checked before they take their places.
class Staged {
 public:
  explicit Staged(const std::string& directory) : directory_(directory) {}
  ~Staged() {
    for (const std::string& name : names_)
      (void)::unlink((path(name) + kNew).c_str());  // gone already when all went well
  }
  Staged(const Staged&) = delete;
  Staged& operator=(const Staged&) = delete;

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  TlsFiles files() const { return {path("ca.crt") + kNew, path("agent.crt") + kNew, path("agent.key") + kNew}; }
  Status put(const std::string& name, const std::string& content, unsigned mode) {
    names_.push_back(name);
    return write_file_atomic(path(name) + kNew, content, mode);
  }
  Status keep() {
    for (const std::string& name : names_)
      if (::rename((path(name) + kNew).c_str(), path(name).c_str()) != 0)
        return errno_error(errno, "rename " + path(name) + kNew);
    return ok();
  }
  static constexpr const char* kNew = ".new";

 private:
  std::string directory_;
  std::vector<std::string> names_;
};

std::optional<Failure> check_certificates(const Staged& staged, WallTime now, CertificateInfo& own) {
  const TlsFiles files = staged.files();
  auto authority = describe_certificate(files.authority);
  if (!authority) return wrong("ca: " + authority.error().message());
  auto certificate = describe_certificate(files.certificate);
  if (!certificate) return wrong("certificate: " + certificate.error().message());
  own = std::move(*certificate);
  if (!authority->authority) return wrong("ca: the certificate of " + authority->common_name + " may not sign others");
  if (own.issuer != authority->common_name)
    return wrong("certificate: issued by '" + own.issuer + "', not by the authority '" + authority->common_name + "'");
  if (own.not_after <= now) return wrong("certificate: expired " + relative(own.not_after, now));
  if (own.not_before > now)
    return wrong("certificate: not valid before " + format_utc(own.not_before) + "; is the clock right?");
  // Also that the key belongs to the certificate.
  if (auto usable = TlsContext::client(files); !usable) return wrong(usable.error().message());
  return std::nullopt;
}

Status install_drop_in(const Paths& paths, const Bundle& bundle) {
  if (Status made = make_directory(paths.etc + "/conf.d"); !made) return made;
  return write_file_atomic(paths.etc + "/conf.d/upstream.toml", drop_in(bundle), kPublic);
}

}  // namespace

Exit enroll(Context& context, const std::string& bundle_path) {
  Bundle bundle;
  if (auto failure = read_bundle(bundle_path, bundle)) return fail(context, *failure);
  const auto parsed = parse_agent_config(drop_in(bundle), bundle_path);
  if (!parsed.ok()) return fail(context, wrong(parsed.diagnostics.front().message));

  const std::string directory = context.paths.etc + "/tls";
  if (Status made = make_directory(directory); !made) return fail(context, not_written(made.error()));
  Staged staged(directory);
  for (const auto& [name, content, mode] :
       {std::tuple{"ca.crt", &bundle.ca, kPublic}, std::tuple{"agent.crt", &bundle.certificate, kPublic},
        std::tuple{"agent.key", &bundle.key, kPrivate}})
    if (Status put = staged.put(name, *content, mode); !put) return fail(context, not_written(put.error()));
  CertificateInfo own;
  if (auto failure = check_certificates(staged, context.look.now, own)) return fail(context, *failure);
  Status given = give_to_group(staged.files().key, context.paths.group);
  if (given) given = staged.keep();
  if (given) given = install_drop_in(context.paths, bundle);
  if (!given) return fail(context, not_written(given.error()));
  say(context, "Enrolled as " + own.common_name + " at " + printable(bundle.url, 512) +
                   "; the certificate is good until " + format_utc(own.not_after) + ".\nNow: hostmedic reload");
  return Exit::fine;
}

}  // namespace hostmedic
