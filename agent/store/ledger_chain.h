// SPDX-License-Identifier: Apache-2.0
// The ledger's hash chain: one link for every row, in the transaction of that row. Private to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/store/database.h"
#include "agent/store/ledger.h"

namespace hostmedic {

extern const Schema kLedgerSchema;

// What is written about. kind and about are short; record is what must not be changed, or its digest.
struct Link {
  WallTime at;
  std::string_view kind;
  std::string about, record;
};

// Inside a transaction.
Status append_link(Database& database, const Link& link);
// With this record; its error, if it is one.
Status append_link(Database& database, Link link, const Result<std::string>& record);
// `change` and its link, both or neither.
template <class Change>
Status chained(Database& database, const Link& link, Change change) {
  Transaction transaction(database);
  if (!transaction.begun()) return transaction.begun();
  Status status = change();
  if (status) status = append_link(database, link);
  if (status) status = transaction.commit();
  return status;
}

// The records of an order and of its outcome: digests over the entry as it stands in the table.
Result<std::string> order_record(Database& database, const std::string& key);
Result<std::string> outcome_record(Database& database, const std::string& key);

// Cuts links off the beginning: those that no kept entry needs and that are older than `before`, and what is beyond
// `most`. Inside a transaction.
Status cut_chain(Database& database, WallTime before, std::size_t most);
// Entries that were written before there was a chain. Inside a transaction.
Status adopt_entries(Database& database);

Result<LedgerAudit> audit_chain(Database& database);

}  // namespace hostmedic
