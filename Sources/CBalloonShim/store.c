#define _GNU_SOURCE
#include "cb_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_socket(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int error = errno;
    close(fd);
    return -error;
}

int cb_store_connect(const char *path, bool *is_socket) {
    struct stat st;
    if (stat(path, &st) < 0) return -errno;
    *is_socket = S_ISSOCK(st.st_mode);
    if (*is_socket) return connect_socket(path);
    // A plain file would accept every question and answer none.
    if (!S_ISCHR(st.st_mode) && strncmp(path, "/proc/", 6) != 0) return -ENODEV;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int64_t cb_store_send(int fd, const void *from, size_t bytes) {
    ssize_t n;
    do {
        n = send(fd, from, bytes, MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK) n = write(fd, from, bytes);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int64_t cb_store_receive(int fd, void *into, size_t capacity) {
    ssize_t n;
    do n = read(fd, into, capacity);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}
