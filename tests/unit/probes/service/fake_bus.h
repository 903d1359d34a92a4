// SPDX-License-Identifier: Apache-2.0
// A private message bus in a directory of its own, and something on it that answers as systemd does. Everything runs on
// the test's thread except the bus daemon, which is a child process that ends with its object.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/base/text.h"

namespace hostmedic::test {

class PrivateBus {
 public:
  PrivateBus() {
    char pattern[] = "/tmp/hm-bus-XXXXXX";
    root = ::mkdtemp(pattern);
    for (const char* dir : {"/proc", "/run", "/run/dbus", "/run/systemd", "/run/systemd/system"}) {
      ::mkdir((root + dir).c_str(), 0755);
    }
    std::ofstream(root + "/bus.conf") << "<busconfig><type>system</type><listen>" << address() << "</listen>"
                                      << "<auth>EXTERNAL</auth><policy context='default'><allow own='*'/>"
                                      << "<allow send_type='*'/><allow receive_type='*'/></policy></busconfig>";
    start();
  }
  ~PrivateBus() {
    stop();
    std::filesystem::remove_all(root);
  }
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;

  // False where there is no dbus-daemon to run.
  bool running() const { return pid_ > 0; }
  std::string address() const { return "unix:path=" + root + "/run/dbus/system_bus_socket"; }
  void start() {
    const std::string config = "--config-file=" + root + "/bus.conf";
    int ready[2];
    if (::pipe2(ready, 0) != 0) return;
    const std::string print = "--print-address=" + std::to_string(ready[1]);
    const char* argv[] = {"dbus-daemon", config.c_str(), "--nofork", "--nopidfile",
                          "--nosyslog",  print.c_str(),  nullptr};
    if (::posix_spawnp(&pid_, argv[0], nullptr, nullptr, const_cast<char**>(argv), environ) != 0) pid_ = -1;
    ::close(ready[1]);
    char answer[256];
    if (::read(ready[0], answer, sizeof answer) <= 0) stop();  // it prints when it listens
    ::close(ready[0]);
  }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    ::unlink((root + "/run/dbus/system_bus_socket").c_str());
  }

  std::string root;

 private:
  pid_t pid_ = -1;
};

class BusClient {
 public:
  BusClient(const PrivateBus& bus, bool as_systemd) {
    sd_bus_new(&bus_);
    sd_bus_set_address(bus_, bus.address().c_str());
    sd_bus_set_bus_client(bus_, 1);
    sd_bus_start(bus_);
    sd_bus_add_filter(bus_, nullptr, handle, this);
    if (as_systemd) sd_bus_request_name(bus_, "org.freedesktop.systemd1", 0);
    sd_bus_flush(bus_);
  }
  ~BusClient() { sd_bus_close_unref(bus_); }
  BusClient(const BusClient&) = delete;
  BusClient& operator=(const BusClient&) = delete;

  void process() {
    while (sd_bus_process(bus_, nullptr) > 0) {
    }
    sd_bus_flush(bus_);
  }
  int fd() const { return sd_bus_get_fd(bus_); }

  // destination: null for a broadcast.
  void state(const std::string& unit, const char* active, const char* sub, const char* destination = nullptr) {
    sd_bus_message* m = changed(unit, "org.freedesktop.systemd1.Unit");
    sd_bus_message_append(m, "a{sv}as", 3, "ActiveState", "s", active, "StateChangeTimestamp", "t", std::uint64_t{1},
                          "SubState", "s", sub, 1, "Conditions");
    send(m, destination);
  }
  void facts(const std::string& unit, const char* result, std::uint32_t restarts, std::int32_t status) {
    sd_bus_message* m = changed(unit, "org.freedesktop.systemd1.Service");
    sd_bus_message_append(m, "a{sv}as", 4, "MainPID", "u", 0U, "Result", "s", result, "NRestarts", "u", restarts,
                          "ExecMainStatus", "i", status, 0);
    send(m, nullptr);
  }
  void next_elapse(const std::string& timer, std::uint64_t realtime_us) {
    sd_bus_message* m = changed(timer, "org.freedesktop.systemd1.Timer");
    sd_bus_message_append(m, "a{sv}as", 2, "NextElapseUSecRealtime", "t", realtime_us, "LastTriggerUSec", "t",
                          std::uint64_t{1}, 0);
    send(m, nullptr);
  }
  void job_removed(const std::string& unit, const char* result) {
    sd_bus_emit_signal(bus_, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", 7U,
                       "/org/freedesktop/systemd1/job/7", unit.c_str(), result);
    sd_bus_flush(bus_);
  }
  void removed(const std::string& unit) {
    sd_bus_emit_signal(bus_, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "UnitRemoved", "so",
                       unit.c_str(), path(unit).c_str());
    sd_bus_flush(bus_);
  }
  void reloading(int active) {
    sd_bus_emit_signal(bus_, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "Reloading", "b", active);
    sd_bus_flush(bus_);
  }

