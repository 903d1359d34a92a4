// SPDX-License-Identifier: Apache-2.0
#include "agent/config/agent_keys.h"

namespace hostmedic {
namespace {

constexpr Limits kPath{.form = Form::path};
constexpr Limits kSize{.least = 1 << 20, .most = 1099511627776.0};
constexpr Limits kAge{.least = 3600, .most = 10 * 365 * 86400.0};

#define FIELD(member) [](auto& config) -> auto& { return config.member; }
template <auto Field>
constexpr Key<AgentConfig> row(std::string_view table, std::string_view name, Limits limits, bool restart,
                               std::string_view doc) {
  return key<AgentConfig, Field>(table, name, limits, restart, doc);
}

constexpr bool kRestart = true, kReload = false;

const Key<AgentConfig> kKeys[] = {
    row<FIELD(state_dir)>("agent", "state_dir", kPath, kRestart, "Where the store and the spool are kept."),
    row<FIELD(run_dir)>("agent", "run_dir", kPath, kRestart,
                        "Where the agent listens: probe.sock for the probe, control.sock for the command line."),
    row<FIELD(control_group)>("agent", "control_group", {.form = Form::name}, kRestart,
                              "Members of this group may ask the agent and stop it. Only root may let it act again."),
    row<FIELD(actuator_socket)>("agent", "actuator_socket", kPath, kReload, "Where the actuator listens."),
    row<FIELD(log_level)>("agent", "log_level", {}, kReload, "The most verbose level that is written to the journal."),
    row<FIELD(probes.cpu_budget)>("agent", "cpu_budget", {.least = 0.001, .most = 1}, kRestart,
                                  "Share of one core that the agent may use, averaged over a minute; above it probes "
                                  "look less often, detail first."),
    row<FIELD(probes.memory_budget)>("agent", "memory_budget", {.least = 16 << 20, .most = 1 << 30}, kRestart,
                                     "Resident memory that the agent may use; above it probes are put away, detail "
                                     "first."),
    row<FIELD(probes.disable)>("probes", "disable", {.form = Form::name}, kRestart,
                               "Probes that are left out; `hostmedic list probes` names them all."),
    row<FIELD(probes.log_roots)>(
        "probes", "log_roots", kPath, kRestart,
        "Directories in which growing files are looked for. A log is treated only where the policy permits it too."),
    row<FIELD(probes.log_files)>("probes", "log_files", kPath, kRestart,
                                 "Log files whose lines are read: counted by severity and kind of message, requests of "
                                 "access logs by status. '*' stands for any name. Empty: none but the journal."),
    row<FIELD(probes.certificates)>(
        "probes", "certificates", kPath, kRestart,
        "Files of certificates whose end is watched; '*' stands for any name. Those that nginx, Apache and HAProxy are "
        "configured with, and those on command lines, are found besides."),
    row<FIELD(probes.change_trees)>(
        "probes", "change_trees", kPath, kRestart,
        "Directories whose files are watched for changes, besides those of unit files; of text that everybody may read "
        "and that holds no secret by its name, the content before the change is kept. Empty: only unit files."),
    row<FIELD(probes.change_exclude)>("probes", "change_exclude", kPath, kRestart,
                                      "Files that are left out there; '*' stands for anything, also for several parts "
                                      "of a path."),
    row<FIELD(engine.quiet_after)>("detect", "quiet_after", {.least = 1, .most = 3600}, kReload,
                                   "A signal must be quiet this long before its incident is over."),
    row<FIELD(engine.stage)>(
        "detect", "stage", {}, kReload,
        "What this host is for, such as \"production\" or \"test\": rules may say `stage is test`."),
    row<FIELD(engine.post_change)>(
        "detect", "post_change", {.least = 0, .most = 86400}, kReload,
        "So long after a package, a unit file, a configuration or an image was changed, or a "
        "deployment was marked, fewer signs are enough to believe that what was changed "
        "fails, and it is treated only as far as guard.post_change in policy.toml says."),
    row<FIELD(engine.scoring.warm_up)>("detect", "warm_up", {.least = 0, .most = 30 * 86400.0}, kRestart,
                                       "So long the models only learn and no group of series is suspicious; rules "
                                       "work from the first second."),
    row<FIELD(engine.scoring.suspicions_per_day)>("detect", "suspicions_per_day", {.least = 0.01, .most = 1000},
                                                  kRestart,
                                                  "At most so many suspicions of the models a day are wanted of this "
                                                  "host; their thresholds follow."),
    row<FIELD(engine.scoring.seed)>("detect", "seed", {.least = 0, .most = 9e15}, kRestart,
                                    "Of the models that draw lots; with the same seed the same readings give the same "
                                    "scores."),
    row<FIELD(store.most_size)>("store", "most_size", kSize, kReload,
                                "The oldest closed incidents are forgotten when the store is larger."),
    row<FIELD(store.most_age)>("store", "most_age", kAge, kReload,
                               "Closed incidents are forgotten when they are older."),
    row<FIELD(recorder.enabled)>("recorder", "enabled", {}, kRestart,
                                 "The flight recorder: all that was seen and decided lately, on disk, so that every "
                                 "decision can be played again with `hostmedic replay`."),
    row<FIELD(recorder.keep)>("recorder", "keep", {.least = 600, .most = 30 * 86400.0}, kRestart,
                              "So much of the past is kept."),
    row<FIELD(recorder.size)>("recorder", "size", {.least = 4 << 20, .most = 1099511627776.0}, kRestart,
                              "And so many bytes of it; the oldest goes first."),
    row<FIELD(recorder.before)>("recorder", "before", {.least = 0, .most = 6 * 3600.0}, kRestart,
                                "The recording of an incident, which is kept apart, begins at least so long before it "
                                "opened."),
    row<FIELD(recorder.keep_incidents)>("recorder", "keep_incidents", kAge, kRestart,
                                        "Recordings of incidents are kept so long, and up to 256 MiB of them."),
    row<FIELD(upstream.url)>("upstream", "url", {.form = Form::url}, kReload,
                             "The aggregator, or any receiver of OTLP over HTTP. Empty: nothing leaves the host. "
                             "`hostmedic enroll` sets it."),
    row<FIELD(upstream.ca)>("upstream", "ca", kPath, kReload, "Certificates that may sign the receiver's."),
    row<FIELD(upstream.certificate)>("upstream", "certificate", kPath, kReload, "The agent's own certificate."),
    row<FIELD(upstream.key)>("upstream", "key", kPath, kReload, "The key of the agent's certificate."),
    row<FIELD(upstream.heartbeat)>("upstream", "heartbeat", {.least = 5, .most = 86400}, kReload,
                                   "How often the agent says that it is alive and what it costs."),
    row<FIELD(upstream.spool_size)>("upstream", "spool_size", kSize, kRestart,
                                    "What waits for delivery is kept up to this size; then the oldest is dropped and "
                                    "the gap is reported."),
    row<FIELD(upstream.spool_age)>("upstream", "spool_age", kAge, kRestart,
                                   "What waits for delivery is dropped when it is older, and the gap is reported."),
};

}  // namespace

std::span<const Key<AgentConfig>> agent_keys() { return kKeys; }

}  // namespace hostmedic
