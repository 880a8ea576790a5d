/* rewrite PATH COUNT VALUE...: writes the values to PATH in turn, COUNT times, as fast as xenstore takes them, and prints
   how long that took. A toolstack gone mad. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenstore.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: rewrite PATH COUNT VALUE...\n");
        return 64;
    }
    struct xs_handle *store = xs_open(0);
    int count = atoi(argv[2]), values = argc - 3;
    double start = seconds();
    for (int i = 0; i < count; i++) {
        const char *value = argv[3 + i % values];
        if (!store || !xs_write(store, XBT_NULL, argv[1], value, (unsigned)strlen(value))) {
            perror(argv[1]);
            return 1;
        }
    }
    printf("%d times in %.2f s\n", count, seconds() - start);
    return 0;
}
