// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/syscall_kinds.h"

#include <sys/syscall.h>

#include <cerrno>

namespace hostmedic::bpf {
namespace {

struct Call {
  int number;
  std::uint8_t kind;
};
// The older half of each pair is missing on newer architectures.
constexpr Call kCalls[] = {
#ifdef SYS_open
    {SYS_open, HM_CALL_OPEN},
    {SYS_creat, HM_CALL_OPEN},
    {SYS_mkdir, HM_CALL_FILE},
    {SYS_rmdir, HM_CALL_FILE},
    {SYS_unlink, HM_CALL_FILE},
    {SYS_rename, HM_CALL_FILE},
    {SYS_link, HM_CALL_FILE},
    {SYS_symlink, HM_CALL_FILE},
    {SYS_chmod, HM_CALL_FILE},
    {SYS_chown, HM_CALL_FILE},
    {SYS_stat, HM_CALL_FILE},
    {SYS_lstat, HM_CALL_FILE},
    {SYS_access, HM_CALL_FILE},
    {SYS_fork, HM_CALL_PROCESS},
    {SYS_vfork, HM_CALL_PROCESS},
    {SYS_poll, HM_CALL_IGNORED},
    {SYS_select, HM_CALL_IGNORED},
    {SYS_epoll_wait, HM_CALL_IGNORED},
#endif
    {SYS_openat, HM_CALL_OPEN},
#ifdef SYS_openat2
    {SYS_openat2, HM_CALL_OPEN},
#endif
    {SYS_open_by_handle_at, HM_CALL_OPEN},
    {SYS_read, HM_CALL_READ},
    {SYS_pread64, HM_CALL_READ},
    {SYS_readv, HM_CALL_READ},
    {SYS_preadv, HM_CALL_READ},
    {SYS_preadv2, HM_CALL_READ},
    {SYS_getdents64, HM_CALL_READ},
    {SYS_write, HM_CALL_WRITE},
    {SYS_pwrite64, HM_CALL_WRITE},
    {SYS_writev, HM_CALL_WRITE},
    {SYS_pwritev, HM_CALL_WRITE},
    {SYS_pwritev2, HM_CALL_WRITE},
    {SYS_sendfile, HM_CALL_WRITE},
    {SYS_splice, HM_CALL_WRITE},
    {SYS_copy_file_range, HM_CALL_WRITE},
    {SYS_fsync, HM_CALL_WRITE},
    {SYS_fdatasync, HM_CALL_WRITE},
    {SYS_sync_file_range, HM_CALL_WRITE},
    {SYS_fallocate, HM_CALL_WRITE},
    {SYS_ftruncate, HM_CALL_WRITE},
    {SYS_truncate, HM_CALL_WRITE},
    {SYS_mkdirat, HM_CALL_FILE},
    {SYS_mknodat, HM_CALL_FILE},
    {SYS_unlinkat, HM_CALL_FILE},
    {SYS_renameat2, HM_CALL_FILE},
    {SYS_linkat, HM_CALL_FILE},
    {SYS_symlinkat, HM_CALL_FILE},
    {SYS_fchmod, HM_CALL_FILE},
    {SYS_fchmodat, HM_CALL_FILE},
    {SYS_fchown, HM_CALL_FILE},
    {SYS_fchownat, HM_CALL_FILE},
    {SYS_newfstatat, HM_CALL_FILE},
    {SYS_statx, HM_CALL_FILE},
    {SYS_faccessat, HM_CALL_FILE},
#ifdef SYS_faccessat2
    {SYS_faccessat2, HM_CALL_FILE},
#endif
    {SYS_inotify_add_watch, HM_CALL_FILE},
    {SYS_connect, HM_CALL_CONNECT},
    {SYS_accept, HM_CALL_ACCEPT},
    {SYS_accept4, HM_CALL_ACCEPT},
    {SYS_socket, HM_CALL_NETWORK},
    {SYS_bind, HM_CALL_NETWORK},
    {SYS_listen, HM_CALL_NETWORK},
    {SYS_sendto, HM_CALL_NETWORK},
    {SYS_sendmsg, HM_CALL_NETWORK},
    {SYS_sendmmsg, HM_CALL_NETWORK},
    {SYS_recvfrom, HM_CALL_NETWORK},
    {SYS_recvmsg, HM_CALL_NETWORK},
    {SYS_recvmmsg, HM_CALL_NETWORK},
    {SYS_mmap, HM_CALL_MEMORY},
    {SYS_mremap, HM_CALL_MEMORY},
    {SYS_mprotect, HM_CALL_MEMORY},
    {SYS_mlock, HM_CALL_MEMORY},
    {SYS_brk, HM_CALL_MEMORY},
    {SYS_clone, HM_CALL_PROCESS},
#ifdef SYS_clone3
    {SYS_clone3, HM_CALL_PROCESS},
#endif
    {SYS_execve, HM_CALL_PROCESS},
    {SYS_execveat, HM_CALL_PROCESS},
    {SYS_futex, HM_CALL_IGNORED},  // ETIMEDOUT is how a timed wait ends
    {SYS_ppoll, HM_CALL_IGNORED},
    {SYS_pselect6, HM_CALL_IGNORED},
    {SYS_epoll_pwait, HM_CALL_IGNORED},
    {SYS_rt_sigtimedwait, HM_CALL_IGNORED},
    {SYS_mq_timedreceive, HM_CALL_IGNORED},
    {SYS_mq_timedsend, HM_CALL_IGNORED},
};

struct Counted {
  int number;
  std::string_view name;
};
// Each says that something ran out, is not permitted, or broke.
constexpr Counted kErrors[] = {
    {ENOSPC, "ENOSPC"},
    {EMFILE, "EMFILE"},
    {ENFILE, "ENFILE"},
    {EACCES, "EACCES"},
    {EPERM, "EPERM"},
    {ENOMEM, "ENOMEM"},
    {EIO, "EIO"},
    {EROFS, "EROFS"},
    {ETIMEDOUT, "ETIMEDOUT"},
    {ECONNREFUSED, "ECONNREFUSED"},
    {ECONNRESET, "ECONNRESET"},
    {EDQUOT, "EDQUOT"},
};
constexpr std::uint8_t kOther = std::size(kErrors) + 1;
// Answers that programs ask for: is it there, is it open, can it do this, is anything left.
constexpr int kEveryday[] = {EAGAIN,  EINTR,      EINPROGRESS,  EALREADY,   ENOENT,   ENOTTY,  ECHILD,
                             ENODATA, ENOSYS,     ESRCH,        EEXIST,     EINVAL,   ENOTDIR, ENXIO,
                             ESPIPE,  EOPNOTSUPP, EISDIR,       EBUSY,      ENOTCONN, EISCONN, ENOTEMPTY,
                             ELOOP,   EBADF,      EAFNOSUPPORT, ENOPROTOOPT};

constexpr std::string_view kCallNames[HM_CALLS] = {"other",   "",       "open",    "read",   "write",  "file",
                                                   "connect", "accept", "network", "memory", "process"};

}  // namespace

std::array<std::uint8_t, HM_SYSCALLS> call_kinds() {
  std::array<std::uint8_t, HM_SYSCALLS> kinds{};
  for (const Call& call : kCalls) kinds[static_cast<std::size_t>(call.number)] = call.kind;
  return kinds;
}

std::array<std::uint8_t, HM_ERRORS> error_kinds() {
  std::array<std::uint8_t, HM_ERRORS> kinds{};
  for (std::size_t error = 1; error < kinds.size(); ++error) kinds[error] = kOther;
  for (const int error : kEveryday) kinds[static_cast<std::size_t>(error)] = 0;
  std::uint8_t kind = 0;
  for (const Counted& error : kErrors) kinds[static_cast<std::size_t>(error.number)] = ++kind;
  return kinds;
}

std::string_view call_name(std::uint32_t call) { return call < HM_CALLS ? kCallNames[call] : std::string_view(); }

std::string_view error_name(std::uint32_t error) {
  if (error == kOther) return "other";
  return error >= 1 && error <= std::size(kErrors) ? kErrors[error - 1].name : std::string_view();
}

}  // namespace hostmedic::bpf
