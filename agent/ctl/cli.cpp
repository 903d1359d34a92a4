// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "agent/base/text.h"
#include "agent/ctl/complete.h"
#include "agent/ctl/list.h"
#include "agent/ctl/verbs.h"
#include "detect/calendar/calendar.h"

namespace hostmedic {

namespace {

constexpr std::string_view kFooter =
    "Exit codes: 0 done; 1 not found, degraded, or done only in part; 3 the agent is not running;\n"
    "  4 no permission; 64 wrong usage; 69 no usable answer; 78 wrong configuration.\n"
    "Manual: man hostmedic";

// The verb that was chosen, with its arguments bound. One parse sets it once.
using Verb = std::function<Exit(Context&)>;

struct Options {
  bool json = false, quiet = false, ascii = false, all = false, yes = false, scdoc = false, cost = false,
       health = false;
  int limit = 100;
  std::string id, reason, what, file = "agent", root, since = "yesterday", entity = "*";
  std::vector<std::string> files;
  ExplainWish explain;
  MaintenanceWish wish;
  SilenceWish silence;
  ExpectWish expect;
  ScoreWish score;
  DeploymentWish deployment;
  ReplayWish replay;
  BacktestWish backtest;
  FeedbackWish feedback;
  ApproveWish approval;
  RejectWish rejection;
  std::string fleet;
  std::string account_since = "14d", file_of_ledger;
};

CLI::App* verb(CLI::App& parent, const std::string& name, const std::string& summary, Verb& chosen, Verb run) {
  CLI::App* app = parent.add_subcommand(name, summary);
  app->fallthrough();
  app->callback([&chosen, run = std::move(run)] { chosen = run; });
  return app;
}

void add_reading_verbs(CLI::App& app, Options& o, Verb& chosen) {
  verb(app, "status", "one screen: state, probes, incidents, upstream, own cost", chosen, show_status);
  CLI::App* incidents = verb(app, "incidents", "open incidents, newest first", chosen,
                             [&o](Context& c) { return list_incidents(c, o.all, o.limit); });
  incidents->add_flag("--all,-a", o.all, "closed ones as well");
  incidents->add_option("--limit,-n", o.limit, "at most so many")->check(CLI::Range(1, 1000))->capture_default_str();
  for (const char* name : {"explain", "show"}) {
    CLI::App* explain =
        verb(app, name, "one incident: what, why, evidence, what was done and what helped, what comes next", chosen,
             [&o](Context& c) { return explain_incident(c, o.explain); });
    explain->add_option("ID", o.explain.id, "the incident's id or its beginning")->required();
    explain->add_flag("--verbose,-v", o.explain.verbose, "every list to its end, each rule of the guard, the timeline");
    explain->add_option("--plot", o.explain.plot, "draw signals and what happened into this SVG file; - writes it out");
  }
  CLI::App* list = verb(app, "list", "what the agent has: " + join(listable(), ", "), chosen, [&o](Context& c) {
    if (o.cost && o.what == "probes") return measure_cost(c);
    if (!o.fleet.empty() && o.what == "proposals") c.ask = ask_fleet(o.fleet);
    return o.health && o.what == "detectors" ? list_health(c) : list_things(c, o.what);
  });
  list->add_option("WHAT", o.what)->required()->check(CLI::IsMember(listable()));
  list->add_flag("--cost", o.cost, "of probes: run them for ten seconds and tell what they cost (root sees all)");
  list->add_option("--fleet", o.fleet, "of proposals: those of all hosts, by the aggregator's page (127.0.0.1:8320)");
  list->add_flag("--health", o.health, "of detectors: how the models and the groups of series they watch fare");
  verb(app, "thresholds", "how thresholds that follow the data were moved, and why", chosen,
       [&o](Context& c) { return list_thresholds(c, o.since); })
      ->add_option("--since", o.since, "a length of time such as 12h, or yesterday")
      ->capture_default_str();
}

void add_host_verbs(CLI::App& app, Options& o, Verb& chosen) {
  verb(app, "check", "configuration, policy and runbooks: all faults with file:line:column", chosen, [&o](Context& c) {
    return check_configuration(c, o.files);
  })->add_option("FILE", o.files, "instead of what is installed");
  verb(app, "doctor", "what this host lacks, what is lost for it, how to fix it", chosen, run_doctor);
  CLI::App* enrolling = verb(app, "enroll", "install what `hostmedic-aggregator enroll` made for this host", chosen,
                             [&o](Context& c) { return enroll(c, o.what); });
  enrolling->add_option("BUNDLE", o.what, "the file it made")->required();
  enrolling->add_option("--root", o.root, "below this directory instead of /");
  verb(app, "keep", "remember configuration files as good, for config.rollback to come back to (root)", chosen,
       [&o](Context& c) { return keep_files(c, o.files); })
      ->add_option("FILE", o.files, "below /etc")
      ->required();
  CLI::App* config = app.add_subcommand("config", "about the configuration files");
  config->fallthrough()->require_subcommand(1);
  CLI::App* reference = verb(*config, "reference", "the shipped file: every key with its text and default", chosen,
                             [&o](Context& c) { return print_config_reference(c, o.file, o.scdoc); });
  reference->add_option("WHICH", o.file, "agent, policy, aggregator or runbook")
      ->check(CLI::IsMember({"agent", "policy", "aggregator", "runbook"}))
      ->capture_default_str();
  reference->add_flag("--scdoc", o.scdoc, "the keys as the source of a manual page");
}

void add_fleet_options(CLI::App& app, FleetWish& ret_wish) {
  app.add_option("--fleet", ret_wish.address, "of another host: ask the aggregator, by its page (127.0.0.1:8320)");
  app.add_option("--certificate", ret_wish.certificate, "with --fleet: yours, which that host lists")
      ->check(CLI::ExistingFile);
  app.add_option("--key", ret_wish.key, "with --fleet: the certificate's key; it signs, and goes nowhere")
      ->check(CLI::ExistingFile);
}

void add_acting_verbs(CLI::App& app, Options& o, Verb& chosen) {
  verb(app, "halt", "the kill switch: nothing is treated until resume", chosen, [&o](Context& c) {
    return halt(c, o.reason);
  })->add_option("--reason", o.reason, "kept and shown");
  verb(app, "resume", "release the kill switch (root)", chosen, resume);
  CLI::App* maintenance = app.add_subcommand("maintenance", "no action for a while, on everything or on some entities");
  maintenance->fallthrough()->require_subcommand(1);
  CLI::App* on = verb(*maintenance, "on", "begin", chosen, [&o](Context& c) { return maintenance_on(c, o.wish); });
  on->add_option("--for", o.wish.length, "how long: 30m, 2h, 1d")->capture_default_str();
  on->add_option("--reason", o.wish.reason, "kept and shown");
  on->add_option("--entity", o.wish.entity, "pattern: service:nginx.service, filesystem:*")->capture_default_str();
  verb(*maintenance, "off", "end all maintenance (root)", chosen, maintenance_off);
  CLI::App* yes = verb(app, "approve", "let a plan that waits be carried out (root)", chosen,
                       [&o](Context& c) { return approve(c, o.approval); });
  yes->add_option("ID", o.approval.id, "the incident's id or its beginning; the only one that waits");
  yes->add_flag("--yes,-y", o.approval.yes, "do not ask");
  yes->add_option("--step", o.approval.step, "this step of the runbook instead")->check(CLI::Range(1, 8));
  yes->add_option("--action", o.approval.action, "the step with this action instead");
  CLI::App* no = verb(app, "reject", "forbid a plan that waits (root)", chosen,
                      [&o](Context& c) { return reject(c, o.rejection); });
  no->add_option("ID", o.rejection.id, "the incident's id or its beginning")->required();
  no->add_option("--reason", o.rejection.reason, "kept and shown");
  add_fleet_options(*yes, o.approval.fleet);
  add_fleet_options(*no, o.rejection.fleet);
  CLI::App* back = verb(app, "undo", "take back what was done, and do not do it again on that target (root)", chosen,
                        [&o](Context& c) { return undo(c, o.id, o.reason); });
  back->add_option("ID", o.id,
                   "an order's key, or an incident's id or its beginning: its last order that can be undone")
      ->required();
  back->add_option("--reason", o.reason, "kept and shown");
  CLI::App* again = verb(app, "reenable", "allow again what a human undid (root)", chosen,
                         [&o](Context& c) { return reenable(c, o.what, o.entity); });
  again->add_option("ACTION", o.what, "of the catalogue: service.restart")->required();
  again->add_option("TARGET", o.entity, "service:nginx.service")->required();
  verb(app, "rearm", "trust a runbook again that disarmed itself (root)", chosen,
       [&o](Context& c) { return rearm(c, o.what); })
      ->add_option("RUNBOOK", o.what)
      ->required();
  verb(app, "relearn", "forget what the models learnt of some entities, and learn anew (root)", chosen,
       [&o](Context& c) { return relearn(c, o.entity); })
      ->add_option("ENTITY", o.entity, "pattern: service:nginx.service, host, *")
      ->required();
  verb(app, "reload", "read the configuration again (root); a wrong one is refused", chosen, reload);
}

void add_audit_verb(CLI::App& app, Options& o, Verb& chosen) {
  CLI::App* app_audit = verb(app, "audit", "whether the ledger of what was done is as it was written", chosen,
                             [&o](Context& c) { return audit(c, o.file_of_ledger); });
  app_audit->add_option("WHAT", o.what, "verify, the only thing there is to do")->check(CLI::IsMember({"verify"}));
  app_audit->add_option("--file", o.file_of_ledger, "read this ledger, instead of asking the actuator for its own");
}

void add_runbook_verbs(CLI::App& app, Options& o, Verb& chosen) {
  CLI::App* runbook = app.add_subcommand("runbook", "what treats which incidents, and what it would do");
  runbook->fallthrough()->require_subcommand(1);
  verb(*runbook, "list", "all of them, with their tier here and what came of them", chosen, list_runbooks);
  verb(*runbook, "show", "all that one says", chosen, [&o](Context& c) { return show_runbook(c, o.what); })
      ->add_option("NAME", o.what, "of the runbook")
      ->required();
  CLI::App* test = verb(*runbook, "test", "what one would do about an incident now; nothing is done", chosen,
                        [&o](Context& c) { return test_runbook(c, o.what, o.id); });
  test->add_option("NAME", o.what, "of the runbook")->required();
  test->add_option("--incident", o.id, "the incident's id or its beginning")->required();
}

void add_deploy_verb(CLI::App& app, DeploymentWish& o, Verb& chosen) {
  CLI::App* deploy = app.add_subcommand("deploy", "what a pipeline deploys");
  deploy->fallthrough()->require_subcommand(1);
  CLI::App* mark = verb(*deploy, "mark", "tell the agent of a deployment, so that what follows is seen beside it",
                        chosen, [&o](Context& c) { return mark_deployment(c, o); });
  mark->add_option("NAME", o.name, "of what was deployed")->required();
  mark->add_option("--version", o.version, "that was deployed");
  mark->add_option("--entity", o.entity, "what it changed: service:web.service, or a pattern of what is known")
      ->capture_default_str();
}

void add_quiet_verbs(CLI::App& app, Options& o, Verb& chosen) {
  CLI::App* silent = app.add_subcommand("silence", "nobody is told of some entities for a while, nothing is done");
  silent->fallthrough();
  CLI::Option* pattern = silent->add_option("PATTERN", o.silence.entity, "of entities: service:batch*, disk:sdb");
  silent->add_option("--for", o.silence.length, "how long: 30m, 2h, 1d");
  silent->add_option("--kind", o.silence.kind, "pattern of the kinds of incident: disk.*")->capture_default_str();
  silent->add_option("--reason", o.silence.reason, "kept and shown");
  silent->callback([silent, pattern, &o, &chosen] {
    if (!silent->get_subcommands().empty()) return;
    if (pattern->empty()) throw CLI::RequiredError("PATTERN, list or remove");
    chosen = [&o](Context& c) { return silence(c, o.silence); };
  });
  verb(*silent, "list", "those in force", chosen, [](Context& c) { return list_things(c, "silences"); });
  verb(*silent, "remove", "end it (root)", chosen, [&o](Context& c) { return silence_remove(c, o.entity); })
      ->add_option("PATTERN", o.entity, "as it was set")
      ->required();
  CLI::App* ack = verb(app, "ack", "a human knows of the incident: nobody is told again, it stays open", chosen,
                       [&o](Context& c) { return acknowledge(c, o.id, o.reason); });
  ack->add_option("ID", o.id, "the incident's id or its beginning")->required();
  ack->add_option("--reason", o.reason, "kept and shown");

  CLI::App* expect = app.add_subcommand("expect", "what will be unusual and is meant to be");
  expect->fallthrough()->require_subcommand(1);
  CLI::App* add = verb(*expect, "add", "once, beside [[expected]] in the configuration", chosen,
                       [&o](Context& c) { return expect_add(c, o.expect); });
  add->add_option("NAME", o.expect.name, "to remove it by");
  add->add_option("--for", o.expect.length, "how long: 30m, 4h, 2d")->required();
  add->add_option("--at", o.expect.at, "when it begins, such as \"2026-11-27 08:00\"; else now");
  add->add_option("--entity", o.expect.entity, "pattern: service:shop*")->capture_default_str();
  add->add_option("--series", o.expect.series, "pattern of their names: hostmedic.http.*")->capture_default_str();
  CLI::Option* factor = add->add_option("--factor", o.expect.factor, "so many times what is usual is normal")
                            ->check(CLI::Range(1.0, detect::kMostFactor));
  add->add_flag("--shadow", o.expect.shadow, "what these series say opens nothing")->excludes(factor);
  verb(*expect, "list", "what is expected, by the configuration and by people", chosen,
       [](Context& c) { return list_things(c, "expected"); });
  verb(*expect, "remove", "what was added (root)", chosen, [&o](Context& c) { return expect_remove(c, o.what); })
      ->add_option("NAME", o.what)
      ->required();
}

void add_account_verbs(CLI::App& app, Options& o, Verb& chosen) {
  verb(app, "report", "what was done and would have been done, and whether it helped", chosen,
       [&o](Context& c) { return report_account(c, o.account_since); })
      ->add_option("--since", o.account_since, "a length: 12h, 14d")
      ->capture_default_str();
  CLI::App* said = verb(app, "feedback", "say whether an incident was real; its signals count by it from now on",
                        chosen, [&o](Context& c) { return feedback(c, o.feedback); });
  said->add_option("ID", o.feedback.id, "the incident's id or its beginning")->required();
  CLI::Option* word = said->add_option("WORD", o.feedback.word, "real or false");
  said->add_option("--note", o.feedback.note, "kept and shown");
  said->add_flag("--remove", o.feedback.remove, "take back what was said (root)")->excludes(word);
}

void add_recorder_verbs(CLI::App& app, Options& o, Verb& chosen) {
  constexpr const char* kConfig = "an agent's configuration, a policy or a runbook; may be repeated";
  CLI::App* again = verb(app, "replay", "decide again what a recording holds, and compare; changes nothing", chosen,
                         [&o](Context& c) { return replay(c, o.replay); });
  again->add_option("WHAT", o.replay.what, "a recording, or the id of an incident or its beginning")->required();
  again->add_option("--config", o.replay.config, kConfig)->check(CLI::ExistingFile);
  again->add_option("--speed", o.replay.speed, "max, or so many times as fast as it happened")->capture_default_str();
  CLI::App* back = verb(app, "backtest", "what another configuration would have done with all that is recorded", chosen,
                        [&o](Context& c) { return backtest(c, o.backtest); });
  back->add_option("--since", o.backtest.since, "a length of time such as 12h or 14d")->capture_default_str();
  back->add_option("--config", o.backtest.config, std::string(kConfig) + "; none: what is installed")
      ->check(CLI::ExistingFile);
}

void add_evidence_verbs(CLI::App& app, Options& o, Verb& chosen) {
  CLI::App* evidence = app.add_subcommand("evidence", "packages of evidence that were collected (root)");
  evidence->fallthrough()->require_subcommand(1);
  verb(*evidence, "list", "those that are kept, newest first", chosen, list_evidence);
  verb(*evidence, "verify", "whether one was changed or removed since", chosen, verify_evidence);
  verb(*evidence, "show", "what is in one, and what was left out", chosen,
       [&o](Context& c) { return show_evidence(c, o.id); })
      ->add_option("ID", o.id, "the beginning of its name, or of the order's key")
      ->required();
}

void add_score_verb(CLI::App& app, ScoreWish& o, Verb& chosen) {
  CLI::App* run = verb(app, "score", "files of measurements through the shipped detection, row by row; needs no agent",
                       chosen, [&o](Context& c) { return score(c, o); });
  run->add_option("--in", o.in,
                  "CSV or CSV.gz: a column of time first or none, a header or none, any number of series; a column "
                  "named label is left out; an empty cell is unknown")
      ->required()
      ->check(CLI::ExistingFile);
  run->add_option("--out", o.out, "CSV, one row for each row; or a directory")->required();
  run->add_option("--train", o.train, "read first; gives no rows")->check(CLI::ExistingFile);
  run->add_option("--train-dir", o.train_dir, "for several inputs: here are files of the same names to read first")
      ->check(CLI::ExistingDirectory)
      ->excludes("--train");
  run->add_option("--config", o.config, "[detect] of this file, instead of the shipped defaults")
      ->check(CLI::ExistingFile);
  run->add_option("--interval", o.interval, "between rows; else the median of the first 16 rows' times, else 60s");
  run->add_flag("--per-series", o.per_series, "a column for each series as well: its part of the evidence");
  run->add_option("--jobs", o.jobs, "files at a time")->check(CLI::Range(1, 64))->capture_default_str();
}

std::string version_text(const Surroundings& here) {
  return "hostmedic " + here.version + (here.build_id.empty() ? "" : " (build " + here.build_id + ")");
}

// After an upgrade without a restart the agent that runs is the one of before.
Exit show_version(Context& context, const Surroundings& here) {
  const Answer answer = ask_daemon(context.ask, {{"verb", "status"}});
  std::string agent;
  if (answer.body) agent = text_at(object_at(*answer.body, "status"), "version", 32);
  if (context.json) {
    boost::json::object out{{"version", here.version}, {"build_id", here.build_id}, {"agent", nullptr}};
    if (!agent.empty()) out["agent"] = agent;
    write_json(context, out);
    return Exit::fine;
  }
  context.out << version_text(here) << '\n';
  if (!agent.empty() && agent != here.version)
    context.out << "the agent that runs is " << agent << ": systemctl restart hostmedic\n";
  return Exit::fine;
}

// The nearest verb to a word that is none.
std::string suggestion(const CLI::App& app, const std::vector<std::string>& args) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
  const std::vector<std::string_view> views(names.begin(), names.end());
  for (const std::string& arg : args) {
    if (arg.starts_with("-")) continue;
    const std::string_view near = nearest(arg, views);
    if (!near.empty() && near != arg) return "did you mean: hostmedic " + std::string(near);
    break;
  }
  return "hostmedic --help";
}

}  // namespace

