// Changes that other programs make in a directory (inotify).
#ifndef CB_WATCH_H
#define CB_WATCH_H

#include <stdint.h>

/// A descriptor that is readable after a name in the directory was made, removed or replaced, or after a file in it was
/// truncated, lengthened or punched. Non-blocking.
int cb_watch_directory(const char *path);
/// An inotify descriptor that watches nothing yet.
int cb_watch_create(void);
/// Makes it report when a program writes to a file. inotify does not report the kernel's own changes of files in /sys
/// and /proc.
int cb_watch_written(int fd, const char *path);

/// Reads all events. Returns their bytes.
int64_t cb_watch_clear(int fd);

#endif
