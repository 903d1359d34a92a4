// SPDX-License-Identifier: Apache-2.0
// A systemd that answers on a socket of the test's own, over the real protocol: what the real one says only when
// something is wrong with it. One thread; handlers run there and are set before the first call.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/actuator/actuator_support.h"

namespace hostmedic::test {

class FakeSystemd {
 public:
  // Answers a call: replies, or not. Keys are "StartUnit", "Get ActiveState".
  using Handler = std::function<void(sd_bus_message* call)>;

  FakeSystemd() : listening_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    struct sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (dir_ / "bus").c_str());
    REQUIRE(::bind(listening_.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening_.get(), 4) == 0);
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + dir_ / "bus").c_str(), 1);
    handlers["Hello"] = [](sd_bus_message* call) { sd_bus_reply_method_return(call, "s", ":1.1"); };
    handlers["AddMatch"] = handlers["Subscribe"] = nothing();
    handlers["GetUnit"] = handlers["LoadUnit"] = path("/org/freedesktop/systemd1/unit/a");
  }
  ~FakeSystemd() {
    leaving_ = true;
    if (thread_.joinable()) thread_.join();
    ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  }
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;
  void start() {
    thread_ = std::thread([this] { serve(); });
  }

  static Handler nothing() {
    return [](sd_bus_message* call) { sd_bus_reply_method_return(call, ""); };
  }
  static Handler silence() {
    return [](sd_bus_message*) {};
  }
  static Handler path(const char* where) {
    return [where](sd_bus_message* call) { sd_bus_reply_method_return(call, "o", where); };
  }
  static Handler error(const char* name) {
    return [name](sd_bus_message* call) { sd_bus_reply_method_errorf(call, name, "said so"); };
  }
  static Handler text(const char* value) {
    return [value](sd_bus_message* call) { sd_bus_reply_method_return(call, "v", "s", value); };
  }
  template <class Number>
  static Handler number(const char* type, Number value) {
    return [type, value](sd_bus_message* call) { sd_bus_reply_method_return(call, "v", type, value); };
  }
  // A job that has ended by the time the caller hears of it, as systemd's may.
  static Handler job(const char* result) {
    return [result](sd_bus_message* call) {
      sd_bus_emit_signal(sd_bus_message_get_bus(call), "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                         "JobRemoved", "uoss", 7, "/job/7", "a.service", result);
      sd_bus_reply_method_return(call, "o", "/job/7");
    };
  }
  // What a loaded service says of itself.
  void loaded(const char* active) {
    handlers["Get LoadState"] = text("loaded");
    handlers["Get ActiveState"] = text(active);
    handlers["Get SubState"] = text("exited");
    handlers["Get FreezerState"] = text("running");
    handlers["Get Result"] = text("success");
    handlers["Get MainPID"] = number("u", 42u);
    handlers["Get NRestarts"] = number("u", 3u);
    handlers["Get ExecMainStartTimestampMonotonic"] = number("t", std::uint64_t{1'000'000});
    handlers["Get ExecMainStatus"] = number("i", 0);
  }
  void hang_up() { hang_up_ = true; }
  int calls(const std::string& of) {
    const std::lock_guard lock(mutex_);
    int found = 0;
    for (const std::string& one : seen_) found += one == of;
    return found;
  }

  std::map<std::string, Handler> handlers;

 private:
  void serve() {
    while (!leaving_) {
      const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) serve_one(fd);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  void serve_one(int fd) {
    sd_bus* bus = nullptr;
    sd_id128_t id{};
    id.bytes[0] = 1;
    hang_up_ = false;
    if (sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, fd, fd) >= 0 && sd_bus_set_server(bus, 1, id) >= 0 &&
        sd_bus_add_filter(bus, nullptr, &FakeSystemd::on_message, this) >= 0 && sd_bus_start(bus) >= 0) {
      while (!leaving_ && !hang_up_) {
        const int worked = sd_bus_process(bus, nullptr);
        if (worked < 0) break;
        if (worked == 0) sd_bus_wait(bus, 5000);
      }
    }
    sd_bus_flush(bus);
    sd_bus_close_unref(bus);
  }
  static int on_message(sd_bus_message* message, void* data, sd_bus_error*) {
    auto* self = static_cast<FakeSystemd*>(data);
    if (sd_bus_message_is_method_call(message, nullptr, nullptr) <= 0) return 0;
    std::string key = sd_bus_message_get_member(message);
    const char *interface = nullptr, *property = nullptr;
    if (key == "Get" && sd_bus_message_read(message, "ss", &interface, &property) >= 0)
      key += std::string(" ") + property;
    {
      const std::lock_guard lock(self->mutex_);
      self->seen_.push_back(key);
    }
    const auto found = self->handlers.find(key);
    if (found != self->handlers.end()) {
      found->second(message);
    } else {
      sd_bus_reply_method_errorf(message, SD_BUS_ERROR_UNKNOWN_PROPERTY, "no %s", key.c_str());
    }
    return 1;
  }

  TempDir dir_;
  Fd listening_;
  std::atomic<bool> leaving_ = false, hang_up_ = false;
  std::mutex mutex_;
  std::vector<std::string> seen_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace hostmedic::test
