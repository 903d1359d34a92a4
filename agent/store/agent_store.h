// SPDX-License-Identifier: Apache-2.0
// The daemon's store: incidents, orders and outcomes, settings. Owns one SQLite file; the spool (spool.h) lives in the
// same file. Used from the worker thread only. Errors are those of a database (limit: disk full; denied: read-only)
// and can be survived: the next call tries again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/action.h"
#include "actions/guard/guard.h"
#include "actions/learn/experience.h"
#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/store/similar.h"
#include "agent/store/spool.h"

namespace hostmedic {

class Database;

struct IncidentQuery {
  std::size_t limit = 100;                     // at most kMostListed
  std::optional<WallTime> opened_before = {};  // for the next page
  std::optional<IncidentState> state = {};
};

class AgentStore {
 public:
  // A broken file is moved aside and a new one is made; see quarantined(). ":memory:" keeps nothing.
  static Result<AgentStore> open(const std::string& path, SpoolLimits spool_limits);
  AgentStore(AgentStore&&) noexcept;
  AgentStore& operator=(AgentStore&&) noexcept;
  ~AgentStore();

  const std::string& quarantined() const;

  // Keeps the highest revision: an older one changes nothing.
  Status put_incident(const Incident& incident);
  // Neither resolved nor closed, oldest first, at most kMostListed.
  Result<std::vector<Incident>> unresolved();
  // Newest first.
  Result<std::vector<Incident>> incidents(const IncidentQuery& query);
  // The incident whose id starts with prefix. not_found, or conflict when several do.
  Result<Incident> find_incident(std::string_view prefix);
  // Earlier ones like it, by the nearest likeness that has any. Suspicions, and those that another incident explains,
  // do not count; rows that cannot be read are left out.
  Result<SimilarCases> similar(const Incident& incident);

  // On disk when it returns. conflict when the key is known.
  Status put_order(const Order& order);
  // On disk when it returns. The first outcome of a key stands, a later one is ignored. not_found for an unknown key.
  Status put_outcome(const Outcome& outcome);
  // Without an outcome, oldest first.
  Result<std::vector<Order>> open_orders();
  // Oldest first; the last kMostListed of them.
  Result<std::vector<OrderRow>> orders_of(std::string_view incident_id);
  // Issued at or after since, oldest first, the newest kMostHistory of them.
  Result<std::vector<guard::PastAction>> history(WallTime since);

  // Small texts that outlive a restart. On disk when it returns. name: at most 64 bytes, value: at most 64 KiB.
  Status set_setting(std::string_view name, std::string_view value);
  Result<std::optional<std::string>> setting(std::string_view name);

  // What came of treatments. Replaces the rows of these subjects and actions; of all that is kept the stalest beyond
  // Experience::kMostRows go.
  Status put_experience(const std::vector<ExperienceRow>& rows);
  Result<std::vector<ExperienceRow>> experience();

  // The incidents of another store's file, and what waits there for delivery; all or nothing, and twice is as good as
  // once. Before the spool is used.
  Status take_over(const std::string& path);

  Spool& spool() { return *spool_; }

  // Forgets closed incidents with their orders, oldest first: those older than most_age, then as many as it takes to
  // get the file's content under most_size. Gives space back to the filesystem. What the spool holds stays: it has
  // its own bounds.
  Status prune(WallTime now, Bytes most_size, Duration most_age);

  static constexpr std::size_t kMostListed = 1000;
  static constexpr std::size_t kMostHistory = 4096;
  static constexpr std::size_t kMostSetting = 64 << 10;

 private:
  explicit AgentStore(std::unique_ptr<Database> database, SpoolLimits spool_limits);

  std::unique_ptr<Database> database_;
  std::unique_ptr<Spool> spool_;  // refers to *database_
};

}  // namespace hostmedic
