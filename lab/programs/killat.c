/* SIGKILL at a chosen moment. A shell would poll far too slowly: a whole balloon moves in a fraction of a second.

   killat below|above PAGES[+MICROSECONDS] COMMAND...
                                         runs COMMAND; kills it when this domain's reservation passes PAGES, or so long
                                         after that
   killat after MILLISECONDS COMMAND...  runs COMMAND; kills it so long after its start, wherever it is

   COMMAND takes this process's place, so that its id is the one that the caller knows. Prints `killed at N pages`, the
   reservation at the kill, to standard error. Gives up after 60 s, or when COMMAND has ended by itself. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "hypercall.h"

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* With KILLAT_ALONE in the environment the watching process has the last processor, before all others that run there, and the
   command has the other ones. On the command's own processor it would not run before a hypercall of the command ends, which may
   be the whole move. */
static void divide_processors(int watching)
{
    struct sched_param first = { .sched_priority = 1 };
    cpu_set_t all, mine;
    int last = 0;
    if (!getenv("KILLAT_ALONE") || sched_getaffinity(0, sizeof all, &all) || CPU_COUNT(&all) < 2)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all))
            last = cpu;
    CPU_ZERO(&mine);
    CPU_SET(last, &mine);
    if (!watching)
        CPU_XOR(&mine, &mine, &all);
    if (sched_setaffinity(0, sizeof mine, &mine) || (watching && sched_setscheduler(0, SCHED_FIFO, &first)))
        perror("killat: processors");
}

/* Waits for the moment and kills. */
static void watch(pid_t victim, const char *what, const char *when)
{
    char *end;
    long limit = strtol(when, &end, 10), later = *end == '+' ? atol(end + 1) : 0;
    double start = seconds();
    hypercall_open();
    while (kill(victim, 0) == 0 && seconds() < start + 60) {
        long pages = current_reservation();
        int now = !strcmp(what, "below")   ? pages < limit
                  : !strcmp(what, "above") ? pages > limit
                                           : seconds() >= start + (double)limit / 1000;
        if (pages >= 0 && now) {
            if (later > 0) {
                usleep((useconds_t)later);
                pages = current_reservation();
            }
            kill(victim, SIGKILL);
            fprintf(stderr, "killed at %ld pages\n", pages);
            return;
        }
        usleep(300);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4 || (strcmp(argv[1], "below") && strcmp(argv[1], "above") && strcmp(argv[1], "after"))) {
        fprintf(stderr, "usage: killat below|above|after NUMBER[+MICROSECONDS] COMMAND...\n");
        return 64;
    }
    pid_t victim = getpid();
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 1;
    }
    if (child == 0) {
        /* Forked once more, so that the command has no child that it knows nothing of. */
        if (fork() == 0) {
            divide_processors(1);
            watch(victim, argv[1], argv[2]);
        }
        _exit(0);
    }
    waitpid(child, NULL, 0);
    divide_processors(0);
    execvp(argv[3], argv + 3);
    perror(argv[3]);
    return 127;
}
