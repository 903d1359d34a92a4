// SPDX-License-Identifier: Apache-2.0
// TLS records on both sides. A server and a client of ours talk over socket pairs, and the fuzzer stands between them.
// Input: edits of six bytes and what belongs to them: which record counted from the beginning, of which side, what is
// done to it (bytes changed, cut, said twice, left out, other bytes before it, its header changed), where, how much.
// With the first byte's highest bit set the rest of the input is instead what one side says, and the other side is not
// there. What must hold: no crash, an end, no word of the other side taken that was not said, nobody accepted whose
// hello was not whole.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "agent/net/channel.h"
#include "tls_world.h"

using namespace hostmedic;
using fuzz::check;

namespace {

constexpr std::string_view kWords[] = {"what the server says", "what the client says"};

struct Edit {
  std::size_t side = 0, record = 0, what = 0, at = 0;
  std::string_view bytes;
};
Edit next_edit(fuzz::Input& input) {
  Edit edit;
  const std::size_t which = input.byte();
  edit.side = which & 1;
  edit.record = (which >> 1) % 16;
  edit.what = input.byte() % 6;
  edit.at = input.number();
  edit.bytes = input.take(input.byte() % 64);
  return edit;
}

void apply(const Edit& edit, std::string& record) {
  const std::size_t at = edit.at % record.size();
  switch (edit.what) {
    case 0:
      for (std::size_t i = 0; i < edit.bytes.size() && at + i < record.size(); ++i) record[at + i] ^= edit.bytes[i];
      break;
    case 1: record.resize(at); break;
    case 2: record += record; break;
    case 3: record.clear(); break;
    case 4: record.insert(0, edit.bytes); break;
    default:  // longer or shorter, with a header that says so
      record.replace(at, std::min<std::size_t>(edit.at % 7, record.size() - at), edit.bytes);
      if (record.size() > 5) {
        record[3] = static_cast<char>((record.size() - 5) >> 8);
        record[4] = static_cast<char>(record.size() - 5);
      }
  }
}

// One side of ours: its hello, a word said, words heard.
struct Side {
  std::unique_ptr<Channel> channel;
  int fd = -1;  // ours; the other end of the pair is the fuzzer's
  std::string_view word;
  bool greeted = false, said = false, ended = false;
  std::string heard;

  // True if anything went on.
  bool step() {
    if (ended) return false;
    ChannelStep done;
    if (!greeted) {
      done = channel->handshake(fd);
      greeted = done.need == StepNeed::nothing;
      return end_with(done) || greeted;
    }
    if (!said) {
      done = channel->write(fd, word.data(), word.size());
      said = done.need == StepNeed::nothing;
      return end_with(done) || said;
    }
    std::array<char, 64> room{};
    done = channel->read(fd, room.data(), room.size());
    if (done.need == StepNeed::nothing) heard.append(room.data(), done.bytes);
    return end_with(done) || done.need == StepNeed::nothing;
  }
  bool end_with(ChannelStep done) {
    check(done.bytes <= 64);
    ended = done.need == StepNeed::ended || done.need == StepNeed::truncated || done.need == StepNeed::failed;
    if (done.need == StepNeed::failed) check(!channel->error_text().empty());
    if (ended) ::shutdown(fd, SHUT_WR);
    return ended;
  }
};

struct Pair {
  std::array<int, 2> fds{-1, -1};
  Pair() { check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0); }
  ~Pair() {
    for (const int fd : fds) ::close(fd);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
};

Side side_of(const fuzz::TlsWorld& world, bool server, const Pair& pair) {
  Side side;
  auto channel = server ? world.server->server_channel() : world.client->client_channel("localhost");
  check(channel.has_value());
  side.channel = std::move(*channel);
  side.fd = pair.fds[0];
  side.word = kWords[server ? 0 : 1];
  return side;
}

std::string said_by(int fd) {
  std::string text;
  std::array<char, 4096> room{};
  for (ssize_t n = 0; (n = ::recv(fd, room.data(), room.size(), 0)) > 0;) text.append(room.data(), n);
  return text;
}
void say(int fd, std::string_view text) { (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }

// Cuts what one side said into records, changes those that are meant, and hands them on.
struct Passage {
  std::string waiting = {};
  std::size_t records = 0;

  bool pass(int from, int to, std::size_t side, const std::vector<Edit>& edits) {
    waiting += said_by(from);
    bool passed = false;
    while (waiting.size() >= 5) {
      const std::size_t size = 5 + (static_cast<std::size_t>(static_cast<unsigned char>(waiting[3])) << 8) +
                               static_cast<unsigned char>(waiting[4]);
      if (waiting.size() < size) break;
      std::string record = waiting.substr(0, size);
      waiting.erase(0, size);
      for (const Edit& edit : edits)
        if (edit.side == side && edit.record == records && !record.empty()) apply(edit, record);
      ++records;
      say(to, record);
      passed = true;
    }
    return passed;
  }
};

void between(const fuzz::TlsWorld& world, fuzz::Input& input) {
  std::vector<Edit> edits;
  while (!input.empty() && edits.size() < 16) edits.push_back(next_edit(input));
  const Pair of_server, of_client;
  Side server = side_of(world, true, of_server), client = side_of(world, false, of_client);
  Passage from_server, from_client;
  int rounds = 0;
  for (bool going = true; going; ++rounds) {
    check(rounds < 1000);
    going = client.step();
    going = server.step() || going;
    going = from_client.pass(of_client.fds[1], of_server.fds[1], 1, edits) || going;
    going = from_server.pass(of_server.fds[1], of_client.fds[1], 0, edits) || going;
  }
  check(kWords[1].starts_with(server.heard) && kWords[0].starts_with(client.heard));
  if (!server.heard.empty()) check(server.channel->peer() != nullptr && server.channel->peer()->common_name == "web-1");
  if (edits.empty()) check(server.heard == kWords[1] && client.heard == kWords[0]);
}

void alone(const fuzz::TlsWorld& world, bool server, fuzz::Input& input) {
  const Pair pair;
  Side side = side_of(world, server, pair);
  while (!input.empty()) {
    say(pair.fds[1], input.take(1 + input.byte()));
    for (int steps = 0; steps < 1000 && side.step(); ++steps) (void)said_by(pair.fds[1]);
  }
  check(!side.greeted && side.heard.empty());
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  using namespace std::string_literals;
  std::vector<std::string> seeds;
  seeds.push_back(std::string(1, '\0'));  // nothing is changed
  for (char side = 0; side < 2; ++side)
    for (char what = 0; what < 6; ++what)
      seeds.push_back("\0"s + static_cast<char>(what << 1 | side) + what + "\0\x07\x03\x01\x80\xff"s);
  seeds.push_back("\x80\x2f\x16\x03\x01\0\x2a\x01\0\0\x26\x03\x03"s + std::string(34, 'r') +
                  "\0\x04\xc0\x2c\0\xff\x01\0");
  seeds.push_back("\x81\x10\x16\x03\x03\0\x2a\x02\0\0\x26\x03\x03"s + std::string(34, 'r') + "\xc0\x2c\0");
  seeds.push_back("\x80\x07\x15\x03\x03\0\x02\x02\x28"s);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::TlsWorld world;
  fuzz::Input input(data, size);
  const std::uint8_t first = input.byte();
  if ((first & 0x80) == 0)
    between(world, input);
  else
    alone(world, (first & 1) == 0, input);
  return 0;
}
