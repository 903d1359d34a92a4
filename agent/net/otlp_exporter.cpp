// SPDX-License-Identifier: Apache-2.0
#include "agent/net/otlp_exporter.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/net/backoff.h"
#include "agent/net/gzip.h"
#include "agent/net/otlp.h"

namespace hostmedic {
namespace {

namespace asio = boost::asio;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kProtobuf = "application/x-protobuf";
constexpr std::size_t kReasonBytes = 300;

bool may_repeat(unsigned status) { return status == 429 || status == 502 || status == 503 || status == 504; }

// What the destination says about a refusal: its status message if it sent one, else the start of the body.
std::string refusal_text(const HttpResponse& response) {
  std::string text = strf("HTTP status %u", response.status);
  std::string words;
  if (response.content_type.starts_with(kProtobuf)) {
    if (auto status = decode_rpc_status(response.body)) words = status->message;
  } else if (response.content_type.starts_with("text/") || response.content_type.starts_with("application/json")) {
    words = response.body;
  }
  words = printable(trim(words), kReasonBytes);
  if (!words.empty()) text += ": " + words;
  return text;
}

// The receiver took no offence at us, but at what was sent.
bool is_about_content(unsigned status) { return status == 400 || status == 413 || status == 422; }

}  // namespace

struct OtlpExporter::Core {
  Core(asio::any_io_executor executor_, OtlpExporterOptions options_, SpoolSource& spool_, Note note_)
      : executor(std::move(executor_)),
        options(std::move(options_)),
        spool(spool_),
        note(std::move(note_)),
        client(executor, options.destination),
        backoff(options.seed, options.first_backoff, options.most_backoff),
        timer(executor) {}

  asio::any_io_executor executor;
  OtlpExporterOptions options;
  SpoolSource& spool;
  Note note;
  HttpClient client;
  Backoff backoff;
  asio::steady_timer timer;
  OtlpExporterState state;
  std::size_t alone = 0;  // so many records are sent one by one: a batch with them was refused for what is in it
  std::string told;       // the trouble that note heard of last
  bool running = false, stopping = false, notified = false;

