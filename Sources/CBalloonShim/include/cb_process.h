// This process: its first three descriptors and its limits; and other processes of the same program.
#ifndef CB_PROCESS_H
#define CB_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/// Must come first in every command. It opens those of the descriptors 0 to 2 that are closed, on something that can
/// neither be read nor written. Otherwise a file of ours could get such a number and be taken for standard output. From
/// then on a file that would be too large is an error (EFBIG), and so is a pipe without a reader (EPIPE); neither is a
/// signal. The limits of descriptors and file sizes are raised as far as that needs no privilege.
int cb_process_prepare(void);

/// How many other processes have this name (comm), as /proc shows them; -errno: not all processes could be read.
int cb_process_count(const char *name);

/// Runs a program ($PATH is searched) with our own standard input and output and no other descriptor, and waits until
/// it ends. Returns its exit code; 128 plus the signal's number if a signal ended it; -ENOENT and the like if it cannot
/// be started. `texts`: `count` arguments, the program's name first, each followed by a NUL.
int cb_run(const uint8_t *texts, size_t bytes, uint32_t count);

/// The process that has a file locked by flock(2), as /proc/locks shows it. 0: none is shown. -errno: it is not known.
int32_t cb_lock_owner(uint64_t device, uint64_t inode);

#endif
