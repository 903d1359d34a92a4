// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/reporter.h"

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/daemon/upstream.h"

namespace hostmedic {

using boost::asio::awaitable;

namespace {

constexpr Duration kHousekeeping = std::chrono::seconds(10);
constexpr Duration kAgain = std::chrono::seconds(5);
constexpr std::size_t kMostUnwritten = 256;
constexpr Duration kPruneEvery = std::chrono::minutes(10);

}  // namespace

Reporter::Reporter(boost::asio::io_context& io, Worker& worker, AgentStore& store)
    : io_(io), worker_(worker), store_(store), started_(wall_now()), spool_(store.spool().stats()) {}

Reporter::~Reporter() = default;

Status Reporter::connect(const UpstreamConfig& upstream) {
  if (exporter_ != nullptr) exporter_->stop();
  exporter_.reset();
  upstream_ = upstream;
  if (!configured()) return ok();
  auto reached = reach(upstream);
  if (!reached) return std::move(reached).error();
  OtlpExporterOptions options;
  options.destination = std::move(reached->client);
  options.path_prefix = std::move(reached->path_prefix);
  options.user_agent = "hostmedic/" + version();
  options.seed = fnv1a(host_identity().id);
  exporter_ = std::make_unique<OtlpExporter>(io_.get_executor(), std::move(options), *this, [](std::string_view note) {
    log_notice("upstream: " + std::string(note));
  });
  exporter_->start();
  return ok();
}

OtlpExporterState Reporter::state() const { return exporter_ == nullptr ? OtlpExporterState{} : exporter_->state(); }

void Reporter::incident(const Incident& incident) {
  const bool tell = configured();
  const bool taken = worker_.run(
      [this, incident, tell]() -> Written {
        Status status = store_.put_incident(incident);
        if (tell) {
          const WallTime now = wall_now();
          const Report report = incident_report(incident, host_identity(), now);
          Status spooled = store_.spool().append(SpoolSignal::logs, report.uid, report.payload, now, Spool::Loss::no);
          if (status) status = std::move(spooled);
        }
        return {std::move(status), store_.spool().stats()};
      },
      [this, incident](Written written) {
        if (!written.status) keep(incident);
        done(std::move(written));
      });
  if (taken) return;
  keep(incident);
  note_store(make_error(ErrorCode::limit, "the store is too far behind: an incident's revision waits"));
}

void Reporter::keep(const Incident& incident) {
  const auto known = unwritten_.find(incident.id);
  if (known != unwritten_.end()) {
    if (known->second.revision <= incident.revision) known->second = incident;
  } else if (unwritten_.size() < kMostUnwritten) {
    unwritten_.emplace(incident.id, incident);
  } else {
    log_error("store: revision " + std::to_string(incident.revision) + " of incident " + incident.id + " is lost");
  }
}

// An older revision than the store has changes nothing there.
void Reporter::write_again() {
  const auto waiting = std::exchange(unwritten_, {});
  for (const auto& [id, unwritten] : waiting) incident(unwritten);
}

void Reporter::every_second(Now now, const Pipeline& pipeline, bool probe_connected) {
  if (configured() && now.mono >= next_heartbeat_) {
    next_heartbeat_ = now.mono + upstream_.heartbeat;
    heartbeat(now, pipeline, probe_connected);
  }
  if (!unwritten_.empty() && now.mono >= next_again_) {
    next_again_ = now.mono + kAgain;
    write_again();
  }
  if (now.mono >= next_housekeeping_) {
    next_housekeeping_ = now.mono + kHousekeeping;
    housekeeping(now.wall);
  }
  if (now.mono >= next_prune_) {
    next_prune_ = now.mono + kPruneEvery;
    prune(now.wall);
  }
}

void Reporter::heartbeat(Now now, const Pipeline& pipeline, bool probe_connected) {
  Heartbeat beat;
  beat.started = started_;
  if (auto usage = own_usage()) beat.usage = *usage;
  beat.series = pipeline.engine().host().series_count();
  for (const auto& [id, incident] : pipeline.incidents())
    if (!incident.closed_at && calls_for_a_human(incident)) ++beat.open_incidents;
  beat.probe_connected = probe_connected;
  beat.halted = pipeline.brakes().halted;
  beat.spool_waiting = spool_.waiting;
  beat.spool_dropped = spool_.dropped;
  worker_.run(
      [this, beat, at = now.wall]() -> Written {
        const Report report = heartbeat_report(beat, host_identity(), at);
        Status status = store_.spool().append(SpoolSignal::metrics, report.uid, report.payload, at);
        return {std::move(status), store_.spool().stats()};
      },
      [this](Written written) { done(std::move(written)); });
}

// Bounds of age, and gaps: they are told when the receiver answers, so that one gap stays one record.
void Reporter::housekeeping(WallTime now) {
  const bool tell_gaps = state().connected;
  worker_.run(
      [this, now, tell_gaps]() -> Written {
        Status status = store_.spool().expire(now);
        auto gaps = store_.spool().gaps();
        if (tell_gaps && gaps) {
          for (const SpoolGap& gap : *gaps) {
            const Report report = gap_report(gap, host_identity(), now);
            Status told = store_.spool().report_gap(gap, report.uid, report.payload, now);
            if (status) status = std::move(told);
          }
        }
        return {std::move(status), store_.spool().stats()};
      },
      [this](Written written) { done(std::move(written)); });
}

void Reporter::prune(WallTime now) {
  worker_.run(
      [this, now, kept = kept_]() -> Written {
        Status status = store_.prune(now, kept.most_size, kept.most_age);
        return {std::move(status), store_.spool().stats()};
      },
      [this](Written written) { done(std::move(written)); });
}

void Reporter::done(Written written) {
  spool_ = written.spool;
  note_store(written.status);
  if (exporter_ != nullptr && spool_.waiting > 0) exporter_->notify();
}

// Says it once when it begins to fail and once when it works again.
void Reporter::note_store(const Status& written) {
  if (written) {
    if (!store_error_.empty()) log_notice("the store works again");
    store_error_.clear();
    return;
  }
  ++store_errors_;
  const std::string message = written.error().message();
  if (store_error_.empty()) log_error("store: " + message);
  store_error_ = message;
}

awaitable<Result<SpoolBatch>> Reporter::next_batch(Bytes most, std::size_t most_records) {
  auto job = [this, most, most_records]() -> Result<SpoolBatch> {
    SpoolBatch batch;
    for (const SpoolSignal signal : {SpoolSignal::logs, SpoolSignal::metrics}) {
      auto items = store_.spool().next_batch(signal, most, most_records);
      if (!items) return std::move(items).error();
      if (items->empty()) continue;
      batch.signal = signal == SpoolSignal::logs ? OtlpSignal::logs : OtlpSignal::metrics;
      for (SpoolItem& item : *items) batch.records.push_back({item.id, std::move(item.payload)});
      break;
    }
    return batch;
  };
  co_return co_await worker_.call(std::move(job));
}

awaitable<Status> Reporter::ack(std::vector<std::int64_t> ids) {
  auto job = [this, ids = std::move(ids)]() -> Written {
    Status status = store_.spool().ack(ids);
    return {std::move(status), store_.spool().stats()};
  };
  Written written = co_await worker_.call(std::move(job));
  spool_ = written.spool;
  co_return std::move(written.status);
}

awaitable<Status> Reporter::reject(std::vector<std::int64_t> ids, std::string reason) {
  log_warning(strf("upstream refused %zu records for good: %s", ids.size(), reason.c_str()));
  auto job = [this, ids = std::move(ids)]() -> Written {
    Status status = store_.spool().reject(ids);
    return {std::move(status), store_.spool().stats()};
  };
  Written written = co_await worker_.call(std::move(job));
  spool_ = written.spool;
  co_return std::move(written.status);
}

}  // namespace hostmedic
