/* rows: what a guest reports of its balloons, read in dom0 by one process: starting one costs an emulated CPU more than
   the reading does.

   rows read DOMAIN VNODE NAME...                   prints the values of balloon-NAME, a space between them
   rows wait SECONDS DOMAIN VNODE NAME=VALUE...     until all of them are so; exit 1 when that takes longer
   rows feature DOMAIN                              prints the guest's feature
   rows place DOMAIN                                prints where the rows are

   DOMAIN is /local/domain/N. The rows are below its memory/ when the toolstack made control/feature-balloon-vnode, below
   data/balloon-vnode/ otherwise. A row that does not exist has no value (exit 1). */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

enum { OFTEN_US = 100000, SELDOM_US = 500000, OFTEN_TRIES = 30 };

static struct xs_handle *store;
static const char *domain;

static char *read_node(const char *path)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", domain, path);
    return xs_read(store, XBT_NULL, whole, NULL);
}

static bool is_prepared(void)
{
    char *feature = read_node("control/feature-balloon-vnode");
    free(feature);
    return feature != NULL;
}

static char *read_row(const char *base, const char *vnode, const char *name, size_t length)
{
    char path[256];
    snprintf(path, sizeof path, "%s/vnode%s/balloon-%.*s", base, vnode, (int)length, name);
    return read_node(path);
}

static const char *base_now(void)
{
    return is_prepared() ? "memory" : "data/balloon-vnode";
}

static int print_rows(const char *vnode, char **names)
{
    const char *base = base_now();
    int missing = 0;
    for (char **name = names; *name; name++) {
        char *value = read_row(base, vnode, *name, strlen(*name));
        missing |= !value;
        printf("%s%s", name == names ? "" : " ", value ? value : "");
        free(value);
    }
    printf("\n");
    return missing;
}

static bool are_so(const char *vnode, char **wanted)
{
    const char *base = base_now();
    for (; *wanted; wanted++) {
        size_t length = strcspn(*wanted, "=");
        char *value = read_row(base, vnode, *wanted, length);
        bool same = value && !strcmp(value, *wanted + length + 1);
        free(value);
        if (!same)
            return false;
    }
    return true;
}

static int wait_for_rows(double seconds, const char *vnode, char **wanted)
{
    long left = (long)(seconds * 1e6);
    for (int tries = 0; !are_so(vnode, wanted); tries++) {
        long pause = tries < OFTEN_TRIES ? OFTEN_US : SELDOM_US;
        if (left < pause)
            return 1;
        left -= pause;
        usleep((useconds_t)pause);
    }
    return 0;
}

static int print_feature(void)
{
    char *value = read_node("control/feature-balloon-vnode");
    if (!value)
        value = read_node("data/balloon-vnode/feature");
    if (!value)
        return 1;
    printf("%s\n", value);
    free(value);
    return 0;
}

static int print_place(void)
{
    printf("%s/%s\n", domain, base_now());
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: rows read DOMAIN VNODE NAME... | rows wait SECONDS DOMAIN VNODE NAME=VALUE... | "
                    "rows feature|place DOMAIN\n");
    return 64;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    bool reads = !strcmp(command, "read") && argc > 4, waits = !strcmp(command, "wait") && argc > 5;
    bool features = !strcmp(command, "feature") && argc == 3, places = !strcmp(command, "place") && argc == 3;
    if (!reads && !waits && !features && !places)
        return usage();
    for (int i = 5; waits && i < argc; i++)
        if (!strchr(argv[i], '='))
            return usage();
    store = xs_open(0);
    if (!store) {
        perror("rows: xenstore");
        return 2;
    }
    domain = argv[waits ? 3 : 2];
    if (reads)
        return print_rows(argv[3], argv + 4);
    if (waits)
        return wait_for_rows(strtod(argv[2], NULL), argv[4], argv + 5);
    return features ? print_feature() : print_place();
}
