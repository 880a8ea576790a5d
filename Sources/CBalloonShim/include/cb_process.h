// This process: its first three descriptors, its limits; and others of the same program.
#ifndef CB_PROCESS_H
#define CB_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/// The first thing of every command. Whichever of the descriptors 0 to 2 is closed is opened, on something that can
/// neither be read nor written, so that no file of ours lands there and is taken for standard output. A file that would
/// be too large is an error from now on (EFBIG), and so is a pipe without a reader (EPIPE), not a signal. The limits of
/// descriptors and of files' sizes are raised as far as that needs no privilege.
int cb_process_prepare(void);

/// How many other processes have this name (comm), as /proc shows them; -errno where one of them cannot be looked at.
int cb_process_count(const char *name);

/// Runs a program ($PATH is searched) with our own standard input and output and no other descriptor, and waits for its
/// end: its exit code, 128 and the signal's number where one ended it, -ENOENT and the like where it cannot be started.
/// `texts`: `count` arguments, the program's name first, with a NUL behind each.
int cb_run(const uint8_t *texts, size_t bytes, uint32_t count);

/// The process that has a file locked by flock(2), as /proc/locks shows it. 0: it is not known.
int32_t cb_lock_owner(uint64_t device, uint64_t inode);

#endif
