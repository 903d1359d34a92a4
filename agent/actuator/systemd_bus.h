// SPDX-License-Identifier: Apache-2.0
// The service manager over sd-bus: the system bus, or systemd's own socket where no bus runs. One thread; every call
// blocks up to its deadline. Owns its connection, opened at the first call and again after it broke.
#pragma once

#include <memory>
#include <string>

#include "actions/catalog/effect.h"

namespace hostmedic {

namespace systemd {
class Connection;
}

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
  Status job(const std::string& unit, UnitJob job, Duration deadline) override;
  Result<std::vector<UnitNumber>> numbers(const std::string& unit, std::span<const std::string_view> names) override;
  Status set_numbers(const std::string& unit, std::span<const UnitNumber> numbers) override;
  Result<std::vector<std::string>> names(const std::string& unit, std::string_view property) override;
  Status freeze(const std::string& unit, bool frozen) override;
  Status kill(const std::string& unit, bool main_only, int signal) override;
  Status schedule(const TransientUnit& unit, Duration after) override;
  void unschedule(const std::string& unit) override;
  Result<TransientResult> run(const TransientUnit& unit) override;
  Result<std::optional<TransientResult>> adopt(const std::string& unit, Duration deadline) override;
  void release(const std::string& unit) override;
  void forgive(const std::string& unit) override;

 private:
  std::unique_ptr<systemd::Connection> connection_;
};

}  // namespace hostmedic
