// SPDX-License-Identifier: Apache-2.0
// What an administrator can say to the probes: the meaning of the [probes] table of hostmedic.toml, with its defaults.
// Plain values; checked where they are read (agent/config).
#pragma once

#include <string>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/time.h"

namespace hostmedic {

// A question that is asked again and again, a [[check]].
struct ActiveCheck {
  std::string id{};
  // http://HOST[:PORT]/PATH, https://..., tcp://HOST:PORT, tls://HOST:PORT (handshake and certificate),
  // dns://[SERVER]/NAME (no SERVER: as the host resolves), exec:NAME (a file in the directory of plug-ins).
  std::string url{};
  Duration interval = std::chrono::seconds(15), timeout = std::chrono::seconds(5);
  int status = 0;          // of HTTP that is expected; 0: 200 to 399
  std::string contains{};  // in the first 64 KiB of the answer; empty: anything will do
  std::string ca{};        // PEM file of who may sign the certificate; empty: the system's
  std::string service{};   // the unit it is about; empty: the endpoint
};

// An exporter on this host whose series are taken over, a [[scrape]].
struct Scrape {
  std::string id{};
  std::string url{};  // http or https
  Duration interval = std::chrono::seconds(15), timeout = std::chrono::seconds(5);
  std::vector<std::string> allow{};  // patterns of names; nothing else is taken
  std::string service{};             // the unit whose series they are; empty: the endpoint
};

struct ProbeSettings {
  std::vector<std::string> disable;                // by name
  std::vector<std::string> log_roots{"/var/log"};  // absolute directories in which growing files are looked for
  // Log files whose lines are read, as absolute patterns. Where no journal is kept, syslog's files are read too.
  std::vector<std::string> log_files{"/var/log/nginx/*.log",    "/var/log/apache2/*.log",   "/var/log/httpd/*_log",
                                     "/var/log/lighttpd/*.log", "/var/log/mysql/*.log",     "/var/log/mariadb/*.log",
                                     "/var/log/redis/*.log",    "/var/log/postgresql/*.log"};
  // Files of certificates; '*' within a part of the path. Those that servers name in their own configuration or on
  // their command line are found besides.
  std::vector<std::string> certificates{"/etc/letsencrypt/live/*/fullchain.pem", "/etc/hostmedic/tls/*.crt"};
  // Directories whose files are watched for changes, besides those of unit files, and patterns of what is left out
  // there.
  std::vector<std::string> change_trees{"/etc"};
  std::vector<std::string> change_exclude{"/etc/mtab",
                                          "/etc/adjtime",
                                          "/etc/.updated",
                                          "/etc/ld.so.cache",
                                          "/etc/machine-id",
                                          "/etc/alternatives/*",
                                          "/etc/rc?.d/*",
                                          "/etc/ssl/certs/*",
                                          "/etc/pki/ca-trust/extracted/*",
                                          "/etc/lvm/archive/*",
                                          "/etc/lvm/backup/*",
                                          "/etc/lvm/cache/*",
                                          "/etc/cups/subscriptions.conf*",
                                          "/etc/blkid.tab*",
                                          "/etc/udev/hwdb.bin",
                                          "/etc/*-"};
  // Where a probe keeps what must outlive it: the mark of probes/bpf/brake.h, what probes/change remembers. Empty:
  // nowhere. Not from the configuration: it is the service manager that makes the directory.
  std::string state_dir;
  double cpu_budget = 0.01;  // of one core, averaged over a minute
  Bytes memory_budget = mib(64);
  std::vector<ActiveCheck> checks;
  std::vector<Scrape> scrapes;
};

}  // namespace hostmedic
