// SPDX-License-Identifier: Apache-2.0
// Answers the questions of the active checks over the network: HTTP, TCP, TLS, DNS, and plug-ins over their socket. All
// talking happens on one thread of its own; the askers are used on the probes' thread. At most kMostAtOnce questions
// are under way, the others wait.
#pragma once

#include <memory>
#include <string>

#include "agent/base/result.h"
#include "probes/endpoint/asker.h"

namespace hostmedic {

inline constexpr const char* kPluginSocket = "/run/hostmedic-plugin.sock";

class NetAskers final : public AskerSource {
 public:
  static constexpr std::size_t kMostAtOnce = 32;

  // Starts the thread. Error limit: there is none to be had.
  static Result<std::unique_ptr<NetAskers>> start(std::string plugin_socket);
  ~NetAskers() override;  // gives up what is under way
  Result<std::unique_ptr<Asker>> make() override;

 private:
  struct Talk;
  class NetAsker;
  explicit NetAskers(std::unique_ptr<Talk> talk);
  std::unique_ptr<Talk> talk_;
};

}  // namespace hostmedic
