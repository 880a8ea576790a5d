/* bare: what the kernel and Xen need at least to move a balloon. It does the product's kernel work and checks nothing.
   A node's memory is moved through FILE on hugetlbfs; FILE is gone afterwards.

   bare cycle FILE NODE MIB POOL CHUNK BACK
        gives, 2 MiB extents: the pool grows by POOL pages a write, CHUNK extents are mapped, faulted in and given at a
        time. A tenth of a second later takes it back, BACK extents at a time. Prints nanoseconds, one line each way:
        `inflate TOTAL pool N map N fault N pagemap N give N` and `deflate TOTAL take N truncate N pool N`
   bare frames FILE NODE MIB BATCH
        the same memory, faulted in as before, as 4 KiB frames of BATCH a hypercall: `give N take N`
   bare probes FILE MIB
        what looking at a balloon needs: FILE, which stays, is mapped for reading, each page's frame is read, and two
        frames of each are asked about: `map N probe N`
   bare clock
        what reading the clock costs: `clock N`
   bare window
        ends a window of the profile (mark.h). In `bare cycle` the phases are marked */
#define _GNU_SOURCE
#include <time.h>
#include "extents.h"
#include "mark.h"

static uint64_t *frames;
static int pagemap_fd;
static char pool_path[96];

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Adds the time since *since to *sum, and begins anew. */
static void lap(uint64_t *sum, uint64_t *since)
{
    uint64_t time = now();
    *sum += time - *since;
    *since = time;
}

static long pool_size(void)
{
    FILE *file = fopen(pool_path, "r");
    long pages = -1;
    if (!file || fscanf(file, "%ld", &pages) != 1)
        fail(pool_path);
    fclose(file);
    return pages;
}

static void set_pool(long pages)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%ld", pages), fd = open(pool_path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, (size_t)length) != length)
        fail(pool_path);
    close(fd);
}

static void move_all(uint64_t *list, size_t extents, unsigned order, unsigned operation, unsigned flags)
{
    long done = reserve(list, extents, order, operation, flags);
    if (done == (long)extents)
        return;
    fprintf(stderr, "moved %ld of %zu\n", done, extents);
    exit(1);
}

/* Faults in pages of the file from slot `first` on, and notes their frames. */
static void fault_in(int fd, unsigned node, size_t first, size_t count, uint64_t times[3])
{
    size_t bytes = count << EXTENT_SHIFT;
    uint64_t since = now();
    if (ftruncate(fd, (off_t)((first + count) << EXTENT_SHIFT)))
        fail("ftruncate");
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
                        (off_t)(first << EXTENT_SHIFT));
    if (memory == MAP_FAILED)
        fail("mmap");
    bind_to(memory, bytes, node);
    lap(&times[0], &since);
    MARK(FAULT_PHASE);
    if (madvise(memory, bytes, POPULATE_WRITE))
        fail("madvise");
    MARK(REST_PHASE);
    lap(&times[1], &since);
    for (size_t i = 0; i < count; i++)
        frames[first + i] = frame_of(pagemap_fd, memory + (i << EXTENT_SHIFT));
    lap(&times[2], &since);
    munmap(memory, bytes);
    lap(&times[0], &since);
}

static void inflate(int fd, unsigned node, size_t extents, size_t pool_step, size_t chunk)
{
    uint64_t pool = 0, give = 0, times[3] = { 0 }, start = now(), since;
    long pages = pool_size();
    size_t grown = 0;
    for (size_t done = 0, count; done < extents; done += count) {
        count = extents - done < chunk ? extents - done : chunk;
        since = now();
        MARK(GROW_PHASE);
        while (grown < done + count) {
            size_t more = extents - grown < pool_step ? extents - grown : pool_step;
            set_pool(pages += (long)more);
            grown += more;
        }
        MARK(REST_PHASE);
        lap(&pool, &since);
        fault_in(fd, node, done, count, times);
        since = now();
        MARK(GIVE_PHASE);
        move_all(frames + done, count, EXTENT_ORDER, XENMEM_decrease_reservation, 0);
        MARK(REST_PHASE);
        lap(&give, &since);
    }
    printf("inflate %llu pool %llu map %llu fault %llu pagemap %llu give %llu\n", (unsigned long long)(now() - start),
           (unsigned long long)pool, (unsigned long long)times[0], (unsigned long long)times[1],
           (unsigned long long)times[2], (unsigned long long)give);
}

