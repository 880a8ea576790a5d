#define _GNU_SOURCE
#include "cb_watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

int cb_watch_directory(const char *path) {
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) return -errno;
    // IN_MODIFY reports ftruncate and fallocate. hugetlbfs has no write.
    unsigned mask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_MODIFY | IN_ONLYDIR;
    if (inotify_add_watch(fd, path, mask) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int cb_watch_create(void) {
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int cb_watch_written(int fd, const char *path) { return inotify_add_watch(fd, path, IN_MODIFY) < 0 ? -errno : 0; }

int64_t cb_watch_clear(int fd) {
    // Large enough for one event with the longest name. The contents do not matter.
    char events[4096];
    int64_t all = 0;
    ssize_t n;
    while ((n = read(fd, events, sizeof events)) > 0) all += n;
    return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : all;
}
