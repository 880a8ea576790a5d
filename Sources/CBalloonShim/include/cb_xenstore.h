// Xenstore through libxenstore. Paths may be relative to the domain's own directory.
#ifndef CB_XENSTORE_H
#define CB_XENSTORE_H

#include <stddef.h>
#include <stdint.h>

struct cb_store;

/// A transaction's number; 0 is none.
typedef uint32_t cb_transaction;

/// The most that one value can be (xs_wire.h: XENSTORE_PAYLOAD_MAX).
#define CB_STORE_VALUE_MAX 4096

/// A call waits for xenstore as long as it takes. After so many seconds SIGTERM and SIGINT, blocked or not, end the
/// process there (SIGALRM and its timer are used for that).
#define CB_STORE_PATIENCE 3

/// Such a signal was taken from `cb_signal_descriptor`, and what is still asked of xenstore are last words: from now on a
/// call ends the process after so many seconds without another signal.
void cb_store_stopping(void);

/// Connects. `*out` is for `cb_store_close`. -ENOENT: no xenstore here.
int cb_store_open(struct cb_store **out);
void cb_store_close(struct cb_store *store);

/// Readable when a watch fired. libxenstore's reader thread starts at the first watch.
int cb_store_descriptor(struct cb_store *store);

/// Reads a value: its length. -ENOBUFS when it does not fit, -ENOENT, -EACCES. The value may hold any byte.
int64_t cb_store_read(struct cb_store *store, cb_transaction tx, const char *path, void *into, size_t capacity);
int cb_store_write(struct cb_store *store, cb_transaction tx, const char *path, const void *value, size_t bytes);
/// The names below a node, each ended with a NUL: the bytes used. -ENOBUFS when they do not fit.
int64_t cb_store_directory(
    struct cb_store *store, cb_transaction tx, const char *path, char *into, size_t capacity);

int cb_store_watch(struct cb_store *store, const char *path, const char *token);
int cb_store_unwatch(struct cb_store *store, const char *path, const char *token);
/// Takes one watch event: 1, with its path, or 0 when there is none. A path that is too long is cut.
int cb_store_next_event(struct cb_store *store, char *path, size_t capacity);

/// Begins a transaction. `cb_store_end` with `commit` 0 drops it; -EAGAIN: somebody else changed what it read.
int cb_store_begin(struct cb_store *store, cb_transaction *tx);
int cb_store_end(struct cb_store *store, cb_transaction tx, int commit);

#endif
