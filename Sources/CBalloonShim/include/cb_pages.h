// Guest pages: mappings of hugetlbfs files, their node, their pins and their frame numbers.
#ifndef CB_PAGES_H
#define CB_PAGES_H

#include <stdint.h>

/// Maps `bytes` of a hugetlbfs file, shared and without a reservation: a reservation would use pool pages that other
/// programs set aside. Returns the address, or 0 with -errno in `error`.
uint64_t cb_map_file(int fd, uint64_t offset, uint64_t bytes, int32_t *error);
int cb_unmap(uint64_t address, uint64_t bytes);

/// The most nodes that Linux can have (CONFIG_NODES_SHIFT).
#define CB_MAX_NODES 1024

/// Binds a mapping to one node (mbind, MPOL_BIND). hugetlbfs keeps no policy in the file, so each mapping that may
/// allocate needs it.
int cb_bind_to_node(uint64_t address, uint64_t bytes, uint32_t node);

/// MADV_POPULATE_WRITE: allocates and clears missing pages. Where a page fault would be a SIGBUS it returns an error:
/// -EFAULT or -ENOMEM when the node's pool has no free page. Never use fallocate: it ignores mbind.
int cb_populate_write(uint64_t address, uint64_t bytes);
/// MADV_POPULATE_READ: maps existing pages without clearing, reading or writing them. A missing page is allocated, on
/// the node that the mapping is bound to. -EHWPOISON: the kernel does not map this page for any process any more.
int cb_populate_read(uint64_t address, uint64_t bytes);

/// A descriptor that watches mappings of hugetlbfs files (userfaultfd, UFFD_FEATURE_MINOR_HUGETLBFS). -ENOSYS, -EPERM
/// or -EINVAL: this kernel does not have it (it came with 5.13), or does not let us use it.
int cb_watch_open(void);
/// Watches a mapping, for cb_watch_map, until it is unmapped.
int cb_watch_add(int watch, uint64_t address, uint64_t bytes);
/// Maps a page that the file has (UFFDIO_CONTINUE). -ENOENT: the file has none there, and none is made. -EHWPOISON: the
/// kernel does not map this page for any process any more.
int cb_watch_map(int watch, uint64_t address, uint64_t bytes);

/// A pipe that pins pages: a page that was spliced into it cannot be migrated until the read end is closed. It has room
/// for 64 pages (F_SETPIPE_SZ). Returns the read end; `write_end` fills it.
#define CB_PIN_PAGES 64
int cb_pin_open(int32_t *write_end);
/// Opens the write end again of a pin of which only the read end was kept.
int cb_pin_reopen(int read_end);
/// Pins the page at `address` (vmsplice of 4 KiB: the page is referenced, not touched). -EAGAIN: the pin is full.
int cb_pin_add(int write_end, uint64_t address);
/// Moves the oldest page to the write end of another pin, or to /dev/null, which unpins it (splice: the page is neither
/// read nor written).
int cb_pin_move_first(int read_end, int write_end);
/// Makes another, empty pin hold all pages that this one holds (tee). Returns how many.
int cb_pin_copy(int read_end, int write_end);
/// How many pages a pin holds.
int cb_pin_count(int read_end);
/// Unpins all pages of a pin, in every process that has it open, without touching a page (splice to /dev/null, which is
/// open as `null`). 0 for anything that is not a pipe.
int cb_pin_clear(int read_end, int null);

/// Reads the pagemap entries of `count` consecutive 4 KiB pages at `address`. `pagemap` is /proc/self/pagemap, opened
/// with CAP_SYS_ADMIN; without that all frame numbers read as 0.
int64_t cb_pagemap_read(int pagemap, uint64_t address, uint64_t *entries, uint64_t count);

#endif
