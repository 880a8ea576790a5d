/* grabber NODE MOST MS: takes free 2 MiB pages of the node's pool as soon as there are any, but only one more each MS
   milliseconds, and MOST in the end. Each time it gives one back, too, and takes it or another again. So there is always
   something that it waits for, and what is free for a moment is somebody else's. Writes each page and verifies it before it
   gives it back. SIGTERM: verifies all, prints `grabbed N pages, M at once, E errors` and exits: 0 when no word was ever
   wrong. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE (2UL << 20)
#define POPULATE_WRITE 23 /* MADV_POPULATE_WRITE: newer than some libc headers */
#define POLICY_BIND 2     /* MPOL_BIND */

struct page {
    uint64_t *memory;
    uint64_t seed;
};

static volatile sig_atomic_t stopping;
static unsigned long grabbed, errors;

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

/* One page of the node, if the pool has any. The page fault must fail, not end us, when it has none. */
static int grab(struct page *page, unsigned node)
{
    unsigned long mask = 1UL << node;
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return 0;
    if (syscall(SYS_mbind, memory, PAGE, POLICY_BIND, &mask, 65, 0) || madvise(memory, PAGE, POPULATE_WRITE)) {
        munmap(memory, PAGE);
        return 0;
    }
    *page = (struct page){ .memory = memory, .seed = ++grabbed };
    for (size_t i = 0; i < PAGE / 8; i++) page->memory[i] = page->seed ^ i;
    return 1;
}

static void give_back(struct page *page)
{
    for (size_t i = 0; i < PAGE / 8; i++) errors += page->memory[i] != (page->seed ^ i);
    munmap(page->memory, PAGE);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: grabber NODE MOST MS\n");
        return 64;
    }
    unsigned node = (unsigned)atoi(argv[1]);
    int most = atoi(argv[2]), held = 0, peak = 0;
    long patience = atol(argv[3]), next_exchange = 0, next_more = 0;
    struct page *pages = calloc((size_t)most + 1, sizeof *pages);
    signal(SIGTERM, stop);
    while (!stopping) {
        long now = milliseconds();
        if (held && now >= next_exchange) {
            give_back(&pages[0]);
            for (int i = 1; i < held; i++) pages[i - 1] = pages[i];
            held -= !grab(&pages[held - 1], node);
            next_exchange = now + patience;
        }
        if (held < most && now >= next_more && grab(&pages[held], node)) {
            held++;
            next_more = now + patience;
        }
        if (held > peak) peak = held;
        usleep(300);
    }
    while (held) give_back(&pages[--held]);
    printf("grabbed %lu pages, %d at once, %lu errors\n", grabbed, peak, errors);
    return errors ? 1 : 0;
}
