#define _GNU_SOURCE
#include "cb_xenstore.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

// The library's handle is the store; the name keeps its type out of our header.
static struct xs_handle *handle(struct cb_store *store) { return (struct xs_handle *)(void *)store; }

// The library leaves errno at 0 in a few failures of its own.
static int failure(void) { return errno ? -errno : -EIO; }

static int outcome(bool done) { return done ? 0 : failure(); }

int cb_store_open(struct cb_store **out) {
    errno = 0;
    struct xs_handle *xs = xs_open(0);
    if (!xs) return failure();
    *out = (struct cb_store *)(void *)xs;
    return 0;
}

void cb_store_close(struct cb_store *store) { xs_close(handle(store)); }

int cb_store_descriptor(struct cb_store *store) { return xs_fileno(handle(store)); }

int64_t cb_store_read(struct cb_store *store, cb_transaction tx, const char *path, void *into, size_t capacity) {
    unsigned int length = 0;
    errno = 0;
    void *value = xs_read(handle(store), tx, path, &length);
    if (!value) return failure();
    int64_t result = length;
    if (length > capacity)
        result = -ENOBUFS;
    else
        memcpy(into, value, length);
    free(value);
    return result;
}

int cb_store_write(struct cb_store *store, cb_transaction tx, const char *path, const void *value, size_t bytes) {
    errno = 0;
    return outcome(xs_write(handle(store), tx, path, value, (unsigned int)bytes));
}

int64_t cb_store_directory(
    struct cb_store *store, cb_transaction tx, const char *path, char *into, size_t capacity) {
    unsigned int count = 0;
    errno = 0;
    char **names = xs_directory(handle(store), tx, path, &count);
    if (!names) return failure();
    size_t used = 0;
    int64_t result = 0;
    for (unsigned int i = 0; i < count && result >= 0; i++) {
        size_t length = strlen(names[i]) + 1;
        if (used + length > capacity) {
            result = -ENOBUFS;
            break;
        }
        memcpy(into + used, names[i], length);
        used += length;
        result = (int64_t)used;
    }
    free(names);
    return result;
}

int cb_store_watch(struct cb_store *store, const char *path, const char *token) {
    errno = 0;
    return outcome(xs_watch(handle(store), path, token));
}

int cb_store_unwatch(struct cb_store *store, const char *path, const char *token) {
    errno = 0;
    return outcome(xs_unwatch(handle(store), path, token));
}

int cb_store_next_event(struct cb_store *store, char *path, size_t capacity) {
    errno = 0;
    char **event = xs_check_watch(handle(store));
    // The descriptor is level triggered: a wake-up without an event is EAGAIN, not a fault.
    if (!event) return errno == EAGAIN || errno == 0 ? 0 : -errno;
    strncpy(path, event[XS_WATCH_PATH], capacity - 1);
    path[capacity - 1] = 0;
    free(event);
    return 1;
}

int cb_store_begin(struct cb_store *store, cb_transaction *tx) {
    errno = 0;
    *tx = xs_transaction_start(handle(store));
    return *tx ? 0 : failure();
}

int cb_store_end(struct cb_store *store, cb_transaction tx, int commit) {
    errno = 0;
    return outcome(xs_transaction_end(handle(store), tx, !commit));
}
