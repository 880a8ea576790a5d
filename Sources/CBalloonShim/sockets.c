#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cb_events.h"

static int outcome(int result) { return result < 0 ? -errno : result; }

static int64_t bytes_or_error(ssize_t result) { return result < 0 ? -errno : result; }

// The address of a path, or of an abstract name when it begins with @ (systemd's way of writing one).
static int address_of(const char *path, struct sockaddr_un *address, socklen_t *length) {
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof address->sun_path) return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, n);
    if (path[0] == '@') address->sun_path[0] = 0;
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] != '@'));
    return 0;
}

static int close_failed(int fd) {
    int error = errno;
    close(fd);
    return -error;
}

int cb_socket_listen(const char *path, uint32_t backlog) {
    struct sockaddr_un address;
    socklen_t length;
    int error = address_of(path, &address, &length);
    if (error) return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    unlink(path);
    // bind gives the file the socket's mode, so there is no moment at which other users could connect. A umask would
    // apply to every thread.
    if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, (int)backlog) < 0)
        return close_failed(fd);
    return fd;
}

int cb_socket_connect(const char *path, uint32_t milliseconds) {
    struct sockaddr_un address;
    socklen_t length;
    int error = address_of(path, &address, &length);
    if (error) return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    // The other end may be stopped and its backlog full. Then connect() waits as long as a send may.
    int limited = cb_socket_timeout(fd, milliseconds);
    if (limited < 0) {
        close(fd);
        return limited;
    }
    if (connect(fd, (struct sockaddr *)&address, length) < 0) return close_failed(fd);
    return fd;
}

int cb_socket_accept(int fd) { return outcome(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)); }

int cb_socket_peer(int fd, uint32_t *user, int32_t *process) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
    *user = peer.uid;
    *process = peer.pid;
    return 0;
}

int64_t cb_socket_receive(int fd, void *into, size_t capacity) {
    return bytes_or_error(recv(fd, into, capacity, 0));
}

int cb_socket_is_open(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

int64_t cb_socket_send(int fd, const void *from, size_t bytes) {
    return bytes_or_error(send(fd, from, bytes, MSG_NOSIGNAL));
}

// Room for one descriptor, aligned as cmsghdr needs it.
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static int64_t send_message(int fd, struct msghdr *message, int32_t descriptor, union control *control, int flags) {
    if (descriptor >= 0) {
        memset(control, 0, sizeof *control);
        message->msg_control = control;
        message->msg_controllen = sizeof *control;
        struct cmsghdr *header = CMSG_FIRSTHDR(message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    return bytes_or_error(sendmsg(fd, message, MSG_NOSIGNAL | flags));
}

int64_t cb_socket_send_descriptor(int fd, const void *from, size_t bytes, int32_t descriptor) {
    struct iovec data = {(void *)(uintptr_t)from, bytes};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    union control control;
    return send_message(fd, &message, descriptor, &control, 0);
}

int64_t cb_socket_receive_descriptor(int fd, void *into, size_t capacity, int32_t *descriptor) {
    struct iovec data = {into, capacity};
    union control control;
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_LEN(sizeof(int))};
    *descriptor = -1;
    ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (n < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    // A descriptor was sent, but this process may open no more files: the kernel has closed it.
    else if (message.msg_flags & MSG_CTRUNC)
        *descriptor = -EMFILE;
    return n;
}

int cb_socket_timeout(int fd, uint32_t timeout_ms) {
    struct timeval limit = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0) return -errno;
    return outcome(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
}

int cb_notify(const char *state, int32_t descriptor, bool may_wait) {
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || !*path) return 0;
    struct sockaddr_un address;
    socklen_t length;
    int error = address_of(path, &address, &length);
    if (error) return error;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct iovec data = {(void *)(uintptr_t)state, strlen(state)};
    struct msghdr message = {.msg_name = &address, .msg_namelen = length, .msg_iov = &data, .msg_iovlen = 1};
    union control control;
    int64_t sent = send_message(fd, &message, descriptor, &control, may_wait ? 0 : MSG_DONTWAIT);
    close(fd);
    return sent < 0 ? (int)sent : 1;
}

int64_t cb_send_datagram(const char *path, const void *from, size_t bytes) {
    struct sockaddr_un address;
    socklen_t length;
    int error = address_of(path, &address, &length);
    if (error) return error;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int64_t sent = bytes_or_error(
        sendto(fd, from, bytes, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, length));
    close(fd);
    return sent;
}

int cb_stored_descriptors(char *names, size_t capacity) {
    const char *process = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS"), *listed = getenv("LISTEN_FDNAMES");
    int found = 0;
    if (process && count && listed && atoi(process) == getpid() && strlen(listed) < capacity) {
        found = atoi(count);
        strcpy(names, listed);
    }
    for (int fd = CB_FIRST_STORED; fd < CB_FIRST_STORED + found; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return -errno;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return found;
}
