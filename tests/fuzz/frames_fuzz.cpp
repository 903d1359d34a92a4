// SPDX-License-Identifier: Apache-2.0
// What a stolen probe can say: messages on the two sockets of frames, merged into one stream and judged by the engine.
// Input: messages, each after a byte that selects the socket and two bytes of length. What must hold: no crash; a frame
// that is none ends its connection and nothing else; the merged stream encodes, and the engine takes it.
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "agent/pipeline/frame_merge.h"
#include "agent/pipeline/probe_listener.h"
#include "detect/engine.h"
#include "detect/model/codec.h"
#include "detect/model/names.h"
#include "support.h"

using namespace hostmedic;
using fuzz::check;

namespace {

detect::EngineConfig small_config() {
  detect::EngineConfig config;
  for (const char* name : {"above_for", "rate_above", "zscore"}) {
    detect::Rule rule;
    rule.id = name;
    rule.metric = metric::kMemoryUtilization.name;
    rule.detector = name;
    rule.incident_kind = "test";
    config.rules.push_back(std::move(rule));
  }
  return config;
}

class Daemon {
 public:
  Daemon() : engine_(std::move(*detect::Engine::make(small_config()))) {
    for (std::size_t source = 0; source < sources_.size(); ++source)
      sources_[source].listener = std::make_unique<ProbeListener>(
          io_, std::vector<unsigned>{0}, [this, source](const Frame& frame) { take(merge_.take(source, frame)); },
          [this, source](bool connected, const std::string& why) {
            check(connected || !why.empty());
            if (!connected) take(merge_.lost(source));
          });
  }
  void hear(std::size_t source, std::string_view message) {
    Source& from = sources_[source];
    if (!from.listener->connected()) connect(from);
    (void)::send(from.probe.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    io_.restart();
    io_.poll();
  }

 private:
  struct Source {
    std::unique_ptr<ProbeListener> listener;
    Fd probe;
  };
  static void connect(Source& source) {
    std::array<int, 2> fds{};
    check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    source.probe = Fd(fds[0]);
    source.listener->adopt(Fd(fds[1]));
  }
  void take(const Frame& merged) {
    bytes_.clear();
    encode_frame(merged, bytes_);
    check(decode_frame(bytes_, again_).has_value());
    (void)engine_->step(merged);
  }

  boost::asio::io_context io_{1};
  FrameMerge merge_;
  std::unique_ptr<detect::Engine> engine_;
  std::array<Source, 2> sources_;
  std::string bytes_;
  Frame again_;
};

std::string message(char source, const Frame& frame) {
  std::string bytes;
  encode_frame(frame, bytes);
  return std::string{source, static_cast<char>(bytes.size() >> 8), static_cast<char>(bytes.size())} + bytes;
}

Frame frame_of(std::uint64_t sequence) {
  Frame frame;
  frame.first = sequence == 1;
  frame.sequence = sequence;
  frame.mono = mono_from_ns(static_cast<std::int64_t>(sequence) * 1'000'000'000);
  frame.wall = wall_from_ns(1'790'000'000'000'000'000);
  if (frame.first) {
    frame.entities = {{EntityId{0}, {EntityKind::host, ""}}, {EntityId{1}, {EntityKind::service, "a.service"}}};
    frame.series = {{SeriesId{0}, EntityId{0}, "system.memory.utilization", "", Unit::ratio, Instrument::gauge},
                    {SeriesId{1}, EntityId{1}, "hostmedic.service.memory.usage", "", Unit::bytes, Instrument::gauge}};
  }
  frame.samples = {{SeriesId{0}, 0.99}, {SeriesId{1}, std::nullopt}};
  if (sequence == 3) frame.gone = {EntityId{1}};
  return frame;
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  std::string both;
  std::vector<std::string> seeds;
  for (std::uint64_t sequence = 1; sequence <= 4; ++sequence)
    for (char source = 0; source < 2; ++source) {
      const std::string one = message(source, frame_of(sequence));
      both += one;
      seeds.push_back(one);
    }
  seeds.push_back(both);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Daemon daemon;
  fuzz::Input input(data, size);
  while (!input.empty()) {
    const std::size_t source = input.byte() % 2;
    const std::size_t length = input.number();
    daemon.hear(source, input.take(length));
  }
  return 0;
}
