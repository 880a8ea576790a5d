/* beside FILE NODE EXTENTS STEP: what giving memory costs a program on the other vCPU. One thread writes to memory as fast as it
   can, on vCPU 0; the other, on vCPU 1, gives EXTENTS of FILE on hugetlbfs (whose pool has them) to Xen, STEP a hypercall, and
   takes them back. Prints, of the writer: `rest NS CHUNKS LONGEST`, `give ...`, `take ...`: the time, how many chunks of work
   were done in it, and the longest one, in ns. At rest the other vCPU is busy, too, and makes no hypercall. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include "extents.h"

enum { WORDS = 1 << 20, CHUNK = 2048, STRIDE = 8 };
static uint64_t work[WORDS];
static volatile uint64_t chunks, longest;
static volatile int ends;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void stay_on(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        fail("sched_setaffinity");
}

static void *write_memory(void *unused)
{
    uint64_t since = now(), at = 0;
    stay_on(0);
    while (!ends) {
        for (int i = 0; i < CHUNK; i++, at = (at + STRIDE) % WORDS)
            ((volatile uint64_t *)work)[at] += at;
        uint64_t time = now();
        if (time - since > longest)
            longest = time - since;
        since = time;
        chunks++;
    }
    return unused;
}

static uint64_t began, chunks_then;
static void begin(void) { longest = 0, chunks_then = chunks, began = now(); }
static void end(const char *name)
{
    uint64_t time = now() - began;
    printf("%s %llu %llu %llu\n", name, (unsigned long long)time, (unsigned long long)(chunks - chunks_then),
        (unsigned long long)longest);
}

static void move(const uint64_t *frames, size_t extents, size_t step, unsigned operation, unsigned flags)
{
    uint64_t *list = (void *)(hypercall_buffer + LIST_OFFSET);
    for (size_t i = 0; i < extents; i += step) {
        size_t count = extents - i < step ? extents - i : step;
        memcpy(list, frames + i, count * sizeof *list);
        if (reserve(list, count, EXTENT_ORDER, operation, flags) != (long)count)
            fail("hypercall");
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 64;
    unsigned node = (unsigned)atoi(argv[2]);
    size_t extents = strtoull(argv[3], NULL, 10), step = strtoull(argv[4], NULL, 10), bytes = extents << EXTENT_SHIFT;
    hypercall_open();
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600), pagemap = open("/proc/self/pagemap", O_RDONLY);
    uint64_t *frames = calloc(extents, sizeof *frames);
    if (!frames || fd < 0 || pagemap < 0 || ftruncate(fd, (off_t)bytes))
        fail(argv[1]);
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    bind_to(memory, bytes, node);
    if (madvise(memory, bytes, POPULATE_WRITE))
        fail("MADV_POPULATE_WRITE");
    for (size_t i = 0; i < extents; i++)
        frames[i] = frame_of(pagemap, memory + (i << EXTENT_SHIFT));
    stay_on(1);
    pthread_t writer;
    if (pthread_create(&writer, NULL, write_memory, NULL))
        fail("pthread_create");
    usleep(50000);
    begin();
    while (now() - began < 50000000)
        ;
    end("rest");
    begin();
    move(frames, extents, step, XENMEM_decrease_reservation, 0);
    end("give");
    begin();
    move(frames, extents, step, XENMEM_populate_physmap,
        XENMEMF_vnode | XENMEMF_node(node) | XENMEMF_exact_node_request);
    end("take");
    ends = 1;
    pthread_join(writer, NULL);
    munmap(memory, bytes);
    unlink(argv[1]);
    return 0;
}
