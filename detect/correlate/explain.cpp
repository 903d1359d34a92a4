// SPDX-License-Identifier: Apache-2.0
#include "detect/correlate/explain.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "agent/base/bytes.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

// How a level reads in a sentence: "filesystem:/srv is 71% full".
struct Words {
  std::string_view metric, verb, rest;
};
constexpr std::array kWords{
    Words{metric::kFilesystemUtilization.name, "is", "full"},
    Words{metric::kFilesystemInodesUtilization.name, "has", "of its inodes used"},
    Words{metric::kMemoryUtilization.name, "has", "of its memory used"},
    Words{metric::kSwapUtilization.name, "has", "of its swap used"},
    Words{metric::kDiskIoTime.name, "is", "busy"},
};

std::string number_of(std::string_view value) { return std::string(value.empty() ? "?" : value); }

std::string subject(const SignalRule& rule, const Entity& entity, const Signal& signal) {
  const std::string value = format_value(signal.value.value_or(0), signal.unit);
  const std::string who = to_string(entity);
  for (const Words& words : kWords)
    if (words.metric == rule.source)
      return strf("%s %.*s %s %.*s", who.c_str(), static_cast<int>(words.verb.size()), words.verb.data(), value.c_str(),
                  static_cast<int>(words.rest.size()), words.rest.data());
  std::string text = who + ": " + rule.source;
  if (!signal.attributes.empty()) text += "{" + signal.attributes + "}";
  return text + " is " + value;
}

std::string explain_unit_state(const Entity& entity, const Event& event) {
  std::string text = entity.name + " is " + number_of(event.get(attr::kUnitActiveState));
  if (const auto result = event.get(attr::kUnitResult); !result.empty()) text += ": result " + std::string(result);
  if (const auto code = event.get(attr::kUnitExitCode); !code.empty()) text += ", status " + std::string(code);
  if (const auto restarts = event.get(attr::kUnitRestarts); !restarts.empty() && restarts != "0")
    text += ", restarted " + std::string(restarts) + " times by systemd";
  return text;
}

std::string explain_unit_job(const Entity& entity, const Event& event) {
  const std::string_view result = event.get(attr::kJobResult), triggers = event.get(attr::kJobTriggers);
  if (event.get(attr::kJobType) != "timer") {
    if (result == "timeout") return "a job of " + entity.name + " ran into its time limit";
    if (result == "dependency") return "a job of " + entity.name + " was given up: what it depends on failed";
    return "a job of " + entity.name + " ended: " + number_of(result);
  }
  std::string text = entity.name + (result == "failed" ? " has failed" : " did not run when it was due");
  const auto overdue = parse_u64(event.get(attr::kJobOverdue));
  if (overdue) text += ", " + format_duration(std::chrono::seconds(*overdue)) + " ago";
  if (!triggers.empty()) text += ": " + std::string(triggers) + " is not started";
  return text;
}

std::string explain_container(const Entity& entity, const Event& event) {
  struct Phrase {
    std::string_view what, text;
  };
  static constexpr std::array kPhrases{
      Phrase{"create", "was made"},
      Phrase{"start", "was started"},
      Phrase{"die", "ended"},
      Phrase{"restart", "was started again by its restart policy"},
      Phrase{"oom", "ran out of memory"},
      Phrase{"health_status", "changed its health"},
      Phrase{"destroy", "was removed"},
      Phrase{"found", "is there"},
  };
  const std::string_view what = event.get(attr::kContainerEvent), code = event.get(attr::kContainerExitCode);
  std::string text = to_string(entity) + " ";
  const auto phrase = std::ranges::find(kPhrases, what, &Phrase::what);
  text += phrase != kPhrases.end() ? std::string(phrase->text) : "tells " + number_of(what);
  if (!code.empty()) text += " with exit code " + std::string(code);
  if (!event.get(attr::kContainerOomKilled).empty() && what != "oom") text += ", for want of memory";
  if (what == "health_status") text += ": " + number_of(event.get(attr::kContainerHealth));
  if (const auto count = event.get(attr::kContainerRestarts); !count.empty() && count != "0")
    text += ", restarted " + std::string(count) + " times by its policy";
  if (const auto image = event.get(attr::kContainerImage); !image.empty()) text += " (" + std::string(image) + ")";
  return text;
}

