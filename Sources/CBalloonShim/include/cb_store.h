// The connection to xenstore: plain bytes. This code does not know what they mean.
#ifndef CB_STORE_H
#define CB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Opens the kernel's device or xenstored's socket, according to the path; never waits. -ENODEV: it is neither.
int cb_store_connect(const char *path, bool *is_socket);
/// Returns how many bytes were taken. -EAGAIN: none at present. The device takes a whole message in one call, or none
/// of it.
int64_t cb_store_send(int fd, const void *from, size_t bytes);
/// Reads what has arrived, at most `capacity`; 0: the other end is closed. -EAGAIN: nothing has arrived.
int64_t cb_store_receive(int fd, void *into, size_t capacity);

#endif
