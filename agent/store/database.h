// SPDX-License-Identifier: Apache-2.0
// One SQLite file: opening it with care, migrations, statements. Private to this folder and its tests. Owns the
// connection; one thread at a time. Nothing throws; errors are ErrorCode::limit (disk full, file too big), denied
// (read-only, no permission), conflict (a constraint), timeout (locked by another), malformed (broken file), io.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hostmedic {

enum class Sync : std::uint8_t {
  normal,  // survives the death of the process; the last transactions may be missing after a power failure
  full,    // every commit is on disk when it returns
};

struct Schema {
  std::int32_t application_id;  // marks the file as ours
  std::span<const std::string_view>
      migrations;  // the script at [n] brings version n to n + 1; never edited, only added
};

// One prepared statement with its values bound. The first error stays until the end; ask status() after the last row.
class Statement {
 public:
  Statement(Statement&&) = default;
  Statement& operator=(Statement&&) = default;

  bool next();  // a row is there; false at the end and on error
  Status status() const;

  // Of the present row; columns count from 0. text and blob are valid until the next call of next().
  std::int64_t integer(int column) const;
  double number(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const { return text(column); }
  bool is_null(int column) const;
  WallTime time(int column) const { return wall_from_ns(integer(column)); }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  struct Blob {
    std::string_view bytes;
  };
  Statement() = default;

  void bind(int at, std::int64_t value);
  void bind(int at, int value) { bind(at, static_cast<std::int64_t>(value)); }
  void bind(int at, std::uint32_t value) { bind(at, static_cast<std::int64_t>(value)); }
  void bind(int at, std::size_t value) { bind(at, static_cast<std::int64_t>(value)); }
  void bind(int at, bool value) { bind(at, std::int64_t{value}); }
  void bind(int at, double value);
  void bind(int at, std::string_view value);
  void bind(int at, const std::string& value) { bind(at, std::string_view(value)); }
  void bind(int at, const char* value) { bind(at, std::string_view(value)); }
  void bind(int at, WallTime value) { bind(at, to_ns(value)); }
  void bind(int at, Blob value);
  void bind(int at, std::nullopt_t);
  template <class T>
  void bind(int at, const std::optional<T>& value) {
    if (value)
      bind(at, *value);
    else
      bind(at, std::nullopt);
  }
  void check(int code);

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::optional<Error> error_;
};

class Database {
 public:
  // ":memory:" gives a store that lives as long as the object. A file that cannot be read as a database is moved aside
  // as <path>.corrupt-<utc> with its journal, and a new one is made; quarantined() says so. At most 3 such files are
  // kept. A file of another program or of a newer version is refused and left alone (unsupported).
  static Result<Database> open(const std::string& path, const Schema& schema, Sync sync);

  // Looks at a file and changes nothing, whatever state it is in; one of another version is refused (unsupported).
  static Result<Database> open_to_read(const std::string& path, const Schema& schema);

  Database(Database&&) = default;
  Database& operator=(Database&&) = default;

  // Runs one statement that gives no rows, or prepares one that does. "?" are bound in order.
  template <class... Args>
  Status run(std::string_view sql, const Args&... args) {
    Statement statement = query(sql, args...);
    while (statement.next()) {
    }
    return statement.status();
  }
  template <class... Args>
  Statement query(std::string_view sql, const Args&... args) {
    Statement statement = prepare(sql);
    int at = 0;
    (statement.bind(++at, args), ...);
    return statement;
  }
  // For bytes that are not text.
  static Statement::Blob blob(std::string_view bytes) { return {bytes}; }
  // The first column of the first row of a query that gives exactly one row.
  template <class... Args>
  Result<std::int64_t> one_integer(std::string_view sql, const Args&... args) {
    Statement statement = query(sql, args...);
    if (statement.next()) return statement.integer(0);
    Status status = statement.status();
    if (!status) return std::move(status.error());
    return make_error(ErrorCode::not_found, "no row");
  }

  // Rows that the last statement changed.
  std::int64_t changes() const;
  // From the next transaction on.
  Status set_sync(Sync sync);
  // Gives free pages back to the filesystem, at most that many bytes.
  Status vacuum(Bytes most);
  // Bytes in pages that hold data.
  Result<Bytes> used();
  // Why a file was moved aside at open, and where to; empty if none was.
  const std::string& quarantined() const { return quarantined_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  Database() = default;
  static Result<Database> connect(const std::string& path, const Schema& schema, Sync sync);
  Status prepare_file(const Schema& schema, Sync sync);
  Result<std::int64_t> version_of(const Schema& schema);
  Status migrate(const Schema& schema, std::int64_t version);
  Statement prepare(std::string_view sql);
  Status script(const std::string& sql);

  std::unique_ptr<sqlite3, Close> handle_;
  std::string quarantined_;
};

// Everything from construction to commit() happens or nothing does.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database), state_(database.run("BEGIN IMMEDIATE")) {}
  ~Transaction() {
    if (state_ && !done_) (void)database_.run("ROLLBACK");  // SQLite may have rolled back by itself already
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  const Status& begun() const { return state_; }
  Status commit() {
    Status status = database_.run("COMMIT");
    done_ = status.has_value();
    return status;
  }

 private:
  Database& database_;
  Status state_;
  bool done_ = false;
};

}  // namespace hostmedic
