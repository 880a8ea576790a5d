/* churn FILE NODE EXTENTS ROUNDS SEED [grants]: gives random extents of FILE, which it makes on hugetlbfs, to Xen and takes them back,
   ROUNDS times. Each frame of what is memory has a number of its own in its first word, and is looked at before it
   is given: two frames that were one, or one that somebody else had, are seen. In one of eight rounds a single frame is given
   and taken first: a superpage that was split. At the end all is memory again. Prints `rounds N split N lost N`. NODE `-`: a guest
   without virtual NUMA. `grants`: 32 of the frames are granted to dom0, whose references are printed (`grants REF...`). */
#define _GNU_SOURCE
#include "extents.h"
#include "grants.h"

static uint64_t *list, *frames, state;
static char *memory, *given;
static unsigned populate_flags;
static size_t lost, split;

static size_t dice(size_t sides)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % sides;
}

static volatile uint64_t *word(size_t extent, size_t frame)
{
    return (uint64_t *)(memory + (extent << EXTENT_SHIFT) + frame * 4096);
}

static void mark(size_t extent)
{
    for (size_t i = 0; i < EXTENT_FRAMES; i++)
        *word(extent, i) = frames[extent] + i;
}

static void look(size_t extent)
{
    for (size_t i = 0; i < EXTENT_FRAMES; i++)
        lost += *word(extent, i) != frames[extent] + i;
}

static void move_one(uint64_t frame, unsigned order, int give)
{
    list[0] = frame;
    long moved = reserve(list, 1, order, give ? XENMEM_decrease_reservation : XENMEM_populate_physmap,
        give ? 0 : populate_flags);
    if (moved != 1) {
        printf("frame %llx order %u give %d: moved %ld\n", (unsigned long long)frame, order, give, moved);
        exit(1);
    }
}

static void one_round(size_t extent)
{
    if (given[extent]) {
        move_one(frames[extent], EXTENT_ORDER, 0);
        mark(extent);
    } else {
        look(extent);
        if (!dice(8)) {
            size_t frame = dice(EXTENT_FRAMES);
            move_one(frames[extent] + frame, 0, 1);
            move_one(frames[extent] + frame, 0, 0);
            split++;
        }
        move_one(frames[extent], EXTENT_ORDER, 1);
    }
    given[extent] = !given[extent];
}

int main(int argc, char **argv)
{
    if (argc != 6 && argc != 7)
        return 64;
    int plain = !strcmp(argv[2], "-"), granting = argc == 7;
    unsigned node = plain ? 0 : (unsigned)atoi(argv[2]);
    size_t extents = strtoull(argv[3], NULL, 10), rounds = strtoull(argv[4], NULL, 10), bytes = (extents + (size_t)granting) << EXTENT_SHIFT;
    state = strtoull(argv[5], NULL, 10) | 1;
    hypercall_open();
    list = (void *)(hypercall_buffer + LIST_OFFSET);
    populate_flags = plain ? 0 : XENMEMF_vnode | XENMEMF_node(node) | XENMEMF_exact_node_request;
    frames = calloc(extents, sizeof *frames);
    given = calloc(extents, 1);
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600), pagemap = open("/proc/self/pagemap", O_RDONLY);
    if (!frames || !given || fd < 0 || pagemap < 0 || ftruncate(fd, (off_t)bytes))
        fail(argv[1]);
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    bind_to(memory, bytes, node);
    if (madvise(memory, bytes, POPULATE_WRITE))
        fail("MADV_POPULATE_WRITE");
    for (size_t i = 0; i < extents; i++) {
        frames[i] = frame_of(pagemap, memory + (i << EXTENT_SHIFT));
        mark(i);
    }
    char *spare = memory + (extents << EXTENT_SHIFT);
    uint64_t spare_frame = granting ? frame_of(pagemap, spare) : 0;
    if (granting)
        grant_frames(spare, spare_frame, frames, extents);
    /* Whoever wants to hold some of them is told which. */
    printf("first");
    for (size_t i = 0; i < extents; i++)
        printf(" %llu", (unsigned long long)frames[i]);
    printf("\n");
    fflush(stdout);
    usleep(3000000);
    for (size_t i = 0; i < rounds; i++)
        one_round(dice(extents));
    for (size_t i = 0; i < extents; i++) {
        if (given[i])
            one_round(i);
        look(i);
    }
    if (granting) {
        end_grants(spare, spare_frame);
        move_one(spare_frame, 0, 0);
    }
    printf("rounds %zu split %zu lost %zu\n", rounds, split, lost);
    munmap(memory, bytes);
    unlink(argv[1]);
    return lost != 0;
}
