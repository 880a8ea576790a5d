/* mlocked MIB ROUNDS: shows that locked pages change their frames.

   Locks MIB of memory of which every other page was freed again, notes the frame numbers, has the kernel compact its
   memory ROUNDS times, and prints `pages N moved M`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t frame_of(int pagemap, const char *address)
{
    uint64_t entry;
    if (pread(pagemap, &entry, 8, (off_t)((uintptr_t)address / PAGE * 8)) != 8)
        fail("pagemap");
    return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "mlocked MIB ROUNDS\n");
        return 64;
    }
    size_t pages = strtoul(argv[1], NULL, 10) << 8, moved = 0, kept = pages / 2;
    char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
    memset(memory, 1, pages * PAGE);
    /* Locked whole, then thinned out: what compaction likes to move. */
    if (mlock(memory, pages * PAGE))
        fail("mlock");
    uint64_t *frames = malloc(kept * sizeof(*frames));
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    if (!frames || pagemap < 0)
        fail("prepare");
    for (size_t i = 0; i < kept; i++) {
        frames[i] = frame_of(pagemap, memory + 2 * i * PAGE);
        munmap(memory + (2 * i + 1) * PAGE, PAGE);
    }
    for (int round = atoi(argv[2]); round > 0; round--) {
        int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);
        if (fd < 0 || write(fd, "1", 1) != 1)
            fail("compact_memory");
        close(fd);
    }
    for (size_t i = 0; i < kept; i++)
        moved += frame_of(pagemap, memory + 2 * i * PAGE) != frames[i];
    printf("pages %zu moved %zu\n", kept, moved);
    return 0;
}
