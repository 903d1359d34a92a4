// SPDX-License-Identifier: Apache-2.0
// What the kernel allows the whole host only so much of, and how much of it is used; and how many objects it holds for
// files. Watches of inotify are not among them: how many are used stands only in the descriptors of each process.
#include <array>
#include <memory>
#include <vector>

#include "detect/model/names.h"
#include "probes/parse/loadavg.h"
#include "probes/parse/numbers.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"
#include "probes/source/limit.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(10);
constexpr unsigned kMostIndex = 4;

Result<double> number_at(std::string_view text, unsigned index) {
  std::array<std::uint64_t, kMostIndex + 1> numbers{};
  if (auto parsed = parse_numbers(text, std::span(numbers).first(index + 1)); !parsed) return std::move(parsed).error();
  return static_cast<double>(numbers[index]);
}
Result<double> threads_in(std::string_view text, unsigned) {
  const auto load = parse_loadavg(text);
  if (!load) return load.error();
  return static_cast<double>(load->threads);
}
// A table with one line of heading.
Result<double> rows_in(std::string_view text, unsigned) {
  double rows = -1;
  for (const char c : text) rows += c == '\n';
  if (rows < 0) return make_error(ErrorCode::malformed, "no heading");
  return rows;
}

struct Source {
  const char* path;
  unsigned index = 0;
  Result<double> (*take)(std::string_view text, unsigned index) = number_at;
};
struct Resource {
  std::string_view attributes;
  Source usage, maximum;
};
constexpr Resource kResources[] = {
    {"resource=file_handles", {"sys/fs/file-nr", 0}, {"sys/fs/file-nr", 2}},
    {"resource=pids", {"loadavg", 0, threads_in}, {"sys/kernel/pid_max"}},
    {"resource=threads", {"loadavg", 0, threads_in}, {"sys/kernel/threads-max"}},
    {"resource=aio_requests", {"sys/fs/aio-nr"}, {"sys/fs/aio-max-nr"}},
    {"resource=ptys", {"sys/kernel/pty/nr"}, {"sys/kernel/pty/max"}},
    {"resource=semaphore_sets", {"sysvipc/sem", 0, rows_in}, {"sys/kernel/sem", 3}},
    {"resource=shared_memory_segments", {"sysvipc/shm", 0, rows_in}, {"sys/kernel/shmmni"}},
    {"resource=message_queues", {"sysvipc/msg", 0, rows_in}, {"sys/kernel/msgmni"}},
};

struct Object {
  std::string_view attributes;
  Source count;
};
constexpr Object kObjects[] = {
    {"kind=inode", {"sys/fs/inode-nr", 0}},
    {"kind=inode_free", {"sys/fs/inode-nr", 1}},
    {"kind=dentry", {"sys/fs/dentry-state", 0}},
    {"kind=dentry_unused", {"sys/fs/dentry-state", 1}},
    {"kind=dentry_negative", {"sys/fs/dentry-state", 4}},
};

// A number somewhere in a file. A file that never was there is no fault.
class Number {
 public:
  Number(int proc, const Source& source)
      : source_(source),
        file_(proc, source.path, source.take == rows_in ? KeptFile::Shape::pieces : KeptFile::Shape::small) {}
  std::optional<double> read(Status& status) {
    const auto text = file_.read();
    if (!text) {
      if (status && (seen_ || text.error().code != ErrorCode::not_found)) status = text.error();
      return std::nullopt;
    }
    seen_ = true;
    auto value = source_.take(*text, source_.index);
    if (value) return *value;
    if (status) status = std::move(value).error().in(file_.path());
    return std::nullopt;
  }

 private:
  Source source_;
  KeptFile file_;
  bool seen_ = false;
};

class LimitsProbe final : public Probe {
 public:
  explicit LimitsProbe(int proc) : key_users_(proc, "key-users", KeptFile::Shape::pieces) {
    for (const Resource& resource : kResources)
      limits_.push_back({{proc, resource.usage}, {proc, resource.maximum}, LimitSeries(resource.attributes)});
    for (const Object& object : kObjects) objects_.push_back({{proc, object.count}, object.attributes, kNoSeries});
  }

  Status read(MonoTime, Sink& sink) override {
    Status status = ok();
    for (Limit& limit : limits_) {
      const auto usage = limit.usage.read(status), maximum = limit.maximum.read(status);
      limit.series.emit(usage, maximum, sink);
    }
    for (Count& object : objects_) {
      const auto count = object.count.read(status);
      if (count && object.series == kNoSeries)
        object.series = sink.series(sink.entity(EntityKind::host, ""), metric::kKernelObjects, object.attributes);
      sink.sample(object.series, count);
    }
    read_keys(sink, status);
    return status;
  }
  Duration interval() const override { return kInterval; }

 private:
  struct Limit {
    Number usage, maximum;
    LimitSeries series;
  };
  struct Count {
    Number count;
    std::string_view attributes;
    SeriesId series;
  };

  // Unprivileged, the kernel shows only our own user's.
  void read_keys(Sink& sink, Status& status) {
    std::optional<double> keys, most_keys, bytes, most_bytes;
    const auto text = key_users_.read();
    if (text) {
      const auto quota = parse_key_users(*text);
      if (quota && quota->most_keys > 0) {
        keys = static_cast<double>(quota->keys);
        most_keys = static_cast<double>(quota->most_keys);
        bytes = static_cast<double>(quota->bytes);
        most_bytes = static_cast<double>(quota->most_bytes);
      }
      if (!quota && status) status = Error(quota.error()).in("key-users");
    } else if (status && text.error().code != ErrorCode::not_found) {
      status = text.error();
    }
    keys_.emit(keys, most_keys, sink);
    key_bytes_.emit(bytes, most_bytes, sink);
  }

  std::vector<Limit> limits_;
  std::vector<Count> objects_;
  KeptFile key_users_;
  LimitSeries keys_{"resource=keys"}, key_bytes_{"resource=key_bytes"};
};

constexpr const MetricInfo* kMetrics[] = {&metric::kLimitUsage, &metric::kLimitMaximum, &metric::kLimitUtilization,
                                          &metric::kKernelObjects};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<LimitsProbe>(context.roots.proc.get()));
}

}  // namespace

extern const ProbeInfo limits_probe;
const ProbeInfo limits_probe{"limits",
                             "kernel-wide limits: files, processes, keys, System V objects",
                             kInterval,
                             "",
                             "105 us per read on a 2-core VM, Linux 6.18",
                             kMetrics,
                             make};

}  // namespace hostmedic
