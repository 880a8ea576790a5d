/* logdirty DOMID SEED: what a live migration asks of Xen, at any moment: turns the log of dirty pages of a running domain on,
   reads and clears it up to three times, turns it off, until SIGTERM. Prints `turns N`. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xenctrl.h>

/* A guest of up to 1 GiB. */
#define PAGES (1UL << 18)

static volatile sig_atomic_t stopping;

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static void rest(void) { usleep((useconds_t)(random() % 20000)); }

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    uint32_t domain = (uint32_t)atoi(argv[1]);
    unsigned turns = 0;
    xc_interface *xen = xc_interface_open(NULL, NULL, 0);
    DECLARE_HYPERCALL_BUFFER(unsigned long, bitmap);
    bitmap = xen ? xc_hypercall_buffer_alloc_pages(xen, bitmap, PAGES / 8 / 4096) : NULL;
    if (!bitmap) {
        perror("logdirty");
        return 1;
    }
    srandom((unsigned)atoi(argv[2]));
    signal(SIGTERM, stop);
    for (; !stopping; turns++) {
        if (xc_shadow_control(xen, domain, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0)) {
            perror("logdirty: on");
            return 1;
        }
        for (long looks = random() % 4; looks > 0; looks--) {
            rest();
            if (xc_logdirty_control(xen, domain, XEN_DOMCTL_SHADOW_OP_CLEAN, HYPERCALL_BUFFER(bitmap), PAGES, 0, NULL) < 0) {
                perror("logdirty: clean");
                return 1;
            }
        }
        rest();
        if (xc_shadow_control(xen, domain, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0)) {
            perror("logdirty: off");
            return 1;
        }
        rest();
    }
    printf("turns %u\n", turns);
    return 0;
}
