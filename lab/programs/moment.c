/* moment PATH VALUE [WATCHED FINAL]: writes VALUE to PATH in xenstore; then, where asked to, waits until WATCHED reads
   FINAL, for a minute at most. Prints `written TIME` and `reached TIME`: Xen's time in nanoseconds, right before the
   write and when the value was read. It polls nothing: what is measured shares its processors.

   moment run COMMAND...: runs it instead: `written TIME` is right before it is started, `ended TIME` when it has ended.
   What it says goes to standard error; its exit code is this program's.

   For dom0. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <xenstore.h>
#include "xentime.h"

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void show(const char *what, uint64_t time, int64_t offset)
{
    printf("%s %lld\n", what, (long long)time - offset);
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

static void write_and_wait(const char *path, const char *value, const char *watched, const char *final)
{
    struct xs_handle *store = xs_open(0);
    if (!store)
        fail("xenstore");
    int64_t offset = xen_time_offset();
    if (watched && !xs_watch(store, watched, "final"))
        fail(watched);
    uint64_t written = monotonic();
    if (!xs_write(store, XBT_NULL, path, value, (unsigned)strlen(value)))
        fail(path);
    if (watched)
        wait_for(store, watched, final);
    uint64_t reached = monotonic();
    show("written", written, offset);
    if (watched)
        show("reached", reached, offset);
}

static int run(char **command)
{
    int64_t offset = xen_time_offset();
    uint64_t written = monotonic();
    pid_t child = fork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail(command[0]);
    uint64_t ended = monotonic();
    show("written", written, offset);
    show("ended", ended, offset);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    bool command = argc > 2 && !strcmp(argv[1], "run");
    if (!command && argc != 3 && argc != 5)
        return 64;
    hypercall_open();
    if (command)
        return run(argv + 2);
    write_and_wait(argv[1], argv[2], argc == 5 ? argv[3] : NULL, argc == 5 ? argv[4] : NULL);
    return 0;
}
