// SPDX-License-Identifier: Apache-2.0
#include "agent/store/database.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <random>

#include "agent/store/agent_store.h"
#include "agent/store/ledger.h"
#include "tests/unit/store/store_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
constexpr std::string_view kOne[] = {"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT"};
constexpr std::string_view kTwo[] = {"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT",
                                     "ALTER TABLE t ADD COLUMN c INTEGER NOT NULL DEFAULT 7"};
constexpr std::string_view kBroken[] = {"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT",
                                        "ALTER TABLE t ADD COLUMN c INTEGER; ALTER TABLE nothing ADD COLUMN d"};
constexpr Schema kSchemaOne{42, kOne}, kSchemaTwo{42, kTwo}, kSchemaBroken{42, kBroken};

Result<Database> open(const std::string& path, const Schema& schema = kSchemaOne) {
  return Database::open(path, schema, Sync::full);
}

void fill(const std::string& path, int rows) {
  auto database = open(path);
  REQUIRE(database);
  Transaction transaction(*database);
  for (int i = 0; i < rows; ++i) REQUIRE(database->run("INSERT INTO t VALUES (?, ?)", i, std::string(100, 'x')));
  REQUIRE(transaction.commit());
}
}  // namespace

TEST_CASE("values of every type come back") {
  auto database = Database::open(":memory:", kSchemaOne, Sync::normal);
  REQUIRE(database);
  const std::string bytes("a\0b\xff", 4);
  Statement row = database->query("SELECT ?, ?, ?, ?, ?", std::int64_t{-5}, 0.5, "t'x", Database::blob(bytes),
                                  std::optional<WallTime>());
  REQUIRE(row.next());
  CHECK(row.integer(0) == -5);
  CHECK(row.number(1) == 0.5);
  CHECK(row.text(2) == "t'x");
  CHECK(row.blob(3) == bytes);
  CHECK(row.is_null(4));
  CHECK_FALSE(row.next());
  CHECK(row.status());
}

TEST_CASE("errors are values: bad statement, constraint, wrong type") {
  auto database = Database::open(":memory:", kSchemaOne, Sync::normal);
  REQUIRE(database);
  CHECK_FALSE(database->run("SELEKT 1"));
  CHECK(database->run("INSERT INTO t VALUES (1, 'a')"));
  CHECK(database->run("INSERT INTO t VALUES (1, 'b')").error().code == ErrorCode::conflict);
  CHECK(database->run("INSERT INTO t VALUES (?, 'b')", "no number").error().code == ErrorCode::malformed);
  CHECK(database->one_integer("SELECT a FROM t WHERE a = 99").error().code == ErrorCode::not_found);
}

TEST_CASE("a transaction that is not committed leaves nothing") {
  auto database = Database::open(":memory:", kSchemaOne, Sync::normal);
  REQUIRE(database);
  {
    Transaction transaction(*database);
    REQUIRE(transaction.begun());
    REQUIRE(database->run("INSERT INTO t VALUES (1, 'a')"));
  }
  CHECK(*database->one_integer("SELECT count(*) FROM t") == 0);
}

TEST_CASE("migrations go forward and keep the rows; a newer schema is refused and left alone") {
  TempDir dir;
  const std::string path = dir / "x.db";
  fill(path, 3);
  {
    auto second = open(path, kSchemaTwo);
    REQUIRE(second);
    CHECK(*second->one_integer("SELECT sum(c) FROM t") == 21);
  }
  const auto older = open(path, kSchemaOne);
  REQUIRE_FALSE(older);
  CHECK(older.error().code == ErrorCode::unsupported);
  CHECK(older.error().message().find("schema 2") != std::string::npos);
  CHECK(dir.list("x.db.corrupt").empty());
  CHECK(open(path, kSchemaTwo));
}

TEST_CASE("a migration that fails changes nothing") {
  TempDir dir;
  const std::string path = dir / "x.db";
  fill(path, 1);
  CHECK_FALSE(open(path, kSchemaBroken));
  auto again = open(path, kSchemaOne);
  REQUIRE(again);
  CHECK(*again->one_integer("SELECT count(*) FROM pragma_table_info('t')") == 2);
}

TEST_CASE("the file of another program is refused and left alone") {
  TempDir dir;
  const std::string path = dir / "x.db";
  REQUIRE(Database::open(path, Schema{7, kOne}, Sync::full));
  const auto result = open(path);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::unsupported);
  CHECK(dir.list("x.db.corrupt").empty());
}

