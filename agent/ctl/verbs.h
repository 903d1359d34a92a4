// SPDX-License-Identifier: Apache-2.0
// One function per verb; each is in a file of its own name. One thread.
#pragma once

#include <string>
#include <vector>

#include "agent/ctl/context.h"
#include "agent/ctl/fleet.h"

namespace hostmedic {

Exit show_status(Context& context);

Exit list_incidents(Context& context, bool all, int limit);
struct ExplainWish {
  std::string id;  // the incident's, or the beginning of it
  bool verbose = false;
  std::string plot;  // a file to draw it into, "-" for the standard output; empty: as text
};
Exit explain_incident(Context& context, const ExplainWish& wish);

// The kill switch. Tells the daemon and the actuator, each of which keeps its own.
Exit halt(Context& context, const std::string& reason);
Exit resume(Context& context);

struct MaintenanceWish {
  std::string length = "1h", reason, entity = "*";
};
Exit maintenance_on(Context& context, const MaintenanceWish& wish);
Exit maintenance_off(Context& context);

// What a pipeline deployed. entity: one, or a pattern.
struct DeploymentWish {
  std::string name, version, entity = "host";
};
Exit mark_deployment(Context& context, const DeploymentWish& wish);

// Configuration files that are good as they are; root's word.
Exit keep_files(Context& context, const std::vector<std::string>& files);

struct SilenceWish {
  std::string entity, kind = "*", length, reason;
};
Exit silence(Context& context, const SilenceWish& wish);
Exit silence_remove(Context& context, const std::string& entity);
// id: the incident's, or the beginning of it.
Exit acknowledge(Context& context, const std::string& id, const std::string& reason);

struct ExpectWish {
  std::string name, length, at, entity = "*", series = "*";
  double factor = 1;
  bool shadow = false;
};
Exit expect_add(Context& context, const ExpectWish& wish);
Exit expect_remove(Context& context, const std::string& name);

struct ApproveWish {
  std::string id;      // of the incident, or the beginning of it; empty: of the only plan that waits
  bool yes = false;    // without a question
  int step = 0;        // of the runbook, from 1, instead of the proposed one; 0: whichever
  std::string action;  // the same by its name
  FleetWish fleet;     // of another host
};
Exit approve(Context& context, const ApproveWish& wish);
struct RejectWish {
  std::string id, reason;  // as above; not empty
  FleetWish fleet;
};
Exit reject(Context& context, const RejectWish& wish);

// id: an order's key, or an incident's id or the beginning of it, whose last order that can be undone is meant.
Exit undo(Context& context, const std::string& id, const std::string& reason);
// After an undo by a human.
Exit reenable(Context& context, const std::string& action, const std::string& target);
// After a runbook disarmed itself.
Exit rearm(Context& context, const std::string& runbook);
// file: a ledger; empty: the actuator is asked for its own.
Exit audit(Context& context, const std::string& file);

Exit list_runbooks(Context& context);
Exit show_runbook(Context& context, const std::string& name);
// What it would do about the incident; nothing is done.
Exit test_runbook(Context& context, const std::string& name, const std::string& incident);

// Without files: what is installed.
Exit check_configuration(Context& context, const std::vector<std::string>& files);
// which: agent, policy, aggregator, runbook. scdoc: as the source of a manual page.
Exit print_config_reference(Context& context, const std::string& which, bool scdoc);
Exit enroll(Context& context, const std::string& bundle_path);
Exit run_doctor(Context& context);
Exit list_things(Context& context, const std::string& what);
// The models, then the groups of series that they watch.
Exit list_health(Context& context);
// How thresholds that follow the data were moved. since: a length, or "yesterday".
Exit list_thresholds(Context& context, const std::string& since);
// What the models learnt of the entities that match is forgotten.
Exit relearn(Context& context, const std::string& entity);
// What evidence.collect left. Root's own.
Exit list_evidence(Context& context);
Exit verify_evidence(Context& context);
// id: the beginning of a package's name, or of the order's key.
Exit show_evidence(Context& context, const std::string& id);
// Does not return when it goes well.
Exit measure_cost(Context& context);
Exit reload(Context& context);

// What was done, and would have been done. since: a length.
Exit report_account(Context& context, const std::string& since);
struct FeedbackWish {
  std::string id;    // the incident's, or the beginning of it
  std::string word;  // "real" or "false"
  std::string note;
  bool remove = false;  // takes it back
};
Exit feedback(Context& context, const FeedbackWish& wish);

struct ReplayWish {
  std::string what;                 // a file, or an incident's id or the beginning of it
  std::vector<std::string> config;  // what another configuration, policy or runbook would have decided
  std::string speed = "max";
};
Exit replay(Context& context, const ReplayWish& wish);

struct BacktestWish {
  std::string since = "14d";
  std::vector<std::string> config;  // none: the installed one
};
Exit backtest(Context& context, const BacktestWish& wish);

struct ScoreWish {
  std::vector<std::string> in;
  std::string out, train, train_dir, config, interval;
  bool per_series = false;
  unsigned jobs = 1;
};
Exit score(Context& context, const ScoreWish& wish);

}  // namespace hostmedic
