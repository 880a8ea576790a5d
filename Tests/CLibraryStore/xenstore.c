#define _GNU_SOURCE
#include "CLibraryStore.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

// The store is the library's handle. The cast keeps the library's type out of our header.
static struct xs_handle *handle(struct library_store *store) { return (struct xs_handle *)(void *)store; }

// For a few of its own failures the library leaves errno at 0.
static int failure(void) { return errno ? -errno : -EIO; }

// One call of the library. The library waits for the answer without a limit.
#define ASK(call) (errno = 0, (call))

static int outcome(bool done) { return done ? 0 : failure(); }

int library_store_open(struct library_store **out) {
    struct xs_handle *xs = ASK(xs_open(0));
    if (!xs) return failure();
    *out = (struct library_store *)(void *)xs;
    return 0;
}

void library_store_close(struct library_store *store) { xs_close(handle(store)); }

int library_store_descriptor(struct library_store *store) { return xs_fileno(handle(store)); }

int64_t library_store_read(struct library_store *store, library_transaction tx, const char *path, void *into, size_t capacity) {
    unsigned int length = 0;
    void *value = ASK(xs_read(handle(store), tx, path, &length));
    if (!value) return failure();
    int64_t result = length;
    if (length > capacity)
        result = -ENOBUFS;
    else
        memcpy(into, value, length);
    free(value);
    return result;
}

int library_store_write(struct library_store *store, library_transaction tx, const char *path, const void *value, size_t bytes) {
    return outcome(ASK(xs_write(handle(store), tx, path, value, (unsigned int)bytes)));
}

int library_store_watch(struct library_store *store, const char *path, const char *token) {
    return outcome(ASK(xs_watch(handle(store), path, token)));
}

int library_store_next_event(struct library_store *store, char *path, size_t capacity) {
    errno = 0;
    char **event = xs_check_watch(handle(store));
    // The descriptor is level triggered: a wake-up without an event is EAGAIN, not a fault.
    if (!event) return errno == EAGAIN || errno == 0 ? 0 : -errno;
    strncpy(path, event[XS_WATCH_PATH], capacity - 1);
    path[capacity - 1] = 0;
    free(event);
    return 1;
}

int library_store_begin(struct library_store *store, library_transaction *tx) {
    *tx = ASK(xs_transaction_start(handle(store)));
    return *tx ? 0 : failure();
}

int library_store_end(struct library_store *store, library_transaction tx, int commit) {
    return outcome(ASK(xs_transaction_end(handle(store), tx, !commit)));
}
