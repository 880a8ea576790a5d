/* turns MINIMUM: watches this domain's reservation until SIGTERM, twice a millisecond. Prints the pages at the start,
   at each turning point and at the end, one line each: `start N`, `low N`, `high N`, `end N`, and `lasted N ms` from
   the first change to the last turning point. Ups and downs of fewer than MINIMUM pages do not count. */
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include "hypercall.h"

static volatile sig_atomic_t stopping;

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: turns MINIMUM\n");
        return 64;
    }
    long minimum = atol(argv[1]);
    signal(SIGTERM, stop);
    hypercall_open();
    long extreme = current_reservation(), extreme_time = 0, first_time = 0, last_turn = 0;
    int falling = 0, rising = 0;
    printf("start %ld\n", extreme);
    fflush(stdout);
    while (!stopping) {
        long pages = current_reservation(), now = milliseconds();
        int goes_on = (falling && pages < extreme) || (rising && pages > extreme);
        int turned = labs(pages - extreme) >= minimum && !goes_on;
        if (turned) {
            if (falling || rising) {
                printf("%s %ld\n", falling ? "low" : "high", extreme);
                last_turn = extreme_time;
            } else {
                first_time = last_turn = now;
            }
            falling = pages < extreme;
            rising = !falling;
        }
        if (turned || goes_on) {
            extreme = pages;
            extreme_time = now;
        }
        usleep(500);
    }
    printf("end %ld\nlasted %ld ms\n", current_reservation(), last_turn - first_time);
    return 0;
}
