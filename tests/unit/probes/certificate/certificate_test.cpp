// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/stat.h>

#include "../fake_root.h"
#include "../parse/x509_samples.h"
#include "../recording_sink.h"
#include "agent/base/clock.h"
#include "agent/base/x509.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo certificate_probe;
}

namespace {

constexpr const char* kShortest =
    "-----BEGIN CERTIFICATE-----\nMCswKQIBATAAMAAwHhcNMjAwMTAxMDAwMDAwWhcNMzAwMTAxMDAwMDAwWjAA\n-----END "
    "CERTIFICATE-----\n";

}  // namespace

TEST_CASE("certificate probe: found by pattern, configuration and command line; replaced; gone") {
  FakeRoot root;
  const std::string pem = kCertificatePem;
  root.write("etc/letsencrypt/live/a.example/fullchain.pem", pem);
  root.write("etc/letsencrypt/live/README", "no directory");
  root.write("etc/nginx/sites-enabled/web", "ssl_certificate /srv/web.crt;\nssl_certificate /srv/missing.crt;\n");
  root.write("srv/web.crt", pem);
  root.write("proc/77/cmdline", std::string("stunnel\0--cert=/srv/tunnel.pem\0", 31));
  root.write("proc/77/cgroup", "0::/system.slice/tunnel.service\n");
  root.write("srv/tunnel.pem", pem);
  root.write("srv/none.pem", "not a certificate");
  root.write("proc/78/cmdline", std::string("x\0/srv/none.pem\0/srv/fifo.pem\0", 30));
  REQUIRE(::mkfifo((root.path() + "/srv/fifo.pem").c_str(), 0600) == 0);

  ProbeUnderTest tested(certificate_probe, root);
  REQUIRE(tested.probe);
  RecordingSink sink;
  const auto look = [&](std::int64_t second) {
    REQUIRE(tested.probe->read(at_second(second), sink));
    const std::vector<int> fds = tested.probe->descriptors();
    pollfd polled[] = {{fds.at(0), POLLIN, 0}, {fds.at(1), POLLIN, 0}};
    for (int wait = 10'000; ::poll(polled, 2, wait) > 0; wait = 300)
      REQUIRE(tested.probe->on_ready(at_second(second), sink));
  };
  look(60);
  std::vector<std::string> told;
  for (const Told& one : sink.told) told.push_back(to_string(one.about) + " " + one.get("certificate.action"));
  CHECK(told == std::vector<std::string>{"certificate:/etc/letsencrypt/live/a.example/fullchain.pem found",
                                         "certificate:/srv/tunnel.pem found", "certificate:/srv/web.crt found"});
  CHECK(sink.told[0].get("certificate.subject") == "www.example.org");
  CHECK(sink.told[0].get("certificate.not_after") == std::string(kCertificateNotAfter).substr(0, 19) + "Z");
  const double left = sink.values.at("certificate:/srv/web.crt hostmedic.certificate.expiry.time").value();
  const auto end = parse_certificate_pem(pem)->not_after;
  CHECK(left == doctest::Approx(to_seconds(end - wall_now())).epsilon(1e-6));

  sink.told.clear();
  look(61);
  told.clear();
  for (const Told& one : sink.told)
    told.push_back(to_string(one.about) + " " + one.get("relation.type") + " " + one.get("relation.target"));
  CHECK(told == std::vector<std::string>{"service:nginx.service uses certificate:/srv/web.crt",
                                         "service:tunnel.service uses certificate:/srv/tunnel.pem"});
  sink.retired.clear();

  sink.told.clear();
  root.write("etc/letsencrypt/live/b.example/fullchain.pem", pem);
  look(62);
  CHECK(sink.told.empty());  // what is new is looked for every ten minutes
  root.remove("srv/tunnel.pem");
  // As little as a certificate may say: valid until 2030.
  root.write("srv/web.crt", kShortest);
  look(64);  // what is another is read at once
  REQUIRE(sink.told.size() == 2);
  CHECK(sink.told[0].get("certificate.action") == "found");
  CHECK(sink.told[1].get("certificate.action") == "replaced");
  CHECK(sink.told[1].get("certificate.not_after") == "2030-01-01T00:00:00Z");
  CHECK(sink.retired == std::vector<std::string>{"certificate:/srv/tunnel.pem"});

  sink.told.clear();
  look(66);
  REQUIRE(sink.told.size() == 1);
  CHECK(to_string(sink.told[0].about) == "service:tunnel.service");
  CHECK(sink.told[0].get("relation.state") == "gone");

  sink.told.clear();
  root.write("srv/web.crt", "half a certif");  // as it is being written
  look(68);
  root.write("srv/web.crt", pem);
  look(70);
  REQUIRE(sink.told.size() >= 1);
  CHECK(sink.told.back().get("certificate.action") == "found");
  CHECK(to_string(sink.told.back().about) == "certificate:/srv/web.crt");

  // The kernel tells of a file that is complete: it is read before the next tick.
  sink.told.clear();
  pollfd news{tested.probe->descriptors().at(1), POLLIN, 0};
  CHECK(::poll(&news, 1, 0) == 0);
  root.write("srv/web.crt", kShortest);
  REQUIRE(::poll(&news, 1, 10'000) == 1);
  for (int i = 0; i < 100 && sink.told.empty(); ++i) {
    REQUIRE(tested.probe->on_ready(at_second(70), sink));
    pollfd bell{tested.probe->descriptors().at(0), POLLIN, 0};
    (void)::poll(&bell, 1, 100);
  }
  REQUIRE(sink.told.size() == 1);
  CHECK(sink.told[0].get("certificate.action") == "replaced");
}
