// SPDX-License-Identifier: Apache-2.0
#include "agent/net/tls.h"

#include <mbedtls/net_sockets.h>
#include <mbedtls/oid.h>
#include <mbedtls/ssl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/net/mbedtls_parts.h"
#include "agent/net/tls_text.h"

namespace hostmedic {

struct TlsContext::Parts {
  MbedRandom random;
  MbedCertificate authority, certificate;
  MbedKey key;
  MbedOwned<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free> config;
};

namespace {

// The order is the preference of a server.
constexpr int kSuites[] = {
#if MBEDTLS_VERSION_MAJOR >= 3
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    0,
};

#if MBEDTLS_VERSION_MAJOR < 3
// 2.28 begins with the largest, and many servers follow the client: a handshake then costs two to three times as much.
// What is not listed is refused in a certificate, too, so all are.
constexpr mbedtls_ecp_group_id kCurves[] = {
    MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_SECP521R1,
    MBEDTLS_ECP_DP_BP256R1,    MBEDTLS_ECP_DP_BP384R1,   MBEDTLS_ECP_DP_BP512R1,   MBEDTLS_ECP_DP_NONE,
};
#endif

class TlsChannel final : public Channel {
 public:
  TlsChannel(std::shared_ptr<TlsContext::Parts> parts, std::string server_name, bool is_server)
      : parts_(std::move(parts)), server_name_(std::move(server_name)), is_server_(is_server) {}

  Status start();
  ChannelStep handshake(int fd) override;
  ChannelStep read(int fd, void* data, std::size_t size) override;
  ChannelStep write(int fd, const void* data, std::size_t size) override;
  ChannelStep shutdown(int fd) override;
  const std::string& error_text() const override { return error_; }
  std::shared_ptr<const CertificateInfo> peer() const override { return peer_; }
  bool encrypted() const override { return true; }

 private:
  static int on_send(void* self, const unsigned char* data, std::size_t size);
  static int on_receive(void* self, unsigned char* data, std::size_t size);
  static int on_verify(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);
  ChannelStep from_code(int code, bool in_handshake);
  std::string explain(int code, bool in_handshake) const;
  bool has_alert() { return mbedtls_ssl_read(ssl_.get(), nullptr, 0) == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE; }

