// SPDX-License-Identifier: Apache-2.0
#include "agent/check/run_plugin.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "agent/base/fd.h"
#include "tests/unit/net/net_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

struct Plugins {
  void write(const std::string& name, const std::string& script, mode_t mode = 0755) const {
    std::ofstream(dir / name) << "#!/bin/sh\n" << script;
    REQUIRE(::chmod((dir / name).c_str(), mode) == 0);
  }
  std::string run(const std::string& name) const {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    const Fd ours(ends[0]);
    Fd theirs(ends[1]);
    REQUIRE(::write(ours.get(), (name + "\n").data(), name.size() + 1) > 0);
    CHECK(run_plugin(theirs.get(), dir / ".") == 0);
    theirs.reset();
    std::string text(4096, '\0');
    std::string all;
    for (ssize_t n = 0; (n = ::read(ours.get(), text.data(), text.size())) > 0;)
      all.append(text, 0, static_cast<std::size_t>(n));
    return all;
  }
  TempDir dir;
};

}  // namespace

TEST_CASE("a plug-in's output and exit code go back") {
  const Plugins plugins;
  plugins.write("good", "echo up 1\n");
  plugins.write("bad", "echo broken; exit 3\n");
  plugins.write("killed", "kill -9 $$\n");
  if (::geteuid() != 0) {
    MESSAGE("skipped: a plug-in must belong to root");
    return;
  }
  CHECK(plugins.run("good") == "up 1\n\n# exit 0\n");
  CHECK(plugins.run("bad").ends_with("broken\n\n# exit 3\n"));
  CHECK(plugins.run("killed") == "\n# exit 137\n");
}

TEST_CASE("what is no plug-in is not run") {
  const Plugins plugins;
  plugins.write("open", "echo never\n", 0777);
  REQUIRE(::symlink("/bin/true", (plugins.dir / "link").c_str()) == 0);
  for (const char* name : {"open", "link", "missing", "../x", "", "a b"}) {
    CAPTURE(name);
    const std::string said = plugins.run(name);
    CHECK(said.ends_with("\n# exit 127\n"));
    CHECK(said.find("never") == std::string::npos);
  }
  CHECK(plugins.run(std::string(500, 'x')).ends_with("\n# exit 127\n"));
}
