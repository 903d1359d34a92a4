// SPDX-License-Identifier: Apache-2.0
// Frames as text, for people and tests, and as recordings. They take the same way as to the daemon: through a socket
// and the codec.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <system_error>
#include <thread>

#include "agent/base/text.h"
#include "agent/probe/run.h"
#include "detect/model/codec.h"
#include "detect/model/host_view.h"
#include "probes/replay/recording.h"

namespace hostmedic {
namespace {

std::string name_of(const HostView& view, EntityId id) {
  const Entity* entity = view.entity(id);
  return entity == nullptr ? strf("entity %u", static_cast<unsigned>(id)) : to_string(*entity);
}

void append_sample(const HostView& view, const Sample& sample, std::string& text) {
  const SeriesDef* series = view.series(sample.series);
  if (series == nullptr) {
    text += strf("  series %u is not defined\n", static_cast<unsigned>(sample.series));
    return;
  }
  text += "  " + name_of(view, series->entity) + " " + series->name;
  if (!series->attributes.empty()) text += "{" + series->attributes + "}";
  text += sample.value ? strf(" %.15g", *sample.value) : std::string(" unknown");
  text += " " + std::string(to_string(series->unit)) + "\n";
}

void append_event(const HostView& view, const Event& event, std::string& text) {
  text += "  event " + std::string(to_string(event.kind)) + " " + name_of(view, event.entity);
  for (const Attribute& attribute : event.attributes)
    text += " " + attribute.key + "=\"" + printable(attribute.value, 512) + "\"";
  text += "\n";
}

std::string describe(const Frame& frame, const HostView& view) {
  std::string text =
      strf("frame %llu %s%s: %zu gone, %zu entities, %zu series, %zu samples, %zu events\n",
           static_cast<unsigned long long>(frame.sequence), format_utc(frame.wall).c_str(), frame.first ? " first" : "",
           frame.gone.size(), frame.entities.size(), frame.series.size(), frame.samples.size(), frame.events.size());
  for (const Sample& sample : frame.samples) append_sample(view, sample, text);
  for (const Event& event : frame.events) append_event(view, event, text);
  return text;
}

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "write");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok();
}

using Take = std::function<Status(std::string_view encoded)>;

Status take_from(int connection, int count, int stop_fd, const Take& take) {
  std::string buffer(kMostFrameBytes, '\0');
  while (count > 0) {
    pollfd polled[] = {{connection, POLLIN, 0}, {stop_fd, POLLIN, 0}};
    if (::poll(polled, 2, -1) < 0) continue;  // interrupted
    if (polled[1].revents != 0) return ok();
    const ssize_t n = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "receive");
    if (n == 0) return ok();  // the probes could not start; their own error says why
    if (auto status = take({buffer.data(), static_cast<std::size_t>(n)}); !status) return status;
    --count;
  }
  return ok();
}

// Runs the probes until `count` frames were taken.
Status take_frames(ProbeOptions options, int count, int stop_fd, const Take& take) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno_error(errno, "socketpair");
  Fd reader(ends[0]);
  options.connection = Fd(ends[1]);
  const Fd never_stops(::eventfd(0, EFD_CLOEXEC));
  if (!never_stops) return errno_error(errno, "eventfd");
  Status ran = ok();
  try {
    std::thread probes([&] {
      ran = run_probe(options, never_stops.get());
      options.connection.reset();  // tells the reader
    });
    const Status printed = take_from(reader.get(), count, stop_fd, take);
    reader.reset();  // which ends the probes
    probes.join();
    if (!ran) return ran;
    return printed;
  } catch (const std::system_error& error) {
    return errno_error(error.code().value(), "thread");
  }
}

}  // namespace

Status print_frames(ProbeOptions options, int count, int stop_fd, int out_fd) {
  HostView view;
  Frame frame;
  return take_frames(std::move(options), count, stop_fd, [&](std::string_view encoded) -> Status {
    if (auto status = decode_frame(encoded, frame); !status) return status;
    view.apply(frame);
    return write_all(out_fd, describe(frame, view));
  });
}

Status record_frames(ProbeOptions options, int count, int stop_fd, int out_fd) {
  RecordingWriter writer(out_fd);
  return take_frames(std::move(options), count, stop_fd,
                     [&](std::string_view encoded) { return writer.append(encoded); });
}

}  // namespace hostmedic
