// SPDX-License-Identifier: Apache-2.0
#include "probes/openmetrics/exposition.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace hostmedic;

namespace {

std::vector<ExposedSample> read(std::string_view text, std::size_t* ret_malformed = nullptr) {
  std::vector<ExposedSample> samples;
  ExpositionReader reader(text);
  for (ExposedSample sample; reader.next(sample);) samples.push_back(sample);
  if (ret_malformed != nullptr) *ret_malformed = reader.malformed();
  return samples;
}

}  // namespace

TEST_CASE("exposition: both formats, counters known by their declaration") {
  const auto samples = read(
      "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n"
      "http_requests_total{method=\"get\",code=\"200\"} 1027 1395066363000\n"
      "# TYPE pool gauge\npool 3\r\n"
      "# TYPE jobs counter\njobs_total{q=\"a}b\"} 5 # {trace=\"x\"} 1\n  padded  -1.5e3\n# EOF\n");
  REQUIRE(samples.size() == 4);
  CHECK(samples[0].name == "http_requests_total");
  CHECK(samples[0].labels == "method=\"get\",code=\"200\"");
  CHECK(samples[0].value == 1027);
  CHECK(samples[0].counter);
  CHECK(samples[1].name == "pool");
  CHECK(!samples[1].counter);
  CHECK(samples[2].labels == "q=\"a}b\"");
  CHECK(samples[2].value == 5);
  CHECK(samples[2].counter);
  CHECK(samples[3].value == -1500);
}

TEST_CASE("exposition: values that are no numbers of ours, and a last line without its end") {
  const auto samples = read("a NaN\nb +Inf\nc -Inf\nd 1");
  REQUIRE(samples.size() == 4);
  CHECK(std::isnan(samples[0].value));
  CHECK(samples[1].value == INFINITY);
  CHECK(samples[2].value == -INFINITY);
  CHECK(samples[3].value == 1);
}

TEST_CASE("exposition: what is not understood is passed over and counted") {
  std::size_t malformed = 0;
  const auto samples = read("1abc 2\nx\ny{a=\"b\" 1\nz 1x\n{} 1\n\ngood 1\n\x80\xff\n", &malformed);
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].name == "good");
  CHECK(malformed == 6);
}

TEST_CASE("exposition: labels become attributes, sorted, without the marks that separate attributes") {
  CHECK(*labels_to_attributes("") == "");
  CHECK(*labels_to_attributes("b=\"2\", a=\"1\",") == "a=1,b=2");
  CHECK(*labels_to_attributes(R"(path="C:\\x,y=z",text="say \"hi\"\n")") == "path=C:\\x;y:z,text=say \"hi\" ");
  for (const char* bad : {"a", "a=", "a=1", "a=\"1", "a=\"1\" b=\"2\"", "=\"1\"", "a=\"\\"}) {
    CAPTURE(bad);
    CHECK(!labels_to_attributes(bad));
  }
  std::string many;
  for (int i = 0; i < 20; ++i) many += "l" + std::to_string(i) + "=\"x\",";
  CHECK(!labels_to_attributes(many));
}
