// SPDX-License-Identifier: Apache-2.0
// certificate.renew: systemd runs the administrator's own unit; the file shows whether it helped.
#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "actions/catalog/certificate_renew/units.h"
#include "actions/catalog/effect_protected.h"
#include "actions/catalog/effect_table.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/base/x509.h"

namespace hostmedic {
namespace {

using guard::TargetState;

// When the first certificate of the file ends. The file may be a link, as of certbot; only its times are told.
Result<WallTime> end_of(const std::string& path) {
  const auto file = open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return file.error();
  struct stat seen{};
  if (::fstat(file->get(), &seen) != 0 || !S_ISREG(seen.st_mode))
    return make_error(ErrorCode::unsupported, path + " is not an ordinary file");
  std::vector<char> buffer(256 << 10);
  const auto text = pread_all(file->get(), buffer);
  if (!text) return text.error();
  const auto certificate = parse_certificate_pem(*text);
  if (!certificate) return Error(certificate.error()).in(path);
  return certificate->not_after;
}

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  const std::string path(plan.get("path")), unit(plan.get("unit"));
  const auto end = end_of(path);
  if (!end) {
    ret_text = end.error().message();
    return end.error().code == ErrorCode::not_found && end.error().sys_errno != 0 ? TargetState::gone
                                                                                  : TargetState::unknown;
  }
  ret_text = path + " is valid until " + format_utc(*end);
  if (*end - wall_now() > parse_duration(plan.get("near")).value_or(Duration{})) return TargetState::recovered;
  const auto status = context.manager.status(unit);
  if (!status || status->load_state != "loaded") {
    ret_text += "; " + (status ? unit + " is " + printable(status->load_state, 40) : status.error().message());
    return TargetState::unknown;
  }
  if (status->active_state == "active" || status->active_state == "inactive" || status->active_state == "failed")
    return TargetState::faulty;
  ret_text += "; " + unit + " is " + printable(status->active_state, 40);
  return TargetState::changing;
}

Outcome ended(Outcome outcome, OutcomeResult result, std::string text) {
  outcome.result = result;
  outcome.text = std::move(text);
  return outcome;
}

// A unit that is no oneshot goes on after its start; the file is looked at until the time is over.
Result<WallTime> wait_for_new(const std::string& path, WallTime before, MonoTime deadline) {
  constexpr auto kPause = std::chrono::milliseconds(250);
  auto end = end_of(path);
  while ((!end || *end <= before) && mono_now() < deadline) {
    std::this_thread::sleep_for(kPause);
    end = end_of(path);
  }
  return end;
}

Outcome execute(const Order& order, const EffectContext& context) {
  const Plan& plan = order.plan;
  const std::string path(plan.get("path")), unit(plan.get("unit"));
  const std::vector<std::string> users = units_of(plan.get("reload"));
  std::vector<std::string> touched = users;
  touched.push_back(unit);
  for (const std::string& one : touched)
    if (std::string why = why_untouchable({EntityKind::service, one}, context.policy); !why.empty())
      return ended({}, OutcomeResult::refused, std::move(why));
  const auto before = end_of(path);
  if (!before) return ended({}, OutcomeResult::failed, before.error().message());

  Outcome outcome;
  outcome.details.push_back({"was_not_after", format_utc(*before)});
  const MonoTime begin = mono_now();
  if (const Status started = context.manager.job(unit, UnitJob::start, plan.timeout / 2); !started) {
    const bool late = started.error().code == ErrorCode::timeout;
    return ended(std::move(outcome), late ? OutcomeResult::timed_out : OutcomeResult::failed,
                 "start of " + unit + ": " + started.error().message());
  }
  const auto status = context.manager.status(unit);
  const bool goes_on = status && status->active_state == "active";
  const auto after = wait_for_new(path, *before, goes_on ? begin + plan.timeout / 2 : begin);
  if (!after) return ended(std::move(outcome), OutcomeResult::failed, after.error().message());
  outcome.details.push_back({"not_after", format_utc(*after)});
  if (*after <= *before)
    return ended(std::move(outcome), OutcomeResult::failed,
                 unit + " ended, but " + path + " is still valid until " + format_utc(*after) + " only");
  for (const std::string& user : users) {
    if (const Status reloaded = context.manager.job(user, UnitJob::reload, plan.timeout / 8); !reloaded)
      return ended(std::move(outcome), OutcomeResult::failed,
                   "renewed, but reload of " + user + ": " + reloaded.error().message());
    outcome.details.push_back({"reloaded", user});
  }
  return ended(std::move(outcome), OutcomeResult::done, path + " is valid until " + format_utc(*after) + " now");
}

}  // namespace

const EffectInfo kCertificateRenewEffect{
    .action = "certificate.renew", .inspect = inspect, .execute = execute, .inside = nullptr};

}  // namespace hostmedic