  std::shared_ptr<TlsContext::Parts> parts_;  // outlives ssl_, which points into it
  std::string server_name_;                   // empty on a server
  bool is_server_;
  MbedOwned<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free> ssl_;
  int fd_ = -1;  // of the step that runs
  int errno_ = 0;
  std::shared_ptr<const CertificateInfo> peer_;
  bool received_ = false;                 // any application data
  std::string complaint_;                 // what the check of the peer's certificates found
  std::array<unsigned char, 8> first_{};  // the peer's first bytes, to recognise who does not speak TLS
  std::size_t first_size_ = 0;
  std::string error_;
};

Status TlsChannel::start() {
  if (const int failed = mbedtls_ssl_setup(ssl_.get(), parts_->config.get()); failed != 0)
    return mbed_error(failed, "TLS");
  // Without a name the library would accept any certificate of the authority.
  if (!is_server_)
    if (const int failed = mbedtls_ssl_set_hostname(ssl_.get(), server_name_.c_str()); failed != 0)
      return mbed_error(failed, "TLS server name");
  mbedtls_ssl_set_verify(ssl_.get(), &TlsChannel::on_verify, this);
  mbedtls_ssl_set_bio(ssl_.get(), this, &TlsChannel::on_send, &TlsChannel::on_receive, nullptr);
  return ok();
}

int TlsChannel::on_send(void* self, const unsigned char* data, std::size_t size) {
  auto& channel = *static_cast<TlsChannel*>(self);
  const ssize_t n = ::send(channel.fd_, data, size, MSG_NOSIGNAL);
  if (n >= 0) return static_cast<int>(n);
  if (errno == EAGAIN || errno == EINTR) return MBEDTLS_ERR_SSL_WANT_WRITE;
  channel.errno_ = errno;
  return errno == EPIPE || errno == ECONNRESET ? MBEDTLS_ERR_NET_CONN_RESET : MBEDTLS_ERR_NET_SEND_FAILED;
}

int TlsChannel::on_receive(void* self, unsigned char* data, std::size_t size) {
  auto& channel = *static_cast<TlsChannel*>(self);
  const ssize_t n = ::recv(channel.fd_, data, size, 0);
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return MBEDTLS_ERR_SSL_WANT_READ;
    channel.errno_ = errno;
    return errno == ECONNRESET ? MBEDTLS_ERR_NET_CONN_RESET : MBEDTLS_ERR_NET_RECV_FAILED;
  }
  for (ssize_t i = 0; i < n && channel.first_size_ < channel.first_.size(); ++i)
    channel.first_[channel.first_size_++] = data[i];
  return static_cast<int>(n);
}

// Runs once per certificate of the peer's chain, its own (depth 0) last.
int TlsChannel::on_verify(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
  auto& channel = *static_cast<TlsChannel*>(self);
  const CertificateInfo info = describe(*certificate);
  // mbedTLS 2.28 compares a host only with DNS names, so an address is compared here.
  if (depth == 0 && (*flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0 && has_address(*certificate, channel.server_name_))
    *flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_CN_MISMATCH);
  if (*flags != 0) {
    const std::string found = certificate_complaint(*flags, info, depth, channel.server_name_);
    if (!channel.complaint_.empty() && !found.empty()) channel.complaint_ += "; ";
    channel.complaint_ += found;
  }
  if (depth == 0) channel.peer_ = std::make_shared<const CertificateInfo>(info);
  return 0;
}

std::string TlsChannel::explain(int code, bool in_handshake) const {
  if (!complaint_.empty()) return complaint_;
  if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
    // The library does not hand out the alert; it is the second byte of the message it still holds.
    const unsigned char* message = ssl_->HM_MBED_FIELD(in_msg);
    return alert_text(message == nullptr ? 0 : message[1]);
  }
#if MBEDTLS_VERSION_MAJOR >= 3
  // mbedTLS 3.6 as the peer sends a TLS 1.3 refusal under keys that the other side has just left; seen with 3.6.6.
  if (code == MBEDTLS_ERR_SSL_INVALID_MAC && !received_)
    return "peer rejected our certificate, or failed right after the handshake";
#endif
  if (code == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE) return "peer sent no certificate";
  // What the callback does not see: the purpose of the certificate is checked after it. All bits: nothing was checked.
  const std::uint32_t flags = mbedtls_ssl_get_verify_result(ssl_.get());
  if (flags != 0 && flags != 0xffffffff && peer_) return certificate_complaint(flags, *peer_, 0, server_name_);
  if (in_handshake && first_size_ > 0) {
    const std::string_view first(static_cast<const char*>(static_cast<const void*>(first_.data())), first_size_);
    if (std::string text = not_tls_text(first); !text.empty()) return text;
  }
  if (errno_ != 0) return strerrordesc_np(errno_);
  return mbed_error(code, "TLS").context;
}

ChannelStep TlsChannel::from_code(int code, bool in_handshake) {
  if (code >= 0) return {StepNeed::nothing, static_cast<std::size_t>(code)};
  switch (code) {
    case MBEDTLS_ERR_SSL_WANT_READ: return {StepNeed::readable, 0};
    case MBEDTLS_ERR_SSL_WANT_WRITE: return {StepNeed::writable, 0};
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
      error_ = in_handshake ? "peer closed the connection during the TLS handshake" : "";
      return {in_handshake ? StepNeed::failed : StepNeed::ended, 0};
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_NET_CONN_RESET:
      if (in_handshake && first_size_ > 0)
        if (error_ = explain(code, true); error_.starts_with("peer")) return {StepNeed::failed, 0};
      error_ = in_handshake ? "peer closed the connection during the TLS handshake" : "peer cut the connection";
      return {StepNeed::truncated, 0};
    default: error_ = explain(code, in_handshake); return {StepNeed::failed, 0};
  }
}

#if MBEDTLS_VERSION_MAJOR >= 3 && defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
constexpr bool again(int code) { return code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET; }
#else
constexpr bool again(int) { return false; }
#endif

