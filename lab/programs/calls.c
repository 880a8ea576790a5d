/* Counts and times what a program asks of the kernel, of Xen and of xenstore. Two programs of one source:

   LD_PRELOAD=calls.so CALLS=FILE PROGRAM: counts into FILE, its first thread's calls only. What a library does inside a call
   belongs to that call. With CALLS_TIMED=1 each call is timed; without, only the first and the last of a kind are, so that the
   watching costs next to nothing.
   calls FILE (built with -DREADER): prints `KIND CALLS NANOSECONDS FIRST LAST` since it was asked last: the time inside, when
   the first one began and when the last one ended (CLOCK_MONOTONIC). Untimed, only `intent` and `probe` have a
   last one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include "hypercall.h"
#include "mark.h"
#include <xen/io/xs_wire.h>

enum kind {
    GIVE, TAKE, PROBE, RESERVATION, OTHER_HYPERCALL,
    GROW, FAULT, MAP, PIN, PAGEMAP, ZONEINFO, SMALL_FILE, INTENT, RESIZE, HOLDER, POLL,
    STORE_READ, STORE_WRITE, STORE_TRANSACTION, STORE_EVENT, OTHER, KINDS
};

struct counts {
    struct {
        uint64_t calls, nanoseconds, first, last;
    } of[KINDS];
};

#include "counts.h"

#ifdef READER
static const char *const names[KINDS] = {
    "give", "take", "probe", "reservation", "other-hypercall",
    "grow-pool", "fault", "map", "pin", "pagemap", "zoneinfo", "small-file", "intent", "resize", "holder", "poll",
    "store-read", "store-write", "store-transaction", "store-event", "other",
};

static void print_counts(void)
{
    for (int kind = 0; kind < KINDS; kind++)
        printf("%s %llu %llu %llu %llu\n", names[kind], (unsigned long long)counts->of[kind].calls,
               (unsigned long long)counts->of[kind].nanoseconds, (unsigned long long)counts->of[kind].first,
               (unsigned long long)counts->of[kind].last);
    memset(counts, 0, sizeof *counts);
}
#else
static bool is_timed;
static __thread bool is_first_thread;
static __thread int depth;
/* What a descriptor was opened for. */
enum { MOST_DESCRIPTORS = 1024 };
static unsigned char kind_of[MOST_DESCRIPTORS];

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The intent record is written at the end of each step; a start ends with probes. */
static bool has_last(enum kind kind) { return is_timed || kind == INTENT || kind == PROBE; }

/* For a profile of the run. */
static void mark(enum kind kind)
{
    switch (kind) {
    case GIVE: MARK(GIVE_PHASE); break;
    case TAKE: MARK(TAKE_PHASE); break;
    case GROW: MARK(GROW_PHASE); break;
    case FAULT: MARK(FAULT_PHASE); break;
    default: MARK(REST_PHASE);
    }
}

static uint64_t enter(enum kind kind)
{
    if (!is_first_thread || depth++ > 0)
        return 0;
    mark(kind);
    bool is_first = counts->of[kind].calls++ == 0;
    uint64_t time = is_timed || is_first ? now() : 0;
    if (is_first)
        counts->of[kind].first = time;
    return time;
}

static void leave(enum kind kind, uint64_t since)
{
    if (!is_first_thread || --depth > 0)
        return;
    mark(OTHER);
    if (!has_last(kind))
        return;
    counts->of[kind].last = now();
    if (is_timed)
        counts->of[kind].nanoseconds += counts->of[kind].last - since;
}

