// SPDX-License-Identifier: Apache-2.0
// Writes incidents to the store and, when an upstream is configured, what must be told to the spool, from where the
// exporter delivers it. Owns the exporter. io thread; the store is touched on the worker only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>

#include "agent/config/agent_config.h"
#include "agent/daemon/report.h"
#include "agent/net/otlp_exporter.h"
#include "agent/net/spool_source.h"
#include "agent/pipeline/pipeline.h"
#include "agent/pipeline/worker.h"
#include "agent/store/agent_store.h"

namespace hostmedic {

class Reporter final : public SpoolSource {
 public:
  Reporter(boost::asio::io_context& io, Worker& worker, AgentStore& store);
  ~Reporter() override;

  // Begins, changes or ends delivery. An error leaves delivery off; what is told waits in the spool all the same.
  Status connect(const UpstreamConfig& upstream);
  // How much of the past the store keeps.
  void keep(const StoreConfig& kept) { kept_ = kept; }

  // One that the store or the spool cannot take now is tried again, in its newest revision.
  void incident(const Incident& incident);
  // Heartbeats, gaps, housekeeping of the store.
  void every_second(Now now, const Pipeline& pipeline, bool probe_connected);

  bool configured() const { return !upstream_.url.empty(); }
  OtlpExporterState state() const;
  SpoolStats spool() const { return spool_; }
  const std::string& store_error() const { return store_error_; }
  std::uint64_t store_errors() const { return store_errors_; }
  void note_store(const Status& written);

  // SpoolSource.
  boost::asio::awaitable<Result<SpoolBatch>> next_batch(Bytes most, std::size_t most_records) override;
  boost::asio::awaitable<Status> ack(std::vector<std::int64_t> ids) override;
  boost::asio::awaitable<Status> reject(std::vector<std::int64_t> ids, std::string reason) override;
  std::size_t pending() const override { return static_cast<std::size_t>(spool_.waiting); }

 private:
  struct Written {
    Status status;
    SpoolStats spool;
  };
  void heartbeat(Now now, const Pipeline& pipeline, bool probe_connected);
  void housekeeping(WallTime now);
  void prune(WallTime now);
  void done(Written written);
  void keep(const Incident& incident);
  void write_again();

  boost::asio::io_context& io_;
  Worker& worker_;
  AgentStore& store_;
  UpstreamConfig upstream_;
  StoreConfig kept_;
  std::unique_ptr<OtlpExporter> exporter_;
  const WallTime started_;
  MonoTime next_heartbeat_, next_again_, next_housekeeping_, next_prune_;
  SpoolStats spool_;
  std::map<std::string, Incident> unwritten_;  // by id; at most kMostUnwritten
  std::string store_error_;
  std::uint64_t store_errors_ = 0;
};

}  // namespace hostmedic
