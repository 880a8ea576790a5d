/* kpage: what Linux knows of page frames, as root may read it.

   kpage words FRAME OFFSET COUNT   32-bit words of its contents, one a line, through /proc/kcore
   kpage state FRAME                `huge N offline N mapped N`, from /proc/kpageflags and /proc/kpagecount
   kpage offline [first]            how many frames of all memory are PageOffline; the first of them

   Reading a frame that Xen has no memory behind is slow: Xen emulates each access. So only what is asked for is read. */
#define _FILE_OFFSET_BITS 64
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLAG_HUGE (1ULL << 17)
#define FLAG_OFFLINE (1ULL << 23)

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int open_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        fail(path);
    return fd;
}

static void read_at(int fd, void *to, size_t bytes, uint64_t offset)
{
    if (pread(fd, to, bytes, (off_t)offset) != (ssize_t)bytes)
        fail("read");
}

/* Where in /proc/kcore a physical address is: the segments of RAM say at which one they begin. */
static uint64_t offset_of(int kcore, uint64_t address)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    read_at(kcore, &header, sizeof header, 0);
    for (unsigned i = 0; i < header.e_phnum; i++) {
        read_at(kcore, &segment, sizeof segment, header.e_phoff + i * sizeof segment);
        if (segment.p_type == PT_LOAD && address >= segment.p_paddr && address - segment.p_paddr < segment.p_memsz)
            return segment.p_offset + (address - segment.p_paddr);
    }
    fprintf(stderr, "no segment of /proc/kcore has this frame\n");
    exit(1);
}

static void words(uint64_t frame, uint64_t offset, unsigned count)
{
    int kcore = open_file("/proc/kcore");
    uint32_t *word = calloc(count, sizeof *word);
    read_at(kcore, word, count * sizeof *word, offset_of(kcore, frame * 4096 + offset));
    for (unsigned i = 0; i < count; i++)
        printf("%" PRIu32 "\n", word[i]);
}

static void state(uint64_t frame)
{
    uint64_t flags, mapped;
    read_at(open_file("/proc/kpageflags"), &flags, sizeof flags, frame * 8);
    read_at(open_file("/proc/kpagecount"), &mapped, sizeof mapped, frame * 8);
    printf("huge %d offline %d mapped %" PRIu64 "\n", !!(flags & FLAG_HUGE), !!(flags & FLAG_OFFLINE), mapped);
}

static void offline(int want_first)
{
    static uint64_t flags[8192];
    int file = open_file("/proc/kpageflags");
    unsigned long count = 0, frame = 0, first = 0;
    ssize_t bytes;
    while ((bytes = read(file, flags, sizeof flags)) > 0)
        for (size_t i = 0; i < (size_t)bytes / 8; i++, frame++)
            if (flags[i] & FLAG_OFFLINE && !count++)
                first = frame;
    printf("%lu\n", want_first ? first : count);
}

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "words"))
        words(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0), (unsigned)atoi(argv[4]));
    else if (argc == 3 && !strcmp(argv[1], "state"))
        state(strtoull(argv[2], NULL, 0));
    else if (argc >= 2 && !strcmp(argv[1], "offline"))
        offline(argc > 2);
    else
        return 64;
    return 0;
}
