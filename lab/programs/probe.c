/* probe: gives memory of one node to Xen and takes it back, in 2 MiB extents, without the product.

   probe give FILE NODE MIB    makes FILE on hugetlbfs, faults its pages in on NODE and gives them to Xen
   probe audit FILE MIB        asks Xen what each extent of FILE is now
   probe fill FILE NODE SLOT [FRAME]
                               populates one extent of FILE, or one of its 512 frames, behind the owner's back
   probe punch FILE SLOT       takes a page out of FILE, whatever is in it
   probe frames FILE MIB       prints the first frame number of each extent of FILE, and nothing else
   probe take FILE NODE MIB    takes the extents back, on NODE exactly, and removes FILE
   probe reservation           prints the pages that this domain holds
   probe anonymous COUNT       tries to give so many frames of its own memory, where that is not to work (PV)
   probe types FRAME COUNT     prints `ram N holes N other N` for so many frames

   Prints one line `extents N holes N ram N` (first and last frame of each extent are looked at), so holes + ram = 2 N. */
#define _GNU_SOURCE
#include "extents.h"

static char *map_file(const char *path, size_t bytes, int create)
{
    int fd = open(path, O_RDWR | (create ? O_CREAT : 0), 0600);
    if (fd < 0 || (create && ftruncate(fd, (off_t)bytes)))
        fail(path);
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    return memory;
}

/* Prints what Xen says of the first and the last frame of each extent. */
static void audit(const uint64_t *frames, size_t extents)
{
    size_t holes = 0, ram = 0;
    for (size_t i = 0; i < extents; i++) {
        for (int last = 0; last < 2; last++) {
            int type = memory_type(frames[i] + (last ? EXTENT_FRAMES - 1 : 0));
            if (type == HVMMEM_mmio_dm)
                holes++;
            else if (type == HVMMEM_ram_rw)
                ram++;
            else
                printf("frame %llx: type %d\n", (unsigned long long)frames[i], type);
        }
    }
    printf("extents %zu holes %zu ram %zu\n", extents, holes, ram);
}

/* Moves all extents in one hypercall; exits with 1 unless every one was moved. */
static void move(uint64_t *frames, size_t extents, unsigned order, unsigned operation, unsigned flags)
{
    long moved = reserve(frames, extents, order, operation, flags);
    printf("moved %ld of %zu\n", moved, extents);
    if (moved != (long)extents)
        exit(1);
}

/* The slot's page must be there, and is not written: it may be a hole. */
static void fill(const char *path, unsigned node, size_t slot, int frame)
{
    size_t bytes = (slot + 1) << EXTENT_SHIFT;
    char *page = map_file(path, bytes, 0) + (slot << EXTENT_SHIFT);
    if (madvise(page, 1UL << EXTENT_SHIFT, POPULATE_READ))
        fail("madvise");
    uint64_t *frames = (void *)(hypercall_buffer + LIST_OFFSET);
    frames[0] = frame_of(open("/proc/self/pagemap", O_RDONLY), page) + (uint64_t)(frame < 0 ? 0 : frame);
    move(frames, 1, frame < 0 ? EXTENT_ORDER : 0, XENMEM_populate_physmap, XENMEMF_vnode | XENMEMF_exact_node(node));
}

static void punch(const char *path, off_t slot)
{
    int fd = open(path, O_RDWR);
    /* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
    if (fd < 0 || fallocate(fd, 3, slot << EXTENT_SHIFT, 1L << EXTENT_SHIFT))
        fail(path);
}

static void anonymous(size_t count)
{
    uint64_t *frames = (void *)(hypercall_buffer + LIST_OFFSET);
    char *memory = mmap(NULL, count * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    for (size_t i = 0; i < count; i++)
        frames[i] = frame_of(pagemap, memory + i * 4096);
    move(frames, count, 0, XENMEM_decrease_reservation, 0);
}

static void types(uint64_t frame, uint64_t count)
{
    uint64_t ram = 0, holes = 0, other = 0;
    for (uint64_t end = frame + count; frame < end; frame++) {
        int type = memory_type(frame);
        if (type == HVMMEM_ram_rw || type == HVMMEM_ram_ro)
            ram++;
        else if (type == HVMMEM_mmio_dm)
            holes++;
        else
            other++;
    }
    printf("ram %lu holes %lu other %lu\n", (unsigned long)ram, (unsigned long)holes, (unsigned long)other);
}

static int usage(void)
{
    fprintf(stderr, "usage: probe give|take FILE NODE MIB, probe audit|frames FILE MIB,\n"
                    "       probe fill FILE NODE SLOT [FRAME], probe punch FILE SLOT, probe reservation,\n"
                    "       probe types FRAME COUNT, probe anonymous COUNT\n");
    return 64;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage();
    const char *command = argv[1];
    int give = !strcmp(command, "give"), take = !strcmp(command, "take"), list = !strcmp(command, "frames");
    if (!strcmp(command, "reservation")) {
        hypercall_open();
        printf("%ld\n", current_reservation());
        return 0;
    }
    if (!strcmp(command, "anonymous") && argc == 3) {
        hypercall_open();
        anonymous(strtoul(argv[2], NULL, 0));
        return 0;
    }
    if (!strcmp(command, "types") && argc == 4) {
        hypercall_open();
        types(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
        return 0;
    }
    if (!strcmp(command, "punch") && argc == 4) {
        punch(argv[2], atol(argv[3]));
        return 0;
    }
    if (!strcmp(command, "fill") && argc >= 5) {
        hypercall_open();
        fill(argv[2], (unsigned)atoi(argv[3]), strtoul(argv[4], NULL, 10), argc > 5 ? atoi(argv[5]) : -1);
        return 0;
    }
    if (argc != (give || take ? 5 : 4) || (!give && !take && !list && strcmp(command, "audit")))
        return usage();

    hypercall_open();
    unsigned node = give || take ? (unsigned)atoi(argv[3]) : 0;
    size_t bytes = (size_t)atoi(argv[argc - 1]) << 20, extents = bytes >> EXTENT_SHIFT;
    char *memory = map_file(argv[2], bytes, give);
    if (give)
        bind_to(memory, bytes, node);
    /* A page that was given away must not be written or cleared: map it for reading only. */
    if (madvise(memory, bytes, give ? POPULATE_WRITE : POPULATE_READ))
        fail("madvise");

    uint64_t *frames = (void *)(hypercall_buffer + LIST_OFFSET);
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    for (size_t i = 0; i < extents; i++)
        frames[i] = frame_of(pagemap, memory + (i << EXTENT_SHIFT));

    if (list) {
        for (size_t i = 0; i < extents; i++)
            printf("%llu\n", (unsigned long long)frames[i]);
        return 0;
    }
    if (give)
        move(frames, extents, EXTENT_ORDER, XENMEM_decrease_reservation, 0);
    if (take)
        move(frames, extents, EXTENT_ORDER, XENMEM_populate_physmap, XENMEMF_vnode | XENMEMF_exact_node(node));
    audit(frames, extents);
    if (take) {
        munmap(memory, bytes);
        unlink(argv[2]);
    }
    return 0;
}
