// SPDX-License-Identifier: Apache-2.0
// The kernel's log from /dev/kmsg, as it is written. What was there before is history, not news.
#include "probes/kernel/kmsg.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>

#include "detect/model/names.h"
#include "probes/kernel/kernel_log.h"
#include "probes/parse/kmsg.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(10);  // of the counts; lines are read when they come
constexpr std::size_t kMostRecordBytes = 8192;            // the kernel's own bound
constexpr int kMostAtOnce = 512;                          // then the others have their turn

class KmsgProbe final : public Probe {
 public:
  explicit KmsgProbe(Fd kmsg) : kmsg_(std::move(kmsg)) {}

  Status read(MonoTime now, Sink& sink) override {
    Status status = drain(now, sink);
    log_.sample(sink);
    return status;
  }
  std::vector<int> descriptors() const override { return {kmsg_.get()}; }
  Status on_ready(MonoTime now, Sink& sink) override { return drain(now, sink); }
  Duration interval() const override { return kInterval; }

 private:
  Status drain(MonoTime now, Sink& sink) {
    std::array<char, kMostRecordBytes> buffer;
    for (int i = 0; i < kMostAtOnce; ++i) {
      const ssize_t size = ::read(kmsg_.get(), buffer.data(), buffer.size());
      if (size < 0 && errno == EAGAIN) return ok();
      if (size < 0 && errno == EPIPE) continue;  // overwritten before we read it; the next sequence number says so
      if (size < 0) return errno_error(errno, "dev/kmsg");
      if (size == 0) return ok();
      const auto record = parse_kmsg(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
      if (!record) return Error(record.error()).in("dev/kmsg");
      if (next_ && record->sequence > *next_) log_.lost(record->sequence - *next_);
      next_ = record->sequence + 1;
      if (record->facility == 0) log_.line(record->text, now, sink);
    }
    return ok();
  }

  const Fd kmsg_;
  KernelLog log_;
  std::optional<std::uint64_t> next_;  // sequence
};

constexpr const MetricInfo* kMetrics[] = {&metric::kKernelMessages, &metric::kKernelLogLines,
                                          &metric::kKernelMessagesDropped};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  auto kmsg = open_kmsg(context.roots);
  if (!kmsg) return std::move(kmsg).error();
  return std::unique_ptr<Probe>(std::make_unique<KmsgProbe>(std::move(*kmsg)));
}

}  // namespace

Result<Fd> open_kmsg(const Roots& roots) {
  Fd kmsg(::openat(roots.root.get(), "dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!kmsg) {
    const bool refused = errno == EPERM || errno == EACCES;
    return make_error(ErrorCode::unsupported,
                      refused ? "not here, because kernel.dmesg_restrict keeps the kernel's log from those without "
                                "CAP_SYSLOG; the journal has its lines too"
                              : "not here, because /dev/kmsg is not visible; the journal has its lines too");
  }
  if (::lseek(kmsg.get(), 0, SEEK_END) < 0 && errno != ESPIPE) return errno_error(errno, "dev/kmsg");
  return kmsg;
}

extern const ProbeInfo kernel_log_probe;
const ProbeInfo kernel_log_probe{.name = "kernel-log",
                                 .summary = "lines of the kernel's log that mean trouble, read from the kernel itself",
                                 .interval = kInterval,
                                 .needs = "/dev/kmsg, and CAP_SYSLOG where kernel.dmesg_restrict is 1",
                                 .cost = "nothing while the kernel is silent, 5 us per line on a 2-core VM, Linux 6.18",
                                 .metrics = kMetrics,
                                 .make = make,
                                 .priority = ProbePriority::vital};

}  // namespace hostmedic