std::string process_of(std::string_view pid, std::string_view name, std::string_view unit) {
  std::string text = "process " + number_of(pid);
  if (!name.empty()) text += " (" + std::string(name) + ")";
  if (!unit.empty()) text += " of " + std::string(unit);
  return text;
}
std::string process_of(const Event& event) {
  return process_of(event.get(attr::kProcessPid), event.get(attr::kProcessName), event.get(attr::kProcessUnit));
}

// "process 7 (nginx) of nginx.service was started as /usr/sbin/nginx by systemd"
std::string explain_start(const Event& event) {
  std::string text = process_of(event) + " was started";
  if (const auto path = event.get(attr::kProcessPath); !path.empty()) text += " as " + std::string(path);
  if (const auto parent = event.get(attr::kProcessParentName); !parent.empty()) text += " by " + std::string(parent);
  return text;
}

std::string explain_oom_kill(const Event& event) {
  std::string text = "the kernel killed " + process_of(event) + " for want of memory";
  const auto group = event.get(attr::kOomGroup);
  if (group.empty()) return text;
  text += ": " + std::string(group) + " reached its limit";
  if (const auto limit = parse_u64(event.get(attr::kOomLimit)))
    text += " of " + format_bytes(static_cast<double>(*limit));
  return text;
}

std::string explain_fatal_signal(const Event& event) {
  std::string text = process_of(event) + " was sent signal " + number_of(event.get(attr::kSignalNumber));
  const auto cause = event.get(attr::kSignalCause), pid = event.get(attr::kSignalSenderPid);
  if (cause == "kernel") return text + " by the kernel";
  if (cause == "itself") return text + " by itself";
  if (pid.empty()) return text + " from outside";
  return text + " by " + process_of(pid, event.get(attr::kSignalSenderName), event.get(attr::kSignalSenderUnit));
}

std::string explain_behaviour(const Entity& entity, const Event& event) {
  const auto kind = event.get(attr::kBehaviourKind);
  if (kind.ends_with("_novelty"))
    return (entity.kind == EntityKind::service ? entity.name : to_string(entity)) + " " +
           number_of(event.get(attr::kBehaviourObject));
  const std::string object = number_of(event.get(attr::kBehaviourObject)), who = process_of(event);
  const std::string other = process_of(event.get(attr::kBehaviourObjectPid), object, "");
  if (kind == "setuid_exec")
    return who + " runs " + object + " with other rights than those of user " +
           number_of(event.get(attr::kProcessUser)) + ", who called it";
  if (kind == "memfd_exec") return who + " runs a program that is only in memory, " + object;
  if (kind == "traced_exec") return who + " was started while traced by " + other;
  if (kind == "ptrace_attach") return who + " began to trace " + other;
  if (kind == "module_load") return who + " loaded the kernel module " + object;
  if (kind == "module_unload") return who + " removed the kernel module " + object;
  return who + " did something unusual: " + number_of(kind);
}

std::string explain_filesystem_error(const Entity& entity, const Event& event) {
  const auto kind = event.get(attr::kFilesystemErrorKind), type = event.get(attr::kFilesystemType);
  const auto name = event.get(attr::kFilesystemDeviceName);
  std::string text = to_string(entity);
  if (entity.kind != EntityKind::filesystem)
    text = "the filesystem on " + number_of(name.empty() ? event.get(attr::kFilesystemDevice) : name);
  if (!type.empty()) text += " (" + std::string(type) + ")";
  if (kind == "damage") text += " is damaged";
  if (kind == "shutdown") text += " has stopped itself after an error";
  if (kind == "writeback") text += " could not write data to its device";
  if (const auto error = event.get(attr::kErrorType); !error.empty()) text += ": " + std::string(error);
  if (const auto place = event.get(attr::kFilesystemErrorPlace); !place.empty())
    text += ", found by " + std::string(place);
  return text;
}

