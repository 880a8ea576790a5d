/* sample: when this domain's memory is what. Times are Xen's, in nanoseconds, and so comparable with dom0's.

   sample kernel KIB         waits until Linux's own balloon says that the domain has KIB (current_kb): `reached TIME`;
                             the time between, but for the first millisecond, is marked for a profile (mark.h)
   sample reservation MS     looks every MS milliseconds until SIGTERM: `TIME PAGES` at the start, at the end, and before
                             and after each change
   sample offset             what is to be taken from CLOCK_MONOTONIC to have Xen's time

   The others print `ready` once the clock is set. */
#define _GNU_SOURCE
#include <signal.h>
#include "mark.h"
#include "xentime.h"

#define CURRENT_KB "/sys/devices/system/xen_memory/xen_memory0/info/current_kb"

static volatile sig_atomic_t stopping;

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static long long current_kb(int fd)
{
    char text[32] = "";
    if (pread(fd, text, sizeof text - 1, 0) <= 0) {
        perror(CURRENT_KB);
        exit(1);
    }
    return atoll(text);
}

static void wait_for(long long kib, int64_t offset)
{
    int fd = open(CURRENT_KB, O_RDONLY | O_CLOEXEC);
    long long start = current_kb(fd), is;
    while (!stopping && (is = current_kb(fd)) != kib) {
        if (is != start)
            MARK(MOVE_PHASE);
        usleep(1000);
    }
    MARK(REST_PHASE);
    if (!stopping)
        printf("reached %lld\n", (long long)monotonic() - offset);
}

static void watch(unsigned milliseconds, int64_t offset)
{
    long shown = -1, last = -1;
    long long last_time = 0;
    while (!stopping) {
        long pages = current_reservation();
        long long time = (long long)monotonic() - offset;
        if (pages != shown) {
            if (last == shown && last_time)
                printf("%lld %ld\n", last_time, last);
            printf("%lld %ld\n", time, pages);
            shown = pages;
        }
        last = pages;
        last_time = time;
        usleep(milliseconds * 1000);
    }
    printf("%lld %ld\n", last_time, last);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "offset")) {
        hypercall_open();
        printf("%lld\n", (long long)xen_time_offset());
        return 0;
    }
    int kernel = argc == 3 && !strcmp(argv[1], "kernel");
    if (!kernel && (argc != 3 || strcmp(argv[1], "reservation"))) {
        fprintf(stderr, "usage: sample kernel KIB, sample reservation MS, sample offset\n");
        return 64;
    }
    signal(SIGTERM, stop);
    hypercall_open();
    int64_t offset = xen_time_offset();
    printf("ready\n");
    fflush(stdout);
    if (kernel)
        wait_for(atoll(argv[2]), offset);
    else
        watch((unsigned)atoi(argv[2]), offset);
    return 0;
}
