// Changes in a directory that others make (inotify).
#ifndef CB_WATCH_H
#define CB_WATCH_H

#include <stdint.h>

/// A descriptor that is readable after a name in the directory came, went or led elsewhere, or a file in it was cut,
/// lengthened or punched. Non-blocking.
int cb_watch_directory(const char *path);
/// A watch (inotify) of nothing yet.
int cb_watch_create(void);
/// Has it tell when a program writes to a file. The kernel's own changes of files in /sys and /proc are not told.
int cb_watch_written(int fd, const char *path);

/// Takes all events: how many bytes of them there were.
int64_t cb_watch_clear(int fd);

#endif
