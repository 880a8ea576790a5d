/* moment PATH VALUE [WATCHED FINAL]: writes VALUE to PATH in xenstore; then, where asked to, waits until WATCHED reads FINAL,
   for a minute at most. For dom0. Prints `written TIME` and `reached TIME`: Xen's time in nanoseconds, right before the write
   and when the value was read. It polls nothing: what is measured shares its processors. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdbool.h>
#include <xenstore.h>
#include "xentime.h"

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static bool reads(struct xs_handle *store, const char *path, const char *value)
{
    char *text = xs_read(store, XBT_NULL, path, NULL);
    bool same = text && !strcmp(text, value);
    free(text);
    return same;
}

static void wait_for(struct xs_handle *store, const char *path, const char *value)
{
    struct pollfd event = { .fd = xs_fileno(store), .events = POLLIN };
    uint64_t end = monotonic() + 60000000000u;
    while (!reads(store, path, value)) {
        if (monotonic() > end || poll(&event, 1, 60000) <= 0) {
            fprintf(stderr, "%s did not become %s\n", path, value);
            exit(1);
        }
        unsigned count;
        free(xs_read_watch(store, &count));
    }
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 5)
        return 64;
    struct xs_handle *store = xs_open(0);
    if (!store)
        fail("xenstore");
    hypercall_open();
    int64_t offset = xen_time_offset();
    if (argc == 5 && !xs_watch(store, argv[3], "final"))
        fail(argv[3]);
    uint64_t written = monotonic(), reached;
    if (!xs_write(store, XBT_NULL, argv[1], argv[2], (unsigned)strlen(argv[2])))
        fail(argv[1]);
    if (argc == 5)
        wait_for(store, argv[3], argv[4]);
    reached = monotonic();
    printf("written %lld\n", (long long)written - offset);
    if (argc == 5)
        printf("reached %lld\n", (long long)reached - offset);
    return 0;
}
