// SPDX-License-Identifier: Apache-2.0
// A file descriptor that closes itself once. Move-only. Whoever opens one asks for O_CLOEXEC.
#pragma once

#include <unistd.h>

#include <utility>

namespace hostmedic {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    // An error of close() leaves nothing to retry on Linux: the descriptor is gone either way.
    if (fd_ >= 0) (void)::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace hostmedic
