// Xenstore through libxenstore. Paths may be relative to the domain's own directory.
#ifndef CLIBRARYSTORE_H
#define CLIBRARYSTORE_H

#include <stddef.h>
#include <stdint.h>

struct library_store;

/// A transaction's number; 0 is none.
typedef uint32_t library_transaction;

/// The longest value that xenstore takes (xs_wire.h: XENSTORE_PAYLOAD_MAX).
#define LIBRARY_STORE_VALUE_MAX 4096

/// Connects. `*out` is for `library_store_close`. -ENOENT: this machine has no xenstore.
int library_store_open(struct library_store **out);
void library_store_close(struct library_store *store);

/// Readable when a watch fired. libxenstore's reader thread starts at the first watch.
int library_store_descriptor(struct library_store *store);

/// Reads a value and returns its length. -ENOBUFS: it does not fit; -ENOENT, -EACCES. The value may hold any byte.
int64_t library_store_read(struct library_store *store, library_transaction tx, const char *path, void *into, size_t capacity);
int library_store_write(struct library_store *store, library_transaction tx, const char *path, const void *value, size_t bytes);
int library_store_watch(struct library_store *store, const char *path, const char *token);
/// Takes one watch event. Returns 1 and its path, or 0 if there is none. A path that is too long is cut.
int library_store_next_event(struct library_store *store, char *path, size_t capacity);

/// Begins a transaction. `library_store_end` with `commit` 0 drops it. -EAGAIN: another writer changed what it read.
int library_store_begin(struct library_store *store, library_transaction *tx);
int library_store_end(struct library_store *store, library_transaction tx, int commit);

#endif
