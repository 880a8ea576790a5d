#define _GNU_SOURCE
#include "cb_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

_Static_assert(CB_SIGQUIT == SIGQUIT && CB_SIGTSTP == SIGTSTP && CB_SIGWINCH == SIGWINCH, "the enum in the header");

// The signals of a crash. The terminal is given back before the process dies of one.
static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
enum { CRASHES = sizeof crashes / sizeof crashes[0] };

// Whether standard input is a terminal, and its settings from before.
static bool has_keys, is_taken;
static struct termios before;

// Uses only write(2), because a crash handler calls it, too.
static void say(const char *text) {
    ssize_t n = write(STDOUT_FILENO, text, strlen(text));
    (void)n;
}

int cb_terminal_rows(int fd) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    return size.ws_row;
}

int cb_screen_signals(void) {
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) sigaddset(&set, signals[i]);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) return -errno;
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

// SA_RESETHAND has removed the handler when it runs, so the same signal then ends the process.
static void crash(int number) {
    cb_screen_leave();
    raise(number);
}

int cb_screen_enter(void) {
    if (is_taken) return 0;
    has_keys = tcgetattr(STDIN_FILENO, &before) == 0;
    if (has_keys) {
        struct termios keys = before;
        // Ctrl-C and Ctrl-Z stay signals, and output processing does not change.
        keys.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
        keys.c_cc[VMIN] = 0;
        keys.c_cc[VTIME] = 0;
        if (tcsetattr(STDIN_FILENO, TCSADRAIN, &keys) < 0) return -errno;
    }
    is_taken = true;
    struct sigaction action = {.sa_handler = crash, .sa_flags = (int)SA_RESETHAND};
    for (int i = 0; i < CRASHES; i++) sigaction(crashes[i], &action, NULL);
    // The alternate screen, no cursor, and no line wrap.
    say("\033[?1049h\033[?25l\033[?7l");
    return 0;
}

void cb_screen_leave(void) {
    if (!is_taken) return;
    is_taken = false;
    say("\033[0m\033[?7h\033[?25h\033[?1049l");
    if (has_keys) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

void cb_screen_stop(void) { kill(getpid(), SIGSTOP); }

int cb_file_append(const char *path) {
    struct stat is;
    // Opened for reading, too, a pipe would have its other end in this process, and the reader would never be gone.
    bool is_pipe = stat(path, &is) == 0 && S_ISFIFO(is.st_mode);
    int fd = open(path, (is_pipe ? O_WRONLY : O_RDWR) | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    return fd < 0 ? -errno : fd;
}

bool cb_is_pipe(int fd) {
    struct stat is;
    return fstat(fd, &is) == 0 && (S_ISFIFO(is.st_mode) || S_ISSOCK(is.st_mode));
}

bool cb_is_file(int fd) {
    struct stat is;
    return fstat(fd, &is) == 0 && S_ISREG(is.st_mode);
}

int cb_duplicate(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return copy < 0 ? -errno : copy;
}

int cb_key(uint8_t *key) {
    ssize_t n = read(STDIN_FILENO, key, 1);
    return n < 0 ? -errno : (int)n;
}
