// SPDX-License-Identifier: Apache-2.0
// The databases as they are found at start: the agent's store with its spool, the actuator's ledger, the aggregator's
// store. Input: byte 0 selects the database and what is done to it: bytes of the file are changed (offset, length and
// bytes, again and again), a column of all its rows is set to a text, or the rest of the input is the file. What must
// hold: it opens, with a broken file moved aside, or says why not; everything can be asked, and nothing is taken twice.
#include <sqlite3.h>

#include <map>
#include <string>
#include <vector>

#include "agent/store/agent_store.h"
#include "agent/store/fleet_store.h"
#include "agent/store/ledger.h"
#include "support.h"

using namespace hostmedic;
using fuzz::check;

namespace {

const WallTime kNow = wall_from_ns(1'790'000'000'000'000'000);

Incident incident() {
  Incident made;
  made.id = "0123456789abcdef";
  made.revision = 1;
  made.root = {EntityKind::service, "nginx.service"};
  made.kind = "service.failed";
  made.opened_at = kNow;
  return made;
}
Order order(std::string key) {
  Order made;
  made.key = std::move(key);
  made.incident_id = incident().id;
  made.runbook = "r";
  made.plan.action = "service.restart";
  made.plan.target = incident().root;
  made.issued_at = kNow;
  made.expires_at = kNow + std::chrono::minutes(1);
  return made;
}
const std::string kKeys[] = {"0123456789abcdef01234567", "1123456789abcdef01234567"};

void fill_agent(const std::string& path) {
  auto store = AgentStore::open(path, {});
  check(store && store->put_incident(incident()) && store->put_order(order(kKeys[0])) &&
        store->set_setting("brakes", "{}") && store->put_experience({{}}));
  for (const char* uid : {"a", "b"}) check(store->spool().append(SpoolSignal::logs, uid, "payload", kNow).has_value());
}
void read_agent(const std::string& path) {
  auto store = AgentStore::open(path, {});
  if (!store) return;
  (void)store->unresolved();
  (void)store->incidents({});
  (void)store->find_incident("0");
  (void)store->similar(incident());
  (void)store->open_orders();
  (void)store->orders_of(incident().id);
  (void)store->history({});
  (void)store->setting("brakes");
  (void)store->experience();
  const auto batch = store->spool().next_batch(SpoolSignal::logs, kib(64), 100);
  (void)store->spool().gaps();
  (void)store->spool().append(SpoolSignal::metrics, "c", "more", kNow);
  if (batch)
    for (const SpoolItem& item : *batch) (void)store->spool().ack(std::span(&item.id, 1));
  (void)store->prune(kNow + std::chrono::hours(1), kib(64), std::chrono::hours(24));
}

void fill_ledger(const std::string& path) {
  auto ledger = Ledger::open(path);
  Outcome outcome;
  outcome.key = kKeys[0];
  check(ledger && ledger->begin(order(kKeys[0]), {}, kNow) && ledger->finish(outcome) &&
        ledger->begin(order(kKeys[1]), {}, kNow) && ledger->halt("uid 0", "why", kNow) &&
        ledger->add_maintenance({kNow, "uid 0", "why", "service:*"}, kNow) &&
        ledger->approve({kKeys[1], "uid 0", kNow, kNow}) &&
        ledger->mark_undone({incident().root, "service.restart", "uid 0", kNow}));
}
void read_ledger(const std::string& path) {
  (void)audit_ledger(path);
  auto ledger = Ledger::open(path);
  if (!ledger) return;
  for (const std::string& key : kKeys) (void)ledger->find(key);
  (void)ledger->open_rows();
  (void)ledger->measures();
  (void)ledger->history({});
  (void)ledger->brakes();
  (void)ledger->approval(kKeys[1], kNow);
  (void)ledger->undone();
  (void)ledger->disarmed();
  (void)ledger->audit();
  // What was begun once is never begun again, whatever became of the rest.
  if (const auto row = ledger->find(kKeys[0]); row && *row) check(!ledger->begin(order(kKeys[0]), {}, kNow));
  (void)ledger->prune(kNow + std::chrono::hours(1), 1, std::chrono::minutes(1));
}

void fill_fleet(const std::string& path) {
  auto store = FleetStore::open(path);
  const FleetSender sender{"web1", "id", "ff", "1"};
  FleetLog log;
  log.uid = "u";
  log.at = kNow;
  log.attributes = "{}";
  log.incident = incident();
  log.incident_record = "{}";
  check(store && store->add_logs(sender, {log}, kNow) && store->add_metrics(sender, {{"m", "", "1", 1, kNow}}, kNow));
}
void read_fleet(const std::string& path) {
  auto store = FleetStore::open(path);
  if (!store) return;
  (void)store->hosts();
  (void)store->incidents({});
  (void)store->incident(incident().id, "");
  (void)store->counts();
  (void)store->add_logs({"web1", "id", "ff", "1"}, {}, kNow);
  (void)store->expire(kNow + std::chrono::hours(1), std::chrono::hours(24));
  (void)store->shrink(kib(64));
}

struct Kind {
  void (*fill)(const std::string& path);
  void (*read)(const std::string& path);
  std::vector<const char*> columns;  // "table SET column"
};
const Kind kKinds[] = {
    {fill_agent,
     read_agent,
     {"incident SET record", "incident SET state", "incident SET opened_at", "action SET order_record",
      "action SET outcome_record", "setting SET value", "spool SET payload", "spool SET size", "spool SET signal",
      "experience SET subject", "experience SET helped"}},
    {fill_ledger,
     read_ledger,
     {"entry SET order_record", "entry SET verdict_record", "entry SET outcome_record", "entry SET target",
      "entry SET begun_at", "halt SET by", "maintenance SET until", "approval SET expires_at", "human_undo SET target",
      "chain SET record", "chain SET hash", "chain SET at"}},
    {fill_fleet,
     read_fleet,
     {"host SET host_id", "log SET attributes", "incident SET record", "incident SET opened_at", "metric SET value",
      "metric SET name"}},
};

struct Whole {
  fuzz::Directory directory;
  std::map<std::size_t, std::string> bytes;  // of each kind, as it was filled
  std::string path() const { return directory / "store.db"; }