std::string explain_network(const Event& event) {
  std::string who(event.get(attr::kProcessName));
  if (who.empty()) who = "a program";
  if (const auto unit = event.get(attr::kProcessUnit); !unit.empty()) who += " of " + std::string(unit);
  const auto place = [&](std::string_view address, std::string_view port) {
    return number_of(event.get(address)) + " port " + number_of(event.get(port));
  };
  if (event.kind == EventKind::destination) {
    const std::string first =
        event.get(attr::kNetworkInitial) == "1" ? " connects to " : " connects for the first time to ";
    return who + first + place(attr::kNetworkPeerAddress, attr::kNetworkPeerPort);
  }
  const bool closed = event.get(attr::kListenerState) == "closed";
  return who + (closed ? " listens no more on " : " listens on ") +
         place(attr::kNetworkLocalAddress, attr::kNetworkLocalPort);
}

}  // namespace

std::string format_value(double value, Unit unit) {
  switch (unit) {
    case Unit::ratio: return std::abs(value) < 0.0995 ? strf("%.1f%%", 100 * value) : strf("%.0f%%", 100 * value);
    case Unit::bytes: return format_bytes(value);
    case Unit::seconds: return strf("%.1fs", value);
    case Unit::count: return strf("%.4g", value);
    case Unit::bytes_per_second: return format_bytes(value) + "/s";
    case Unit::per_second: return strf("%.3g/s", value);
    case Unit::celsius: return strf("%.0f °C", value);
  }
  return strf("%.4g", value);
}

std::string explain_series(const SignalRule& rule, const Entity& entity, const Signal& signal) {
  if (rule.detector == kConditionDetector) return signal.evidence;
  const Finding& finding = signal.finding;
  std::string text = subject(rule, entity, signal);
  const double expected = finding.expected.value_or(0);
  if (rule.detector == "exhaustion") {
    const double left = std::abs(expected - signal.value.value_or(0));
    const double slope = finding.score > 0 ? left / finding.score : 0;
    if (slope <= 0) return text + ": nothing is left";
    const Duration to_full = std::chrono::nanoseconds(static_cast<std::int64_t>(finding.score * 1e9));
    std::string rate = format_value(slope, signal.unit);
    if (signal.unit == Unit::ratio) rate = strf("%.2g%%", 100 * slope);
    return text + strf(" and %s %s/s: %s in %s", finding.direction == Direction::below ? "falls" : "grows",
                       rate.c_str(), expected > 0 ? "full" : "used up", format_duration(to_full).c_str());
  }
  if (rule.detector == "zscore")
    return text + strf(", usual is %s: %.1f deviations beyond what is usual",
                       format_value(expected, signal.unit).c_str(), std::pow(finding.score, 2.0 / 3));
  if (rule.detector == "rate_above")
    return text + strf(", on average %.3g/s, above the limit of %.3g/s", finding.score, expected);
  if (rule.detector == "leak") {
    const Duration left = std::chrono::seconds(static_cast<std::int64_t>(std::min(finding.score, 1e9)));
    return text + strf(", its low points keep %s: %s in %s at this pace",
                       finding.direction == Direction::below ? "falling" : "rising",
                       format_value(expected, signal.unit).c_str(), format_duration(left).c_str());
  }
  if (finding.departure != Departure::none) {
    text += strf(", expected is %s: %.*s", format_value(expected, signal.unit).c_str(),
                 static_cast<int>(finding.reason.size()), finding.reason.data());
    const std::string_view how = to_string(finding.departure);
    return text + strf(" (%.*s)", static_cast<int>(how.size()), how.data());
  }
  return text + strf(", %s the limit of %s for %s", finding.direction == Direction::below ? "below" : "above",
                     format_value(expected, signal.unit).c_str(), format_duration(signal.last - finding.since).c_str());
}

