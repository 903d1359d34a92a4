// SPDX-License-Identifier: Apache-2.0
// TCP sockets by state and owner, and how full the queues of listeners are. Listeners are few and are asked for at
// every read; all sockets as often as the last count of them permits. A worker asks, because a host may have very many.
// What lives in the network namespaces of containers is not seen.
#include <fcntl.h>
#include <time.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/parse/unit_name.h"
#include "probes/probe.h"
#include "probes/socket/cgroup_units.h"
#include "probes/socket/tcp_table.h"
#include "probes/source/table.h"
#include "probes/source/told_sockets.h"
#include "probes/source/worker.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(5);
constexpr Duration kDeadline = std::chrono::seconds(10);
// A count of all sockets may use a thousandth of a CPU.
constexpr Duration kLeastPause = std::chrono::seconds(4), kMostPause = std::chrono::minutes(5);
constexpr double kShare = 1e-3;
constexpr Duration kWalkPause = std::chrono::minutes(1);  // between looks at the control groups
constexpr std::size_t kMostRows = 256;                    // listeners, and owners, that are shown

using Units = std::map<std::uint64_t, std::string>;

struct Answer {
  Status status = ok();
  TcpTable table;
  bool everything = false;
  std::optional<Units> units;
  double cpu_s = 0;
};
struct Ask {
  std::shared_ptr<const Fd> sys;
  bool everything = false, units = false;

  Answer run() const {
    Answer answer;
    answer.everything = everything;
    const double before = cpu_s();
    answer.status = read_tcp_table(everything, answer.table);
    answer.cpu_s = cpu_s() - before;
    if (units) answer.units = cgroup_units(sys->get());
    return answer;
  }
  static double cpu_s() {
    timespec spent{};
    (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);  // cannot fail on Linux
    return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
  }
};
using Asker = ProbeWorker<Ask>;

// One line of what is shown: a port of an owner, or an owner.
struct Row {
  std::string name;
  Entity about;
  std::string attributes;
  std::uint64_t first = 0;  // waiting, or established
  double second = 0;        // utilization, or in close_wait
};
struct Shown {
  Entity about;
  SeriesId first = kNoSeries, second = kNoSeries;
};

class TcpProbe final : public Probe {
 public:
  TcpProbe(std::shared_ptr<const Fd> sys, std::shared_ptr<Bell> bell, std::unique_ptr<Asker> asker)
      : sys_(std::move(sys)), bell_(std::move(bell)), asker_(std::move(asker)) {}

  Status read(MonoTime now, Sink& sink) override {
    if (asker_->late(0, now)) {
      silence(sink);
      return make_error(ErrorCode::timeout, "the kernel does not answer").in("sock_diag");
    }
    Ask ask{sys_, now >= everything_at_, stranger_ && now >= units_at_};
    if (ask.units) units_at_ = now + kWalkPause;
    if (asker_->submit(0, std::make_shared<const Ask>(std::move(ask)), now + kDeadline)) asker_->start();
    if (!status_) return status_;
    if (left_out_) return make_error(ErrorCode::limit, "more listeners, owners or peers of sockets than are followed");
    return ok();
  }
  std::vector<int> descriptors() const override { return {bell_->fd()}; }
  Status on_ready(MonoTime now, Sink& sink) override {
    bell_->quiet();
    if (auto answer = asker_->take(0)) tell(std::move(*answer), now, sink);
    return ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  void tell(Answer answer, MonoTime now, Sink& sink) {
    status_ = std::move(answer.status);
    if (!status_) return silence(sink);
    if (answer.units) {
      units_ = std::move(*answer.units);
      stranger_ = false;
    }
    left_out_ = answer.table.left_out > 0;
    tell_listeners(answer.table, sink);
    tell_places(answer.table, now, sink);
    if (!answer.everything) return;
    const auto pause = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(answer.cpu_s / kShare));
    everything_at_ = now + std::clamp(pause, kLeastPause, kMostPause);
    const EntityId host = sink.entity(EntityKind::host, "");
    for (std::size_t state = 1; state < kTcpStates; ++state) {
      if (tcp_state_name(state) == "time_wait") continue;
      if (states_[state] == kNoSeries)
        states_[state] =
            sink.series(host, metric::kSocketCount, "network.connection.state=" + std::string(tcp_state_name(state)));
      sink.sample(states_[state], static_cast<double>(answer.table.states[state]));
    }
    tell_owners(answer.table, sink);
  }

  // The unit, or the host where none is known.
  Entity about(const Owner& owner) {
    const auto found = units_.find(owner.cgroup_id);
    if (found != units_.end()) return {EntityKind::service, found->second};
    stranger_ = stranger_ || owner.cgroup_id != 0;
    return {EntityKind::host, ""};
  }

  void tell_listeners(const TcpTable& table, Sink& sink) {
    std::vector<Row> rows;
    for (const Listener& one : table.listeners) {
      const Entity who = about(one.owner);
      const std::string attributes = "server.port=" + std::to_string(one.port);
      merge({to_string(who) + " " + attributes, who, attributes, one.waiting, one.utilization}, true, rows);
    }
    show(rows, metric::kAcceptQueue, metric::kAcceptQueueUtilization, {"", ""}, listeners_, sink);
  }
  void tell_owners(const TcpTable& table, Sink& sink) {
    std::vector<Row> units, users;
    for (const auto& [owner, owned] : table.owners) {
      const Entity who = about(owner);
      const bool known = who.kind == EntityKind::service;
      const std::string user = ",user.id=" + std::to_string(owner.uid);
      merge({known ? who.name : user, who, known ? "" : user, owned.established, static_cast<double>(owned.close_wait)},
            false, known ? units : users);
    }
    constexpr States kStates{"network.connection.state=established", "network.connection.state=close_wait"};
    show(units, metric::kServiceSockets, metric::kServiceSockets, kStates, unit_rows_, sink);
    show(users, metric::kUserSockets, metric::kUserSockets, kStates, user_rows_, sink);
  }