Exit run_cli(const Surroundings& surroundings, std::vector<std::string> args) {
  Paths paths = surroundings.paths;
  Options options;
  Verb chosen;
  CLI::App app("Asks, explains, brakes and approves: the command line of the self-healing agent.", "hostmedic");
  app.footer(std::string(kFooter));
  app.get_formatter()->label("SUBCOMMAND", "VERB");
  app.get_formatter()->label("Subcommands", "Verbs");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text(surroundings));
  app.add_flag("--json", options.json, "the answer as one JSON value");
  app.add_flag("--quiet,-q", options.quiet, "no word on success");
  app.add_flag("--ascii", options.ascii, "bars and curves without characters beyond ASCII");
  app.add_option("--socket", paths.control_socket, "the agent's control socket")->capture_default_str();
  app.add_option("--actuator-socket", paths.actuator_socket, "the actuator's socket")->capture_default_str();
  add_reading_verbs(app, options, chosen);
  add_acting_verbs(app, options, chosen);
  add_quiet_verbs(app, options, chosen);
  add_host_verbs(app, options, chosen);
  add_account_verbs(app, options, chosen);
  add_recorder_verbs(app, options, chosen);
  add_evidence_verbs(app, options, chosen);
  add_score_verb(app, options.score, chosen);
  add_audit_verb(app, options, chosen);
  add_runbook_verbs(app, options, chosen);
  add_deploy_verb(app, options.deployment, chosen);
  verb(app, "version", "of this program, and of the agent where that is another", chosen,
       [&surroundings](Context& c) { return show_version(c, surroundings); });

  Context context{.out = surroundings.out,
                  .err = surroundings.err,
                  .look = surroundings.look,
                  .who = surroundings.who,
                  .paths = {},
                  .one_key = surroundings.one_key};
  if (!args.empty() && args[0] == "complete") {
    context.ask = ask_socket(paths.control_socket);
    context.paths = std::move(paths);
    args.erase(args.begin(), args.begin() + (args.size() > 1 && args[1] == "--" ? 2 : 1));
    complete(app, args, context);
    return Exit::fine;
  }
  const std::vector<std::string> words = args;
  try {
    std::reverse(args.begin(), args.end());  // as CLI11 takes them
    app.parse(std::move(args));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error, surroundings.out, surroundings.err);  // --help, --version
      return Exit::fine;
    }
    return fail(context, {Exit::usage, printable(error.what(), 300), suggestion(app, words)});
  }
  context.json = options.json;
  context.quiet = options.quiet;
  if (options.ascii) context.look.utf8 = false;
  context.ask = ask_socket(paths.control_socket);
  context.ask_actuator = ask_actuator_socket(paths.actuator_socket);
  if (!options.root.empty()) paths.etc = options.root + paths.etc;
  context.paths = std::move(paths);
  return chosen ? chosen(context) : Exit::usage;
}

}  // namespace hostmedic
