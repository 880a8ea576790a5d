/* remote: runs commands in the guest from dom0, through xenstore.

   remote serve                     in the guest, for ever: takes commands from data/lab/command
   remote call DOMID SECONDS CMD    in dom0: has the guest's shell run CMD, prints its output, exits with its code;
                                    124 when it took longer than SECONDS (it is killed), 125 when the guest does not answer

   The command is one value: `SEQUENCE SECONDS` and a newline, then the text for `sh -c`. The answer is data/lab/output/N
   in pieces below xenstore's limit for a guest's values, then data/lab/done: `SEQUENCE CODE PIECES`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

enum { PIECE = 1800, MOST_PIECES = 64, TIMED_OUT = 124, NO_ANSWER = 125 };
/* A scenario that fills /run makes this directory, for what commands print. */
#define OTHER_DIRECTORY "/tmp/lab"
#define OUTPUT_FILE (access(OTHER_DIRECTORY, W_OK) == 0 ? OTHER_DIRECTORY "/output" : "/run/lab-output")

static void fail(const char *what)
{
    perror(what);
    exit(NO_ANSWER);
}

static struct xs_handle *store_open(void)
{
    struct xs_handle *store = xs_open(0);
    if (!store)
        fail("xenstore");
    return store;
}

static void store_write(struct xs_handle *store, const char *path, const void *value, size_t length)
{
    if (!xs_write(store, XBT_NULL, path, value, (unsigned)length))
        fail(path);
}

static void wait_for_event(struct xs_handle *store)
{
    unsigned count;
    free(xs_read_watch(store, &count));
}

/* In the child: the command with its output in a fresh file, so that programs left in the background by earlier
   commands never write into this one's. */
static void run_child(const char *command, const sigset_t *old_mask)
{
    setsid();
    sigprocmask(SIG_SETMASK, old_mask, NULL);
    unlink(OUTPUT_FILE);
    int input = open("/dev/null", O_RDONLY), output = open(OUTPUT_FILE, O_CREAT | O_WRONLY | O_APPEND | O_EXCL, 0600);
    if (input < 0 || output < 0)
        _exit(NO_ANSWER);
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    close(input);
    close(output);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Runs the command and returns its exit code, as a shell would tell it. */
static int run(const char *command, int seconds)
{
    sigset_t children, old_mask;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, &old_mask);
    pid_t child = fork();
    if (child == 0)
        run_child(command, &old_mask);

    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    int status = 0;
    bool timed_out = false;
    while (child > 0 && waitpid(child, &status, WNOHANG) == 0) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec >= end.tv_sec && !timed_out) {
            timed_out = true;
            kill(-child, SIGKILL);
        }
        sigtimedwait(&children, NULL, &(struct timespec){ .tv_sec = 1 });
    }
    sigprocmask(SIG_SETMASK, &old_mask, NULL);
    if (child < 0)
        return NO_ANSWER;
    if (timed_out)
        return TIMED_OUT;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int send_output(struct xs_handle *store)
{
    char piece[PIECE], path[64];
    int pieces = 0, fd = open(OUTPUT_FILE, O_RDONLY);
    ssize_t length;
    while (fd >= 0 && pieces < MOST_PIECES && (length = read(fd, piece, sizeof piece)) > 0) {
        snprintf(path, sizeof path, "data/lab/output/%d", pieces++);
        store_write(store, path, piece, (size_t)length);
    }
    if (fd >= 0)
        close(fd);
    return pieces;
}

static _Noreturn void serve(void)
{
    struct xs_handle *store = store_open();
    unsigned long long last = 0;
    char done[80];
    if (!xs_watch(store, "data/lab/command", "command"))
        fail("watch");
    store_write(store, "data/lab/ready", "1", 1);
    for (;;) {
        wait_for_event(store);
        unsigned length;
        char *request = xs_read(store, XBT_NULL, "data/lab/command", &length);
        char *text = request ? strchr(request, '\n') : NULL;
        unsigned long long sequence;
        int seconds;
        if (text && sscanf(request, "%llu %d", &sequence, &seconds) == 2 && sequence != last) {
            last = sequence;
            int code = run(text + 1, seconds);
            int pieces = send_output(store);
            int used = snprintf(done, sizeof done, "%llu %d %d", sequence, code, pieces);
            store_write(store, "data/lab/done", done, (size_t)used);
        }
        free(request);
    }
}

static void no_answer(int signal_number)
{
    (void)signal_number;
    static const char text[] = "the guest does not answer\n";
    if (write(2, text, sizeof text - 1) < 0)
        _exit(NO_ANSWER);
    _exit(NO_ANSWER);
}

static void print_output(struct xs_handle *store, const char *domain, int pieces)
{
    char path[120];
    for (int i = 0; i < pieces; i++) {
        unsigned length;
        snprintf(path, sizeof path, "/local/domain/%s/data/lab/output/%d", domain, i);
        char *piece = xs_read(store, XBT_NULL, path, &length);
        if (!piece)
            fail(path);
        fwrite(piece, 1, length, stdout);
        free(piece);
    }
    fflush(stdout);
}

static int call(const char *domain, int seconds, const char *command)
{
    /* One command at a time: the guest has one place for the answer. */
    int lock = open("/tmp/remote.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX))
        fail("lock");
    signal(SIGALRM, no_answer);
    alarm((unsigned)seconds + 20);

    struct xs_handle *store = store_open();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned long long sequence = (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec;
    char path[120], request[3500];
    int used = snprintf(request, sizeof request, "%llu %d\n%s", sequence, seconds, command);
    if (used < 0 || (size_t)used >= sizeof request) {
        fprintf(stderr, "command too long\n");
        return NO_ANSWER;
    }
    snprintf(path, sizeof path, "/local/domain/%s/data/lab/done", domain);
    if (!xs_watch(store, path, "done"))
        fail("watch");
    char command_path[120];
    snprintf(command_path, sizeof command_path, "/local/domain/%s/data/lab/command", domain);
    store_write(store, command_path, request, (size_t)used);
    for (;;) {
        wait_for_event(store);
        unsigned long long answered;
        int code, pieces;
        char *done = xs_read(store, XBT_NULL, path, NULL);
        if (done && sscanf(done, "%llu %d %d", &answered, &code, &pieces) == 3 && answered == sequence) {
            print_output(store, domain, pieces);
            return code;
        }
        free(done);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "serve"))
        serve();
    if (argc == 5 && !strcmp(argv[1], "call"))
        return call(argv[2], atoi(argv[3]), argv[4]);
    fprintf(stderr, "usage: remote serve, remote call DOMID SECONDS COMMAND\n");
    return 64;
}
