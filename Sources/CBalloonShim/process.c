#define _GNU_SOURCE
#include "cb_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int raise_limit(int which) {
    struct rlimit limit;
    if (getrlimit(which, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(which, &limit) < 0 ? -errno : 0;
}

// open() uses the lowest free number. The file is opened for the other direction, so that using it fails and the
// failure is reported.
static int fill(int fd) {
    if (fcntl(fd, F_GETFD) >= 0) return 0;
    int how = fd == 0 ? O_WRONLY : O_RDONLY;
    int got = open("/dev/null", how);
    // The root directory has no devices.
    if (got < 0) got = open("/", O_RDONLY | O_DIRECTORY);
    if (got < 0) return -errno;
    if (got == fd) return 0;
    int error = dup2(got, fd) < 0 ? -errno : 0;
    close(got);
    return error;
}

int cb_process_prepare(void) {
    int error = 0;
    for (int fd = 0; fd < 3 && !error; fd++) error = fill(fd);
    // A holder is started through /proc/self/exe, and would be called `exe`.
    prctl(PR_SET_NAME, "balloonctl");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (!error) error = raise_limit(RLIMIT_NOFILE);
    if (!error) error = raise_limit(RLIMIT_FSIZE);
    return error;
}

static int has_name(const char *process, const char *name) {
    char path[64], comm[64] = "";
    snprintf(path, sizeof path, "/proc/%.20s/comm", process);
    FILE *file = fopen(path, "re");
    // ENOENT, ESRCH: the process ended meanwhile. Any other error means that the answer is not known.
    if (!file) return errno == ENOENT || errno == ESRCH ? 0 : -errno;
    int found = fgets(comm, sizeof comm, file) != NULL;
    fclose(file);
    comm[strcspn(comm, "\n")] = 0;
    return found && strcmp(comm, name) == 0;
}

int cb_process_count(const char *name) {
    DIR *directory = opendir("/proc");
    if (!directory) return -errno;
    int count = 0, error = 0;
    for (struct dirent *entry; !error && (entry = readdir(directory));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || atoi(entry->d_name) == getpid()) continue;
        int found = has_name(entry->d_name, name);
        if (found < 0) error = found;
        else count += found;
    }
    closedir(directory);
    return error ? error : count;
}

int32_t cb_lock_owner(uint64_t device, uint64_t inode) {
    FILE *file = fopen("/proc/locks", "re");
    if (!file) return -errno;
    char line[256];
    int32_t owner = 0;
    while (!owner && fgets(line, sizeof line, file)) {
        int process;
        unsigned major_number, minor_number;
        uint64_t number;
        if (sscanf(line, "%*d: FLOCK %*s WRITE %d %x:%x:%" SCNu64, &process, &major_number, &minor_number, &number) != 4)
            continue;
        if (number == inode && makedev(major_number, minor_number) == device && process > 0) owner = process;
    }
    fclose(file);
    return owner;
}

// Runs in the new process. It resets the signals that we block or ignore. An error is sent through the pipe, which a
// successful exec closes.
static void start(char *const *arguments, int told) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    execvp(arguments[0], arguments);
    int error = errno;
    ssize_t written = write(told, &error, sizeof error);
    _exit(written == sizeof error ? 126 : 127);
}

int cb_run(const uint8_t *texts, size_t bytes, uint32_t count) {
    if (count == 0 || bytes == 0 || texts[bytes - 1] != 0) return -EINVAL;
    char **arguments = calloc(count + 1, sizeof *arguments);
    if (!arguments) return -ENOMEM;
    size_t at = 0;
    for (uint32_t i = 0; i < count && at < bytes; i++) {
        arguments[i] = (char *)(uintptr_t)(texts + at);
        at += strlen(arguments[i]) + 1;
    }
    int told[2], error = 0, status = 0;
    if (pipe2(told, O_CLOEXEC) < 0) {
        error = errno;
        free(arguments);
        return -error;
    }
    pid_t child = fork();
    if (child == 0) start(arguments, told[1]);
    error = child < 0 ? errno : 0;
    free(arguments);
    close(told[1]);
    if (child > 0) {
        ssize_t n;
        do n = read(told[0], &error, sizeof error);
        while (n < 0 && errno == EINTR);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    }
    close(told[0]);
    if (error) return -error;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
