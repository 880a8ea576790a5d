// This process's own memory, and what the kernel does with the process when memory is short.
#ifndef CB_MEMORY_H
#define CB_MEMORY_H

#include <stdint.h>

/// Has the heap keep `bytes` that are there already, and never give any back to the kernel: allocations up to that much
/// in use at once need no new page. Call it once, before threads start.
int cb_heap_reserve(uint64_t bytes);

/// Locks what this process has mapped now, as far as it has touched it (mlockall, MCL_CURRENT | MCL_ONFAULT); raises
/// RLIMIT_MEMLOCK where it may. What is mapped later is not locked: call it again.
///
/// Never while a hugetlbfs file is mapped: the kernel would fill the mapping. For the same reason never MCL_FUTURE, which
/// fills such a mapping before it can be bound to its node, MCL_ONFAULT or not.
int cb_memory_lock(void);

/// Maps the first page of a file for as long as the process lives, so that a lock keeps it in memory. The file must have
/// one.
int cb_file_keep_mapped(int fd);

/// Raises the number of files that this process may open (RLIMIT_NOFILE) to what it may raise it to: that number.
int64_t cb_descriptors_raise(void);

/// /proc/self/oom_score_adj. Lowering it needs CAP_SYS_RESOURCE.
int cb_set_oom_score(int32_t score);

#endif
