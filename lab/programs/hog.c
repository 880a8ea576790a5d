/* hog NODE MIB [STEP_MS] or hog NODE rest KIB [STEP_MS]: takes memory of NODE and keeps it until a signal ends it.

   MIB: so much. rest KIB: all, until the node has no more than KIB free. Memory is bound to the node, touched and locked,
   1 MiB at a time, with STEP_MS in between. Says `holds N MiB` when it has all, and exits 0 on SIGTERM. It never waits for
   memory that is not there: below what the kernel needs itself it stops. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK (1UL << 20)
#define POLICY_BIND 2 /* MPOL_BIND */

static volatile sig_atomic_t stopping;

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static unsigned long free_kib(unsigned node)
{
    char path[80], line[120];
    unsigned long kib = 0;
    snprintf(path, sizeof path, "/sys/devices/system/node/node%u/meminfo", node);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file) && !kib)
        sscanf(line, "Node %*u MemFree: %lu kB", &kib);
    if (file)
        fclose(file);
    return kib;
}

static void take(unsigned node)
{
    unsigned long mask = 1UL << node;
    char *memory = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || syscall(SYS_mbind, memory, CHUNK, POLICY_BIND, &mask, 65, 0) ||
        madvise(memory, CHUNK, MADV_NOHUGEPAGE) || mlock(memory, CHUNK)) {
        perror("cannot take memory on the node");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: hog NODE MIB [STEP_MS] | hog NODE rest KIB [STEP_MS]\n");
        return 64;
    }
    unsigned node = (unsigned)atoi(argv[1]);
    int rest = !strcmp(argv[2], "rest");
    unsigned long wanted = rest ? ~0UL : strtoul(argv[2], NULL, 10);
    unsigned long least = rest && argc > 3 ? strtoul(argv[3], NULL, 10) : 0, taken = 0;
    useconds_t step = argc > 3 + rest ? (useconds_t)atoi(argv[3 + rest]) * 1000 : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, stop);
    while (!stopping && taken < wanted && (!rest || free_kib(node) >= least + CHUNK / 1024)) {
        take(node);
        taken++;
        if (step)
            usleep(step);
    }
    printf("holds %lu MiB on node %u, %lu KiB are free\n", taken, node, free_kib(node));
    while (!stopping)
        usleep(100000);
    return 0;
}
