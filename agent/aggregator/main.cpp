// SPDX-License-Identifier: Apache-2.0
// hostmedic-aggregator: receives, stores and shows the incidents of many hosts.
// Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "agent/aggregator/aggregator.h"
#include "agent/aggregator/command.h"
#include "agent/aggregator/enroll.h"
#include "agent/aggregator/hosts.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/config/aggregator_config.h"

namespace {
using namespace hostmedic;

constexpr int kDone = 0, kFailed = 1, kUsage = 2;
constexpr const char* kTlsDir = "/etc/hostmedic-aggregator/tls";
constexpr const char* kServiceUser = "hostmedic-aggregator";

void say(std::string_view text) { (void)std::fwrite(text.data(), 1, text.size(), stdout); }
int complain(const std::string& text, int exit_code) {
  const std::string line = "hostmedic-aggregator: " + text + "\n";
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
  return exit_code;
}
int complain(const Error& error) { return complain(error.message(), kFailed); }

std::string this_host() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

// "127.0.0.1:4318", "[::1]:4318"; the configuration has checked the form.
Status split_address(const std::string& text, std::string& address, std::uint16_t& port) {
  const auto colon = text.rfind(':');
  const Result<std::uint64_t> number = parse_u64(colon == std::string::npos ? "" : text.substr(colon + 1));
  if (!number || *number > 65535) return make_error(ErrorCode::malformed, "'" + text + "' is not address:port");
  address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  port = static_cast<std::uint16_t>(*number);
  return ok();
}

Result<AggregatorOptions> options_of(const AggregatorCommand& command) {
  const auto loaded = load_aggregator_config(command.value("config", kAggregatorConfigFile));
  for (const Diagnostic& one : loaded.diagnostics) complain(to_string(one), kUsage);
  if (!loaded.ok()) return make_error(ErrorCode::malformed, "the configuration cannot be used");
  const AggregatorConfig& config = loaded.config;
  set_log_level(config.log_level);
  AggregatorOptions options;
  Status status = split_address(config.listen, options.listen_address, options.listen_port);
  if (status) status = split_address(config.page, options.page_address, options.page_port);
  if (!status) return std::move(status.error());
  options.ca = config.ca;
  options.certificate = config.certificate;
  options.key = config.key;
  options.state_dir = config.state_dir;
  options.body_limit = config.body_most;
  options.most_connections = static_cast<std::size_t>(config.connections_most);
  options.most_size = config.store_size;
  options.most_age = config.store_age;
  options.leases = {config.leases_most, config.leases_share};
  return options;
}

int run(const AggregatorCommand& command) {
  const auto options = options_of(command);
  if (!options) return complain(options.error().message(), kUsage);
  const Status status = run_aggregator(*options);
  if (status) return kDone;
  complain(status.error());
  pause_before_restart();
  return kFailed;
}

int init(const AggregatorCommand& command) {
  InitRequest request;
  request.dir = command.value("dir", kTlsDir);
  request.name = command.value("name", this_host());
  if (command.has("san")) request.names = command.options.at("san");
  request.service_user = kServiceUser;
  const Status status = init_authority(request, wall_now());
  if (!status) return complain(status.error());
  say("made a private authority and the certificate of " + request.name + " in " + request.dir +
      "\nnext: hostmedic-aggregator enroll HOST, for each host\n");
  return kDone;
}

int enroll(const AggregatorCommand& command) {
  EnrollRequest request;
  request.dir = command.value("dir", kTlsDir);
  request.host = command.arguments[0];
  request.url = command.value("url", "");
  request.out = command.value("out", printable(request.host, 64) + ".hostmedic.toml");
  const Result<std::string> url = enroll_host(request, wall_now());
  if (!url) return complain(url.error());
  say("wrote " + request.out + " for " + request.host + ", reporting to " + *url +
      "\nbring it to the host by a safe way, and there: hostmedic enroll " + request.out + "\n");
  return kDone;
}

int approver(const AggregatorCommand& command) {
  const std::string& name = command.arguments[0];
  const std::string out = command.value("out", printable(name, 64));
  const Status made = make_approver(name, out, wall_now());
  if (!made) return complain(made.error());
  say("wrote " + out + ".crt and " + out + ".key for " + name + "\nthe key is for " + name +
      " alone, and need not be on any host or here\nnext, on each host where " + name + " may approve: append " + out +
      ".crt to /etc/hostmedic/approvers.pem\n");
  return kDone;
}

int hosts(const AggregatorCommand& command) {
  const auto options = options_of(command);
  if (!options) return complain(options.error().message(), kUsage);
  const Result<std::string> text = ask_hosts(options->page_address, options->page_port, command.has("json"));
  if (!text) return complain(text.error());
  say(*text);
  return kDone;
}

int dispatch(const std::vector<std::string>& words) {
  const Result<AggregatorCommand> command = parse_command(words);
  if (!command) return complain(command.error().message() + "\n" + std::string(usage_text()), kUsage);
  if (command->verb == "init") return init(*command);
  if (command->verb == "enroll") return enroll(*command);
  if (command->verb == "approver") return approver(*command);
  if (command->verb == "hosts") return hosts(*command);
  if (command->verb == "run") return run(*command);
  if (command->verb == "version")
    say(version_line("hostmedic-aggregator") + "\n");
  else
    say(usage_text());
  return kDone;
}
}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    return complain(error.what(), kFailed);
  }
}