  struct Row {
    std::string name, active, sub, policy;
  };
  std::vector<Row> rows;                  // what it lists
  std::vector<std::string> questions;     // units that it was asked about
  std::string requires_ = "app.service";  // of every unit
  int subscriptions = 0, lists = 0;
  std::uint64_t timer_due_us = 0;  // of every timer, when asked

 private:
  static std::string path(const std::string& unit) {
    char* encoded = nullptr;
    sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &encoded);
    std::string result = encoded;
    std::free(encoded);
    return result;
  }
  sd_bus_message* changed(const std::string& unit, const char* interface) {
    sd_bus_message* m = nullptr;
    sd_bus_message_new_signal(bus_, &m, path(unit).c_str(), "org.freedesktop.DBus.Properties", "PropertiesChanged");
    sd_bus_message_append(m, "s", interface);
    return m;
  }
  void send(sd_bus_message* m, const char* destination) {
    if (destination != nullptr) {
      sd_bus_send_to(bus_, m, destination, nullptr);
    } else {
      sd_bus_send(bus_, m, nullptr);
    }
    sd_bus_message_unref(m);
    sd_bus_flush(bus_);
  }
  static int handle(sd_bus_message* call, void* self, sd_bus_error*) {
    std::uint8_t type = 0;
    sd_bus_message_get_type(call, &type);
    if (type != SD_BUS_MESSAGE_METHOD_CALL) return 0;
    static_cast<BusClient*>(self)->answer(call);
    return 1;
  }
  void answer(sd_bus_message* call) {
    caller = sd_bus_message_get_sender(call);
    const std::string member = sd_bus_message_get_member(call);
    sd_bus_message* reply = nullptr;
    sd_bus_message_new_method_return(call, &reply);
    if (member == "Subscribe") {
      ++subscriptions;
    } else if (member == "ListUnitsByPatterns") {
      ++lists;
      sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
      for (const Row& row : rows) {
        sd_bus_message_append(reply, "(ssssssouso)", row.name.c_str(), "text", "loaded", row.active.c_str(),
                              row.sub.c_str(), "", path(row.name).c_str(), 0U, "", "/");
      }
      sd_bus_message_close_container(reply);
    } else if (member == "GetAll") {
      char* unit = nullptr;
      sd_bus_path_decode(sd_bus_message_get_path(call), "/org/freedesktop/systemd1/unit", &unit);
      questions.emplace_back(unit);
      if (questions.back().ends_with(".timer")) {
        std::free(unit);
        sd_bus_message_append(reply, "a{sv}", 4, "Unit", "s", "backup.service", "AccuracyUSec", "t", std::uint64_t{1},
                              "NextElapseUSecRealtime", "t", timer_due_us, "Persistent", "b", 0);
        sd_bus_send(bus_, reply, nullptr);
        sd_bus_message_unref(reply);
        return;
      }
      const char* interface = nullptr;
      sd_bus_message_read(call, "s", &interface);
      if (std::string_view(interface) == "org.freedesktop.systemd1.Unit") {
        std::free(unit);
        sd_bus_message_append(reply, "a{sv}", 4, "Id", "s", "x", "Requires", "as", 2, requires_.c_str(), "system.slice",
                              "After", "as", 1, "log.service", "Refs", "a(ss)", 0);
        sd_bus_send(bus_, reply, nullptr);
        sd_bus_message_unref(reply);
        return;
      }
      std::string policy = "no";
      for (const Row& row : rows) {
        if (row.name == unit) policy = row.policy;
      }
      std::free(unit);
      sd_bus_message_append(reply, "a{sv}", 7, "Restart", "s", policy.c_str(), "Type", "s", "simple", "ExecStart",
                            "a(ss)", 1, "/bin/x", "y", "Result", "s", "success", "NRestarts", "u", 0U, "MainPID", "u",
                            77U, "ExecMainStatus", "i", 0);
    }
    sd_bus_send(bus_, reply, nullptr);
    sd_bus_message_unref(reply);
  }

  sd_bus* bus_ = nullptr;

 public:
  std::string caller;  // who asked last
};

}  // namespace hostmedic::test
