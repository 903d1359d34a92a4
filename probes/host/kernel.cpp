// SPDX-License-Identifier: Apache-2.0
// What changes rarely: how long the host is up, entropy, and whether the kernel calls itself tainted.
#include <array>
#include <memory>

#include "agent/base/parse.h"
#include "detect/model/names.h"
#include "probes/parse/numbers.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(60);

// Bits of sys/kernel/tainted (Documentation/admin-guide/tainted-kernels.rst). Left out are those that only say what was
// loaded or how the kernel was built.
struct Flag {
  unsigned bit;
  std::string_view attributes;
};
constexpr Flag kFlags[] = {
    {1, "flag=forced_load"},
    {2, "flag=out_of_specification"},
    {3, "flag=forced_unload"},
    {4, "flag=machine_check"},
    {5, "flag=bad_page"},
    {7, "flag=died"},
    {8, "flag=acpi_override"},
    {9, "flag=warned"},
    {11, "flag=firmware_workaround"},
    {12, "flag=out_of_tree"},
    {13, "flag=unsigned_module"},
    {14, "flag=soft_lockup"},
};

class KernelProbe final : public Probe {
 public:
  explicit KernelProbe(int proc)
      : uptime_file_(proc, "uptime", KeptFile::Shape::whole),
        entropy_file_(proc, "sys/kernel/random/entropy_avail", KeptFile::Shape::small),
        taint_file_(proc, "sys/kernel/tainted", KeptFile::Shape::small) {}

  Status read(MonoTime, Sink& sink) override {
    if (!defined_) define(sink);
    Status status = ok();
    sink.sample(uptime_, read_one(uptime_file_, status,
                                  [](std::string_view text) { return parse_double(TextCursor(text).word()); }));
    sink.sample(entropy_, read_one(entropy_file_, status, first_number));
    const auto taint = read_one(taint_file_, status, first_number);
    for (std::size_t i = 0; i < std::size(kFlags); ++i) {
      std::optional<double> set;
      if (taint) set = static_cast<double>(static_cast<std::uint64_t>(*taint) >> kFlags[i].bit & 1);
      sink.sample(flags_[i], set);
    }
    return status;
  }
  Duration interval() const override { return kInterval; }

 private:
  static Result<double> first_number(std::string_view text) {
    std::uint64_t number = 0;
    if (auto parsed = parse_numbers(text, std::span(&number, 1)); !parsed) return std::move(parsed).error();
    return static_cast<double>(number);
  }
  template <class Take>
  static std::optional<double> read_one(KeptFile& file, Status& status, Take take) {
    const auto text = file.read();
    auto value = text ? take(*text) : Result<double>(text.error());
    if (value) return *value;
    if (status) status = std::move(value).error().in(file.path());
    return std::nullopt;
  }
  void define(Sink& sink) {
    const EntityId host = sink.entity(EntityKind::host, "");
    uptime_ = sink.series(host, metric::kUptime);
    entropy_ = sink.series(host, metric::kEntropy);
    for (std::size_t i = 0; i < std::size(kFlags); ++i)
      flags_[i] = sink.series(host, metric::kTaint, kFlags[i].attributes);
    defined_ = true;
  }

  KeptFile uptime_file_, entropy_file_, taint_file_;
  bool defined_ = false;
  SeriesId uptime_{}, entropy_{};
  std::array<SeriesId, std::size(kFlags)> flags_{};
};

constexpr const MetricInfo* kMetrics[] = {&metric::kUptime, &metric::kEntropy, &metric::kTaint};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<KernelProbe>(context.roots.proc.get()));
}

}  // namespace

extern const ProbeInfo kernel_probe;
const ProbeInfo kernel_probe{"kernel",
                             "uptime, entropy, taint of the kernel",
                             kInterval,
                             "",
                             "36 us per read on a 2-core VM, Linux 6.18",
                             kMetrics,
                             make,
                             ProbePriority::detail};

}  // namespace hostmedic
