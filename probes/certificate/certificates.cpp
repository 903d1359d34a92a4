// SPDX-License-Identifier: Apache-2.0
// How long the certificates of this host's servers are still valid. A worker looks for them, and reads them again,
// every ten minutes, and as soon as one of their files is another: the kernel tells what happens in their directories,
// and each second it is looked, too.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/certificate/search.h"
#include "probes/change/directory_watch.h"
#include "probes/probe.h"
#include "probes/source/relations.h"
#include "probes/source/table.h"
#include "probes/source/worker.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(1);
constexpr Duration kTold = std::chrono::seconds(10);  // the time that is left goes on between the looks
constexpr std::size_t kMostCertificateUses = 512;
constexpr Duration kLook = std::chrono::minutes(10), kDeadline = std::chrono::minutes(1);

constexpr std::size_t kMostDirectories = 64;
constexpr int kMostNews = 8;  // between two ticks; in a directory with more it is only looked each second

struct Places {
  std::shared_ptr<const Fd> root, proc;
  std::vector<std::string> patterns;
  std::string root_path;                         // empty: /
  std::shared_ptr<change::DirectoryWatch> news;  // null: it cannot be had
};
// Of the files that were found, in one number: a renewal writes a file anew, or leads a link to another.
std::uint64_t stamp_of(int root, const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) {
    struct stat file{};
    if (::fstatat(root, path.c_str() + 1, &file, 0) == 0)
      text +=
          strf("%ju %jd %jd.%09ld,", static_cast<std::uintmax_t>(file.st_ino), static_cast<std::intmax_t>(file.st_size),
               static_cast<std::intmax_t>(file.st_mtim.tv_sec), file.st_mtim.tv_nsec);
    text += "\n";
  }
  return fnv1a(text);
}
// Whatever cannot be watched is looked at each second.
void watch_directories(const Places& places, const std::vector<FoundCertificate>& found) {
  std::set<std::string> directories;
  for (const FoundCertificate& one : found)
    if (directories.size() < kMostDirectories) directories.insert(one.name.substr(0, one.name.rfind('/') + 1));
  for (const std::string& directory : directories)
    if (places.news) (void)places.news->add_written(places.root_path + directory);
}
struct Looked {
  std::optional<CertificateSearch> search;  // nothing: all files are as they were
  std::uint64_t stamp = 0;
  bool everything = false;
};
struct Look {
  std::shared_ptr<const Places> places;
  bool everything = false;
  std::vector<std::string> paths;  // that were found
  std::uint64_t stamp = 0;         // of these, before they were read
  Looked run() const {
    Looked looked;
    looked.everything = everything;
    looked.stamp = stamp_of(places->root->get(), paths);
    if (everything || looked.stamp != stamp)
      looked.search = search_certificates(places->root->get(), places->proc->get(), places->patterns);
    if (everything) watch_directories(*places, looked.search->found);
    return looked;
  }
};
using Looker = ProbeWorker<Look>;

struct Followed {
  EntityId entity = kNoEntity;
  SeriesId expiry = kNoSeries;
  Certificate known;
};

std::string utc(WallTime time) {
  return time == WallTime::max() ? "for ever" : format_utc(time).substr(0, 19) + "Z";  // without its milliseconds
}

class CertificateProbe final : public Probe {
 public:
  CertificateProbe(std::shared_ptr<const Places> places, std::shared_ptr<Bell> bell, std::unique_ptr<Looker> looker)
      : places_(std::move(places)), bell_(std::move(bell)), looker_(std::move(looker)) {}

