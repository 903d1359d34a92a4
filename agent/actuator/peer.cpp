// SPDX-License-Identifier: Apache-2.0
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "agent/actuator/serve.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {

std::string user_text(uid_t uid) {
  char buffer[4096];
  struct passwd entry{};
  struct passwd* found = nullptr;
  const bool known = ::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr;
  return strf("uid %u (%s)", uid, known ? printable(entry.pw_name, 64).c_str() : "unknown");
}

bool is_member(int connection, gid_t primary, gid_t wanted) {
  if (primary == wanted) return true;
  std::vector<gid_t> groups(64);
  auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    if (errno != ERANGE || size > 65'536 * sizeof(gid_t)) return false;
    groups.resize(size / sizeof(gid_t));
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
  }
  groups.resize(size / sizeof(gid_t));
  return std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

}  // namespace

ActuatorPeer peer_of(int connection, const ActuatorOptions& options) {
  struct ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {Role::stranger, "unknown"};
  ActuatorPeer peer{Role::stranger, user_text(credentials.uid)};
  if (credentials.uid == 0) {
    peer.role = Role::root;
  } else if (options.agent_uid && credentials.uid == *options.agent_uid) {
    peer.role = Role::agent;
  } else if (options.approver_gid && is_member(connection, credentials.gid, *options.approver_gid)) {
    peer.role = Role::approver;
  }
  return peer;
}

Result<Fd> listen_actuator(const std::string& path, std::optional<gid_t> group) {
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return make_error(ErrorCode::limit, path + " is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto* name = reinterpret_cast<const struct sockaddr*>(&address);
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error(errno, "socket");
  // Only a dead socket is replaced: one that answers belongs to another actuator.
  if (::connect(fd.get(), name, sizeof address) == 0)
    return make_error(ErrorCode::conflict, path + " is served already");
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) == 0 && S_ISSOCK(seen.st_mode)) (void)::unlink(path.c_str());
  fd = Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Nobody may connect before owner and mode are right.
  const mode_t before = ::umask(0177);
  const bool bound = fd && ::bind(fd.get(), name, sizeof address) == 0;
  const int error = errno;
  (void)::umask(before);
  if (!bound) return errno_error(error, path);
  if (group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) return errno_error(errno, path);
  if (::chmod(path.c_str(), 0660) != 0 || ::listen(fd.get(), 16) != 0) return errno_error(errno, path);
  return fd;
}

}  // namespace hostmedic
