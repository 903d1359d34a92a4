// SPDX-License-Identifier: Apache-2.0
// The acting side of the catalogue. Linked by the actuator and by hostmedic-effect only. An effect either asks the
// service manager, or is a function that hostmedic-effect runs inside a transient unit with exactly the capabilities
// and paths that its entry declares.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actions/action.h"
#include "actions/guard/guard.h"

namespace hostmedic {

struct UnitStatus {
  std::string load_state, active_state, sub_state, result;
  std::uint32_t main_pid = 0, restarts = 0;
  std::string invocation_id;
  Duration age = Duration::max();  // since the last start of its main process; the most if it never had one
  std::string freezer_state = {};  // "running", "frozen", "freezing", "thawing"; empty where systemd cannot freeze
};

// What the program of a transient unit may do beyond reading the host's files; all of it is shut by default.
struct Openings {
  std::vector<std::string> capabilities = {};      // bounding and ambient set; all others are dropped
  std::vector<std::string> read_write_paths = {};  // everything else is read-only
  bool all_paths = false;                          // for a package manager: writes wherever it wants
  bool network = false;                            // the host's network and netlink; else none, and Unix sockets only
  bool devices = false;                            // the host's /dev
  bool cgroups = false;                            // writes below /sys/fs/cgroup
  bool kernel_tunables = false;                    // writes below /proc/sys
  bool namespaces = false;                         // may enter the namespaces of others
  bool confined = false;                           // not to be run where these limits cannot be kept, without systemd
  std::string user = {};                           // runs as; empty: root
};

// A unit that exists only for one order. Its name makes a second start impossible while systemd remembers the first.
struct TransientUnit {
  std::string name;  // "hostmedic-order-<key>.service"
  std::string description;
  std::vector<std::string> argv;
  Openings openings;
  Duration timeout{};
};

enum class UnitJob : std::uint8_t { start, stop, restart, reload };
std::string_view to_string(UnitJob job);

// A number among the properties of a service: "MemoryMax", "CPUQuotaPerSecUSec". kNoLimit: none is set.
struct UnitNumber {
  std::string name;
  std::uint64_t value = 0;
};
inline constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};
struct TransientResult {
  bool started = false;  // false: a unit of that name already exists
  std::string result;    // systemd's word: "success", "exit-code", "timeout", ...; "cancelled": the actuator stopped it
  int exit_status = 0;
  std::string output;  // its standard output, at most kMostEffectOutput bytes
};
inline constexpr std::size_t kMostEffectOutput = 16 << 10;

// systemd over D-Bus, or the small runner where there is no systemd. May block up to the deadlines given.
class ServiceManager {
 public:
  virtual ~ServiceManager() = default;
  virtual Result<UnitStatus> status(const std::string& unit) = 0;
  // Returns when the job has ended or the deadline passed (code timeout).
  virtual Status job(const std::string& unit, UnitJob job, Duration deadline) = 0;
  virtual Result<std::vector<UnitNumber>> numbers(const std::string& unit, std::span<const std::string_view> names) = 0;
  // Until the next boot.
  virtual Status set_numbers(const std::string& unit, std::span<const UnitNumber> numbers) = 0;
  // A list of names among the properties of a unit: "RequiredBy", "TriggeredBy".
  virtual Result<std::vector<std::string>> names(const std::string& unit, std::string_view property) = 0;
  virtual Status freeze(const std::string& unit, bool frozen) = 0;
  // The main process only, or all of the unit's.
  virtual Status kill(const std::string& unit, bool main_only, int signal) = 0;
  // Starts the unit after so long, whatever became of us; the same name replaces it. unsupported without systemd.
  virtual Status schedule(const TransientUnit& unit, Duration after) = 0;
  virtual void unschedule(const std::string& unit) = 0;
  // Returns when the unit has ended. Its name stays taken until release().
  virtual Result<TransientResult> run(const TransientUnit& unit) = 0;
  // A unit that an earlier life of the actuator started: waits for its end. nullopt: nobody knows of it any more.
  virtual Result<std::optional<TransientResult>> adopt(const std::string& unit, Duration deadline) = 0;
  // Forgets a unit that has ended, with its output. To be called when its result is on disk.
  virtual void release(const std::string& unit) = 0;
  // Forgets how a unit failed, and the starts that count against its limit of them: why it failed is taken away.
  virtual void forgive(const std::string& /*unit*/) {}
};

struct EffectContext {
  ServiceManager& manager;
  const guard::Policy& policy;
  std::string effect_program;  // path of hostmedic-effect
  std::string scratch;         // directory of root's own, in memory, that an effect may write to
  std::string proc = {};       // where procfs is mounted
};

// What an effect is given inside the transient unit.
struct InsideContext {
  std::string proc;     // where procfs is mounted
  std::string scratch;  // as above
};
// Exit statuses of hostmedic-effect.
inline constexpr int kEffectDone = 0, kEffectFailed = 1, kEffectUsage = 2, kEffectUnnecessary = 3;

struct EffectInfo {
  std::string_view action;  // of the catalogue
  // What the target is like now, asked of the host itself just before acting.
  guard::TargetState (*inspect)(const Plan& plan, const EffectContext& context, std::string& ret_text);
  // Carries it out and waits for its end. The key names the transient unit. Fills result, text and details only.
  Outcome (*execute)(const Order& order, const EffectContext& context);
  // What hostmedic-effect runs inside the transient unit; nullptr where the manager does it all. Prints
  // "key=value" lines as measured details to stdout and returns the exit status.
  // A line "text=..." is the outcome's sentence.
  int (*inside)(const Plan& plan, const InsideContext& context);
  // Takes back what the order did, whose own outcome is `first`: its details hold what has to be put back. nullptr: it
  // cannot be taken back. The order's key is the undo's own.
  Outcome (*undo)(const Order& order, const Outcome& first, const EffectContext& context) = nullptr;
  // What hostmedic-effect runs for it, as inside().
  int (*undo_inside)(const Plan& plan, std::span<const Attribute> was, const InsideContext& context) = nullptr;
};
std::span<const EffectInfo* const> all_effects();

}  // namespace hostmedic