static void deflate(int fd, unsigned node, size_t extents, size_t chunk)
{
    uint64_t take = 0, cut = 0, pool = 0, start = now(), since = start;
    long pages = pool_size();
    while (extents > 0) {
        size_t count = extents < chunk ? extents : chunk;
        extents -= count;
        MARK(TAKE_PHASE);
        move_all(frames + extents, count, EXTENT_ORDER, XENMEM_populate_physmap,
                 XENMEMF_vnode | XENMEMF_exact_node(node));
        MARK(REST_PHASE);
        lap(&take, &since);
        if (ftruncate(fd, (off_t)(extents << EXTENT_SHIFT)))
            fail("ftruncate");
        lap(&cut, &since);
        set_pool(pages -= (long)count);
        lap(&pool, &since);
    }
    printf("deflate %llu take %llu truncate %llu pool %llu\n", (unsigned long long)(now() - start),
           (unsigned long long)take, (unsigned long long)cut, (unsigned long long)pool);
}

/* Order 0. Every frame of an extent lies behind its first one. */
static uint64_t in_batches(size_t extents, size_t batch, unsigned operation, unsigned flags)
{
    uint64_t *list = frames + extents, start = now();
    size_t total = extents * EXTENT_FRAMES;
    for (size_t done = 0, count; done < total; done += count) {
        count = total - done < batch ? total - done : batch;
        for (size_t i = 0; i < count; i++)
            list[i] = frames[(done + i) / EXTENT_FRAMES] + (done + i) % EXTENT_FRAMES;
        move_all(list, count, 0, operation, flags);
    }
    return now() - start;
}

static void by_frames(int fd, unsigned node, size_t extents, size_t batch)
{
    uint64_t ignored[3];
    long pages = pool_size();
    set_pool(pages + (long)extents);
    fault_in(fd, node, 0, extents, ignored);
    uint64_t give = in_batches(extents, batch, XENMEM_decrease_reservation, 0);
    uint64_t take = in_batches(extents, batch, XENMEM_populate_physmap, XENMEMF_vnode | XENMEMF_exact_node(node));
    if (ftruncate(fd, 0))
        fail("ftruncate");
    set_pool(pages);
    printf("give %llu take %llu\n", (unsigned long long)give, (unsigned long long)take);
}

static void probes(const char *path, size_t extents)
{
    uint64_t map = 0, probe = 0, since = now();
    int fd = open(path, O_RDWR | O_CLOEXEC);
    size_t bytes = extents << EXTENT_SHIFT;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    /* For reading only: what is a hole must not be written. */
    if (memory == MAP_FAILED || madvise(memory, bytes, POPULATE_READ))
        fail(path);
    for (size_t i = 0; i < extents; i++)
        frames[i] = frame_of(pagemap_fd, memory + (i << EXTENT_SHIFT));
    lap(&map, &since);
    for (size_t i = 0; i < extents; i++)
        if (memory_type(frames[i]) < 0 || memory_type(frames[i] + EXTENT_FRAMES - 1) < 0)
            fail("HVMOP_get_mem_type");
    lap(&probe, &since);
    printf("map %llu probe %llu\n", (unsigned long long)map, (unsigned long long)probe);
}

static void clock_cost(void)
{
    enum { READINGS = 1000 };
    uint64_t start = now();
    for (int i = 0; i < READINGS; i++)
        now();
    printf("clock %llu\n", (unsigned long long)(now() - start) / READINGS);
}

static int usage(void)
{
    fprintf(stderr, "usage: bare cycle FILE NODE MIB POOL CHUNK BACK, bare frames FILE NODE MIB BATCH,\n"
                    "       bare probes FILE MIB, bare clock, bare window\n");
    return 64;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    hypercall_open();
    frames = (void *)(hypercall_buffer + LIST_OFFSET);
    pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (!strcmp(command, "clock") && argc == 2) {
        clock_cost();
        return 0;
    }
    if (!strcmp(command, "window") && argc == 2) {
        MARK(WINDOW);
        return 0;
    }
    if (!strcmp(command, "probes") && argc == 4) {
        probes(argv[2], strtoul(argv[3], NULL, 10) / 2);
        return 0;
    }
    int cycle = !strcmp(command, "cycle") && argc == 8;
    if (!cycle && (strcmp(command, "frames") || argc != 6))
        return usage();
    unsigned node = (unsigned)atoi(argv[3]);
    size_t extents = strtoul(argv[4], NULL, 10) / 2;
    snprintf(pool_path, sizeof pool_path,
             "/sys/devices/system/node/node%u/hugepages/hugepages-2048kB/nr_hugepages", node);
    int fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        fail(argv[2]);
    if (cycle) {
        inflate(fd, node, extents, strtoul(argv[5], NULL, 10), strtoul(argv[6], NULL, 10));
        usleep(100000);
        deflate(fd, node, extents, strtoul(argv[7], NULL, 10));
    } else {
        by_frames(fd, node, extents, strtoul(argv[5], NULL, 10));
    }
    unlink(argv[2]);
    return 0;
}