TEST_CASE("a file is not readable by everybody") {
  TempDir dir;
  fill(dir / "x.db", 1);
  struct stat info{};
  REQUIRE(::stat((dir / "x.db").c_str(), &info) == 0);
  CHECK((info.st_mode & 07) == 0);
}

TEST_CASE("damage of any kind is moved aside and never stops the start") {
  std::mt19937 random(5);
  TempDir dir;
  const std::string good = dir / "good.db";
  fill(good, 500);
  const std::string content = slurp(good);
  REQUIRE(content.size() > 20000);
  int quarantined = 0;
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    TempDir work;
    const std::string path = work / "x.db";
    std::string bad = content;
    if (round == 0)
      bad = "this is no database at all, only some text that somebody put here";
    else if (round % 2 == 0)
      bad.resize(random() % bad.size() + 1);  // torn
    else
      for (int i = 0; i < 64; ++i) bad[random() % bad.size()] = static_cast<char>(random());
    spit(path, bad);
    auto database = open(path);
    REQUIRE_MESSAGE(database, (database ? "" : database.error().message()));
    if (!database->quarantined().empty()) {
      ++quarantined;
      REQUIRE(work.list("x.db.corrupt-").size() >= 1);
      CHECK(slurp(work / work.list("x.db.corrupt-")[0]) == bad);
      CHECK(*database->one_integer("SELECT count(*) FROM t") == 0);
    }
    CHECK(database->run("INSERT INTO t VALUES (100000, 'still works')"));
  }
  CHECK(quarantined > 25);
}

TEST_CASE("at most three broken files are kept") {
  TempDir dir;
  const std::string path = dir / "x.db";
  for (int i = 0; i < 6; ++i) {
    spit(path, "broken " + std::to_string(i));
    auto database = open(path);
    REQUIRE(database);
    CHECK_FALSE(database->quarantined().empty());
  }
  const auto kept = dir.list("x.db.corrupt-");
  REQUIRE(kept.size() == 3);
  CHECK(slurp(dir / kept.back()) == "broken 5");
}

TEST_CASE("a folder in the file's place is moved aside; a missing folder is an error") {
  TempDir dir;
  const std::string path = dir / "x.db";
  std::filesystem::create_directory(path);
  auto database = open(path);
  REQUIRE(database);
  CHECK_FALSE(database->quarantined().empty());
  const auto missing = open(dir / "no/such/x.db");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
}

TEST_CASE("a full disk is an error to survive: nothing half-written, and writing goes on later") {
  TempDir dir;
  const std::string path = dir / "x.db";
  fill(path, 10);
  const int code = run_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    auto database = open(path);
    if (!database) return 1;
    const rlimit small{150'000, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) return 2;
    int written = 0;
    Status status = ok();
    while (status && written < 10'000) {
      status = database->run("INSERT INTO t VALUES (?, ?)", 1000 + written, std::string(500, 'y'));
      if (status) ++written;
    }
    if (status) return 3;  // the limit was never felt
    const ErrorCode error = status.error().code;
    if (error != ErrorCode::limit && error != ErrorCode::io) return 4;
    const auto rows = database->one_integer("SELECT count(*) FROM t");
    if (!rows || *rows != 10 + written) return 5;
    const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &large);
    return database->run("INSERT INTO t VALUES (5, 'x') ON CONFLICT DO UPDATE SET b = 'x'") ? 0 : 6;
  });
  CHECK(code == 0);
  auto database = open(path);
  REQUIRE(database);
  CHECK(database->quarantined().empty());
}

TEST_CASE("kill -9 while writing: what was acknowledged is there") {
  std::mt19937 random(9);
  for (int round = 0; round < 12; ++round) {
    TempDir dir;
    const std::string path = dir / "x.db";
    const std::string acks = run_and_kill(random() % 300 + 1, [&](int out) {
      auto database = open(path);
      for (int i = 0; database && i < 100'000; ++i) {
        if (!database->run("INSERT INTO t VALUES (?, ?)", i, std::string(random() % 3000, 'z'))) return;
        if (::write(out, "x", 1) != 1) return;
      }
    });
    auto database = open(path);
    REQUIRE(database);
    CHECK(database->quarantined().empty());
    const std::int64_t rows = *database->one_integer("SELECT count(*) FROM t");
    CHECK(rows >= static_cast<std::int64_t>(acks.size()));
    CHECK(rows <= static_cast<std::int64_t>(acks.size()) + 1);
    CHECK(*database->one_integer("SELECT coalesce(max(a), -1) FROM t") == rows - 1);
  }
}
