// SPDX-License-Identifier: Apache-2.0
// One function per way to ask. Each gives an answer, whatever happens; `took` and `id` are set by the caller, who also
// ends what lasts too long. Thread of the executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <string>

#include "agent/net/tls.h"
#include "probes/endpoint/asker.h"
#include "probes/settings/target.h"

namespace hostmedic {

// The certificates that may sign, by file, read again after an hour: the system's are a hundred and more.
class Authorities {
 public:
  Result<std::shared_ptr<const TlsContext>> get(const std::string& file);

 private:
  struct Read {
    std::shared_ptr<const TlsContext> context;
    MonoTime at;
  };
  std::map<std::string, Read> read_;
};

boost::asio::awaitable<Answer> ask_connection(const Question& question, const Target& target, Authorities& authorities);
boost::asio::awaitable<Answer> ask_name(const Question& question, const Target& target);
boost::asio::awaitable<Answer> ask_plugin(const Question& question, const Target& target, const std::string& socket);

Answer failed(std::string reason);
// The same, and silent if it is for want of time.
Answer unanswered(const Error& error);

}  // namespace hostmedic
