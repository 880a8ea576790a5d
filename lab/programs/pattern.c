/* pattern NODE MIB [SEED [huge|promised]]: proves that a guest's memory keeps its contents while balloons move.

   Allocates MIB of memory bound to NODE (0: half of what is free there; huge: of the node's 2 MiB pool; promised:
   the same, but it says `promised` and touches none of it before SIGUSR1), fills it with words made of the address, the
   seed and a generation, and says `ready`. Then it verifies and rewrites 2 MiB every 25 ms, round and round. SIGTERM:
   verifies everything once more, prints `verified N MiB, M rounds, E errors` and exits: 0 when no word was ever wrong. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK (2UL << 20)
#define POLICY_BIND 2   /* MPOL_BIND */
#define POLICY_WHERE 3  /* MPOL_F_NODE | MPOL_F_ADDR: on which node does this address lie */

static volatile sig_atomic_t stopping;
static uint64_t seed;
static unsigned long errors;

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static uint64_t word_at(const uint64_t *address, unsigned generation)
{
    return ((uintptr_t)address ^ seed) * 0x9e3779b97f4a7c15ULL + generation;
}

static void fill(uint64_t *chunk, unsigned generation)
{
    for (uint64_t *word = chunk; word < chunk + CHUNK / 8; word++)
        *word = word_at(word, generation);
}

static void verify(const uint64_t *chunk, unsigned generation)
{
    for (const uint64_t *word = chunk; word < chunk + CHUNK / 8; word++) {
        if (*word == word_at(word, generation))
            continue;
        if (errors++ < 10)
            printf("wrong word at %p: %016llx, expected %016llx\n", (const void *)word, (unsigned long long)*word,
                   (unsigned long long)word_at(word, generation));
    }
}

static unsigned long free_mib(unsigned node)
{
    char path[80], line[120];
    unsigned long kib = 0;
    snprintf(path, sizeof path, "/sys/devices/system/node/node%u/meminfo", node);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file) && !kib)
        sscanf(line, "Node %*u MemFree: %lu kB", &kib);
    if (file)
        fclose(file);
    return kib / 1024;
}

static void touch(int signal_number)
{
    (void)signal_number;
}

/* The kernel has set mapped huge pages aside for us. */
static void wait_for_touch(void)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGUSR1, touch);
    puts("promised");
    sigsuspend(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Memory of the node alone, filled and looked at: every chunk must lie where it was asked for. */
static uint64_t *allocate(unsigned node, size_t bytes, int flags, int waits)
{
    unsigned long mask = 1UL << node;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (memory == MAP_FAILED || syscall(SYS_mbind, memory, bytes, POLICY_BIND, &mask, 65, 0)) {
        perror("cannot allocate on the node");
        exit(1);
    }
    if (waits)
        wait_for_touch();
    for (size_t at = 0; at < bytes; at += CHUNK) {
        int where = -1;
        fill((uint64_t *)(memory + at), 0);
        if (syscall(SYS_get_mempolicy, &where, NULL, 0, memory + at, POLICY_WHERE) || where != (int)node) {
            fprintf(stderr, "memory lies on node %d, not on %u\n", where, node);
            exit(1);
        }
    }
    return (uint64_t *)memory;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: pattern NODE MIB [SEED [huge|promised]]\n");
        return 64;
    }
    unsigned node = (unsigned)atoi(argv[1]);
    size_t mib = strtoul(argv[2], NULL, 10);
    if (mib == 0)
        mib = free_mib(node) / 2;
    seed = argc > 3 ? strtoull(argv[3], NULL, 0) : node + 1;
    size_t chunks = (mib << 20) / CHUNK;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, stop);

    uint64_t *memory = allocate(node, chunks * CHUNK, argc > 4 ? MAP_HUGETLB : 0,
                                argc > 4 && strcmp(argv[4], "promised") == 0);
    printf("ready: %zu MiB on node %u\n", chunks * CHUNK >> 20, node);

    unsigned rounds = 0;
    size_t next = 0; /* chunks below this one are of generation rounds + 1, the others of generation rounds */
    while (!stopping && chunks) {
        uint64_t *chunk = memory + next * (CHUNK / 8);
        verify(chunk, rounds);
        fill(chunk, rounds + 1);
        if (++next == chunks) {
            next = 0;
            rounds++;
        }
        usleep(25000);
    }
    for (size_t i = 0; i < chunks; i++)
        verify(memory + i * (CHUNK / 8), i < next ? rounds + 1 : rounds);
    printf("verified %zu MiB, %u rounds, %lu errors\n", chunks * CHUNK >> 20, rounds, errors);
    return errors || !chunks ? 1 : 0;
}
