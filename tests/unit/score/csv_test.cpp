// SPDX-License-Identifier: Apache-2.0
#include "agent/score/csv.h"

#include <doctest/doctest.h>

#include <cmath>

#include "agent/base/text.h"
#include "agent/score/timestamp.h"

using namespace hostmedic;
using namespace std::chrono_literals;

namespace {

CsvLayout layout_of(const std::vector<std::string>& head) {
  CsvLayout layout;
  const auto fault = recognise(head, layout);
  if (fault) FAIL(fault->message);
  return layout;
}

std::vector<double> values_of(const CsvLayout& layout, std::string_view line) {
  CsvRow row;
  const auto fault = parse_row(line, layout, row);
  if (fault) FAIL(fault->message);
  return row.values;
}

CsvFault fault_of(const CsvLayout& layout, std::string_view line) {
  CsvRow row;
  return parse_row(line, layout, row).value_or(CsvFault{999, "none"});
}

}  // namespace

TEST_CASE("the first lines tell what the columns are") {
  const CsvLayout nab = layout_of({"timestamp,value", "2014-02-14 14:30:00,0.5", "2014-02-14 14:35:00,1"});
  CHECK(nab.header);
  CHECK(nab.time == TimeForm::iso);
  CHECK(nab.series == std::vector<std::string>{"value"});
  CHECK(nab.step == Duration(5min));

  const CsvLayout smd = layout_of({"0.16,0.05,0", "0.17,0.05,0"});
  CHECK_FALSE(smd.header);
  CHECK(smd.time == TimeForm::none);
  CHECK(smd.series == std::vector<std::string>{"series_1", "series_2", "series_3"});
  CHECK_FALSE(smd.step);

  const CsvLayout quoted = layout_of({R"("TimeStamp","Value","Label")", R"("2018-04-25T00:00:00Z","6034.7","0")"});
  CHECK(quoted.time == TimeForm::iso);
  CHECK(quoted.series == std::vector<std::string>{"Value"});
  CHECK(quoted.left_out == std::vector<std::string>{"Label"});

  const CsvLayout epoch = layout_of({"time,cpu,\"a,\"\"b\"\"\"", "1700000000,1,2", "1700000010,1,2"});
  CHECK(epoch.time == TimeForm::epoch);
  CHECK(epoch.step == Duration(10s));
  CHECK(epoch.series == std::vector<std::string>{"cpu", "a,\"b\""});
}

TEST_CASE("a first column without a name is time only when it looks like nothing else") {
  CHECK(layout_of({"1700000000,1", "1700000060,1", "1700000120,3"}).time == TimeForm::epoch);
  CHECK(layout_of({"1700000000000,1", "1700000060000,1"}).step == Duration(60s));
  CHECK(layout_of({"2014-02-14 14:30:00,1"}).time == TimeForm::iso);
  CHECK(layout_of({"1700000000,1", "1600000000,1"}).time == TimeForm::none);  // falls: bytes, perhaps
  CHECK(layout_of({"0,1", "1,1", "2,5"}).time == TimeForm::none);             // a number of the row
  CHECK(layout_of({"memory,cpu", "1700000000,1", "1700000060,1"}).time == TimeForm::none);
}

TEST_CASE("later rows change nothing of the layout") {
  std::vector<std::string> head = {"time,v"};
  for (int i = 0; i < 40; ++i) head.push_back(strf("%d,1", 1700000000 + (i < 16 ? i : 1000 * i)));
  CHECK(layout_of(head).step == Duration(1s));
}

TEST_CASE("cells are numbers, unknown, or faults with their place") {
  const CsvLayout layout = layout_of({"a,b,c"});
  CHECK(values_of(layout, "1,-2.5e3,+.5") == std::vector<double>{1, -2500, 0.5});
  CHECK(values_of(layout, " 1 ,\t2,\"3\"") == std::vector<double>{1, 2, 3});
  for (const char* unknown : {"", "NaN", "nan", "NA", "null", "None"}) {
    const std::vector<double> values = values_of(layout, std::string("1,") + unknown + ",3");
    CHECK(std::isnan(values[1]));
    CHECK(values[2] == 3);
  }
  CHECK(std::isinf(values_of(layout, "1,inf,3")[1]));
  CHECK(fault_of(layout, "1,two,3").column == 3);
  CHECK(fault_of(layout, "1,two,3").message == "'b': expected a number, found 'two'");
  CHECK(fault_of(layout, "1,2x,3").column == 3);
  CHECK(fault_of(layout, "1,1e999,3").column == 3);
  CHECK(fault_of(layout, "1,2").message == "2 cells, expected the 3 of the first line");
  CHECK(fault_of(layout, "1,2,3,4").column == 7);
  CHECK(fault_of(layout, "1,2,\"3").message == "the quotes of this cell do not fit");
  CHECK(fault_of(layout, "1,\"2\"x,3").column == 3);
  CHECK(fault_of(layout_of({"time,v", "2014-02-14 00:00:00,1"}), "yesterday,1").message ==
        "expected a point in time, found 'yesterday'");
}

TEST_CASE("what is not a table is refused") {
  CsvLayout layout;
  CHECK(recognise(std::vector<std::string>{"time,label", "1700000000,0"}, layout)->message ==
        "there is no series in it");
  CHECK(recognise(std::vector<std::string>{std::string(kMostColumns, ',')}, layout)->message ==
        "more than 4096 columns");
  CHECK_FALSE(recognise(std::vector<std::string>{std::string(kMostColumns - 1, ',')}, layout));
}

TEST_CASE("points in time are read whole or not at all") {
  const WallTime noon = wall_from_ns(1'392'379'200'000'000'000);  // 2014-02-14T12:00:00Z
  for (const char* text : {"2014-02-14 12:00:00", "2014-02-14T12:00:00Z", "2014-02-14T12:00", "2014/02/14 12:00:00",
                           "2014-02-14T14:00:00+02:00", "2014-02-14T07:00:00-0500", "2014-02-14 12:00:00 +00:00"})
    CHECK_MESSAGE(parse_iso_time(text) == noon, text);
  CHECK(parse_iso_time("2014-02-14 12:00:00.250") == noon + 250ms);
  CHECK(parse_iso_time("2014-02-14") == noon - 12h);
  for (const char* text :
       {"", "2014", "2014-02-30", "2014-13-01", "2014-02-14 12", "2014-02-14 25:00:00", "2014-02-14 12:00:00x",
        "2014-02-14T12:00:00+", "-014-02-14", "2014-02-1412:00:00", "1400-01-01", "2014-02-14 12:00:00."})
    CHECK_MESSAGE(!parse_iso_time(text), text);
  CHECK(parse_epoch_time("1392379200") == noon);
  CHECK(parse_epoch_time("1392379200000") == noon);
  CHECK(parse_epoch_time("1392379200000000000") == noon);
  CHECK(parse_epoch_time("1392379200.5") == noon + 500ms);
  for (const char* text : {"", "-1", "x", "nan", "1e300"}) CHECK_MESSAGE(!parse_epoch_time(text), text);
}

TEST_CASE("cells are quoted where they must be") {
  CHECK(csv_cell("cpu user") == "cpu user");
  CHECK(csv_cell("a,b") == "\"a,b\"");
  CHECK(csv_cell("say \"x\"") == "\"say \"\"x\"\"\"");
}
