// SPDX-License-Identifier: Apache-2.0
#include "detect/model/host_view.h"

#include <doctest/doctest.h>

#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using hostmedic::test::Stream;

namespace {
const Entity kSrv{EntityKind::filesystem, "/srv"};
const Entity kNginx{EntityKind::service, "nginx.service"};
}  // namespace

TEST_CASE("values are the last read, and a failed read is not the one before") {
  HostView view;
  Stream stream;
  const auto srv = stream.entity(EntityKind::filesystem, "/srv");
  const auto used = stream.series(srv, metric::kFilesystemUsage, "system.filesystem.state=used");
  view.apply(stream.cut(1));
  CHECK_FALSE(view.value(kSrv, metric::kFilesystemUsage.name, "system.filesystem.state=used"));
  view.apply(stream.sample(used, 5).cut(2));
  CHECK(view.value(kSrv, metric::kFilesystemUsage.name, "system.filesystem.state=used") == 5);
  CHECK_FALSE(view.value(kSrv, metric::kFilesystemUsage.name));
  CHECK_FALSE(view.value(kNginx, metric::kFilesystemUsage.name, "system.filesystem.state=used"));
  CHECK(view.find_series(kSrv, metric::kFilesystemUsage.name, "system.filesystem.state=used") == used);
  view.apply(stream.sample(used, std::nullopt).cut(3));
  CHECK_FALSE(view.value(kSrv, metric::kFilesystemUsage.name, "system.filesystem.state=used"));
  CHECK(view.mono() == test::at_s(3));
}

TEST_CASE("a retired entity goes with its series, and its id may be another's in the same frame") {
  HostView view;
  Stream stream;
  const auto srv = stream.entity(EntityKind::filesystem, "/srv");
  const auto level = stream.series(srv, metric::kFilesystemUtilization);
  view.apply(stream.sample(level, 0.5).cut(1));
  Frame frame = stream.cut(2);
  frame.gone = {srv};
  frame.entities = {{srv, kNginx}};
  frame.series = {{level, srv, "hostmedic.service.tasks", "", Unit::count, Instrument::gauge}};
  frame.samples = {{level, 7.0}};
  view.apply(frame);
  CHECK_FALSE(view.find(kSrv));
  CHECK(view.find(kNginx) == srv);
  CHECK(view.value(kNginx, "hostmedic.service.tasks") == 7);
  CHECK(view.entity_count() == 1);
  CHECK(view.series_count() == 1);
  frame = stream.gone(srv).gone(EntityId{99}).cut(3);
  view.apply(frame);
  CHECK(view.entity_count() == 0);
  CHECK(view.series_count() == 0);
  CHECK(view.series(level) == nullptr);
}

TEST_CASE("a first frame forgets everything") {
  HostView view;
  Stream stream;
  stream.series(stream.entity(EntityKind::filesystem, "/srv"), metric::kFilesystemUtilization);
  view.apply(stream.cut(1));
  stream.restart();
  stream.entity(EntityKind::service, "nginx.service");
  view.apply(stream.cut(2));
  CHECK_FALSE(view.find(kSrv));
  CHECK(view.find(kNginx));
  CHECK(view.series_count() == 0);
}

TEST_CASE("ids that are not defined or out of range are ignored") {
  HostView view;
  Frame frame;
  frame.entities = {{EntityId{kMostEntities}, kSrv}};
  frame.series = {{SeriesId{1}, EntityId{5}, "x", "", Unit::count, Instrument::gauge},
                  {SeriesId{0xffffffff}, EntityId{0}, "x", "", Unit::count, Instrument::gauge}};
  frame.samples = {{SeriesId{1}, 1.0}, {SeriesId{0xffffffff}, 1.0}};
  frame.events = {{EventKind::unit_state, EntityId{9}, {}, {}}};
  view.apply(frame);
  CHECK(view.entity_count() == 0);
  CHECK(view.series_count() == 0);
}

TEST_CASE("unit facts are those of the last event") {
  HostView view;
  Stream stream;
  const auto nginx = stream.entity(EntityKind::service, "nginx.service");
  CHECK(view.unit_facts(kNginx).empty());
  view.apply(stream.event(EventKind::unit_state, nginx, {{attr::kUnitActiveState, "active"}, {"a", "b"}}).cut(1));
  view.apply(stream.event(EventKind::unit_state, nginx, {{attr::kUnitActiveState, "failed"}}).cut(2));
  REQUIRE(view.unit_facts(kNginx).size() == 1);
  CHECK(view.unit_facts(kNginx)[0].value == "failed");
}

TEST_CASE("growing files: young ones, fastest first, eight at most") {
  HostView view;
  Stream stream;
  const auto srv = stream.entity(EntityKind::filesystem, "/srv");
  const auto grow = [&](std::string path, std::string rate, double at) {
    stream.event(EventKind::file_growth, srv, {{attr::kFilePath, path}, {attr::kFileGrowth, rate}}, at);
  };
  grow("/srv/old", "900", 1);
  grow("/srv/slow", "10", 20);
  grow("/srv/fast", "500", 20);
  grow("/srv/fast", "700", 21);
  view.apply(stream.cut(21));
  const auto files = view.growing_files(kSrv, std::chrono::seconds(10));
  REQUIRE(files.size() == 2);
  CHECK(files[0]->get(attr::kFilePath) == "/srv/fast");
  CHECK(files[0]->get(attr::kFileGrowth) == "700");
  CHECK(view.growing_files(kNginx, std::chrono::seconds(10)).empty());
  for (int i = 0; i < 20; ++i) grow("/srv/" + std::to_string(i), "1", 22);
  view.apply(stream.cut(22));
  CHECK(view.growing_files(kSrv, std::chrono::hours(1)).size() == 8);
}

TEST_CASE("each_series visits in the order of ids") {
  HostView view;
  Stream stream;
  const auto srv = stream.entity(EntityKind::filesystem, "/srv");
  for (int i = 0; i < 5; ++i) stream.series(srv, metric::kFilesystemUsage, std::to_string(i));
  view.apply(stream.cut(1));
  std::string seen;
  view.each_series([&](const SeriesDef& def, const Entity& entity, const std::optional<double>& value) {
    CHECK(entity == kSrv);
    CHECK_FALSE(value);
    seen += def.attributes;
  });
  CHECK(seen == "01234");
}