  Status read(MonoTime now, Sink& sink) override {
    if (!sampled_at_ || now - *sampled_at_ >= kTold) {
      sample(sink);
      sampled_at_ = now;
    }
    uses_.tell(now, sink, [](const Entity&) { return false; });
    told_.clear();
    if (looker_->late(0, now)) return make_error(ErrorCode::timeout, "a file does not answer").in("certificate");
    look(now, !looked_at_ || now - *looked_at_ >= kLook);
    return too_many_ ? Status(make_error(ErrorCode::limit, "more certificates than are followed")) : ok();
  }
  std::vector<int> descriptors() const override {
    return places_->news ? std::vector<int>{bell_->fd(), places_->news->fd()} : std::vector<int>{bell_->fd()};
  }
  Status on_ready(MonoTime now, Sink& sink) override {
    bell_->quiet();
    if (const auto looked = looker_->take(0)) {
      stamp_ = looked->stamp;
      if (looked->everything) paths_.clear();
      if (looked->search) {
        tell(*looked->search, now, sink);
        sample(sink);
      }
    }
    if (places_->news && has_news()) look(now, false);
    return ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  // Refused while the last look is under way; the next tick asks again.
  void look(MonoTime now, bool everything) {
    auto look = std::make_shared<const Look>(Look{places_, everything, paths_, stamp_});
    if (!looker_->submit(0, std::move(look), now + kDeadline)) return;
    if (everything) looked_at_ = now;
    looker_->start();
  }
  bool has_news() {
    std::set<int> watches;
    const bool whole = places_->news->read(watches);
    for (const int watch : watches)
      if (++told_[watch] == kMostNews) places_->news->remove(watch);
    return !whole || !watches.empty();
  }
  void tell(const CertificateSearch& search, MonoTime now, Sink& sink) {
    too_many_ = search.too_many;
    followed_.align(
        search.found,
        [&](const FoundCertificate& row) {
          const EntityId entity = sink.entity(EntityKind::certificate, row.name);
          tell_one("found", entity, row.certificate, now, sink);
          return Followed{entity, sink.series(entity, metric::kCertificateExpiry), row.certificate};
        },
        [&](Followed& gone) { sink.retire(gone.entity); });
    for (std::size_t i = 0; i < search.found.size(); ++i) {
      const Certificate& found = search.found[i].certificate;
      Certificate& known = followed_[i].known;
      if (found == known) continue;
      tell_one("replaced", followed_[i].entity, found, now, sink);
      known = found;
    }
    // One that is missing may be in the making: it is looked for until the next look at everything.
    for (const FoundCertificate& one : search.found)
      if (std::ranges::find(paths_, one.name) == paths_.end()) paths_.push_back(one.name);
    note_users(search);
  }
  void note_users(const CertificateSearch& search) {
    std::map<Entity, std::vector<Related>> users;
    for (const Entity& one : users_) users[one];  // of those that load none any more, that this is over
    for (const FoundCertificate& one : search.found) {
      for (const std::string& unit : one.users)
        users[{EntityKind::service, unit}].push_back({"uses", {EntityKind::certificate, one.name}});
    }
    users_.clear();
    for (auto& [service, certificates] : users) {
      if (!certificates.empty()) users_.insert(service);
      uses_.replace(service, std::move(certificates));
    }
  }
  static void tell_one(std::string_view action, EntityId entity, const Certificate& certificate, MonoTime now,
                       Sink& sink) {
    sink.event({EventKind::certificate,
                entity,
                now,
                {{std::string(attr::kCertificateAction), std::string(action)},
                 {std::string(attr::kCertificateSubject), certificate.subject},
                 {std::string(attr::kCertificateIssuer), certificate.issuer},
                 {std::string(attr::kCertificateNotAfter), utc(certificate.not_after)}}});
  }
  void sample(Sink& sink) {
    const WallTime now = wall_now();
    for (std::size_t i = 0; i < followed_.size(); ++i) {
      const Duration left = Duration(to_ns(followed_[i].known.not_after)) - Duration(to_ns(now));
      sink.sample(followed_[i].expiry, to_seconds(left));
    }
  }

  const std::shared_ptr<const Places> places_;
  const std::shared_ptr<Bell> bell_;
  const std::unique_ptr<Looker> looker_;
  FollowedTable<Followed> followed_;
  std::optional<MonoTime> looked_at_, sampled_at_;
  std::map<int, int> told_;  // how often a directory had news since the tick
  std::vector<std::string> paths_;
  std::uint64_t stamp_ = 0;
  bool too_many_ = false;
  RelationBook uses_{kMostCertificateUses};
  std::set<Entity> users_;  // that are in the book
};

constexpr const MetricInfo* kMetrics[] = {&metric::kCertificateExpiry};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  const auto again = [](const Fd& dir) {
    return std::make_shared<const Fd>(::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  };
  auto bell = Bell::make();
  if (!bell) return std::move(bell).error();
  auto looker = Looker::make(1, *bell);
  if (!looker) return std::move(looker).error();
  auto news = change::DirectoryWatch::make();
  return std::unique_ptr<Probe>(std::make_unique<CertificateProbe>(
      std::make_shared<const Places>(
          Places{again(context.roots.root), again(context.roots.proc), context.settings.certificates,
                 context.roots.root_path == "/" ? "" : context.roots.root_path, news ? std::move(*news) : nullptr}),
      std::move(*bell), std::move(*looker)));
}

}  // namespace

extern const ProbeInfo certificate_probe;
const ProbeInfo certificate_probe{
    .name = "certificate",
    .summary = "how long the certificates of this host's servers are still valid, and who uses them",
    .interval = kInterval,
    .needs = "",
    .cost = "2 us per read and a wake-up of the worker on a 2-core VM, Linux 6.18",
    .metrics = kMetrics,
    .make = make,
    .priority = ProbePriority::useful};

}  // namespace hostmedic
