// SPDX-License-Identifier: Apache-2.0
// What an aggregator or a collector answers to the agent's export. Input: the bytes of its answer. What must hold: the
// batch is taken off the spool, put aside for good, or waits for another try, one of them and in time; a wait is within
// its bounds; words for people are printable.
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "agent/net/otlp.h"
#include "agent/net/otlp_exporter.h"
#include "server.h"

using namespace hostmedic;
using fuzz::check;
namespace asio = boost::asio;

namespace {

class OneRecord final : public SpoolSource {
 public:
  int acked = 0, rejected = 0;
  asio::awaitable<Result<SpoolBatch>> next_batch(Bytes, std::size_t) override {
    SpoolBatch batch;
    if (acked + rejected == 0) batch.records.push_back({1, encode_resource(OtlpResourceLogs{})});
    co_return batch;
  }
  asio::awaitable<Status> ack(std::vector<std::int64_t> ids) override {
    acked += static_cast<int>(ids.size());
    co_return ok();
  }
  asio::awaitable<Status> reject(std::vector<std::int64_t> ids, std::string reason) override {
    check(reason == printable(reason, 4096));
    rejected += static_cast<int>(ids.size());
    co_return ok();
  }
  std::size_t pending() const override { return static_cast<std::size_t>(1 - acked - rejected); }
};

struct World : fuzz::Loop {
  asio::ip::tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  World() { acceptor.non_blocking(true); }
};

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  const std::string status = encode_rpc_status({3, "refused"}), partial = encode_export_answer({2, "two were bad"});
  const auto answer = [](const std::string& head, const std::string& body) {
    return "HTTP/1.1 " + head +
           "\r\nContent-Type: application/x-protobuf\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
  };
  return {answer("200 OK", ""),
          answer("200 OK", partial),
          answer("400 Bad Request", status),
          answer("429 Slow\r\nRetry-After: 30", status),
          answer("503 Busy\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT", ""),
          "HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  OneRecord spool;
  OtlpExporterOptions options;
  options.destination.host = "127.0.0.1";
  options.destination.port = world.acceptor.local_endpoint().port();
  OtlpExporter exporter(world.io.get_executor(), options, spool,
                        [](std::string_view line) { check(line == printable(line, 4096)); });
  exporter.start();
  world.until([&] {
    (void)fuzz::serve(world.acceptor, bytes);
    return spool.acked + spool.rejected > 0 || exporter.state().retry_in.has_value();
  });
  check(spool.acked + spool.rejected <= 1);
  if (const auto wait = exporter.state().retry_in) check(*wait >= Duration{} && *wait <= options.most_retry_after);
  exporter.stop();
  world.until([&] { return !exporter.running(); });
  return 0;
}