#define REAL(name)                                                                                                     \
    static __typeof__(name) *real;                                                                                     \
    if (!real)                                                                                                         \
        real = (__typeof__(real))dlsym(RTLD_NEXT, #name)

/* Defines NAME so that it counts as KIND. */
#define COUNTED(type, name, counted_as, parameters, ...)                                                               \
    type name parameters                                                                                               \
    {                                                                                                                  \
        REAL(name);                                                                                                    \
        enum kind what = (counted_as);                                                                                 \
        uint64_t since = enter(what);                                                                                  \
        type result = real(__VA_ARGS__);                                                                               \
        leave(what, since);                                                                                            \
        return result;                                                                                                 \
    }

static enum kind of_descriptor(int fd)
{
    return fd >= 0 && fd < MOST_DESCRIPTORS && kind_of[fd] ? (enum kind)kind_of[fd] : SMALL_FILE;
}

static enum kind of_path(const char *path, int flags)
{
    if (strstr(path, "nr_hugepages") && (flags & O_ACCMODE) == O_WRONLY)
        return GROW;
    if (strstr(path, "/proc/zoneinfo"))
        return ZONEINFO;
    if (strstr(path, "pagemap"))
        return PAGEMAP;
    if (strstr(path, "/xenbus"))
        return STORE_EVENT;
    return strstr(path, "/proc/self/fd/") ? PIN : SMALL_FILE;
}

static int opened(int fd, enum kind kind)
{
    if (fd >= 0 && fd < MOST_DESCRIPTORS)
        kind_of[fd] = kind;
    return fd;
}

int openat(int directory, const char *path, int flags, ...)
{
    REAL(openat);
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    enum kind kind = of_path(path, flags);
    uint64_t since = enter(kind);
    int fd = opened(real(directory, path, flags, mode), kind);
    leave(kind, since);
    return fd;
}

int open(const char *path, int flags, ...)
{
    REAL(open);
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    return opened(real(path, flags, mode), of_path(path, flags));
}

int close(int fd)
{
    REAL(close);
    enum kind kind = of_descriptor(fd);
    uint64_t since = enter(kind);
    int result = real(fd);
    opened(fd, 0);
    leave(kind, since);
    return result;
}

static enum kind of_hypercall(const privcmd_hypercall_t *call)
{
    if (call->op == __HYPERVISOR_multicall)
        return PROBE;
    if (call->op == __HYPERVISOR_hvm_op)
        return call->arg[0] == HVMOP_get_mem_type ? PROBE : OTHER_HYPERCALL;
    if (call->op != __HYPERVISOR_memory_op)
        return OTHER_HYPERCALL;
    switch (call->arg[0]) {
    case XENMEM_decrease_reservation: return GIVE;
    case XENMEM_populate_physmap: return TAKE;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation: return RESERVATION;
    default: return OTHER_HYPERCALL;
    }
}

long syscall(long number, ...)
{
    REAL(syscall);
    va_list list;
    long a[6];
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    enum kind kind = number == SYS_mbind ? MAP : OTHER;
    if (number == SYS_ioctl && a[1] == (long)IOCTL_PRIVCMD_HYPERCALL)
        kind = of_hypercall((const privcmd_hypercall_t *)(uintptr_t)a[2]);
    uint64_t since = enter(kind);
    long result = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    leave(kind, since);
    return result;
}

/* Xenstore's answers and events; answers count for what was asked. */
static __thread enum kind asked = STORE_EVENT;

/* A question to xenstore's device is one write. */
static enum kind of_write(int fd, const void *from, size_t bytes)
{
    enum kind kind = of_descriptor(fd);
    struct xsd_sockmsg head;
    if (kind != STORE_EVENT || bytes < sizeof head)
        return kind;
    memcpy(&head, from, sizeof head);
    switch (head.type) {
    case XS_READ: return asked = STORE_READ;
    case XS_WRITE: return asked = STORE_WRITE;
    case XS_TRANSACTION_START:
    case XS_TRANSACTION_END: return asked = STORE_TRANSACTION;
    default: return asked = STORE_EVENT;
    }
}

COUNTED(ssize_t, read, of_descriptor(fd), (int fd, void *into, size_t bytes), fd, into, bytes)
COUNTED(ssize_t, write, of_write(fd, from, bytes), (int fd, const void *from, size_t bytes), fd, from, bytes)
COUNTED(ssize_t, pread, of_descriptor(fd), (int fd, void *into, size_t bytes, off_t at), fd, into, bytes, at)
/* Besides the pool's size only the intent record is written at an offset. */
COUNTED(ssize_t, pwrite, of_descriptor(fd) == GROW ? GROW : INTENT, (int fd, const void *from, size_t bytes, off_t at), fd, from, bytes, at)
COUNTED(int, ftruncate, RESIZE, (int fd, off_t bytes), fd, bytes)
COUNTED(int, fstat, SMALL_FILE, (int fd, struct stat *info), fd, info)
COUNTED(int, fstatat, SMALL_FILE, (int directory, const char *path, struct stat *info, int flags), directory, path, info, flags)
COUNTED(void *, mmap, MAP, (void *at, size_t bytes, int access, int flags, int fd, off_t offset), at, bytes, access, flags, fd, offset)
COUNTED(int, munmap, MAP, (void *at, size_t bytes), at, bytes)
COUNTED(int, madvise, FAULT, (void *at, size_t bytes, int advice), at, bytes, advice)
COUNTED(int, mlockall, OTHER, (int flags), flags)
COUNTED(int, pipe2, PIN, (int ends[2], int flags), ends, flags)
COUNTED(ssize_t, vmsplice, PIN, (int fd, const struct iovec *list, size_t count, unsigned flags), fd, list, count, flags)
/* Waiting for xenstore's answer alone is part of the question: its time, and no question more. */
int poll(struct pollfd *list, nfds_t count, int timeout)
{
    REAL(poll);
    bool is_for_answer = count == 1 && of_descriptor(list->fd) == STORE_EVENT;
    enum kind kind = is_for_answer ? asked : POLL;
    uint64_t since = enter(kind);
    if (is_for_answer && is_first_thread && depth == 1)
        counts->of[kind].calls--;
    int result = real(list, count, timeout);
    leave(kind, since);
    return result;
}

/* No socket: a question to xenstore's device is written then. */
COUNTED(ssize_t, send, of_descriptor(fd) == STORE_EVENT ? OTHER : HOLDER, (int fd, const void *from, size_t bytes, int flags), fd, from, bytes, flags)
COUNTED(ssize_t, recv, HOLDER, (int fd, void *into, size_t bytes, int flags), fd, into, bytes, flags)
COUNTED(ssize_t, sendmsg, HOLDER, (int fd, const struct msghdr *message, int flags), fd, message, flags)
COUNTED(ssize_t, recvmsg, HOLDER, (int fd, struct msghdr *message, int flags), fd, message, flags)
__attribute__((constructor)) static void begin(void)
{
    map_counts(getenv("CALLS"));
    is_timed = getenv("CALLS_TIMED") != NULL;
    is_first_thread = true;
    /* Children, the holder above all, are not counted. */
    unsetenv("LD_PRELOAD");
}
#endif
