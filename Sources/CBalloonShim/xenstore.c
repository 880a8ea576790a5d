#define _GNU_SOURCE
#include "cb_xenstore.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <xenstore.h>

// The library's handle is the store; the name keeps its type out of our header.
static struct xs_handle *handle(struct cb_store *store) { return (struct xs_handle *)(void *)store; }

// The library leaves errno at 0 in a few failures of its own.
static int failure(void) { return errno ? -errno : -EIO; }

// One of the signals was taken from its descriptor: it is not pending any more.
static volatile sig_atomic_t stop_was_taken;

void cb_store_stopping(void) { stop_was_taken = 1; }

// The library waits for an answer without a limit, and SIGTERM and SIGINT come through a descriptor that nobody reads
// meanwhile. So a timer looks for them: whoever waits for a silent store is ended by them as if they were not blocked.
static void end_if_told(int signal_of_timer) {
    (void)signal_of_timer;
    int before = errno;
    static const int ends[] = {SIGTERM, SIGINT};
    sigset_t pending;
    if (stop_was_taken) raise(SIGTERM);
    for (size_t i = 0; i < sizeof ends / sizeof *ends && sigpending(&pending) == 0; i++) {
        if (!sigismember(&pending, ends[i])) continue;
        static const char text[] = "balloonctl: xenstore does not answer; ended as asked, the balloons stay as they are\n";
        ssize_t ignored = write(2, text, sizeof text - 1);
        (void)ignored;
        signal(ends[i], SIG_DFL);
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, ends[i]);
        pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    }
    errno = before;
}

static void limit_patience(void) {
    struct sigaction action = {.sa_handler = end_if_told, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    struct itimerval timer = {.it_interval = {1, 0}, .it_value = {CB_STORE_PATIENCE, 0}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void end_limit(void) {
    struct itimerval off = {.it_value = {0, 0}};
    setitimer(ITIMER_REAL, &off, NULL);
}

// One call of the library, which may wait for the store.
#define ASK(call)                                                                                                      \
    ({                                                                                                                 \
        limit_patience();                                                                                              \
        errno = 0;                                                                                                     \
        __auto_type answer_ = (call);                                                                                  \
        int error_ = errno;                                                                                            \
        end_limit();                                                                                                   \
        errno = error_;                                                                                                \
        answer_;                                                                                                       \
    })

static int outcome(bool done) { return done ? 0 : failure(); }

int cb_store_open(struct cb_store **out) {
    struct xs_handle *xs = ASK(xs_open(0));
    if (!xs) return failure();
    *out = (struct cb_store *)(void *)xs;
    return 0;
}

void cb_store_close(struct cb_store *store) { xs_close(handle(store)); }

int cb_store_descriptor(struct cb_store *store) { return xs_fileno(handle(store)); }

int64_t cb_store_read(struct cb_store *store, cb_transaction tx, const char *path, void *into, size_t capacity) {
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

int cb_store_write(struct cb_store *store, cb_transaction tx, const char *path, const void *value, size_t bytes) {
    return outcome(ASK(xs_write(handle(store), tx, path, value, (unsigned int)bytes)));
}

int64_t cb_store_directory(
    struct cb_store *store, cb_transaction tx, const char *path, char *into, size_t capacity) {
    unsigned int count = 0;
    char **names = ASK(xs_directory(handle(store), tx, path, &count));
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
    return outcome(ASK(xs_watch(handle(store), path, token)));
}

int cb_store_unwatch(struct cb_store *store, const char *path, const char *token) {
    return outcome(ASK(xs_unwatch(handle(store), path, token)));
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
    *tx = ASK(xs_transaction_start(handle(store)));
    return *tx ? 0 : failure();
}

int cb_store_end(struct cb_store *store, cb_transaction tx, int commit) {
    return outcome(ASK(xs_transaction_end(handle(store), tx, !commit)));
}
