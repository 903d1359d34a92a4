// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/enroll.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/net/authority.h"
#include "agent/net/certificate.h"

namespace hostmedic {

namespace {
constexpr Bytes kMostPem = kib(64);

bool exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

bool is_address(const std::string& text) {
  unsigned char raw[16];
  return ::inet_pton(AF_INET, text.c_str(), raw) == 1 || ::inet_pton(AF_INET6, text.c_str(), raw) == 1;
}

void add_name(ServerRequest& request, const std::string& name) {
  std::vector<std::string>& list = is_address(name) ? request.addresses : request.dns_names;
  if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
}

Status make_folders(const std::string& dir) {
  for (std::size_t at = dir.find('/', 1); at != std::string::npos; at = dir.find('/', at + 1))
    (void)::mkdir(dir.substr(0, at).c_str(), 0755);  // the last one tells whether it worked
  if (::mkdir(dir.c_str(), 0750) != 0 && errno != EEXIST) return errno_error(errno, "mkdir " + dir);
  return ok();
}

// The service does not run as root: its group may enter the folder and it owns its key. The authority's key stays ours.
Status hand_over(const InitRequest& request) {
  if (::geteuid() != 0 || request.service_user.empty()) return ok();
  const passwd* user = ::getpwnam(request.service_user.c_str());
  if (user == nullptr) return ok();
  const uid_t uid = user->pw_uid;
  const gid_t gid = user->pw_gid;
  if (::chown(request.dir.c_str(), 0, gid) != 0) return errno_error(errno, "chown " + request.dir);
  for (const char* name : {"/server.crt", "/server.key"}) {
    const std::string path = request.dir + name;
    if (::chown(path.c_str(), uid, gid) != 0) return errno_error(errno, "chown " + path);
  }
  return ok();
}

Result<KeyPair> read_authority(const std::string& dir) {
  Result<std::string> certificate = read_file(dir + "/ca.crt", kMostPem);
  if (!certificate) return std::move(certificate.error()).in("no authority (make one with init)");
  Result<std::string> key = read_file(dir + "/ca.key", kMostPem);
  if (!key) return std::move(key.error());
  return KeyPair{std::move(*certificate), std::move(*key)};
}

Status check_url(const std::string& url) {
  const bool plain =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
  if (!url.starts_with("https://") || url.size() < 9 || url.size() > 512 || !plain)
    return make_error(ErrorCode::malformed, "the address '" + printable(url, 100) + "' is not like https://name:4318");
  return ok();
}
}  // namespace

Status init_authority(const InitRequest& request, WallTime now) {
  if (exists(request.dir + "/ca.key") || exists(request.dir + "/ca.crt"))
    return make_error(ErrorCode::conflict,
                      request.dir + " has an authority already; a new one would lock out every enrolled host. " +
                          "To start over, move the folder away first");
  Result<KeyPair> authority =
      make_authority("Hostmedic " + request.name.substr(0, 50), valid_days(now, kAuthorityDays));
  if (!authority) return std::move(authority.error());
  ServerRequest server{request.name, {}, {}};
  add_name(server, request.name);
  for (const std::string& name : request.names) add_name(server, name);
  for (const char* name : {"localhost", "127.0.0.1", "::1"}) add_name(server, name);
  Result<KeyPair> pair = issue_server(*authority, server, valid_days(now, kServerDays));
  if (!pair) return std::move(pair.error());
  Status status = make_folders(request.dir);
  if (status) status = write_key_pair(*pair, request.dir + "/server.crt", request.dir + "/server.key");
  if (status) status = write_key_pair(*authority, request.dir + "/ca.crt", request.dir + "/ca.key");
  if (status) status = hand_over(request);
  return status;
}

Result<std::string> enroll_host(const EnrollRequest& request, WallTime now) {
  const Result<KeyPair> authority = read_authority(request.dir);
  if (!authority) return authority.error();
  std::string url = request.url;
  if (url.empty()) {
    const Result<CertificateInfo> server = describe_certificate(request.dir + "/server.crt");
    if (!server) return server.error();
    const bool v6 = server->common_name.find(':') != std::string::npos;
    url = "https://" + (v6 ? "[" + server->common_name + "]" : server->common_name) + ":4318";
  }
  Status good = check_url(url);
  if (!good) return std::move(good.error());
  if (exists(request.out)) return make_error(ErrorCode::conflict, request.out + " exists already");
  const Result<KeyPair> client = issue_client(*authority, request.host, valid_days(now, kClientDays));
  if (!client) return client.error();
  const std::string bundle = "# Hostmedic enrolment of " + request.host +
                             ". Holds a private key: keep it secret, and " +
                             "delete it once it is installed.\n# On the host: hostmedic enroll THIS-FILE\nurl = \"" +
                             url + "\"\nca = \"\"\"\n" + authority->certificate_pem + "\"\"\"\ncertificate = \"\"\"\n" +
                             client->certificate_pem + "\"\"\"\nkey = \"\"\"\n" + client->key_pem + "\"\"\"\n";
  Status written = write_file_atomic(request.out, bundle, 0600);
  if (!written) return std::move(written.error());
  return url;
}

Status make_approver(const std::string& name, const std::string& out, WallTime now) {
  for (const char* end : {".crt", ".key"})
    if (exists(out + end)) return make_error(ErrorCode::conflict, out + end + " exists already");
  const Result<KeyPair> pair = make_person(name, valid_days(now, kApproverDays));
  if (!pair) return pair.error();
  return write_key_pair(*pair, out + ".crt", out + ".key");
}

}  // namespace hostmedic