std::string explain_growth(const Event& growth) {
  std::string text = number_of(growth.get(attr::kFilePath)) + " grows";
  if (const auto rate = parse_double(growth.get(attr::kFileGrowth)); rate) text += " " + format_bytes(*rate) + "/s";
  if (const auto share = parse_double(growth.get(attr::kFileGrowthShare)); share)
    text += strf(", %.0f%% of the filesystem's growth", 100 * *share);
  const auto unit = growth.get(attr::kWriterUnit), name = growth.get(attr::kWriterName);
  const auto pid = growth.get(attr::kWriterPid);
  if (unit.empty() && name.empty()) return text;
  text += "; written by " + std::string(unit.empty() ? name : unit);
  if (!unit.empty() && !name.empty()) text += " (" + std::string(name) + ")";
  if (!pid.empty()) text += ", pid " + std::string(pid);
  return text;
}

std::string explain_budget(const Event& event) {
  const auto share = parse_double(event.get(attr::kBudgetCpu)), memory = parse_double(event.get(attr::kBudgetMemory));
  std::string text = "the agent used ";
  text += share ? strf("%.2f%% of a core", 100 * *share) : std::string("an unknown share of a core");
  if (memory) text += " and " + format_bytes(*memory);
  return text +
         (event.get(attr::kBudgetReason) == "recovered" ? "; its probes look more often again (level "
                                                        : "; its probes look less often (level ") +
         std::string(event.get(attr::kBudgetLevel)) + ")";
}

std::string explain_template(const Entity& entity, const Event& event) {
  const auto file = event.get(attr::kLogFilePath), sample = event.get(attr::kLogSample);
  std::string text = file.empty() ? "the journal of " + to_string(entity) : std::string(file);
  text += " says what it has not said before";
  if (const auto severity = event.get(attr::kLogSeverity); !severity.empty())
    text += " (" + std::string(severity) + ")";
  return text + ": " + std::string(sample.empty() ? event.get(attr::kLogTemplateText) : sample);
}

// What needs no words of its own: the kind, whose it is, and its attributes.
std::string explain_facts(const Entity& entity, const Event& event) {
  std::string text = std::string(to_string(event.kind)) + " of " + to_string(entity);
  for (std::size_t i = 0; i < event.attributes.size(); ++i)
    text += (i == 0 ? ": " : ", ") + event.attributes[i].key + "=" + event.attributes[i].value;
  return text;
}

// "filesystem:/srv became read-only (ext4 on /dev/sdb1)"
std::string explain_mount(const Entity& entity, const Event& event) {
  const auto action = event.get(attr::kMountAction);
  std::string text = to_string(entity);
  if (action == "read_only") {
    text += " became read-only";
  } else if (action == "read_write") {
    text += " became writable";
  } else if (action == "unreachable") {
    text += " does not answer: what asks it for a file waits";
  } else if (action == "reachable") {
    text += " answers again";
  } else {
    text += " was " + number_of(action);
  }
  return text + " (" + number_of(event.get(attr::kMountType)) + " on " + number_of(event.get(attr::kMountSource)) + ")";
}

// "block_device:md0: array: degraded; before: healthy"
std::string explain_hardware(const Entity& entity, const Event& event) {
  std::string text = to_string(entity) + ": " + number_of(event.get(attr::kHardwareType));
  if (const auto id = event.get(attr::kHardwareId); !id.empty()) text += " " + std::string(id);
  text += ": " + number_of(event.get(attr::kHardwareState));
  if (const auto before = event.get(attr::kHardwarePrevious); !before.empty())
    text += "; before: " + std::string(before);
  return text;
}

// "certificate:/etc/tls/a.crt was replaced: www.example.org, valid until 2027-01-01T00:00:00Z"
std::string explain_certificate(const Entity& entity, const Event& event) {
  return to_string(entity) + " was " + number_of(event.get(attr::kCertificateAction)) + ": " +
         number_of(event.get(attr::kCertificateSubject)) + ", valid until " +
         number_of(event.get(attr::kCertificateNotAfter));
}

