// The line to xenstore: bytes, as they come. What they mean is not known here.
#ifndef CB_STORE_H
#define CB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Opens the kernel's device or xenstored's socket, whichever the path is; never waits. -ENODEV: neither.
int cb_store_connect(const char *path, bool *is_socket);
/// What was taken of it. -EAGAIN: nothing just now. The device takes a whole message in one call, or none of it.
int64_t cb_store_send(int fd, const void *from, size_t bytes);
/// What there is, up to `capacity`; 0: the other end is gone. -EAGAIN: nothing just now.
int64_t cb_store_receive(int fd, void *into, size_t capacity);

#endif
