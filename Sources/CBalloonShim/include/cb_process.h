// This process: its first three descriptors, its limits; and others of the same program.
#ifndef CB_PROCESS_H
#define CB_PROCESS_H

#include <stdint.h>

/// The first thing of every command. Whichever of the descriptors 0 to 2 is closed is opened, on something that can
/// neither be read nor written, so that no file of ours lands there and is taken for standard output. A file that would
/// be too large is an error from now on (EFBIG), and so is a pipe without a reader (EPIPE), not a signal. The limits of
/// descriptors and of files' sizes are raised as far as that needs no privilege.
int cb_process_prepare(void);

/// How many other processes have this name (comm), as /proc shows them; -errno where one of them cannot be looked at.
int cb_process_count(const char *name);

/// The process that has a file locked by flock(2), as /proc/locks shows it. 0: it is not known.
int32_t cb_lock_owner(uint64_t device, uint64_t inode);

#endif
