/* fragment NODE MIB: breaks MIB of memory of NODE into pieces of 4 KiB and keeps them so until a signal ends it.

   Every other page is given back; the ones between are spliced into pipes, which pins them: compaction cannot move
   them, so that no 2 MiB page can come of this memory. Says `ready` when it is done. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096UL
#define PIPE_PAGES 256
#define POLICY_BIND 2 /* MPOL_BIND */

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Pins every other page of the memory from its second page on: PIPE_PAGES of them. */
static void pin(char *memory)
{
    struct iovec pages[PIPE_PAGES];
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) || fcntl(ends[1], F_SETPIPE_SZ, PIPE_PAGES * PAGE) < 0)
        fail("cannot make a pipe");
    for (int i = 0; i < PIPE_PAGES; i++)
        pages[i] = (struct iovec){memory + (2 * i + 1) * PAGE, PAGE};
    if (vmsplice(ends[1], pages, PIPE_PAGES, SPLICE_F_NONBLOCK) != (ssize_t)(PIPE_PAGES * PAGE))
        fail("cannot pin pages");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: fragment NODE MIB\n");
        return 64;
    }
    unsigned long mask = 1UL << atoi(argv[1]), bytes = strtoul(argv[2], NULL, 10) << 20;
    unsigned long step = 2 * PIPE_PAGES * PAGE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, bytes, MADV_NOHUGEPAGE) ||
        syscall(SYS_mbind, memory, bytes, POLICY_BIND, &mask, 65, 0))
        fail("cannot allocate on the node");
    for (unsigned long at = 0; at < bytes; at += PAGE)
        memory[at] = 1;
    for (unsigned long at = 0; at + step <= bytes; at += step) {
        pin(memory + at);
        for (unsigned long page = 0; page < step; page += 2 * PAGE)
            if (madvise(memory + at + page, PAGE, MADV_DONTNEED))
                fail("cannot give pages back");
    }
    printf("ready: %lu MiB in pieces\n", bytes >> 20);
    pause();
    return 0;
}
