// SPDX-License-Identifier: Apache-2.0
// TLS settings of one side: authority, own certificate, rules. At least TLS 1.2 with forward secrecy and authenticated
// encryption; TLS 1.3 where the library has it. Both sides verify the other's certificate unless said otherwise.
// One thread for a context and all its channels. A channel keeps its context alive, so a context may be replaced
// (renewed certificates) while connections are open; hence the shared_ptr.
#pragma once

#include <memory>
#include <string>

#include "agent/base/result.h"
#include "agent/net/channel.h"

namespace hostmedic {

// Paths of PEM files of at most 1 MiB each.
struct TlsFiles {
  std::string authority;    // one or more certificates that may sign the peer's
  std::string certificate;  // own certificate, then any intermediate ones; a client may leave it empty
  std::string key;
};

enum class ClientCertificates : std::uint8_t {
  required,  // a client without a certificate of our authority is refused
  none,      // clients are not asked (for a web page that authenticates otherwise)
};

class TlsContext {
 public:
  static Result<std::shared_ptr<const TlsContext>> client(const TlsFiles& files);
  static Result<std::shared_ptr<const TlsContext>> server(const TlsFiles& files,
                                                          ClientCertificates wanted = ClientCertificates::required);

  // For a connection to server_name, a DNS name or IP literal that the peer's certificate must carry.
  Result<std::unique_ptr<Channel>> client_channel(const std::string& server_name) const;
  Result<std::unique_ptr<Channel>> server_channel() const;

  struct Parts;  // mbedTLS objects; defined in tls.cpp
  explicit TlsContext(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}

 private:
  std::shared_ptr<Parts> parts_;
};

}  // namespace hostmedic
