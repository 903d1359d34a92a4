// SPDX-License-Identifier: Apache-2.0
#include "probes/change/file_rules.h"

#include <doctest/doctest.h>

using namespace hostmedic::change;
using Names = std::vector<std::string>;

TEST_CASE("a unit file is about its service, and so is what starts it") {
  CHECK(service_of_unit_file("/etc/systemd/system/nginx.service") == "nginx.service");
  CHECK(service_of_unit_file("/usr/lib/systemd/system/backup.timer") == "backup.service");
  CHECK(service_of_unit_file("/run/systemd/system/ssh.socket") == "ssh.service");
  CHECK(service_of_unit_file("/etc/systemd/system/nginx.service.d/limits.conf") == "nginx.service");
  CHECK(service_of_unit_file("/etc/systemd/system/getty@.service") == "getty@.service");
  for (const char* path :
       {"/etc/systemd/system/multi-user.target", "/etc/systemd/system/multi-user.target.wants/a.service",
        "/etc/systemd/system/nginx.service.d/README", "/etc/systemd/system/nginx.service.d/a/b.conf",
        "/etc/systemd/system/service.d/all.conf", "/etc/systemd/journald.conf", "/etc/nginx.service",
        "/etc/systemd/systemx/a.service", "/etc/systemd/system/a b.service",
        "/run/systemd/system/hostmedic-order-7.service", "/etc/systemd/system/.service"})
    CHECK_MESSAGE(!service_of_unit_file(path), path);
}

TEST_CASE("configuration lies where a service of its name would have it") {
  CHECK(services_of_configuration("/etc/nginx/sites-enabled/default") == Names{"nginx", "nginxd"});
  CHECK(services_of_configuration("/etc/redis.conf") == Names{"redis", "redisd", "redis.conf"});
  CHECK(services_of_configuration("/etc/default/ssh") == Names{"ssh"});
  CHECK(services_of_configuration("/etc/sysconfig/crond") == Names{"crond"});
  CHECK(services_of_configuration("/etc/systemd/journald.conf") == Names{"systemd-journald"});
  CHECK(services_of_configuration("/etc/systemd/resolved.conf.d/dns.conf") == Names{"systemd-resolved"});
  CHECK(services_of_configuration("/srv/app/app.conf").empty());
  CHECK(services_of_configuration("/etc/a b/c").empty());
}

TEST_CASE("what editors and package managers leave is noise") {
  for (const char* name : {"a~", ".a.swp", ".#nginx.conf1234", "4913", "nginx.conf.dpkg-new", "nginx.conf.dpkg-old",
                           "x.rpmsave", "passwd.lock", "passwd+", "hosts.tmp"})
    CHECK_MESSAGE(is_noise(name), name);
  for (const char* name : {"nginx.conf", "hosts", "a.service", "49130", ".profile"})
    CHECK_MESSAGE(!is_noise(name), name);
}

TEST_CASE("nothing is copied that not everybody may read, or whose path speaks of keys or passwords") {
  for (const char* path : {"/etc/nginx/nginx.conf", "/etc/hosts", "/etc/default/ssh", "/etc/monkey/keyboard.conf",
                           "/etc/ssh/sshd_config"}) {
    CHECK_MESSAGE(may_be_copied(path, 0100644), path);
    CHECK_MESSAGE(!may_be_copied(path, 0100640), path);
    CHECK_MESSAGE(!may_be_copied(path, 0100600), path);
  }
  for (const char* path : {"/etc/shadow",
                           "/etc/shadow-",
                           "/etc/gshadow",
                           "/etc/security/opasswd",
                           "/etc/passwd",
                           "/etc/nginx/.htpasswd",
                           "/etc/ssh/ssh_host_ed25519_key",
                           "/etc/ssh/ssh_host_rsa_key.pub",
                           "/root/.ssh/id_rsa",
                           "/etc/app/server.KEY",
                           "/etc/app/server.pem",
                           "/etc/app/store.p12",
                           "/etc/krb5.keytab",
                           "/etc/ssl/private/a.crt",
                           "/etc/app/Secrets.toml",
                           "/etc/ppp/chap-secrets",
                           "/etc/app/db_password.conf",
                           "/etc/aws/credentials",
                           "/etc/app/api_key.txt",
                           "/etc/app/token",
                           "/etc/wireguard/wg0.conf",
                           "/etc/wpa_supplicant.conf",
                           "/etc/hostmedic/tls/agent.crt",
                           "/etc/NetworkManager/system-connections/home",
                           "/etc/skel/.netrc",
                           "/etc/openvpn/client.ovpn"})
    CHECK_MESSAGE(!may_be_copied(path, 0100644), path);
}
