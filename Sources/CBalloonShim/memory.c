#define _GNU_SOURCE
#include "cb_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE 4096u

int cb_heap_reserve(uint64_t bytes) {
    // Makes malloc take blocks of any size from the main heap: a block with a mapping of its own would need new pages
    // each time.
    if (!mallopt(M_MMAP_THRESHOLD, 1 << 20) || !mallopt(M_TRIM_THRESHOLD, INT32_MAX)) return -EINVAL;
    volatile char *block = malloc(bytes);
    if (!block) return -ENOMEM;
    for (uint64_t at = 0; at < bytes; at += PAGE) block[at] = 1;
    free((void *)(uintptr_t)block);
    return 0;
}

int cb_memory_lock(void) {
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    // Without CAP_SYS_RESOURCE the limit stays as it is. It may be enough, or CAP_IPC_LOCK may.
    (void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
    return mlockall(MCL_CURRENT | MCL_ONFAULT) < 0 ? -errno : 0;
}

int cb_file_keep_mapped(int fd) {
    return mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) == MAP_FAILED ? -errno : 0;
}

int64_t cb_descriptors_raise(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

int cb_set_oom_score(int32_t score) {
    char text[16];
    int length = snprintf(text, sizeof text, "%d", score);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = write(fd, text, (size_t)length) == length ? 0 : -errno;
    close(fd);
    return result;
}
