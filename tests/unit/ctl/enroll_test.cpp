// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "agent/base/file.h"
#include "agent/net/authority.h"
#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

struct Pems {
  KeyPair ca, other_ca, agent, expired, other;
};
// Keys cost time; one set serves all cases.
const Pems& pems() {
  static const Pems kPems = [] {
    const auto valid = [](int days) {
      return Validity{test_now() - std::chrono::hours(24 * 2), test_now() + std::chrono::hours(24 * days)};
    };
    const auto value = [](Result<KeyPair> made) {
      REQUIRE(made);
      return std::move(*made);
    };
    Pems made;
    made.ca = value(make_authority("Site", valid(100)));
    made.other_ca = value(make_authority("Elsewhere", valid(100)));
    made.agent = value(issue_client(made.ca, "web-1", valid(50)));
    made.expired = value(issue_client(made.ca, "web-1", valid(-1)));
    made.other = value(issue_client(made.other_ca, "web-1", valid(50)));
    return made;
  }();
  return kPems;
}

std::string bundle(const KeyPair& ca, const KeyPair& agent, const std::string& key,
                   const std::string& url = "https://agg.example:4318") {
  return "url = \"" + url + "\"\nca = '''\n" + ca.certificate_pem + "'''\ncertificate = '''\n" + agent.certificate_pem +
         "'''\nkey = '''\n" + key + "'''\n";
}
std::string good_bundle() { return bundle(pems().ca, pems().agent, pems().agent.key_pem); }

struct Enrolled : Host {
  int enroll(const std::string& text) {
    const std::string path = dir.path + "/bundle.toml";
    std::ofstream(path) << text;
    std::filesystem::create_directories(dir.path + "/etc");
    return run({"enroll", path});
  }
  std::string read(const std::string& name) {
    auto text = read_file(dir.path + "/etc/" + name, mib(1));
    return text ? std::move(*text) : "";
  }
  bool untouched() { return read("tls/agent.key").empty() && read("conf.d/upstream.toml").empty(); }
};

}  // namespace

TEST_CASE("a bundle is installed with the right modes and a valid configuration") {
  Enrolled host;
  CHECK(host.enroll(good_bundle()) == 0);
  CHECK(
      host.out.str().starts_with("Enrolled as web-1 at https://agg.example:4318; the certificate is good until 2027-"));
  CHECK(host.out.str().ends_with("Now: hostmedic reload\n"));
  CHECK(host.read("tls/ca.crt").find(pems().ca.certificate_pem) != std::string::npos);
  CHECK(host.read("tls/agent.key").find("PRIVATE KEY") != std::string::npos);
  CHECK(host.read("conf.d/upstream.toml").find("url = \"https://agg.example:4318\"") != std::string::npos);
  struct stat key{}, certificate{};
  REQUIRE(::stat((host.dir.path + "/etc/tls/agent.key").c_str(), &key) == 0);
  REQUIRE(::stat((host.dir.path + "/etc/tls/agent.crt").c_str(), &certificate) == 0);
  CHECK((key.st_mode & 0777) == 0640);
  CHECK((certificate.st_mode & 0777) == 0644);
  CHECK_FALSE(std::filesystem::exists(host.dir.path + "/etc/tls/agent.key.new"));
  CHECK(host.run({"check", host.dir.path + "/etc/conf.d/upstream.toml"}) == 0);
}

TEST_CASE("what cannot work is refused and leaves the host as it was") {
  const Pems& p = pems();
  struct Case {
    std::string text, cause;
  };
  const Case cases[] = {
      {bundle(p.ca, p.expired, p.expired.key_pem), "expired"},
      {bundle(p.ca, p.other, p.other.key_pem), "not by the authority"},
      {bundle(p.agent, p.agent, p.agent.key_pem), "may not sign others"},
      {bundle(p.ca, p.agent, p.other.key_pem), "does not belong"},
      {bundle(p.ca, p.agent, "garbage"), "key"},
      {bundle(p.ca, p.agent, p.agent.key_pem, "http://agg.example:4318"), "https"},
      {"url = 3\n", "is not a text"},
      {good_bundle() + "extra = 1\n", "unknown key 'extra'"},
      {"url = \"https://a:1\"\n", "'ca' is missing"},
      {"not toml", "bundle.toml"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.cause);
    Enrolled host;
    CHECK(host.enroll(one.text) == 78);
    CHECK(host.err.str().find(one.cause) != std::string::npos);
    CHECK(host.untouched());
  }
}

TEST_CASE("a refused bundle does not replace a good one") {
  Enrolled host;
  REQUIRE(host.enroll(good_bundle()) == 0);
  const std::string before = host.read("tls/agent.crt");
  CHECK(host.enroll(bundle(pems().ca, pems().expired, pems().expired.key_pem)) == 78);
  CHECK(host.read("tls/agent.crt") == before);
}

TEST_CASE("--root installs below a directory") {
  Enrolled host;
  const std::string path = host.dir.path + "/bundle.toml";
  std::ofstream(path) << good_bundle();
  const std::string root = host.dir.path + "/image";
  std::filesystem::create_directories(root + host.dir.path + "/etc");
  CHECK(host.run({"enroll", path, "--root", root}) == 0);
  CHECK(std::filesystem::exists(root + host.dir.path + "/etc/tls/agent.crt"));
  CHECK(host.untouched());
}
