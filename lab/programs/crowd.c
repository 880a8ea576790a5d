/* crowd SOCKET N SECONDS: N clients of the daemon's socket at once, most of them bad: silent, slow (a byte a second),
   one that sends without an end, one that never reads, one that goes in the middle of a request. The others ask for the
   status again and again. Prints `good N answered M longest T ms`: how many asked, how often they were answered, and
   how long the slowest answer took. Fails when one of the good ones was not answered at all. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum kind { GOOD, SILENT, SLOW, ENDLESS, DEAF, LEAVING, KINDS };

struct client {
    int fd;
    enum kind kind;
    long since; /* when it asked; 0: it waits for nothing */
    int answers;
};

static long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int connected(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static void say(struct client *client, const char *text, size_t length)
{
    if (send(client->fd, text, length, MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
        close(client->fd);
        client->fd = -1;
    }
}

static char block[65536];

/* One move of a client; the bad ones come back when they were let go. */
static void act(struct client *client, const char *path, long now, int is_new_second)
{
    if (client->fd < 0) {
        client->fd = connected(path);
        client->since = 0;
        if (client->fd < 0) return;
    }
    switch (client->kind) {
    case GOOD:
        if (client->since) return;
        client->since = now;
        say(client, "status\n", 7);
        return;
    case SLOW:
        if (is_new_second) say(client, "s", 1);
        return;
    case ENDLESS: say(client, block, sizeof block); return;
    case DEAF: say(client, "status\nstatus\nstatus\n", 21); return;
    case LEAVING:
        say(client, "force 0 0", 9);
        close(client->fd);
        client->fd = -1;
        return;
    default: return;
    }
}

/* Takes in an answer. Its time, or -1 when there is none. */
static long hear(struct client *client, long now)
{
    static char answer[16384];
    ssize_t length = recv(client->fd, answer, sizeof answer, 0);
    if (length < 0 && errno == EAGAIN) return -1;
    if (length <= 0) {
        close(client->fd);
        client->fd = -1;
        return -1;
    }
    if (!client->since || answer[length - 1] != '\n' || answer[0] != '{') return -1;
    long took = now - client->since;
    client->since = 0;
    client->answers++;
    return took;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: crowd SOCKET N SECONDS\n");
        return 64;
    }
    int count = atoi(argv[2]), good = 0, answered = 0, unanswered = 0;
    long end = milliseconds() + atol(argv[3]) * 1000, second = 0, longest = 0;
    struct client *clients = calloc((size_t)count, sizeof *clients);
    memset(block, 'x', sizeof block);
    for (int i = 0; i < count; i++) clients[i] = (struct client){.fd = -1, .kind = (enum kind)(i % KINDS)};
    while (milliseconds() < end) {
        long now = milliseconds();
        int is_new_second = now / 1000 != second;
        second = now / 1000;
        for (int i = 0; i < count; i++) {
            act(&clients[i], argv[1], now, is_new_second);
            if (clients[i].kind != GOOD || clients[i].fd < 0) continue;
            long took = hear(&clients[i], milliseconds());
            if (took > longest) longest = took;
        }
        usleep(20000);
    }
    for (int i = 0; i < count; i++) {
        if (clients[i].kind != GOOD) continue;
        good++;
        answered += clients[i].answers;
        unanswered += clients[i].answers == 0;
    }
    printf("good %d answered %d longest %ld ms\n", good, answered, longest);
    return unanswered == 0 ? 0 : 1;
}
