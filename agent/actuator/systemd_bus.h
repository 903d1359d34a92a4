// SPDX-License-Identifier: Apache-2.0
// The service manager over sd-bus: the system bus, or systemd's own socket where no bus runs. One thread; every call
// blocks up to its deadline. Owns its connection, opened at the first call and again after it broke.
#pragma once

#include <memory>
#include <string>

#include "actions/catalog/effect.h"

namespace hostmedic {

struct SystemdBusOptions {
  std::string output_dir;  // where the units' standard output is kept until release(); root's own
  int cancel_fd = -1;      // readable: end the unit that runs now; run() then says "cancelled"
  int stop_fd = -1;        // readable: return at once and leave what runs alone (code conflict)
};

class SystemdBus final : public ServiceManager {
 public:
  explicit SystemdBus(SystemdBusOptions options);
  ~SystemdBus() override;
  SystemdBus(const SystemdBus&) = delete;
  SystemdBus& operator=(const SystemdBus&) = delete;

  Result<UnitStatus> status(const std::string& unit) override;
  Status restart(const std::string& unit, Duration deadline) override;
  Result<TransientResult> run(const TransientUnit& unit) override;
  Result<std::optional<TransientResult>> adopt(const std::string& unit, Duration deadline) override;
  void release(const std::string& unit) override;

 private:
  class Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace hostmedic
