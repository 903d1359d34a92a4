// SPDX-License-Identifier: Apache-2.0
// systemd-journald of the test's own: in a mount namespace in which /run and /var/log are directories of the test, so
// that it cannot touch the machine's. Ends with the object.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "agent/base/fd.h"
#include "tests/unit/probes/fake_root.h"

namespace hostmedic::test {

class PrivateJournald {
 public:
  // root: gets var/log/journal/MACHINE and etc/machine-id.
  explicit PrivateJournald(const FakeRoot& root) : root_(root) {
    constexpr const char* kProgram = "/usr/lib/systemd/systemd-journald";
    if (::geteuid() != 0 || ::access(kProgram, X_OK) != 0) {
      why_not = "needs root and systemd-journald";
      return;
    }
    root.mkdir("var/log/journal");
    root.mkdir("run/systemd");
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      const std::string script = "mount --bind " + root.path() + "/run /run && mount --bind " + root.path() +
                                 "/var/log /var/log && exec " + kProgram + " hmtest";
      ::execlp("unshare", "unshare", "-m", "sh", "-c", script.c_str(), nullptr);
      ::_exit(127);
    }
    const std::string journals = root.path() + "/var/log/journal";
    for (int i = 0; i < 100 && machine_.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      for (const auto& one : std::filesystem::directory_iterator(journals)) {
        const std::string name = one.path().filename();
        if (std::filesystem::exists(one.path() / "system.journal")) machine_ = name.substr(0, name.find('.'));
      }
    }
    if (machine_.empty()) {
      why_not = "systemd-journald does not run in a mount namespace here";
      return;
    }
    std::filesystem::create_directory_symlink(journals + "/" + machine_ + ".hmtest", journals + "/" + machine_);
    root.write("etc/machine-id", machine_ + "\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the file is there before it can be read
  }
  ~PrivateJournald() {
    if (pid_ <= 0) return;
    (void)::kill(pid_, SIGTERM);
    (void)::waitpid(pid_, nullptr, 0);
  }
  PrivateJournald(const PrivateJournald&) = delete;
  PrivateJournald& operator=(const PrivateJournald&) = delete;

  // As a service's library would: fields, each with its line end.
  void write(const std::string& fields) const {
    const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = root_.path() + "/run/systemd/journal.hmtest/socket";
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(::sendto(fd.get(), fields.data(), fields.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                     sizeof address) == static_cast<ssize_t>(fields.size()));
  }
  void write(int priority, const std::string& message) const {
    write("PRIORITY=" + std::to_string(priority) + "\nMESSAGE=" + message + "\n");
  }
  // The file is archived under another name and a new one begun.
  void rotate() const {
    const std::string file = root_.path() + "/var/log/journal/" + machine_ + "/system.journal";
    const auto inode = [&] {
      struct stat found{};
      return ::stat(file.c_str(), &found) == 0 ? found.st_ino : 0;
    };
    const auto before = inode();
    (void)::kill(pid_, SIGUSR2);
    for (int i = 0; i < 100 && (inode() == before || inode() == 0); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    REQUIRE(inode() != before);
  }

  std::string why_not;  // empty: it runs

 private:
  const FakeRoot& root_;
  pid_t pid_ = -1;
  std::string machine_;
};

}  // namespace hostmedic::test
