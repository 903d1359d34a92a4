// SPDX-License-Identifier: Apache-2.0
// What somebody far away says of a plan. The agent brings it, and is not believed: the signature is looked at here,
// with the certificates that root keeps.
#include "agent/actuator/actuator.h"
#include "agent/base/text.h"
#include "agent/net/signature.h"

namespace hostmedic {

Result<std::string> Actuator::vouched(const SignedWord& word) const {
  const WallTime now = parts_.wall();
  if (word.host_id != parts_.host_id || word.host_name != parts_.host_name)
    return make_error(ErrorCode::denied,
                      "the word is for " + word.host_name + " (" + word.host_id + "), not this host");
  if (word.until <= now) return make_error(ErrorCode::denied, "the word held until " + format_utc(word.until));
  if (word.until > now + kWordLife + kMostSkew)
    return make_error(ErrorCode::denied, "the word holds until " + format_utc(word.until) +
                                             ", for too long: do the clocks differ? Here it is " + format_utc(now));
  if (!parts_.approvers) return make_error(ErrorCode::denied, "nobody may approve from afar here");
  const auto trusted = parts_.approvers();
  if (!trusted) return trusted.error();
  const auto who = who_signed({word_text(word), word.signer, word.signature}, *trusted, now);
  if (!who) return Error(who.error()).in("the word is not of one of the approvers");
  return who->common_name + " (certificate " + who->fingerprint.substr(0, 12) + ")";
}

}  // namespace hostmedic
