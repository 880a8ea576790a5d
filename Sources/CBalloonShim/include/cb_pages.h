// Guest pages: mappings of hugetlbfs files, their node, their pins and their frame numbers.
#ifndef CB_PAGES_H
#define CB_PAGES_H

#include <stdint.h>

/// Maps `bytes` of a hugetlbfs file, shared and without a reservation (a reservation would come out of pool pages
/// that others set aside). The address, or 0 with -errno in `error`.
uint64_t cb_map_file(int fd, uint64_t offset, uint64_t bytes, int32_t *error);
int cb_unmap(uint64_t address, uint64_t bytes);

/// More nodes than this Linux cannot have (CONFIG_NODES_SHIFT).
#define CB_MAX_NODES 1024

/// Binds a mapping to one node (mbind, MPOL_BIND). hugetlbfs keeps no policy in the file, so each mapping that may
/// allocate needs it.
int cb_bind_to_node(uint64_t address, uint64_t bytes, uint32_t node);

/// MADV_POPULATE_WRITE: allocates and clears what is missing. An error where a page fault would be a SIGBUS:
/// -EFAULT or -ENOMEM when the node's pool has no free page. Never fallocate: it ignores mbind.
int cb_populate_write(uint64_t address, uint64_t bytes);
/// MADV_POPULATE_READ: maps pages that are there without clearing, reading or writing them. A missing page is
/// allocated, on the node that the mapping is bound to. -EHWPOISON: the kernel maps the page for nobody any more.
int cb_populate_read(uint64_t address, uint64_t bytes);

/// A descriptor that watches mappings of hugetlbfs files (userfaultfd, UFFD_FEATURE_MINOR_HUGETLBFS). -ENOSYS, -EPERM or
/// -EINVAL: this kernel has no such thing (it came with 5.13), or not for us.
int cb_watch_open(void);
/// Watches a mapping, for cb_watch_map, until it is unmapped.
int cb_watch_add(int watch, uint64_t address, uint64_t bytes);
/// Maps a page that the file has (UFFDIO_CONTINUE), and makes none where it has none: -ENOENT then. -EHWPOISON: the kernel
/// maps the page for nobody any more.
int cb_watch_map(int watch, uint64_t address, uint64_t bytes);

/// A pipe that pins pages: a page that was spliced into it cannot be migrated until the read end is closed.
/// Room for 64 pages (F_SETPIPE_SZ). The read end is returned; `write_end` fills it.
#define CB_PIN_PAGES 64
int cb_pin_open(int32_t *write_end);
/// The write end of a pin whose read end is all that was kept.
int cb_pin_reopen(int read_end);
/// Pins the page at `address` (vmsplice of 4 KiB of it: the page is referenced, not touched). -EAGAIN: it is full.
int cb_pin_add(int write_end, uint64_t address);
/// Moves the page that was added first to the write end of another pin, or to /dev/null, which lets go of it (splice: the
/// page is neither read nor written).
int cb_pin_move_first(int read_end, int write_end);
/// Has another pin, which is empty, hold all pages that this one holds, too (tee): how many those are.
int cb_pin_copy(int read_end, int write_end);
/// How many pages a pin holds.
int cb_pin_count(int read_end);
/// Lets go of all that a pin holds, in whatever process it is open, without touching a page (splice to /dev/null, which
/// is open as `null`). 0 for anything that is no pipe.
int cb_pin_clear(int read_end, int null);

/// pagemap entries of `count` consecutive 4 KiB pages at `address` (`pagemap`: /proc/self/pagemap, opened with
/// CAP_SYS_ADMIN, else all frame numbers read as 0).
int64_t cb_pagemap_read(int pagemap, uint64_t address, uint64_t *entries, uint64_t count);

#endif
