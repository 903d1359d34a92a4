// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/certificate_paths.h"

#include <doctest/doctest.h>

using namespace hostmedic;
using Paths = std::vector<std::string>;

TEST_CASE("certificate paths: what servers are configured with") {
  Paths paths;
  find_certificates_in_config(
      "server {\n  ssl_certificate     /etc/ssl/a.crt;\n  ssl_certificate_key /etc/ssl/a.key;\n"
      "  ssl_certificate /etc/ssl/$host.crt;\n  # ssl_certificate /etc/ssl/old.crt;\n  ssl_certificate \"/etc/q r\";\n",
      paths);
  find_certificates_in_config("  SSLCertificateFile '/etc/apache2/b.pem'\nSSLCertificateFile relative.pem\n", paths);
  find_certificates_in_config("bind :443 ssl crt /etc/haproxy/c.pem crt /etc/haproxy/d.pem alpn h2\nssl_certificate",
                              paths);
  find_certificates_in_config("ssl_certificate /etc/ssl/a.crt; ssl_certificate /etc/../x.crt;\n", paths);
  CHECK(paths == Paths{"/etc/ssl/a.crt", "/etc/q", "/etc/apache2/b.pem", "/etc/haproxy/c.pem", "/etc/haproxy/d.pem"});
}

TEST_CASE("certificate paths: command lines") {
  Paths paths;
  const std::string arguments(
      "etcd\0--cert-file=/etc/etcd/server.crt\0--key-file=/etc/etcd/server-key.pem\0--trusted-ca-file=/etc/ca.crt\0"
      "/srv/tls/web.pem\0relative.pem\0--x=\0\0",
      127);
  find_certificates_in_arguments(arguments, paths);
  CHECK(paths == Paths{"/etc/etcd/server.crt", "/srv/tls/web.pem"});
  find_certificates_in_arguments("", paths);
  for (int i = 0; i < 1000; ++i) find_certificates_in_arguments("/c/" + std::to_string(i) + ".crt", paths);
  CHECK(paths.size() == kMostCertificatePaths);
  Paths odd;
  find_certificates_in_arguments("/a\x1b[1m.crt", odd);
  find_certificates_in_arguments("/" + std::string(400, 'a') + ".crt", odd);
  CHECK(odd.empty());
}
