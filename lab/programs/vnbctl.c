/* vnbctl: asks the kernel module for one thing, without the product.

   vnbctl hold|release|rehome VNODE EXTENTS     prints `done N reason R doubt N reservation N ns N`; exit 75: not all of it
   vnbctl state                 `flags N vnodes N reservation N maximum N resumes N events N yielded N regiven N adopted N lost N`
   vnbctl vnode VNODE           `node N flags N frames N held N doubt N step N floor N`
   vnbctl audit VNODE           all of it, in slices: `extents N holes N ram N other N`
   vnbctl yield VNODE STEP FLOOR
   vnbctl where VNODE           PV: `home N elsewhere N unknown N holes N`
   vnbctl wait SECONDS          until something has happened since now; 124: nothing
   vnbctl random SEED COUNT VNODES MOST
                                so many random HOLD and RELEASE, at most MOST extents a vnode: `moves N held N...` */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "vnode_balloon.h"

static int fd;

static unsigned long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void ask(unsigned long what, void *it)
{
    if (ioctl(fd, what, it) == 0) return;
    perror("vnbctl");
    exit(1);
}

static struct vnb_move move_some(unsigned long what, unsigned vnode, unsigned long long extents)
{
    struct vnb_move move = {.size = sizeof move, .vnode = vnode, .extents = extents};
    ask(what, &move);
    return move;
}

static int move(const char *how, unsigned vnode, unsigned long long extents)
{
    unsigned long what = *how == 'h' ? VNB_HOLD : how[2] == 'l' ? VNB_RELEASE : VNB_REHOME;
    unsigned long long begin = now();
    struct vnb_move it = move_some(what, vnode, extents);
    printf("done %llu reason %u doubt %llu reservation %llu ns %llu\n", it.done, it.reason, it.doubt, it.reservation,
           now() - begin);
    return it.done == extents ? 0 : 75;
}

static struct vnb_state read_state(void)
{
    struct vnb_state it = {.size = sizeof it};
    ask(VNB_STATE, &it);
    return it;
}

static int state(void)
{
    struct vnb_state it = read_state();
    printf("flags %u vnodes %u reservation %llu maximum %llu resumes %llu events %llu yielded %llu regiven %llu adopted %llu "
           "lost %llu\n", it.flags, it.vnodes, it.reservation, it.maximum, it.resumes, it.events, it.yielded, it.regiven,
           it.adopted, it.lost);
    return 0;
}

static struct vnb_vnode read_vnode(unsigned number)
{
    struct vnb_vnode it = {.size = sizeof it, .vnode = number};
    ask(VNB_VNODE, &it);
    return it;
}

static int vnode(unsigned number)
{
    struct vnb_vnode it = read_vnode(number);
    printf("node %d flags %u frames %llu held %llu doubt %llu step %u floor %llu\n", it.node, it.flags, it.frames, it.held,
           it.doubt, it.yield_step, it.yield_floor);
    return 0;
}

static int audit(unsigned number)
{
    unsigned long long extents = 0, holes = 0, ram = 0, other = 0;
    for (;;) {
        struct vnb_audit it = {.size = sizeof it, .vnode = number, .first = extents, .extents = 8};
        ask(VNB_AUDIT, &it);
        extents += it.extents, holes += it.holes, ram += it.ram, other += it.other;
        if (it.extents < 8) break;
    }
    printf("extents %llu holes %llu ram %llu other %llu\n", extents, holes, ram, other);
    return 0;
}

static int where(unsigned number)
{
    struct vnb_where it = {.size = sizeof it, .vnode = number};
    ask(VNB_WHERE, &it);
    printf("home %llu elsewhere %llu unknown %llu holes %llu\n", it.home, it.elsewhere, it.unknown, it.holes);
    return 0;
}

static int wait_for(int seconds)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    read_state();
    return poll(&p, 1, seconds * 1000) == 1 ? 0 : 124;
}

static int random_moves(unsigned seed, int count, unsigned vnodes, unsigned most)
{
    for (int i = 0; i < count; i++) {
        unsigned number = rand_r(&seed) % vnodes, extents = 1 + rand_r(&seed) % (most / 4 + 1);
        unsigned long long held = read_vnode(number).held;
        if (rand_r(&seed) % 2 && held + extents <= most)
            move_some(VNB_HOLD, number, extents);
        else
            move_some(VNB_RELEASE, number, extents);
    }
    printf("moves %d", count);
    for (unsigned n = 0; n < vnodes; n++) {
        struct vnb_vnode it = read_vnode(n);
        printf(" held%u %llu doubt%u %llu", n, it.held, n, it.doubt);
    }
    printf("\n");
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    unsigned long long number = argc > 2 ? strtoull(argv[2], NULL, 0) : 0, more = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;

    fd = open(VNB_DEVICE, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        perror(VNB_DEVICE);
        return 69;
    }
    if (argc == 4 && (!strcmp(what, "hold") || !strcmp(what, "release") || !strcmp(what, "rehome")))
        return move(what, number, more);
    if (argc == 2 && !strcmp(what, "state")) return state();
    if (argc == 3 && !strcmp(what, "vnode")) return vnode(number);
    if (argc == 3 && !strcmp(what, "audit")) return audit(number);
    if (argc == 3 && !strcmp(what, "where")) return where(number);
    if (argc == 3 && !strcmp(what, "wait")) return wait_for(number);
    if (argc == 6 && !strcmp(what, "random")) return random_moves(number, more, atoi(argv[4]), atoi(argv[5]));
    if (argc == 5 && !strcmp(what, "yield")) {
        struct vnb_yield it = {.size = sizeof it, .vnode = number, .step = more, .floor = strtoull(argv[4], NULL, 0)};
        ask(VNB_YIELD, &it);
        return 0;
    }
    return 64;
}
