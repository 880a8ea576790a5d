/* onscreen COLUMNS ROWS KEYS COMMAND...: runs the command on a terminal of this size, presses the keys one by one (a dot
   is none), and prints what the screen shows before each. The last line says how it ended, and what became of the screen
   and the terminal:
     exit CODE wrapped LINES scrolled LINES other-screen 0|1 changed 0|1
   It knows what our programs write to a screen: CSI H, J, K, m, and ?1049h and l. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 256, LOOK_MS = 2500 };

static char screen[MOST][MOST];
static int columns, rows, column, row, wrapped, scrolled, other;
/* Of an escape sequence: its bytes so far. */
static char escape[32];
static size_t escaped;

static void clear(int from_row, int from_column) {
    memset(&screen[from_row][from_column], ' ', columns - from_column);
    for (int r = from_row + 1; r < rows; r++) memset(screen[r], ' ', columns);
}

static void next_row(void) {
    if (++row < rows) return;
    row = rows - 1;
    scrolled++;
    memmove(screen[0], screen[1], sizeof screen[0] * (rows - 1));
    clear(row, 0);
}

static void end_escape(void) {
    escape[escaped] = 0;
    switch (escape[escaped - 1]) {
    case 'H':
        row = column = 0;
        if (escaped > 2 && sscanf(escape, "[%d;%d", &row, &column) == 2) row--, column--;
        break;
    case 'J': clear(escape[1] == '2' ? 0 : row, escape[1] == '2' ? 0 : column < columns ? column : columns); break;
    case 'K':
        if (column < columns) memset(&screen[row][column], ' ', columns - column);
        break;
    case 'h':
    case 'l':
        if (!strncmp(escape, "[?1049", 6)) {
            other = escape[escaped - 1] == 'h';
            clear(0, 0);
        }
        break;
    }
    escaped = 0;
}

static void put(char c) {
    if (escaped || c == '\033') {
        if (c != '\033') escape[escaped - 1] = c;
        escaped++;
        if (escaped == sizeof escape || (escaped == 2 && c != '[')) escaped = 0;
        else if (escaped > 2 && c >= '@') {
            escaped--;
            end_escape();
        }
    } else if (c == '\r') {
        column = 0;
    } else if (c == '\n') {
        next_row();
    } else if ((unsigned char)c >= ' ') {
        if (column == columns) {
            wrapped++;
            column = 0;
            next_row();
        }
        screen[row][column++] = c;
    }
}

static void show(const char *key) {
    printf("--- %s\n", key);
    for (int r = 0; r < rows; r++) {
        int end = columns;
        while (end > 0 && screen[r][end - 1] == ' ') end--;
        if (end > 0) printf("%.*s\n", end, screen[r]);
    }
}

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads for so long what the program writes. A picture may come in many pieces. */
static void follow(int terminal, int time) {
    char bytes[4096];
    long end = milliseconds() + time, left;
    while ((left = end - milliseconds()) > 0) {
        struct pollfd wait = {terminal, POLLIN, 0};
        if (poll(&wait, 1, left) <= 0) continue;
        ssize_t count = read(terminal, bytes, sizeof bytes);
        if (count <= 0) return;
        for (ssize_t i = 0; i < count; i++) put(bytes[i]);
    }
}

static void become(char **command, int slave) {
    setsid();
    if (ioctl(slave, TIOCSCTTY, 0) < 0) _exit(126);
    for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
    setenv("TERM", "xterm", 1);
    unsetenv("COLUMNS");
    execvp(command[0], command);
    _exit(127);
}

int main(int argc, char **argv) {
    if (argc < 5) return 64;
    columns = atoi(argv[1]), rows = atoi(argv[2]);
    if (columns < 1 || columns >= MOST || rows < 1 || rows >= MOST) return 64;
    clear(0, 0);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0) return perror("posix_openpt"), 1;
    int slave = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    struct termios before, after;
    if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0 || tcgetattr(slave, &before) < 0) return perror("pty"), 1;
    pid_t child = fork();
    if (child == 0) become(argv + 4, slave);
    for (const char *key = argv[3]; *key; key++) {
        follow(terminal, LOOK_MS);
        char name[] = {*key, 0};
        show(name);
        if (*key != '.' && write(terminal, key, 1) != 1) break;
    }
    int status = 0;
    for (int tries = 0; waitpid(child, &status, WNOHANG) == 0; tries++) {
        if (tries == 100) kill(child, SIGKILL);
        follow(terminal, 100);
    }
    follow(terminal, 100);
    tcgetattr(slave, &after);
    printf("exit %d wrapped %d scrolled %d other-screen %d changed %d\n",
        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), wrapped, scrolled, other,
        before.c_lflag != after.c_lflag);
    return 0;
}
