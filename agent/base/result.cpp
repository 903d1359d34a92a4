// SPDX-License-Identifier: Apache-2.0
#include "agent/base/result.h"

#include <cerrno>
#include <cstring>

namespace hostmedic {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::denied: return "denied";
    case ErrorCode::malformed: return "malformed";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::io: return "io";
    case ErrorCode::limit: return "limit";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::conflict: return "conflict";
  }
  return "unknown";
}

Error Error::in(std::string_view where) && {
  std::string outer(where);
  outer += ": ";
  outer += context;
  context = std::move(outer);
  return std::move(*this);
}

std::string Error::message() const {
  if (sys_errno == 0) return context;
  return context + ": " + strerrordesc_np(sys_errno);
}

Error make_error(ErrorCode code, std::string context) { return Error{code, 0, std::move(context)}; }

Error errno_error(int sys_errno, std::string context) {
  ErrorCode code = ErrorCode::io;
  if (sys_errno == ENOENT || sys_errno == ESRCH) code = ErrorCode::not_found;
  if (sys_errno == EACCES || sys_errno == EPERM) code = ErrorCode::denied;
  return Error{code, sys_errno, std::move(context)};
}

}  // namespace hostmedic