  // As events: where services listen and what they are connected to.
  void tell_places(const TcpTable& table, MonoTime now, Sink& sink) {
    if (!begun_) begun_ = now;
    told_.begin_turn();
    for (const Place& place : table.listening) tell_place(place, true, false, now, sink);
    for (const auto& [place, own] : table.peers) tell_place(place, false, own, now, sink);
    left_out_ = left_out_ || told_.take_left_out() > 0;
  }
  void tell_place(const Place& place, bool listens, bool own, MonoTime now, Sink& sink) {
    const auto unit = units_.find(place.cgroup_id);
    if (unit == units_.end() || !is_followed_service(unit->second)) return;
    const ToldSocket socket{listens, unit->second, place.address, place.port};
    if (!told_.is_due(socket, now)) return;
    const Entity service{EntityKind::service, unit->second};
    const bool initial = now - *begun_ < kSocketsInitial;
    tell_of(service, users_.contains(service), sink,
            [&](EntityId id) { return socket_event(id, socket, own, initial, now); });
  }

  // Several owners may be one unit: its groups, its users.
  static void merge(Row row, bool highest, std::vector<Row>& rows) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& one) { return one.name == row.name; });
    if (found == rows.end()) {
      rows.push_back(std::move(row));
      return;
    }
    found->first += row.first;
    found->second = highest ? std::max(found->second, row.second) : found->second + row.second;
  }

  struct States {
    std::string_view first, second;
  };
  void show(std::vector<Row>& rows, const MetricInfo& first, const MetricInfo& second, const States& states,
            FollowedTable<Shown>& shown, Sink& sink) {
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.name < b.name; });
    if (rows.size() > kMostRows) {
      rows.resize(kMostRows);
      left_out_ = true;
    }
    shown.align(
        rows,
        [&](const Row& row) {
          ++users_[row.about];
          const EntityId entity = sink.entity(row.about.kind, row.about.name);
          return Shown{row.about, sink.series(entity, first, std::string(states.first) + row.attributes),
                       sink.series(entity, second, std::string(states.second) + row.attributes)};
        },
        [&](Shown& gone) { leave(gone, sink); });
    for (std::size_t i = 0; i < rows.size(); ++i) {
      sink.sample(shown[i].first, static_cast<double>(rows[i].first));
      sink.sample(shown[i].second, rows[i].second);
    }
  }
  void leave(const Shown& gone, Sink& sink) {
    sink.sample(gone.first, std::nullopt);
    sink.sample(gone.second, std::nullopt);
    const auto found = users_.find(gone.about);
    if (found == users_.end() || --found->second > 0) return;
    if (gone.about.kind != EntityKind::host) sink.retire(sink.entity(gone.about.kind, gone.about.name));
    users_.erase(found);
  }
  void silence(Sink& sink) {
    for (const SeriesId state : states_) sink.sample(state, std::nullopt);
    for (FollowedTable<Shown>* table : {&listeners_, &unit_rows_, &user_rows_}) {
      for (std::size_t i = 0; i < table->size(); ++i) {
        sink.sample((*table)[i].first, std::nullopt);
        sink.sample((*table)[i].second, std::nullopt);
      }
    }
  }

  const std::shared_ptr<const Fd> sys_;
  const std::shared_ptr<Bell> bell_;
  const std::unique_ptr<Asker> asker_;
  Status status_ = ok();
  MonoTime everything_at_, units_at_;
  Units units_;
  bool stranger_ = true;  // a socket belongs to a group that is not in units_
  bool left_out_ = false;
  std::optional<MonoTime> begun_;
  ToldSockets told_{kMostToldSockets};
  std::array<SeriesId, kTcpStates> states_ = [] {
    std::array<SeriesId, kTcpStates> none;
    none.fill(kNoSeries);
    return none;
  }();
  FollowedTable<Shown> listeners_, unit_rows_, user_rows_;
  std::map<Entity, std::size_t> users_;  // rows about each entity
};

constexpr const MetricInfo* kMetrics[] = {&metric::kSocketCount, &metric::kServiceSockets, &metric::kUserSockets,
                                          &metric::kAcceptQueue, &metric::kAcceptQueueUtilization};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  TcpTable first;
  if (const auto tried = read_tcp_table(false, first); !tried) {
    return make_error(ErrorCode::unsupported,
                      "not here, because the kernel does not tell its sockets (" + tried.error().message() + ")");
  }
  auto sys = std::make_shared<const Fd>(::openat(context.roots.sys.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto bell = Bell::make();
  if (!bell) return std::move(bell).error();
  auto asker = Asker::make(1, *bell);
  if (!asker) return std::move(asker).error();
  return std::unique_ptr<Probe>(std::make_unique<TcpProbe>(std::move(sys), std::move(*bell), std::move(*asker)));
}

}  // namespace

extern const ProbeInfo tcp_sockets_probe;
const ProbeInfo tcp_sockets_probe{
    .name = "tcp-sockets",
    .summary = "TCP sockets by state and owner, the queues of listeners; who listens and connects where",
    .interval = kInterval,
    .needs = "CONFIG_INET_TCP_DIAG",
    .cost = "11 us per read and a wake-up of the worker on a 2-core VM, Linux 6.18",
    .metrics = kMetrics,
    .make = make};

}  // namespace hostmedic
