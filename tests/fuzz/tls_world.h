// SPDX-License-Identifier: Apache-2.0
// An authority, a server and a client of it, for the fuzzers of what stands behind TLS. Made once: keys cost time.
#pragma once

#include <memory>
#include <string>

#include "agent/base/clock.h"
#include "agent/net/authority.h"
#include "agent/net/tls.h"
#include "support.h"

namespace hostmedic::fuzz {

struct TlsWorld {
  Directory directory;
  std::shared_ptr<const TlsContext> server, client;

  TlsWorld() {
    const WallTime now = wall_now();
    const auto authority = make_authority("Authority", valid_days(now, 100));
    check(authority.has_value());
    const auto served = issue_server(*authority, {"aggregator", {"localhost"}, {"127.0.0.1"}}, valid_days(now, 100));
    const auto asked = issue_client(*authority, "web-1", valid_days(now, 100));
    check(served && asked && write_key_pair(*authority, directory / "ca.pem", directory / "ca.key") &&
          write_key_pair(*served, directory / "server.pem", directory / "server.key") &&
          write_key_pair(*asked, directory / "client.pem", directory / "client.key"));
    auto server_context = TlsContext::server(files("server"));
    auto client_context = TlsContext::client(files("client"));
    check(server_context && client_context);
    server = *server_context;
    client = *client_context;
  }
  TlsFiles files(const std::string& name) const {
    return {directory / "ca.pem", directory / (name + ".pem"), directory / (name + ".key")};
  }
};

}  // namespace hostmedic::fuzz
