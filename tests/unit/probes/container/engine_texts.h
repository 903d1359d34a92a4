// SPDX-License-Identifier: Apache-2.0
// What engines write about a container, made of its parts.
#pragma once

#include <string>

namespace hostmedic::test {

inline std::string id_of(char c) { return std::string(64, c); }

// config.v2.json; state: members of "State".
inline std::string docker_config(char c, const std::string& state, int restarts) {
  return R"({"ID":")" + id_of(c) + R"(","Name":"/web","Created":"2026-01-01T00:00:00Z","RestartCount":)" +
         std::to_string(restarts) + R"(,"Config":{"Image":"busybox","Cmd":["sh"]},"State":{)" + state + "}}";
}
// The answer to GET /containers/ID/json.
inline std::string inspected(char c, const std::string& status, int restarts, int exit_code = 0) {
  return R"({"Id":")" + id_of(c) + R"(","Name":"/web","RestartCount":)" + std::to_string(restarts) +
         R"(,"Config":{"Image":"busybox"},"State":{"Status":")" + status + R"(","ExitCode":)" +
         std::to_string(exit_code) + "}}";
}
// A line of GET /events.
inline std::string news(char c, const std::string& action, const std::string& attributes = "") {
  return R"({"Type":"container","Action":")" + action + R"(","Actor":{"ID":")" + id_of(c) +
         R"(","Attributes":{"name":"web","image":"busybox")" + attributes + "}}}\n";
}

}  // namespace hostmedic::test
