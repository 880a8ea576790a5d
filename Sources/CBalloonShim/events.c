#define _GNU_SOURCE
#include "cb_events.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

_Static_assert(CB_SIGHUP == SIGHUP && CB_SIGINT == SIGINT && CB_SIGTERM == SIGTERM, "the enum in the header");

static int outcome(int result) { return result < 0 ? -errno : result; }

int cb_signal_descriptor(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    // The descriptor comes first: signals that are blocked and that no descriptor delivers would leave a process that
    // only SIGKILL can end.
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) return -errno;
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int cb_signal_next(int fd) {
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    return (int)info.ssi_signo;
}

int cb_timer_descriptor(void) { return outcome(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)); }

int cb_timer_set(int fd, uint64_t nanoseconds) {
    struct itimerspec when = {.it_value = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)}};
    return outcome(timerfd_settime(fd, 0, &when, NULL));
}

int cb_timer_clear(int fd) {
    uint64_t expiries;
    if (read(fd, &expiries, sizeof expiries) < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    return 1;
}

static short polled_events(uint8_t wants) {
    if (wants & CB_POLL_URGENT_ONLY) return POLLPRI;
    return (short)(POLLIN | (wants & CB_POLL_WRITE ? POLLOUT : 0));
}

int cb_poll(const int32_t *fds, const uint8_t *wants, uint8_t *ready, uint32_t count, int32_t timeout_ms) {
    struct pollfd polled[CB_POLL_MAX];
    if (count > CB_POLL_MAX) return -EINVAL;
    for (uint32_t i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = fds[i], .events = polled_events(wants[i])};
    int n = poll(polled, count, timeout_ms);
    if (n < 0 && errno != EINTR) return -errno;
    for (uint32_t i = 0; i < count; i++) {
        short got = n > 0 ? polled[i].revents : 0;
        ready[i] = (uint8_t)((got & (POLLIN | POLLPRI | POLLHUP | POLLERR | POLLNVAL) ? 1 : 0) | (got & POLLOUT ? 2 : 0) | (got & POLLHUP ? 4 : 0));
    }
    return n < 0 ? 0 : n;
}

int cb_pressure_open(const char *trigger) {
    int fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? -EOPNOTSUPP : -errno;
    // Written with its NUL, because the kernel cuts off the last byte.
    size_t bytes = strlen(trigger) + 1;
    if (write(fd, trigger, bytes) == (ssize_t)bytes) return fd;
    int error = errno;
    close(fd);
    return -error;
}

static uint64_t clock_nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t cb_clock_real_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

uint64_t cb_clock_monotonic(void) { return clock_nanoseconds(CLOCK_MONOTONIC); }

// In nanoseconds. Two reads are less than a microsecond apart, or 24 microseconds where Xen emulates the clock.
static const uint64_t close_together = 1000000;
// The process is paused between two reads once in a thousand times at most. So 16 pauses in a row mean that the reads
// themselves are slow, and the loop would never end.
enum { CLOCK_TRIES = 16 };

uint64_t cb_clock_suspended(void) {
    // The monotonic clock is read before and after, so that a pause between two reads does not look like a suspend. If
    // every try had a pause, the try with the shortest counts: at worst it looks like a suspend, and memory is audited
    // once more.
    uint64_t suspended = 0, shortest = UINT64_MAX;
    for (int i = 0; i < CLOCK_TRIES && shortest > close_together; i++) {
        uint64_t before = clock_nanoseconds(CLOCK_MONOTONIC);
        uint64_t boot = clock_nanoseconds(CLOCK_BOOTTIME);
        uint64_t apart = clock_nanoseconds(CLOCK_MONOTONIC) - before;
        if (apart >= shortest) continue;
        shortest = apart;
        suspended = boot > before ? boot - before : 0;
    }
    return suspended;
}

void cb_sleep(uint64_t nanoseconds) {
    struct timespec left = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
    nanosleep(&left, NULL);
}

// Our environment without the service manager's socket: the new process is not part of this service. The list is made
// before the fork: afterwards, another thread's lock on the environment could stay taken forever.
static char **other_environment(void) {
    static const char ours[] = "NOTIFY_SOCKET=";
    size_t count = 0;
    while (environ[count]) count++;
    char **list = calloc(count + 1, sizeof *list);
    for (size_t i = 0, to = 0; list && i < count; i++)
        if (strncmp(environ[i], ours, sizeof ours - 1) != 0) list[to++] = environ[i];
    return list;
}

int cb_spawn_self(const char *command, const char *option, const char *value) {
    char **environment = other_environment();
    if (!environment) return -ENOMEM;
    pid_t child = fork();
    if (child == 0) {
        setsid();
        // A second fork: init reaps the grandchild. So the caller leaves no zombie and need not wait.
        pid_t grandchild = fork();
        if (grandchild != 0) _exit(grandchild < 0);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++) dup2(null, fd);
        close_range(3, ~0u, 0);
        const char *arguments[] = {"balloonctl", command, option, value, NULL};
        execve("/proc/self/exe", (char **)arguments, environment);
        _exit(127);
    }
    int failed = child < 0 ? errno : 0, status = 0;
    free(environment);
    if (failed) return -failed;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
}

bool cb_has_environment(const char *name) {
    const char *value = getenv(name);
    return value && *value;
}

uint64_t cb_watchdog_microseconds(void) {
    const char *value = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    unsigned long long microseconds, whose;
    // The variable may have been inherited and be meant for another process.
    if (pid && (sscanf(pid, "%llu", &whose) != 1 || whose != (unsigned long long)getpid())) return 0;
    if (!value || *value < '0' || *value > '9' || sscanf(value, "%llu", &microseconds) != 1) return 0;
    // The time must also fit into 64 bits as nanoseconds.
    return microseconds < UINT64_MAX / 1000 ? microseconds : 0;
}

bool cb_is_journal(int fd) {
    // A program whose output was redirected later inherits the variable, too. So compare device and inode, which it
    // names.
    const char *value = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat is;
    return value && sscanf(value, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &is) == 0 && is.st_dev == device &&
           is.st_ino == inode;
}

int cb_terminal_columns(int fd) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    return size.ws_col;
}

int64_t cb_time_of_day(void) {
    time_t now = time(NULL);
    struct tm local;
    if (!localtime_r(&now, &local)) return -EOVERFLOW;
    return local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec;
}

bool cb_is_terminal(int fd) { return isatty(fd) == 1; }

int64_t cb_write_now(int fd, const void *from, size_t bytes) {
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    // A pipe with room takes PIPE_BUF bytes without blocking.
    if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT)) return -EAGAIN;
    return cb_write_all(fd, from, bytes < PIPE_BUF ? bytes : PIPE_BUF);
}

int64_t cb_write_all(int fd, const void *from, size_t bytes) {
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = write(fd, (const char *)from + done, bytes - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        done += (size_t)n;
    }
    return (int64_t)done;
}
