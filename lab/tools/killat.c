/* killat PID below|above PAGES: SIGKILL for a process at the moment this domain's reservation passes PAGES.
   Polling from a shell would be far too slow: a whole balloon moves in a fraction of a second.
   Prints the reservation at the kill. Exit 1 when it was not reached in 60 s, or the process was gone by itself. */
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include "hypercall.h"

int main(int argc, char **argv)
{
    if (argc != 4 || (strcmp(argv[2], "below") && strcmp(argv[2], "above"))) {
        fprintf(stderr, "usage: killat PID below|above PAGES\n");
        return 64;
    }
    pid_t pid = atoi(argv[1]);
    int below = !strcmp(argv[2], "below");
    long limit = atol(argv[3]);
    time_t end = time(NULL) + 60;
    hypercall_open();
    while (time(NULL) < end) {
        long pages = current_reservation();
        if (pages >= 0 && (below ? pages < limit : pages > limit)) {
            if (kill(pid, SIGKILL)) {
                perror("kill");
                return 1;
            }
            printf("%ld\n", pages);
            return 0;
        }
        usleep(500);
    }
    fprintf(stderr, "reservation never went %s %ld: it is %ld\n", argv[2], limit, current_reservation());
    return 1;
}