// "package:nginx was upgraded from 1.22 to 1.24", "service:nginx.service: configuration /etc/nginx/nginx.conf was
// modified"
std::string explain_change(const Entity& entity, const Event& event) {
  const auto type = event.get(attr::kChangeType), name = event.get(attr::kChangeName),
             path = event.get(attr::kChangePath);
  const auto version = event.get(attr::kChangeVersion), before = event.get(attr::kChangePreviousVersion);
  std::string text = std::string(type == "unit_file" ? "unit file" : number_of(type));
  if (!name.empty()) text += " " + std::string(name);
  if (!path.empty()) text += " " + std::string(path);
  if (entity.kind == EntityKind::service || entity.kind == EntityKind::container) text += " of " + entity.name;
  text += " was " + number_of(event.get(attr::kChangeAction));
  if (!before.empty()) text += " from " + std::string(before);
  if (!version.empty()) text += (before.empty() ? ", version " : " to ") + std::string(version);
  if (const auto by = event.get(attr::kChangeBy); !by.empty()) text += ", by " + std::string(by);
  return text;
}

std::string explain_relation(const Entity& entity, const Event& event) {
  std::string words = number_of(event.get(attr::kRelationType));
  std::ranges::replace(words, '_', ' ');
  return to_string(entity) + (event.get(attr::kRelationState) == "gone" ? " no longer " : " ") + words + " " +
         number_of(event.get(attr::kRelationTarget));
}

std::string explain_event(const Entity& entity, const Event& event) {
  switch (event.kind) {
    case EventKind::unit_state: return explain_unit_state(entity, event);
    case EventKind::unit_job: return explain_unit_job(entity, event);
    case EventKind::container_state: return explain_container(entity, event);
    case EventKind::file_growth: return explain_growth(event);
    case EventKind::oom_kill: return explain_oom_kill(event);
    case EventKind::fatal_signal: return explain_fatal_signal(event);
    case EventKind::behaviour: return explain_behaviour(entity, event);
    case EventKind::filesystem_error: return explain_filesystem_error(entity, event);
    case EventKind::process_exit: {
      const auto signal = event.get(attr::kProcessExitSignal);
      if (!signal.empty()) return process_of(event) + " was ended by signal " + std::string(signal);
      return process_of(event) + " ended with exit code " + number_of(event.get(attr::kProcessExitCode));
    }
    case EventKind::process_exec: return explain_start(event);
    case EventKind::probe_state:
      return "probe " + number_of(event.get(attr::kProbeName)) + " is " + number_of(event.get(attr::kProbeState));
    case EventKind::check_state: {
      const std::string text =
          "check " + number_of(event.get(attr::kCheckId)) + " (" + number_of(event.get(attr::kCheckUrl)) + ")";
      if (event.get(attr::kCheckState) == "up") return text + " passes again";
      return text + " fails: " + number_of(event.get(attr::kCheckReason));
    }
    case EventKind::agent_budget: return explain_budget(event);
    case EventKind::listener:
    case EventKind::destination: return explain_network(event);
    case EventKind::samples_lost: return number_of(event.get(attr::kCount)) + " samples were lost";
    case EventKind::mount_changed: return explain_mount(entity, event);
    case EventKind::clock_step: return "the wall clock was set by " + number_of(event.get(attr::kClockStep)) + " s";
    case EventKind::hardware_fault: return explain_hardware(entity, event);
    case EventKind::kernel_message: return "the kernel wrote: " + number_of(event.get(attr::kKernelText));
    case EventKind::log_template: return explain_template(entity, event);
    case EventKind::certificate: return explain_certificate(entity, event);
    case EventKind::change: return explain_change(entity, event);
    case EventKind::relation: return explain_relation(entity, event);
  }
  return std::string(to_string(event.kind));
}

std::string summarize(std::string_view incident_kind, const Entity& root, WallTime since) {
  const std::string_view phrase = phrase_of(incident_kind);
  const std::string what = phrase.empty() ? "has " + std::string(incident_kind) : std::string(phrase);
  const std::string who = root.kind == EntityKind::service ? root.name : to_string(root);
  return who + " " + what + ", since " + format_utc(since);
}

}  // namespace hostmedic::detect
