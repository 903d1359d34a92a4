// SPDX-License-Identifier: Apache-2.0
// The service manager of hosts without systemd: runs an order's command as a child with the capabilities it declares,
// a time limit and a lock file that keeps its name taken; of openings it knows capabilities alone, and refuses what
// must be confined. Cannot restart services. One thread; blocks.
#pragma once

#include <string>

#include "actions/catalog/effect.h"

namespace hostmedic {

struct LocalRunnerOptions {
  std::string output_dir;  // lock and output files; root's own, emptied by a reboot
  int cancel_fd = -1;      // readable: end the command that runs now; run() then says "cancelled"
  int stop_fd = -1;        // readable: return at once and leave what runs alone (code conflict)
};

class LocalRunner final : public ServiceManager {
 public:
  explicit LocalRunner(LocalRunnerOptions options) : options_(std::move(options)) {}

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
  // The exit status of a child of an earlier life is lost; its report says whether it came to its end.
  Result<std::optional<TransientResult>> adopt(const std::string& unit, Duration deadline) override;
  void release(const std::string& unit) override;

 private:
  std::string lock_path(const std::string& unit) const { return options_.output_dir + "/" + unit + ".lock"; }
  Result<TransientResult> watch(const TransientUnit& unit, int pid);
  LocalRunnerOptions options_;
};

}  // namespace hostmedic
