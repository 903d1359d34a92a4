// SPDX-License-Identifier: Apache-2.0
#include "agent/store/database.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/store/quarantine.h"

namespace hostmedic {

namespace {
constexpr std::string_view kInMemory = ":memory:";
constexpr int kBusyMs = 5000;

ErrorCode code_of(int sqlite) {
  switch (sqlite & 0xff) {
    case SQLITE_FULL:
    case SQLITE_TOOBIG: return ErrorCode::limit;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN: return ErrorCode::denied;
    case SQLITE_CONSTRAINT: return ErrorCode::conflict;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::timeout;
    case SQLITE_MISMATCH:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::malformed;
    default: return ErrorCode::io;
  }
}

Error sqlite_error(sqlite3* handle, int code) {
  const char* text = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  Error error = make_error(code_of(code), std::string("store: ") + text);
  if (handle != nullptr && error.code != ErrorCode::conflict) error.sys_errno = sqlite3_system_errno(handle);
  return error;
}
}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

void Statement::check(int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE || error_) return;
  error_ = sqlite_error(statement_ ? sqlite3_db_handle(statement_.get()) : nullptr, code);
}

void Statement::bind(int at, std::int64_t value) {
  if (statement_) check(sqlite3_bind_int64(statement_.get(), at, value));
}
void Statement::bind(int at, double value) {
  if (statement_) check(sqlite3_bind_double(statement_.get(), at, value));
}
void Statement::bind(int at, std::string_view value) {
  // An empty view may have a null pointer, which SQLite would take for NULL.
  const char* data = value.data() != nullptr ? value.data() : "";
  if (statement_) check(sqlite3_bind_text64(statement_.get(), at, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}
void Statement::bind(int at, Blob value) {
  const char* data = value.bytes.data() != nullptr ? value.bytes.data() : "";
  if (statement_) check(sqlite3_bind_blob64(statement_.get(), at, data, value.bytes.size(), SQLITE_TRANSIENT));
}
void Statement::bind(int at, std::nullopt_t) {
  if (statement_) check(sqlite3_bind_null(statement_.get(), at));
}

bool Statement::next() {
  if (error_ || !statement_) return false;
  const int code = sqlite3_step(statement_.get());
  check(code);
  // A finished statement is reset at once, so that it holds no lock on the file.
  if (code != SQLITE_ROW) (void)sqlite3_reset(statement_.get());  // gives the same error again
  return code == SQLITE_ROW;
}

Status Statement::status() const {
  if (error_) return *error_;
  return ok();
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::number(int column) const { return sqlite3_column_double(statement_.get(), column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::string_view Statement::text(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Statement Database::prepare(std::string_view sql) {
  Statement statement;
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  statement.statement_.reset(raw);
  if (code != SQLITE_OK) statement.error_ = sqlite_error(handle_.get(), code);
  return statement;
}

Status Database::script(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(handle_.get(), code);
  return ok();
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

Status Database::set_sync(Sync sync) {
  return script(sync == Sync::full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

Status Database::vacuum(Bytes most) {
  const Result<std::int64_t> page = one_integer("PRAGMA page_size");
  if (!page) return page.error();
  const auto pages = static_cast<unsigned long long>(most.count / static_cast<std::uint64_t>(*page));
  return script(strf("PRAGMA incremental_vacuum(%llu)", pages + 1));
}

Result<Bytes> Database::used() {
  const Result<std::int64_t> size = one_integer("PRAGMA page_size");
  const Result<std::int64_t> count = one_integer("PRAGMA page_count");
  const Result<std::int64_t> free_pages = one_integer("PRAGMA freelist_count");
  if (!size) return size.error();
  if (!count) return count.error();
  if (!free_pages) return free_pages.error();
  return Bytes{static_cast<std::uint64_t>((*count - *free_pages) * *size)};
}

Result<std::int64_t> Database::version_of(const Schema& schema) {
  const Result<std::int64_t> version = one_integer("PRAGMA user_version");
  const Result<std::int64_t> id = one_integer("PRAGMA application_id");
  const Result<std::int64_t> tables = one_integer("SELECT count(*) FROM sqlite_schema");
  if (!version) return version.error();
  if (!id) return id.error();
  if (!tables) return tables.error();
  const auto known = static_cast<std::int64_t>(schema.migrations.size());
  if (*id != schema.application_id && (*id != 0 || *tables != 0))
    return make_error(ErrorCode::unsupported,
                      strf("the file belongs to another program (application id %lld)", static_cast<long long>(*id)));
  if (*version > known || *version < 0)
    return make_error(ErrorCode::unsupported,
                      strf("the file has schema %lld and this version knows up to %lld: install the newer version "
                           "again, or move the file away to start anew",
                           static_cast<long long>(*version), static_cast<long long>(known)));
  return *version;
}

Status Database::migrate(const Schema& schema, std::int64_t version) {
  const auto known = static_cast<std::int64_t>(schema.migrations.size());
  if (version == known) return ok();
  Transaction transaction(*this);
  if (!transaction.begun()) return transaction.begun();
  for (std::int64_t from = version; from < known; ++from) {
    Status step = script(std::string(schema.migrations[static_cast<std::size_t>(from)]));
    if (!step) return std::move(step.error()).in(strf("migration to schema %lld", static_cast<long long>(from + 1)));
  }
  Status marked = script(
      strf("PRAGMA user_version=%lld; PRAGMA application_id=%d", static_cast<long long>(known), schema.application_id));
  if (!marked) return marked;
  if (Status committed = transaction.commit(); !committed) return committed;
  // What the file is must not hang on a journal beside it.
  return script("PRAGMA wal_checkpoint(TRUNCATE)");
}

Status Database::prepare_file(const Schema& schema, Sync sync) {
  sqlite3_extended_result_codes(handle_.get(), 1);
  sqlite3_busy_timeout(handle_.get(), kBusyMs);
  // Looked at before anything is written, so that a damaged file is kept as it was found.
  {
    Statement check = query("PRAGMA quick_check(1)");
    if (!check.next()) return check.status();
    if (check.text(0) != "ok")
      return make_error(ErrorCode::malformed, "the file is damaged: " + printable(check.text(0), 200));
  }
  const Result<std::int64_t> version = version_of(schema);
  if (!version) return version.error();
  const Result<std::int64_t> pages = one_integer("PRAGMA page_count");
  if (!pages) return pages.error();
  // Free pages can be given back only if this is set before the first page is written.
  Status set = *pages == 0 ? script("PRAGMA auto_vacuum=INCREMENTAL") : ok();
  if (set)
    set = script(
        "PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=4194304; PRAGMA foreign_keys=ON; "
        "PRAGMA trusted_schema=OFF");
  if (set) set = set_sync(sync);
  if (!set) return set;
  return migrate(schema, *version);
}

Result<Database> Database::connect(const std::string& path, const Schema& schema, Sync sync) {
  Database database;
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  database.handle_.reset(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, code);
  Status prepared = database.prepare_file(schema, sync);
  if (!prepared) return std::move(prepared.error());
  return database;
}

Result<Database> Database::open_to_read(const std::string& path, const Schema& schema) {
  Database database;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  database.handle_.reset(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, code).in(path);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyMs);
  const Result<std::int64_t> version = database.version_of(schema);
  if (!version) return Error(version.error()).in(path);
  if (*version != static_cast<std::int64_t>(schema.migrations.size()))
    return make_error(ErrorCode::unsupported, path + ": written by an older version; its program brings it up to date");
  return database;
}

Result<Database> Database::open(const std::string& path, const Schema& schema, Sync sync) {
  if (path == kInMemory) return connect(path, schema, sync);
  // Made here for its mode, and because only the system's own word tells a file that cannot be opened from a full or
  // read-only filesystem, where a good file must stay in its place.
  Result<Fd> file = open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  bool broken = false;
  Error why;
  if (!file) {
    why = file.error();
    broken = why.sys_errno == EACCES || why.sys_errno == EISDIR || why.sys_errno == ELOOP;
  } else {
    file->reset();
    Result<Database> database = connect(path, schema, sync);
    if (database) return database;
    why = database.error();
    broken = why.code == ErrorCode::malformed;
  }
  if (!broken) return std::move(why).in(path);
  const std::string reason = why.message();
  const Result<std::string> moved = move_aside(path);
  if (!moved) return std::move(why).in(path + " (and it cannot be moved aside: " + moved.error().message() + ")");
  Result<Database> fresh = connect(path, schema, sync);
  if (!fresh) return std::move(fresh.error()).in(path);
  fresh->quarantined_ = reason + "; moved to " + *moved;
  return fresh;
}

}  // namespace hostmedic
