// SPDX-License-Identifier: Apache-2.0
// /dev/kmsg is played by a packet pipe: like the device, it gives one record per read and can be polled.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo kernel_log_probe;
}

namespace {

class FakeKernel {
 public:
  explicit FakeKernel(const FakeRoot& root) {
    root.mkdir("dev");
    const std::string path = root.path() + "/dev/kmsg";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    fd_ = Fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(fd_);
    REQUIRE(::fcntl(fd_.get(), F_SETFL, O_NONBLOCK | O_DIRECT) == 0);
  }
  void print(const std::string& record) {
    REQUIRE(::write(fd_.get(), record.data(), record.size()) == static_cast<ssize_t>(record.size()));
  }

 private:
  Fd fd_;
};

}  // namespace

TEST_CASE("kernel log probe: a line wakes it and becomes an event") {
  FakeRoot root;
  FakeKernel kernel(root);
  ProbeUnderTest log(kernel_log_probe, root);
  REQUIRE(log.probe);
  RecordingSink sink;
  REQUIRE(log.probe->read(at_second(1), sink));
  REQUIRE(log.probe->descriptors().size() == 1);
  pollfd polled{log.probe->descriptors()[0], POLLIN, 0};
  CHECK(::poll(&polled, 1, 0) == 0);

  kernel.print("3,100,7,-;I/O error, dev sda, sector 1\n DEVICE=b8:0\n");
  kernel.print("14,101,8,-;I/O error, dev sdb, said by a program\n");
  CHECK(::poll(&polled, 1, 0) == 1);
  REQUIRE(log.probe->on_ready(at_second(2), sink));
  REQUIRE(sink.told.size() == 1);
  CHECK(to_string(sink.told[0].about) == "block_device:sda");
  CHECK(sink.told[0].event.at == at_second(2));

  kernel.print("6,150,9,-;after a gap\n");
  REQUIRE(log.probe->read(at_second(10), sink));
  CHECK(sink.values.at("host hostmedic.kernel.log.lines") == 2);
  CHECK(sink.values.at("host hostmedic.kernel.messages.dropped{reason=overwritten}") == 48);
  kernel.print("no record");
  CHECK(!log.probe->on_ready(at_second(11), sink));
}

TEST_CASE("kernel log probe: says why it is not here") {
  FakeRoot root;
  ProbeUnderTest log(kernel_log_probe, root);
  CHECK(!log.probe);
  CHECK(log.error == "not here, because /dev/kmsg is not visible; the journal has its lines too");
}