  asio::awaitable<void> run();
  asio::awaitable<void> idle();
  asio::awaitable<void> back_off(Duration wait, std::string why);
  asio::awaitable<void> deliver(SpoolBatch batch);
  asio::awaitable<void> accepted(const HttpResponse& response, std::vector<std::int64_t> ids);
  asio::awaitable<void> settle(Status done);
  HttpRequest make_request(const SpoolBatch& batch) const;
  void trouble(const std::string& what);
};

void OtlpExporter::Core::trouble(const std::string& what) {
  state.last_error = what;
  if (what == told) return;
  told = what;
  if (!note) return;
  if (what.empty())
    note("delivery works again");
  else
    note(what);
}

asio::awaitable<void> OtlpExporter::Core::run() {
  while (!stopping) {
    notified = false;
    auto batch = co_await spool.next_batch(options.batch_bytes, alone > 0 ? 1 : options.batch_records);
    if (stopping) break;
    if (!batch) {
      const Duration wait = backoff.next();
      co_await back_off(wait, "cannot read the spool: " + batch.error().message());
    } else if (batch->records.empty()) {
      co_await idle();
    } else {
      co_await deliver(std::move(*batch));
    }
  }
  client.close();
  running = false;
}

asio::awaitable<void> OtlpExporter::Core::idle() {
  if (notified || stopping) co_return;
  timer.expires_after(options.idle_check);
  co_await timer.async_wait(kTuple);
}

asio::awaitable<void> OtlpExporter::Core::back_off(Duration wait, std::string why) {
  trouble(printable(why, 2 * kReasonBytes));
  ++state.retries;
  state.retry_in = wait;
  // notify() wakes the timer too; only its end or stop() counts here.
  const auto end = std::chrono::steady_clock::now() + wait;
  while (!stopping && std::chrono::steady_clock::now() < end) {
    timer.expires_at(end);
    co_await timer.async_wait(kTuple);
  }
  state.retry_in.reset();
}

HttpRequest OtlpExporter::Core::make_request(const SpoolBatch& batch) const {
  std::vector<std::string_view> payloads;
  payloads.reserve(batch.records.size());
  for (const SpoolRecord& record : batch.records) payloads.push_back(record.payload);
  HttpRequest request;
  request.method = "POST";
  request.target = options.path_prefix;
  request.target += batch.signal == OtlpSignal::logs ? "/v1/logs" : "/v1/metrics";
  request.headers = {{"Content-Type", std::string(kProtobuf)}, {"User-Agent", options.user_agent}};
  request.body = encode_export_request(payloads);
  if (request.body.size() > options.gzip_above.count) {
    if (auto packed = gzip(request.body)) {
      request.body = std::move(*packed);
      request.headers.push_back({"Content-Encoding", "gzip"});
    }
  }
  return request;
}

asio::awaitable<void> OtlpExporter::Core::deliver(SpoolBatch batch) {
  std::vector<std::int64_t> ids;
  ids.reserve(batch.records.size());
  for (const SpoolRecord& record : batch.records) ids.push_back(record.id);
  const HttpRequest request = make_request(batch);
  batch.records.clear();  // the request holds what is needed
  auto response = co_await client.send(request);
  if (stopping) co_return;
  state.connected = response.has_value();
  if (!response) {
    const Duration wait = backoff.next();
    co_await back_off(wait, response.error().message());
    co_return;
  }
  if (response->status / 100 == 2) {
    if (alone > 0) --alone;
    co_await accepted(*response, std::move(ids));
    co_return;
  }
  std::string why = refusal_text(*response);
  if (may_repeat(response->status)) {
    Duration wait = backoff.next();
    if (auto told_wait = parse_retry_after(response->header("retry-after"), wall_now()))
      wait = std::min(*told_wait, options.most_retry_after) + backoff.spread();
    co_await back_off(wait, std::move(why));
    co_return;
  }
  if (ids.size() > 1 && is_about_content(response->status)) {
    alone = ids.size();  // one broken record must not cost the others
    co_return;
  }
  if (alone > 0) --alone;
  state.dead_records += ids.size();
  backoff.reset();
  trouble(printable("records refused for good: " + why, 2 * kReasonBytes));
  Status done = co_await spool.reject(std::move(ids), std::move(why));
  co_await settle(std::move(done));
}

asio::awaitable<void> OtlpExporter::Core::accepted(const HttpResponse& response, std::vector<std::int64_t> ids) {
  backoff.reset();
  state.last_success = wall_now();
  OtlpAnswer answer;
  // Some receivers answer with an empty body and no type; what cannot be read does not undo a success.
  if (response.content_type.starts_with(kProtobuf))
    if (auto read = decode_export_answer(response.body)) answer = std::move(*read);
  // A partial success is final: what was rejected must not be sent again.
  const auto rejected = std::min<std::uint64_t>(static_cast<std::uint64_t>(answer.rejected), ids.size());
  state.rejected_records += rejected;
  state.sent_records += ids.size() - rejected;
  std::string warning;
  if (answer.rejected > 0 || !answer.message.empty())
    warning = strf("destination rejected %lld records: ", static_cast<long long>(answer.rejected)) +
              printable(answer.message, kReasonBytes);
  trouble(warning);
  Status done = co_await spool.ack(std::move(ids));
  co_await settle(std::move(done));
}

// The spool could not note what happened: the same batch would come again at once.
asio::awaitable<void> OtlpExporter::Core::settle(Status done) {
  if (done) co_return;
  const Duration wait = backoff.next();
  co_await back_off(wait, "cannot write the spool: " + done.error().message());
}

OtlpExporter::OtlpExporter(asio::any_io_executor executor, OtlpExporterOptions options, SpoolSource& spool, Note note)
    : core_(std::make_shared<Core>(std::move(executor), std::move(options), spool, std::move(note))) {}

OtlpExporter::~OtlpExporter() { stop(); }

void OtlpExporter::start() {
  if (core_->running || core_->stopping) return;
  core_->running = true;
  const auto body = [](std::shared_ptr<Core> core) -> asio::awaitable<void> { co_await core->run(); };
  asio::co_spawn(core_->executor, body(core_), asio::detached);
}

void OtlpExporter::notify() {
  core_->notified = true;
  core_->timer.cancel();
}

void OtlpExporter::replace_tls(std::shared_ptr<const TlsContext> tls) { core_->client.replace_tls(std::move(tls)); }

void OtlpExporter::stop() {
  core_->stopping = true;
  core_->note = nullptr;  // its owner may go away before the coroutine ends
  core_->timer.cancel();
  core_->client.close();
}

bool OtlpExporter::running() const { return core_->running; }

OtlpExporterState OtlpExporter::state() const {
  OtlpExporterState state = core_->state;
  state.pending = core_->spool.pending();
  return state;
}

}  // namespace hostmedic
