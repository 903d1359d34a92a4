// SPDX-License-Identifier: Apache-2.0
// A small host for the tests of the engine.
#pragma once

#include "tests/unit/detect/stream.h"

namespace hostmedic::test {

using detect::Engine;

const Entity kNginx{EntityKind::service, "nginx.service"};
const Entity kSrv{EntityKind::filesystem, "/srv"};

// One service, one filesystem, a tick a second.
struct Host {
  std::unique_ptr<Engine> engine = test::engine_of();
  Stream stream;
  EntityId nginx{}, srv{};
  SeriesId level{}, restarts{};
  double second = 0;
  double used = 0.3;

  Host() { define(); }
  void define() {
    nginx = stream.entity(EntityKind::service, "nginx.service");
    srv = stream.entity(EntityKind::filesystem, "/srv");
    level = stream.series(srv, metric::kFilesystemUtilization);
    restarts = stream.series(nginx, metric::kServiceRestarts);
  }
  detect::Changes tick() {
    second += 1;
    stream.sample(level, used);
    return engine->step(stream.cut(second));
  }
  detect::Changes now() { return engine->step(stream.cut(second += 0.1)); }
  Host& unit(std::string_view state, std::string_view initial = "0") {
    stream.event(EventKind::unit_state, nginx,
                 {{attr::kUnitActiveState, state},
                  {attr::kUnitRestartPolicy, "no"},
                  {attr::kUnitResult, "signal"},
                  {attr::kUnitExitCode, "9"},
                  {attr::kUnitInitial, initial}});
    return *this;
  }
  Host& growth(std::string_view share = "0.96") {
    stream.event(EventKind::file_growth, srv,
                 {{attr::kFilePath, "/srv/app.log"},
                  {attr::kFileGrowth, "20971520"},
                  {attr::kFileGrowthShare, share},
                  {attr::kWriterUnit, "app.service"},
                  {attr::kWriterName, "app"},
                  {attr::kWriterPid, "77"}});
    return *this;
  }
  void ticks(int count) {
    for (int i = 0; i < count; ++i) tick();
  }
};

}  // namespace hostmedic::test
