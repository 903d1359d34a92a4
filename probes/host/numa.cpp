// SPDX-License-Identifier: Apache-2.0
// Memory per NUMA node: one node may be full while the host as a whole has plenty. Only with more than one node.
#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/probe.h"
#include "probes/source/number_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(10);
constexpr std::size_t kMostNodes = 64;
constexpr double kKib = 1024;

// The rows that others are computed from.
enum Row { kTotal, kFree, kFile };
constexpr NumberRow kMemory[] = {
    {"MemTotal:", &metric::kNumaMemory, "state=total", kKib},
    {"MemFree:", &metric::kNumaMemory, "state=free", kKib},
    {"FilePages:", &metric::kNumaMemory, "state=file", kKib},
    {"MemUsed:", &metric::kNumaMemory, "state=used", kKib},
    {"AnonPages:", &metric::kNumaMemory, "state=anonymous", kKib},
    {"Shmem:", &metric::kNumaMemory, "state=shared", kKib},
    {"SUnreclaim:", &metric::kNumaMemory, "state=slab_unreclaimable", kKib},
    {"Dirty:", &metric::kNumaMemory, "state=dirty", kKib},
};
constexpr NumberRow kAllocations[] = {
    {"numa_hit", &metric::kNumaAllocations, "type=hit"},
    {"numa_miss", &metric::kNumaAllocations, "type=miss"},
    {"numa_foreign", &metric::kNumaAllocations, "type=foreign"},
    {"interleave_hit", &metric::kNumaAllocations, "type=interleave"},
    {"local_node", &metric::kNumaAllocations, "type=local"},
    {"other_node", &metric::kNumaAllocations, "type=other"},
};

struct Node {
  NumberFile memory, allocations;
  std::string attributes;
  SeriesId utilization = kNoSeries;
};

class NumaProbe final : public Probe {
 public:
  NumaProbe(Fd nodes, const std::vector<unsigned>& numbers) : directory_(std::move(nodes)) {
    for (const unsigned number : numbers) {
      const std::string folder = strf("node%u/", number), attributes = strf("numa.node=%u", number);
      Node node{
          NumberFile::of<KeyedLines>({directory_.get(), folder + "meminfo", KeptFile::Shape::whole}, kMemory, 2u),
          NumberFile::of<KeyedLines>({directory_.get(), folder + "numastat", KeptFile::Shape::whole}, kAllocations),
          attributes};
      node.memory.set_prefix(attributes + ",");
      node.allocations.set_prefix(attributes + ",");
      nodes_.push_back(std::move(node));
    }
  }

  Status read(MonoTime, Sink& sink) override {
    Status status = ok();
    for (Node& node : nodes_) {
      for (NumberFile* file : {&node.memory, &node.allocations}) {
        auto one = file->read(sink);
        if (!one && status) status = std::move(one);
      }
      const auto total = node.memory.value(kTotal), free = node.memory.value(kFree), file = node.memory.value(kFile);
      std::optional<double> utilization;
      if (total && free && file && *total > 0) utilization = std::max(0.0, 1 - (*free + *file) / *total);
      if (utilization && node.utilization == kNoSeries)
        node.utilization = sink.series(sink.entity(EntityKind::host, ""), metric::kNumaUtilization, node.attributes);
      sink.sample(node.utilization, utilization);
    }
    return status;
  }
  Duration interval() const override { return kInterval; }

 private:
  Fd directory_;
  std::vector<Node> nodes_;
};

// Nodes that have memory, by number.
std::vector<unsigned> nodes_below(int directory) {
  std::vector<unsigned> numbers;
  auto again = open_at(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!again) return numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(again->get()), ::closedir);
  if (!entries) return numbers;
  (void)again->release();  // the stream owns it now
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with("node")) continue;
    const auto number = parse_u64(name.substr(4));
    if (!number || *number > 0xffff || !open_at(directory, std::string(name) + "/meminfo", O_RDONLY)) continue;
    numbers.push_back(static_cast<unsigned>(*number));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

constexpr const MetricInfo* kMetrics[] = {&metric::kNumaMemory, &metric::kNumaUtilization, &metric::kNumaAllocations};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  auto directory = open_at(context.roots.sys.get(), "devices/system/node", O_RDONLY | O_DIRECTORY);
  if (!directory) return make_error(ErrorCode::unsupported, "not here, because the kernel knows no NUMA nodes");
  auto numbers = nodes_below(directory->get());
  if (numbers.size() < 2) return make_error(ErrorCode::unsupported, "not here, because all memory is in one NUMA node");
  if (numbers.size() > kMostNodes) numbers.resize(kMostNodes);
  return std::unique_ptr<Probe>(std::make_unique<NumaProbe>(std::move(*directory), numbers));
}

}  // namespace

extern const ProbeInfo numa_probe;
const ProbeInfo numa_probe{"numa",
                           "memory and allocations per NUMA node",
                           kInterval,
                           "more than one NUMA node",
                           "31 us per read of 2 nodes on a 2-core VM, Linux 6.18, from files on disk",
                           kMetrics,
                           make,
                           ProbePriority::detail};

}  // namespace hostmedic
