// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/container_cgroup.h"

#include <doctest/doctest.h>

#include <string>

using namespace hostmedic;

namespace {
const std::string kId(64, 'a');
const std::string kOther = std::string(63, '0') + "f";

void expect(const std::string& path, const std::string& id, const std::string& engine) {
  CAPTURE(path);
  const ContainerGroup found = parse_container_cgroup(path);
  CHECK(found.id == id);
  CHECK(found.engine == engine);
}
}  // namespace

TEST_CASE("container of a control group: what the engines name their groups") {
  expect("/system.slice/docker-" + kId + ".scope", kId, "docker");
  expect("system.slice/docker-" + kId + ".scope", kId, "docker");
  expect("/docker/" + kId, kId, "docker");
  expect("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-" + kId + ".scope",
         kId, "cri-containerd");
  expect("/kubepods/burstable/pod8e6b-11/" + kId, kId, "");
  expect("/machine.slice/libpod-" + kId + ".scope/container", kId, "libpod");
  expect("/libpod_parent/libpod-" + kId, kId, "libpod");
  expect("/kubepods.slice/crio-" + kId + ".scope", kId, "crio");
  expect("/kubepods/besteffort/pod1/system.slice:docker:" + kId, kId, "docker");
  expect("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId + ".scope", kId, "libpod");
}

TEST_CASE("container of a control group: the outer one of two, and what lives inside it") {
  expect("/docker/" + kId + "/docker/" + kOther, kId, "docker");
  expect("/docker/" + kId + "/system.slice/nginx.service", kId, "docker");
}

TEST_CASE("container of a control group: no container") {
  for (const std::string& path :
       {std::string(), std::string("/"), std::string("//"), std::string("/system.slice/nginx.service"),
        std::string("/system.slice/docker.service"), "/machine.slice/libpod-conmon-" + kId + ".scope",
        "/kubepods.slice/crio-conmon-" + kId + ".scope", "/docker/" + kId.substr(1), "/docker/" + kId + "0",
        "/docker/" + std::string(64, 'g'), "/docker/" + std::string(64, 'A'), "/x" + kId, "/docker-" + kId + ".slice",
        std::string("/lxc/web"), std::string("/init.scope")}) {
    expect(path, "", "");
  }
}

TEST_CASE("container of a process: whichever hierarchy has it") {
  CHECK(parse_process_container("12:pids:/docker/" + kId + "\n1:name=systemd:/\n0::/\n").id == kId);
  CHECK(parse_process_container("0::/system.slice/docker-" + kId + ".scope\n").engine == "docker");
  CHECK(parse_process_container("1:name=systemd:/\n0::/kubepods/besteffort/pod1/" + kId).id == kId);
  CHECK(parse_process_container("").id == "");
  CHECK(parse_process_container("0:/docker/" + kId + "\n").id == "");
  CHECK(parse_process_container("\n:::\n0::/init.scope\n").id == "");
}
