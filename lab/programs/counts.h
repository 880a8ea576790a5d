/* What a preloaded program counts, in a file that a reader asks: two programs of one source, the second built with -DREADER.
   The source has `struct counts` before it includes this, and print_counts() for the reader. */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

static struct counts uncounted, *counts = &uncounted;

/* From now on counts are those of the file. */
static bool map_counts(const char *path)
{
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return false;
    void *at = MAP_FAILED;
    if (ftruncate(fd, sizeof *counts) == 0)
        at = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        return false;
    counts = at;
    return true;
}

#ifdef READER
/* Prints them, and begins anew. */
static void print_counts(void);

int main(int argc, char **argv)
{
    if (argc != 2 || !map_counts(argv[1]))
        return 64;
    print_counts();
    return 0;
}
#endif
