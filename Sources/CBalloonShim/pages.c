#define _GNU_SOURCE
#include "cb_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cb_files.h"

#define PAGE 4096u

// In the kernel since 5.14; Debian 12's libc headers have them, older ones do not.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static void *pointer(uint64_t address) { return (void *)(uintptr_t)address; }

uint64_t cb_map_file(int fd, uint64_t offset, uint64_t bytes, int32_t *error) {
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)offset);
    *error = at == MAP_FAILED ? -errno : 0;
    return at == MAP_FAILED ? 0 : (uint64_t)(uintptr_t)at;
}

int cb_unmap(uint64_t address, uint64_t bytes) { return munmap(pointer(address), bytes) < 0 ? -errno : 0; }

int cb_bind_to_node(uint64_t address, uint64_t bytes, uint32_t node) {
    enum { WORD = sizeof(unsigned long) * CHAR_BIT };
    unsigned long nodes[CB_MAX_NODES / WORD] = {0};
    if (node >= CB_MAX_NODES) return -EINVAL;
    nodes[node / WORD] = 1ul << node % WORD;
    // The kernel reads one bit less than `maxnode`. Bits of nodes that cannot exist must be 0, and are.
    return syscall(SYS_mbind, pointer(address), bytes, MPOL_BIND, nodes, CB_MAX_NODES + 1ul, 0u) < 0 ? -errno : 0;
}

static int advise(uint64_t address, uint64_t bytes, int advice) {
    while (madvise(pointer(address), bytes, advice) < 0)
        if (errno != EINTR) return -errno;
    return 0;
}

int cb_populate_write(uint64_t address, uint64_t bytes) { return advise(address, bytes, MADV_POPULATE_WRITE); }

int cb_populate_read(uint64_t address, uint64_t bytes) { return advise(address, bytes, MADV_POPULATE_READ); }

// In the kernel since 5.11. We do not handle faults of the kernel itself, so no privilege is needed.
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

int cb_watch_open(void) {
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_MINOR_HUGETLBFS};
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    if (fd < 0) return -errno;
    if (ioctl(fd, UFFDIO_API, &api) == 0) return fd;
    int error = errno;
    close(fd);
    return -error;
}

int cb_watch_add(int watch, uint64_t address, uint64_t bytes) {
    struct uffdio_register range = {.range = {address, bytes}, .mode = UFFDIO_REGISTER_MODE_MINOR};
    return ioctl(watch, UFFDIO_REGISTER, &range) < 0 ? -errno : 0;
}

int cb_watch_map(int watch, uint64_t address, uint64_t bytes) {
    struct uffdio_continue page = {.range = {address, bytes}, .mode = UFFDIO_CONTINUE_MODE_DONTWAKE};
    while (ioctl(watch, UFFDIO_CONTINUE, &page) < 0) {
        if (errno == EAGAIN || errno == EINTR) continue;
        if (errno == EEXIST) break;
        return errno == EIO ? -EHWPOISON : errno == EFAULT ? -ENOENT : -errno;
    }
    // Kernels differ in whether they report a broken page here. For a page that is mapped this is only a lookup.
    return cb_populate_read(address, bytes);
}

int cb_pin_open(int32_t *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
    if (fcntl(ends[1], F_SETPIPE_SZ, CB_PIN_PAGES * PAGE) < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    *write_end = ends[1];
    return ends[0];
}

int cb_pin_reopen(int read_end) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", read_end);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int cb_pin_add(int write_end, uint64_t address) {
    struct iovec page = {pointer(address), PAGE};
    ssize_t done;
    do done = vmsplice(write_end, &page, 1, SPLICE_F_NONBLOCK);
    while (done < 0 && errno == EINTR);
    if (done < 0) return -errno;
    return done == (ssize_t)PAGE ? 0 : -EIO;
}

int cb_pin_move_first(int read_end, int write_end) {
    ssize_t done = splice(read_end, NULL, write_end, NULL, PAGE, SPLICE_F_NONBLOCK);
    if (done < 0) return -errno;
    return done == (ssize_t)PAGE ? 0 : -EIO;
}

int cb_pin_copy(int read_end, int write_end) {
    ssize_t done = tee(read_end, write_end, CB_PIN_PAGES * PAGE, SPLICE_F_NONBLOCK);
    if (done < 0) return errno == EAGAIN ? 0 : -errno;
    return (int)(done / (ssize_t)PAGE);
}

int cb_pin_count(int read_end) {
    int bytes = 0;
    if (ioctl(read_end, FIONREAD, &bytes) < 0) return -errno;
    return bytes / (int)PAGE;
}

int cb_pin_clear(int read_end, int null) {
    struct stat st;
    if (fstat(read_end, &st) < 0) return -errno;
    if (!S_ISFIFO(st.st_mode)) return 0;
    ssize_t done;
    do done = splice(read_end, NULL, null, NULL, CB_PIN_PAGES * PAGE, SPLICE_F_NONBLOCK);
    while (done > 0 || (done < 0 && errno == EINTR));
    return done < 0 && errno != EAGAIN ? -errno : 0;
}

int64_t cb_pagemap_read(int pagemap, uint64_t address, uint64_t *entries, uint64_t count) {
    int64_t bytes = cb_file_read(pagemap, address / PAGE * sizeof *entries, entries, count * sizeof *entries);
    return bytes < 0 ? bytes : bytes / (int64_t)sizeof *entries;
}
