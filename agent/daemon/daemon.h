// SPDX-License-Identifier: Apache-2.0
// hostmedicd: wiring only. The io thread runs the pipeline, the sockets and the exporter; one worker thread runs the
// store; one more waits for the actuator's answers, which take as long as a treatment takes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <vector>

#include "agent/daemon/case_traces.h"
#include "agent/daemon/control_api.h"
#include "agent/daemon/lease_keeper.h"
#include "agent/daemon/proposal_keeper.h"
#include "agent/daemon/reporter.h"
#include "agent/daemon/settings.h"
#include "agent/daemon/store_place.h"
#include "agent/net/control_server.h"
#include "agent/pipeline/deployment_marks.h"
#include "agent/pipeline/frame_merge.h"
#include "agent/pipeline/pipeline.h"
#include "agent/pipeline/probe_listener.h"
#include "agent/pipeline/worker.h"
#include "agent/recorder/recorder.h"
#include "agent/store/agent_store.h"

namespace hostmedic {

struct DaemonOptions {
  SettingsPaths paths;
  std::string state_dir;  // overrides the configuration; empty: as configured
  std::string run_dir;
  std::string actuator_socket;
  std::string mounts;  // those of this process, as in /proc/self/mountinfo
};

struct StoredIncident {
  Incident incident;
  std::vector<OrderRow> orders;
  SimilarCases similar;
  CaseTraces traces;
};

class Daemon final : public PipelineOutput {
 public:
  Daemon(boost::asio::io_context& io, DaemonOptions options, Settings settings);
  ~Daemon() override;

  // Opens the store, restores what was open, listens. An error is a reason not to run.
  Status start();
  // After it ended: the next start finds the disk that this one lacked.
  bool begins_anew() const { return anew_; }

  // PipelineOutput.
  void persist(const Incident& incident) override;
  void submit(const Order& order) override;
  void notify(const Incident& incident, const std::string& text) override;
  void ask_lease(const Order& order) override;
  void remember(const Lesson& lesson) override;

  // For the control socket.
  Pipeline& pipeline() { return *pipeline_; }
  const Pipeline& pipeline() const { return *pipeline_; }
  const detect::EngineConfig& engine_config() const { return config_.engine; }
  boost::json::object status() const;
  boost::asio::awaitable<Result<std::vector<Incident>>> stored_incidents(std::size_t limit);
  boost::asio::awaitable<Result<StoredIncident>> stored_incident(std::string id_prefix);
  void set_brakes(Brakes brakes);
  void set_expected(std::vector<detect::ExpectedEntry> entries);
  void set_feedback(std::vector<Feedback> all);
  // The entities that were marked.
  Result<std::vector<Entity>> mark_deployment(const DeploymentMark& mark);
  Status reload();
  Now now() const;
  // Why the store is in memory, where nothing outlives a boot and nothing is treated; empty: it is on disk.
  const std::string& no_disk() const { return no_disk_; }
  const FlightRecorder* recorder() const { return recorder_.get(); }  // null: it is not enabled

 private:
  void apply(Settings settings);
  Status open_store();
  StoreConfig kept_config() const;
  void look_for_disk();
  void start_recorder();
  Status listen();
  void restore_brakes();
  void restore_expected();
  void restore_feedback();
  void restore_experience();
  void keep_setting(std::string_view name, std::string text);
  void restore_models();
  void checkpoint_models();
  std::string models_path() const { return state_dir_ + "/models.checkpoint"; }
  Status restore();
  Result<std::unique_ptr<ProbeListener>> listen(std::size_t source, const std::string& name, const char* user,
                                                int group);
  void on_frame(std::size_t source, const Frame& frame);
  void on_checks(bool connected, const std::string& why);
  void on_probe(bool connected, const std::string& why);
  void finish(const Order& order, Outcome outcome);
  void hear(const SignedWord& word);
  void every_second();
  void wait_signal();
  void plan_wake();
  std::string status_line() const;

  boost::asio::io_context& io_;
  DaemonOptions options_;
  AgentConfig config_;
  const std::string state_dir_, run_dir_, actuator_socket_;
  StorePlace place_;
  std::unique_ptr<AgentStore> store_;  // used on worker_ only, once started
  std::string no_disk_;
  bool looking_ = false, anew_ = false;
  WayBack way_back_ = WayBack::none;  // as it was at the start
  MonoTime looked_;
  Worker worker_;
  Worker orders_;
  std::unique_ptr<Pipeline> pipeline_;
  FrameMerge merge_;
  DeploymentMarks marks_;
  std::unique_ptr<ProbeListener> probe_, checks_;
  std::unique_ptr<Reporter> reporter_;
  LeaseKeeper leases_;
  ProposalKeeper proposals_;
  std::unique_ptr<FlightRecorder> recorder_;
  std::unique_ptr<ControlServer> control_;
  ControlApi api_{*this};
  boost::asio::steady_timer second_;
  boost::asio::steady_timer wake_;
  boost::asio::signal_set signals_;

  WallTime started_;
  MonoTime last_frame_;  // of the probe
  MonoTime checkpointed_;
  bool probe_connected_ = false;
  std::string probe_text_ = "not connected yet";
  std::string configuration_;  // the texts that it was read from, for the flight recorder
  std::string config_error_;   // of the last reload; empty: it was good
  std::string actuator_error_;
};

}  // namespace hostmedic
