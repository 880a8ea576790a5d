/* taker MIB KIB_A_SECOND [half]: takes so much memory at this rate (0: as fast as it goes), of whichever node, as a program does
   that knows nothing of nodes or limits: nothing is locked, nothing is checked. Says `took N MiB in N ms` when it has all, and
   keeps it until a signal ends it. Who runs out of memory meets the OOM killer. half: half of each page is random, so that no
   more than the other half of it can be compressed. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256UL << 10)
#define SECOND 1000000000ULL

static unsigned long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void fill_half(char *page)
{
    static uint64_t word = 1;
    for (uint64_t *at = (uint64_t *)page; at < (uint64_t *)(page + 2048); at++)
        *at = word = word * 6364136223846793005u + 1442695040888963407u;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: taker MIB KIB_A_SECOND [half]\n");
        return 64;
    }
    unsigned long bytes = strtoul(argv[1], NULL, 10) << 20, rate = strtoul(argv[2], NULL, 10) << 10;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, bytes, MADV_NOHUGEPAGE)) {
        perror("cannot map memory");
        return 1;
    }
    unsigned long long begin = now();
    for (unsigned long at = 0; at < bytes; at += 4096) {
        if (argc > 3)
            fill_half(memory + at);
        else
            memory[at] = 1;
        if (rate && at % CHUNK == 0) {
            unsigned long long due = begin + at * SECOND / rate;
            struct timespec until = {(time_t)(due / SECOND), (long)(due % SECOND)};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        }
    }
    printf("took %lu MiB in %llu ms\n", bytes >> 20, (now() - begin) / 1000000);
    fflush(stdout);
    for (;;)
        pause();
}
