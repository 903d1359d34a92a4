// SPDX-License-Identifier: Apache-2.0
// reserve.release: removes the file that held room for an emergency, and makes it again.
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "actions/catalog/effect_beneath.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/log_rotate/effect_open.h"
#include "agent/base/bytes.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr double kLeastFree = 0.05;  // that making it again has to leave
constexpr std::string_view kBytes = "reserve_bytes";

std::string number(std::uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); }

struct Reserve {
  Fd dir;
  std::string name, path;
  std::uint64_t bytes = 0;  // on disk
};

bool only_root_writes(const struct stat& seen) { return seen.st_uid == ::geteuid() && (seen.st_mode & 022) == 0; }

// Its directory, which belongs to us alone.
Result<Reserve> find_place(const Plan& plan) {
  Reserve place;
  place.path = plan.get("path");
  const std::size_t slash = place.path.rfind('/');
  place.name = place.path.substr(slash + 1);
  auto dir = open_without_links(place.path.substr(0, slash), O_RDONLY | O_DIRECTORY);
  if (!dir) return dir.error();
  struct stat seen{};
  if (::fstat(dir->get(), &seen) != 0) return errno_error(errno, place.path);
  if (!only_root_writes(seen)) return make_error(ErrorCode::denied, "others may write beside " + place.path);
  place.dir = std::move(*dir);
  return place;
}

Result<Reserve> find_reserve(const Plan& plan) {
  auto place = find_place(plan);
  if (!place) return place;
  const auto file = open_beneath(place->dir.get(), place->name, O_PATH | O_NOFOLLOW, Mounts::stay);
  if (!file) return file.error();
  const auto seen = stat_ordinary(file->get(), place->path);
  if (!seen) return seen.error();
  if (!only_root_writes(*seen)) return make_error(ErrorCode::denied, place->path + " is not root's alone");
  place->bytes = static_cast<std::uint64_t>(seen->st_blocks) * 512;
  return place;
}

TargetState inspect(const Plan& plan, const EffectContext&, std::string& ret_text) {
  const auto reserve = find_reserve(plan);
  if (!reserve) {
    const bool none = reserve.error().code == ErrorCode::not_found;
    ret_text = none ? "there is no reserve " + std::string(plan.get("path")) : reserve.error().message();
    return none ? TargetState::gone : TargetState::unknown;
  }
  ret_text = "the reserve " + reserve->path + " holds " + format_bytes(Bytes{reserve->bytes});
  return TargetState::faulty;
}

Openings openings(const Plan& plan) {
  const std::string_view path = plan.get("path");
  return {.read_write_paths = {std::string(path.substr(0, path.rfind('/')))}};
}

Outcome execute(const Order& order, const EffectContext& context) {
  return run_in_unit(order, context, openings(order.plan));
}

Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  return undo_in_unit(order, first, context, openings(order.plan));
}

int failed(const Error& error) {
  print_detail("text", error.message());
  return kEffectFailed;
}

int inside(const Plan& plan, const InsideContext&) {
  const auto reserve = find_reserve(plan);
  if (!reserve) return failed(reserve.error());
  const auto before = available_on(reserve->dir.get());
  print_detail(kBytes, number(reserve->bytes));
  if (::unlinkat(reserve->dir.get(), reserve->name.c_str(), 0) != 0) return failed(errno_error(errno, reserve->path));
  const auto after = available_on(reserve->dir.get());
  if (before) print_detail("available_before", number(*before));
  if (after) print_detail("available_after", number(*after));
  print_detail("text", "gave up the reserve " + reserve->path + ", " + format_bytes(Bytes{reserve->bytes}));
  return kEffectDone;
}

// A reserve that fills the filesystem again would be the next fault.
Status leaves_room(int dir, std::uint64_t bytes) {
  struct statvfs seen{};
  if (::fstatvfs(dir, &seen) != 0) return errno_error(errno, "statvfs");
  const double unit = static_cast<double>(seen.f_frsize);
  const double left = static_cast<double>(seen.f_bavail) * unit - static_cast<double>(bytes);
  if (left >= kLeastFree * static_cast<double>(seen.f_blocks) * unit) return ok();
  return make_error(ErrorCode::conflict, "there is no room for a reserve of " + format_bytes(Bytes{bytes}));
}

int undo_inside(const Plan& plan, std::span<const Attribute> was, const InsideContext&) {
  std::uint64_t bytes = 0;
  for (const Attribute& one : was)
    if (one.key == kBytes) bytes = parse_u64(one.value).value_or(0);
  const auto place = find_place(plan);
  if (!place) return failed(place.error());
  if (bytes == 0) return failed(make_error(ErrorCode::not_found, "how large the reserve was is not known"));
  if (const Status room = leaves_room(place->dir.get(), bytes); !room) return failed(room.error());
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const Fd file(::openat(place->dir.get(), place->name.c_str(), flags, 0600));
  if (!file) return failed(errno_error(errno, place->path));
  if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)); error != 0) {
    (void)::unlinkat(place->dir.get(), place->name.c_str(), 0);
    return failed(errno_error(error, place->path));
  }
  print_detail("text", "made the reserve " + place->path + " again, " + format_bytes(Bytes{bytes}));
  return kEffectDone;
}

}  // namespace

const EffectInfo kReserveReleaseEffect{.action = "reserve.release",
                                       .inspect = inspect,
                                       .execute = execute,
                                       .inside = inside,
                                       .undo = undo,
                                       .undo_inside = undo_inside};

}  // namespace hostmedic
