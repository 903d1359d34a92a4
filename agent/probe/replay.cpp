// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/clock.h"
#include "agent/probe/connect.h"
#include "agent/probe/run.h"
#include "detect/model/codec.h"
#include "probes/replay/recording.h"

namespace hostmedic {
namespace {

enum class Waited { enough, stopped };

Waited wait_until(MonoTime at, int stop_fd) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at - mono_now()).count();
    if (left <= 0) return Waited::enough;
    pollfd stop{stop_fd, POLLIN, 0};
    if (::poll(&stop, 1, static_cast<int>(std::min<long long>(left, 3'600'000))) > 0) return Waited::stopped;
  }
}

}  // namespace

Status replay_frames(const std::string& recording, const std::string& socket, double speed, int stop_fd) {
  auto reader = RecordingReader::open(recording);
  if (!reader) return std::move(reader).error();
  const auto connection = connect_daemon(socket);
  if (!connection) return connection.error();
  const MonoTime begin = mono_now();
  std::optional<MonoTime> recorded_begin;
  Frame frame;
  std::string encoded;
  for (;;) {
    const auto more = reader->next(frame);
    if (!more) return more.error();
    if (!*more) return ok();
    if (!recorded_begin) recorded_begin = frame.mono;
    const auto passed = std::chrono::duration_cast<Duration>((frame.mono - *recorded_begin) / speed);
    if (wait_until(begin + passed, stop_fd) == Waited::stopped) return ok();
    // As if it were said now: a receiver compares with its own clocks.
    shift(frame, mono_now() - frame.mono, wall_now() - frame.wall);
    encode_frame(frame, encoded);
    while (::send(connection->get(), encoded.data(), encoded.size(), MSG_NOSIGNAL) < 0) {
      if (errno != EAGAIN && errno != EINTR) return errno_error(errno, "the agent is gone");
      pollfd polled[] = {{connection->get(), POLLOUT, 0}, {stop_fd, POLLIN, 0}};
      if (::poll(polled, 2, -1) > 0 && polled[1].revents != 0) return ok();
    }
  }
}

}  // namespace hostmedic
