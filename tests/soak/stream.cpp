// SPDX-License-Identifier: Apache-2.0
#include "tests/soak/stream.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "agent/base/clock.h"
#include "detect/model/codec.h"

namespace hostmedic::soak {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kSeriesAtOnce = 800;  // a frame is bounded, and a host has more
constexpr int kMostWaiting = 32 << 10;      // bytes, as the kernel counts: a frame or two, so that nobody idles
constexpr Duration kPatience = 60s;

std::int64_t to_nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

}  // namespace

Result<Stream> Stream::open(std::string socket, const std::string& clock_file, std::int64_t speed) {
  Stream made;
  made.socket_ = std::move(socket);
  made.speed_ = speed;
  const Fd fd(::open(clock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd || ::ftruncate(fd.get(), sizeof(ClockPage)) != 0) return errno_error(errno, clock_file);
  void* at = ::mmap(nullptr, sizeof(ClockPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) return errno_error(errno, clock_file);
  made.page_ = static_cast<ClockPage*>(at);
  // Whole seconds of now, far enough from the boot that every window may look back.
  made.mono_ = made.begun_ = (to_ns(mono_now()) / 1'000'000'000 + 9 * 86400) * 1'000'000'000;
  made.wall_ = to_ns(wall_now());
  made.page_->speed = speed;
  made.advance(0);
  return made;
}

void Stream::advance(double seconds) {
  mono_ += to_nanoseconds(seconds);
  wall_ += to_nanoseconds(seconds);
  page_->wall_ns = wall_;
  page_->mono_ns = mono_;
}

void Stream::restart() {
  fresh_ = true;
  entities_.clear();
  series_.clear();
}

Status Stream::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.c_str(), std::min(socket_.size(), sizeof address.sun_path - 1));
  for (const MonoTime until = mono_now() + kPatience; mono_now() < until; std::this_thread::sleep_for(20ms)) {
    Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) continue;
    const int size = 1 << 20;
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);  // best effort: the kernel may grant less
    fd_ = std::move(fd);
    fresh_ = true;
    ++connections_;
    return ok();
  }
  return make_error(ErrorCode::timeout, "nobody listens on " + socket_);
}

// An error is a reader that went away.
Status Stream::wait_taken(int most) {
  const MonoTime until = mono_now() + kPatience;
  for (int left = 0; mono_now() < until; std::this_thread::sleep_for(50us)) {
    if (::ioctl(fd_.get(), SIOCOUTQ, &left) != 0) return errno_error(errno, "SIOCOUTQ");
    if (left <= most) return ok();
  }
  return make_error(ErrorCode::timeout, "the daemon takes no frame");
}

Status Stream::put(const Frame& frame) {
  encode_frame(frame, encoded_);
  if (::send(fd_.get(), encoded_.data(), encoded_.size(), MSG_NOSIGNAL) < 0) return errno_error(errno, "send");
  bytes_ += encoded_.size();
  return wait_taken(kMostWaiting);
}

void Stream::learn(const Frame& frame) {
  const std::set<EntityId> gone(frame.gone.begin(), frame.gone.end());
  for (const EntityId id : gone) entities_.erase(id);
  if (!gone.empty()) std::erase_if(series_, [&](const auto& row) { return gone.contains(row.second.entity); });
  for (const EntityDef& def : frame.entities) entities_[def.id] = def;
  for (const SeriesDef& def : frame.series) series_[def.id] = def;
}

// All that is known, in frames of a bounded size.
Status Stream::define() {
  Frame frame;
  frame.mono = mono_from_ns(mono_);
  frame.wall = wall_from_ns(wall_);
  frame.first = true;
  for (const auto& [id, def] : entities_) frame.entities.push_back(def);
  auto next = series_.begin();
  do {
    for (; next != series_.end() && frame.series.size() < kSeriesAtOnce; ++next) frame.series.push_back(next->second);
    frame.sequence = ++sequence_;
    if (Status sent = put(frame); !sent) return sent;
    frame.first = false;
    frame.entities.clear();
    frame.series.clear();
  } while (next != series_.end());
  return ok();
}

Status Stream::send(Frame& frame, double seconds_later) {
  const std::int64_t before = mono_;
  advance(seconds_later);
  frame.first = false;
  frame.mono = mono_from_ns(mono_);
  frame.wall = wall_from_ns(wall_);
  // What happened between the last frame and this did so at its end.
  for (Event& event : frame.events) event.at = frame.mono;
  learn(frame);
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (!fd_ || attempt > 0)
      if (Status connected = connect(); !connected) return connected;
    const bool fresh = std::exchange(fresh_, false);
    if (fresh) {
      if (Status defined = define(); !defined) continue;
      frame.gone.clear();  // the definitions have all that this frame says of them
      frame.entities.clear();
      frame.series.clear();
    }
    frame.sequence = ++sequence_;
    if (const Status sent = put(frame); !sent) continue;
    real_due_ += (mono_ - before) / speed_;
    const std::int64_t now = to_ns(mono_now());
    if (real_due_ < now) real_due_ = now;
    std::this_thread::sleep_for(std::chrono::nanoseconds(real_due_ - now));
    return ok();
  }
  return make_error(ErrorCode::timeout, "the daemon takes no frame");
}

void Stream::silence(double seconds) {
  for (double passed = 0; passed < seconds; passed += 1) {
    advance(1);
    std::this_thread::sleep_for(std::chrono::nanoseconds(1'000'000'000 / speed_));
  }
}

}  // namespace hostmedic::soak