  const std::string& of(std::size_t kind) {
    auto [at, is_new] = bytes.try_emplace(kind);
    if (is_new) {
      clear();
      kKinds[kind].fill(path());
      std::ifstream file(path(), std::ios::binary);
      at->second.assign(std::istreambuf_iterator<char>(file), {});
    }
    return at->second;
  }
  void clear() const {
    for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
      std::filesystem::remove_all(entry.path());
  }
};

void change_bytes(std::string& file, fuzz::Input& input) {
  while (!input.empty()) {
    const std::size_t offset = (input.number() << 4 | input.byte() % 16) % file.size();
    const std::string_view put = input.take(1 + input.byte() % 8);
    for (std::size_t i = 0; i < put.size() && offset + i < file.size(); ++i) file[offset + i] = put[i];
  }
}

// By a connection of its own: the schema's checks hold, as for whoever has the file in his hands.
void change_rows(const std::string& path, const Kind& kind, fuzz::Input& input) {
  sqlite3* database = nullptr;
  check(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  const std::string sql = std::string("UPDATE ") + kind.columns[input.byte() % kind.columns.size()] + " = ?";
  sqlite3_stmt* statement = nullptr;
  check(sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  const std::string_view value = input.rest();
  sqlite3_bind_text(statement, 1, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  (void)sqlite3_step(statement);  // a type that the column does not take is refused
  sqlite3_finalize(statement);
  sqlite3_close(database);
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  using namespace std::string_literals;
  std::vector<std::string> seeds;
  for (char kind = 0; kind < 3; ++kind) {
    seeds.push_back(std::string(1, kind) + "\0\x10\0\x01\x41"s);
    seeds.push_back(std::string(1, static_cast<char>(kind + 3)) + "\0{\"key\":\"x\"}"s);
    seeds.push_back(std::string(1, static_cast<char>(kind + 6)) + "SQLite format 3\0"s);
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Whole whole;
  fuzz::Input input(data, size);
  const std::size_t selected = input.byte();
  const Kind& kind = kKinds[selected % 3];
  std::string file = whole.of(selected % 3);
  whole.clear();
  const std::size_t way = selected / 3 % 3;
  if (way == 0) change_bytes(file, input);
  if (way == 2) file = input.rest();
  fuzz::write_file(whole.path(), file);
  if (way == 1) change_rows(whole.path(), kind, input);
  kind.read(whole.path());
  kind.read(whole.path());  // what the first reading put right or moved aside
  return 0;
}
