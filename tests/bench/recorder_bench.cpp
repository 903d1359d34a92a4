// SPDX-License-Identifier: Apache-2.0
// What the flight recorder's packing takes: bytes a sample, and time a frame for both ways. Reads a recording of a real
// host: hostmedic-probe --record FILE, then bench_recorder FILE.
#include <cstdio>
#include <string>
#include <vector>

#include "agent/base/clock.h"
#include "agent/recorder/frame_pack.h"
#include "detect/model/codec.h"
#include "probes/replay/recording.h"

int main(int argc, char** argv) {
  using namespace hostmedic;
  if (argc < 2) return std::puts("usage: bench_recorder FILE, made by hostmedic-probe --record FILE"), 0;
  auto reader = RecordingReader::open(argv[1]);
  if (!reader) return std::printf("%s\n", reader.error().message().c_str()), 1;
  std::vector<Frame> frames;
  std::size_t samples = 0, plain = 0;
  std::string bytes;
  for (Frame frame;;) {
    const auto more = reader->next(frame);
    if (!more) return std::printf("%s\n", more.error().message().c_str()), 1;
    if (!*more) break;
    encode_frame(frame, bytes);
    plain += bytes.size();
    samples += frame.samples.size();
    frames.push_back(frame);
  }
  if (samples == 0) return std::puts("no sample in it"), 1;
  FramePacker packer;
  FrameUnpacker unpacker;
  std::vector<std::string> packed(frames.size());
  Duration began = thread_cpu_time();
  for (std::size_t i = 0; i < frames.size(); ++i) packer.pack(frames[i], packed[i]);
  const Duration packing = thread_cpu_time() - began;
  std::size_t total = 0, first = 0, differ = 0;
  Frame back;
  began = thread_cpu_time();
  for (const std::string& one : packed) (void)unpacker.unpack(one, back);
  const Duration unpacking = thread_cpu_time() - began;
  unpacker.restart();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    total += packed[i].size();
    if (i < frames.size() / 10) first = total;
    differ += !unpacker.unpack(packed[i], back) || back != frames[i] ? 1 : 0;
  }
  const auto per = [](std::size_t of, std::size_t by) { return static_cast<double>(of) / static_cast<double>(by); };
  std::printf("%zu frames, %zu samples, %zu frames that do not come back\n", frames.size(), samples, differ);
  std::printf("as on the socket  %8.2f bytes a sample\n", per(plain, samples));
  std::printf("packed            %8.2f bytes a sample, definitions and events among them\n", per(total, samples));
  std::printf("without the first tenth of the time %.2f\n", per(total - first, samples * 9 / 10));
  std::printf("packing %.1f us, unpacking %.1f us a frame\n",
              to_seconds(packing) * 1e6 / static_cast<double>(frames.size()),
              to_seconds(unpacking) * 1e6 / static_cast<double>(frames.size()));
  return differ == 0 ? 0 : 1;
}
