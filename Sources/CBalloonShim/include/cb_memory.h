// This process's own memory, and its treatment by the kernel when memory is short.
#ifndef CB_MEMORY_H
#define CB_MEMORY_H

#include <stdint.h>

/// Makes the heap keep `bytes` that are already populated, and never return memory to the kernel. So allocations of up
/// to that much at once need no new page. Call it once, before threads start.
int cb_heap_reserve(uint64_t bytes);

/// Locks the present mappings as far as the process has touched them (mlockall, MCL_CURRENT | MCL_ONFAULT). Raises
/// RLIMIT_MEMLOCK where it may. Later mappings are not locked: call it again.
///
/// Never call it while a hugetlbfs file is mapped: the kernel would populate the mapping. For the same reason it never
/// uses MCL_FUTURE, which populates such a mapping before it can be bound to its node, with or without MCL_ONFAULT.
int cb_memory_lock(void);

/// Maps the first page of a file for the life of the process, so that a lock keeps that page in memory. The file must
/// have that page.
int cb_file_keep_mapped(int fd);

/// Raises the limit of open files (RLIMIT_NOFILE) as far as this process may. Returns the new limit.
int64_t cb_descriptors_raise(void);

/// Writes /proc/self/oom_score_adj. To lower it needs CAP_SYS_RESOURCE.
int cb_set_oom_score(int32_t score);

#endif
