// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * System calls that fail, counted by control group, kind of call and error. Attached for short windows only: while any
 * program hangs on sys_exit, the kernel takes every system call of every thread through a slower path. What is counted,
 * and the length of the windows, is the loader's business.
 *
 * Not seen: what fails between the windows; 32-bit programs on a 64-bit kernel are counted with the wrong kind of call,
 * because their numbers mean other calls.
 */
#include "vmlinux_min.h"
#include "record/syscall_errors.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "task.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u8 call_kind[HM_SYSCALLS];
const volatile __u8 error_kind[HM_ERRORS]; /* 0: an everyday answer, not counted */

__u64 dropped = 0; /* failures for which the map had no room */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HM_FAILURE_ROWS);
	__type(key, struct hm_failure_key);
	__type(value, struct hm_failure);
} failures SEC(".maps");

static __always_inline __u32 call_of(struct pt_regs *regs)
{
#ifdef __TARGET_ARCH_x86
	__u64 number = regs->orig_ax;
#else
	__u64 number = (__u32)regs->syscallno;
#endif

	return number < HM_SYSCALLS ? call_kind[number] : HM_CALL_OTHER;
}

/* sys_exit fires at the end of each system call, in the task that called. Stable since 2.6.33. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long result)
{
	struct hm_failure_key key = {};
	struct hm_failure *known, first = {};
	__u64 error = -result;

	if (result >= 0 || error >= HM_ERRORS)
		return 0;
	key.error = error_kind[error];
	key.call = call_of(regs);
	if (!key.error || key.call == HM_CALL_IGNORED)
		return 0;
	key.cgroup_id = bpf_get_current_cgroup_id();
	known = bpf_map_lookup_elem(&failures, &key);
	if (!known) {
		first.ours = read_unit((struct task_struct *)bpf_get_current_task(), first.unit, sizeof(first.unit));
		/* Another CPU may have come first; without room there is nothing to be found afterwards. */
		bpf_map_update_elem(&failures, &key, &first, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&failures, &key);
	}
	if (known)
		__sync_fetch_and_add(&known->count, 1);
	else
		__sync_fetch_and_add(&dropped, 1);
	return 0;
}