ChannelStep TlsChannel::handshake(int fd) {
  fd_ = fd;
  int code = 0;
  do code = mbedtls_ssl_handshake(ssl_.get());
  while (again(code));
  // With TLS 1.2 the library ends such a handshake without a word to the client.
  if (code == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE)
    (void)mbedtls_ssl_send_alert_message(ssl_.get(), MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                         MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
  return from_code(code, true);
}

ChannelStep TlsChannel::read(int fd, void* data, std::size_t size) {
  fd_ = fd;
  int code = 0;
  do code = mbedtls_ssl_read(ssl_.get(), static_cast<unsigned char*>(data), size);
  while (again(code));
  received_ = received_ || code > 0;
  // Zero means that the connection ended without close-notify.
  return from_code(code == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : code, false);
}

ChannelStep TlsChannel::write(int fd, const void* data, std::size_t size) {
  fd_ = fd;
  const ChannelStep step =
      from_code(mbedtls_ssl_write(ssl_.get(), static_cast<const unsigned char*>(data), size), false);
  // With TLS 1.3 the peer judges our certificate after our handshake ended, so its refusal may show as a failing write.
  if (step.need == StepNeed::truncated && has_alert()) return from_code(MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, false);
  return step;
}

ChannelStep TlsChannel::shutdown(int fd) {
  fd_ = fd;
  return from_code(mbedtls_ssl_close_notify(ssl_.get()), false);
}

Status load_own(TlsContext::Parts& parts, const TlsFiles& files) {
  auto certificate = read_file(files.certificate, mib(1));
  if (!certificate) return std::move(certificate).error();
  if (auto parsed = parse_certificates(*certificate, parts.certificate.get()); !parsed)
    return std::move(parsed).error().in(files.certificate);
  auto key = read_file(files.key, mib(1));
  if (!key) return std::move(key).error();
  if (auto parsed = parse_key(*key, parts.key.get(), parts.random); !parsed)
    return std::move(parsed).error().in(files.key);
  if (auto match = check_key_matches(*parts.certificate.get(), *parts.key.get(), parts.random); !match)
    return std::move(match).error().in(files.key);
  if (const int failed = mbedtls_ssl_conf_own_cert(parts.config.get(), parts.certificate.get(), parts.key.get());
      failed != 0)
    return mbed_error(failed, files.certificate);
  return ok();
}

Result<std::shared_ptr<TlsContext::Parts>> make_parts(const TlsFiles& files, int endpoint, int verify) {
  auto parts = std::make_shared<TlsContext::Parts>();
  if (auto seeded = parts->random.seed(); !seeded) return std::move(seeded).error();
  if (const int failed = mbedtls_ssl_config_defaults(parts->config.get(), endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                     MBEDTLS_SSL_PRESET_DEFAULT);
      failed != 0)
    return mbed_error(failed, "TLS");
  mbedtls_ssl_conf_rng(parts->config.get(), mbedtls_ctr_drbg_random, parts->random.get());
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_conf_min_tls_version(parts->config.get(), MBEDTLS_SSL_VERSION_TLS1_2);
#else
  mbedtls_ssl_conf_min_version(parts->config.get(), MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_curves(parts->config.get(), kCurves);
#endif
  mbedtls_ssl_conf_ciphersuites(parts->config.get(), kSuites);
  mbedtls_ssl_conf_authmode(parts->config.get(), verify);
  if (verify == MBEDTLS_SSL_VERIFY_REQUIRED) {
    auto authority = read_file(files.authority, mib(1));
    if (!authority) return std::move(authority).error();
    if (auto parsed = parse_certificates(*authority, parts->authority.get()); !parsed)
      return std::move(parsed).error().in(files.authority);
    mbedtls_ssl_conf_ca_chain(parts->config.get(), parts->authority.get(), nullptr);
  }
  if (endpoint == MBEDTLS_SSL_IS_SERVER || !files.certificate.empty())
    if (auto loaded = load_own(*parts, files); !loaded) return std::move(loaded).error();
  // mbedTLS would not use such a certificate and tell the client that no cipher is shared.
  if (endpoint == MBEDTLS_SSL_IS_SERVER &&
      mbedtls_x509_crt_check_extended_key_usage(parts->certificate.get(), MBEDTLS_OID_SERVER_AUTH,
                                                MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
    return make_error(ErrorCode::malformed, files.certificate + ": issued for another purpose, not for a server");
  return parts;
}

Result<std::unique_ptr<Channel>> start_channel(std::unique_ptr<TlsChannel> channel) {
  if (auto started = channel->start(); !started) return std::move(started).error();
  return std::unique_ptr<Channel>(std::move(channel));
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const TlsFiles& files) {
  auto parts = make_parts(files, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_VERIFY_REQUIRED);
  if (!parts) return std::move(parts).error();
  return std::make_shared<const TlsContext>(std::move(*parts));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const TlsFiles& files, ClientCertificates wanted) {
  const int verify = wanted == ClientCertificates::required ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE;
  auto parts = make_parts(files, MBEDTLS_SSL_IS_SERVER, verify);
  if (!parts) return std::move(parts).error();
  return std::make_shared<const TlsContext>(std::move(*parts));
}

Result<std::unique_ptr<Channel>> TlsContext::client_channel(const std::string& server_name) const {
  if (server_name.empty()) return make_error(ErrorCode::malformed, "TLS needs the server's name");
  return start_channel(std::make_unique<TlsChannel>(parts_, server_name, false));
}

Result<std::unique_ptr<Channel>> TlsContext::server_channel() const {
  return start_channel(std::make_unique<TlsChannel>(parts_, "", true));
}

}  // namespace hostmedic
