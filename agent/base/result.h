// SPDX-License-Identifier: Apache-2.0
// What can fail returns Result<T>: a value or an Error. An Error carries a small code to switch on, the errno if the
// system gave one, and a context that reads outermost first ("meminfo: line 3: not a number").
// Immutable values; no thread rule. The name and shape follow std::expected so that a later swap stays local.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace hostmedic {

enum class ErrorCode : std::uint8_t {
  not_found,    // the thing asked for does not exist
  denied,       // the kernel or a peer refused
  malformed,    // input that does not follow its grammar
  unsupported,  // this host or build cannot do it
  io,           // the operating system failed; see sys_errno
  limit,        // a bound was reached
  timeout,      // a deadline passed
  conflict,     // the present state forbids it
};

std::string_view to_string(ErrorCode code);

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::io;
  int sys_errno = 0;    // 0: none
  std::string context;  // plain text, no trailing full stop

  // Prepends where it happened: Error{.., "not a number"}.in("meminfo") says "meminfo: not a number".
  Error in(std::string_view where) &&;
  // context, and the system's word for sys_errno if there is one.
  std::string message() const;
};

Error make_error(ErrorCode code, std::string context);
// Maps ENOENT to not_found, EACCES/EPERM to denied, everything else to io.
Error errno_error(int sys_errno, std::string context);

template <class T = std::monostate>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool has_value() const { return state_.index() == 0; }

  // Access to the wrong side aborts: it is a broken invariant, not bad input.
  T& operator*() & { return *expect_value(); }
  const T& operator*() const& { return *const_cast<Result*>(this)->expect_value(); }
  T&& operator*() && { return std::move(*expect_value()); }
  T* operator->() { return expect_value(); }
  const T* operator->() const { return const_cast<Result*>(this)->expect_value(); }
  Error& error() & { return *expect_error(); }
  const Error& error() const& { return *const_cast<Result*>(this)->expect_error(); }
  Error&& error() && { return std::move(*expect_error()); }

  T value_or(T other) const& { return has_value() ? **this : std::move(other); }

 private:
  T* expect_value() {
    T* value = std::get_if<0>(&state_);
    if (value == nullptr) __builtin_trap();
    return value;
  }
  Error* expect_error() {
    Error* error = std::get_if<1>(&state_);
    if (error == nullptr) __builtin_trap();
    return error;
  }
  std::variant<T, Error> state_;
};

using Status = Result<std::monostate>;
inline Status ok() { return std::monostate{}; }

}  // namespace hostmedic
