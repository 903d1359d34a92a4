// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/enroll.h"

#include <sys/stat.h>

#include "agent/net/certificate.h"
#include "tests/unit/aggregator/aggregator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
unsigned mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}
}  // namespace

TEST_CASE("init makes an authority and a server certificate that carries every name") {
  TempState dir;
  const std::string tls = dir.path() + "/a/b/tls";
  REQUIRE(init_authority({tls, "agg.example", {"10.0.0.5", "other.example"}, ""}, wall_now()));
  CHECK(mode_of(tls + "/ca.key") == 0600);
  CHECK(mode_of(tls + "/server.key") == 0600);
  const auto server = describe_certificate(tls + "/server.crt");
  REQUIRE(server);
  CHECK(server->common_name == "agg.example");
  for (const char* name : {"agg.example", "other.example", "10.0.0.5", "localhost", "127.0.0.1"})
    CHECK(std::find(server->names.begin(), server->names.end(), name) != server->names.end());
  CHECK(describe_certificate(tls + "/ca.crt")->authority);
}

TEST_CASE("init never replaces an authority") {
  TempState dir;
  const InitRequest request{dir.path() + "/tls", "agg", {}, ""};
  REQUIRE(init_authority(request, wall_now()));
  const std::string before = *read_file(request.dir + "/ca.crt", kib(64));
  CHECK(init_authority(request, wall_now()).error().code == ErrorCode::conflict);
  CHECK(*read_file(request.dir + "/ca.crt", kib(64)) == before);
}

TEST_CASE("enroll writes one private bundle with everything a host needs") {
  TempState dir;
  const std::string tls = dir.path() + "/tls", out = dir.path() + "/web1.toml";
  REQUIRE(init_authority({tls, "agg.example", {}, ""}, wall_now()));
  const auto url = enroll_host({tls, "web1", "", out}, wall_now());
  REQUIRE(url);
  CHECK(*url == "https://agg.example:4318");
  CHECK(mode_of(out) == 0600);
  const std::string text = *read_file(out, kib(64));
  CHECK(text.find("url = \"https://agg.example:4318\"\n") != std::string::npos);
  CHECK(text.find("ca = \"\"\"\n" + *read_file(tls + "/ca.crt", kib(64))) != std::string::npos);
  CHECK(text.find("BEGIN EC PRIVATE KEY") != text.find("BEGIN PRIVATE KEY"));
  const auto start = text.find("-----BEGIN CERTIFICATE-----", text.find("\ncertificate = "));
  REQUIRE(write_file_atomic(dir.path() + "/c.crt", text.substr(start, text.find("\"\"\"", start) - start), 0600));
  CHECK(describe_certificate(dir.path() + "/c.crt")->common_name == "web1");
  CHECK(enroll_host({tls, "web1", "", out}, wall_now()).error().code == ErrorCode::conflict);
}

TEST_CASE("enroll refuses bad names, bad addresses and a missing authority") {
  TempState dir;
  const std::string tls = dir.path() + "/tls", out = dir.path() + "/x.toml";
  CHECK(enroll_host({tls, "web1", "", out}, wall_now()).error().code == ErrorCode::not_found);
  REQUIRE(init_authority({tls, "agg", {}, ""}, wall_now()));
  CHECK_FALSE(enroll_host({tls, "", "", out}, wall_now()));
  CHECK_FALSE(enroll_host({tls, "web/../1", "", out}, wall_now()));
  CHECK_FALSE(enroll_host({tls, "a\nb", "", out}, wall_now()));
  CHECK_FALSE(enroll_host({tls, "web1", "http://agg:4318", out}, wall_now()));
  CHECK_FALSE(enroll_host({tls, "web1", "https://agg\"\nkey = \"", out}, wall_now()));
  CHECK_FALSE(std::filesystem::exists(out));
}
