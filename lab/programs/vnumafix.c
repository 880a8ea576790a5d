/* Preloaded into xl so that it can build a PVH guest with vnuma=.
   libxl asks xc_domain_getvnuma for the sizes first, with no buffers, and expects 0; Xen answers ENOBUFS although it
   did fill in the sizes, and libxl gives up. Here that one answer becomes a success.
   With more than two vnodes libxl's own table of distances is too small as well, and that is said; with VNUMAFIX_WIDE in the
   environment every table is as long as eight vnodes need. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define WIDE (8 * 8 * sizeof(unsigned))

/* libxl allocates its tables so; glibc's own function has this other name, too. */
extern void *__libc_calloc(size_t count, size_t size);

void *calloc(size_t count, size_t size)
{
    if (getenv("VNUMAFIX_WIDE") && size && count <= WIDE / size)
        return __libc_calloc(1, WIDE);
    return __libc_calloc(count, size);
}

typedef int getvnuma(void *, uint32_t, uint32_t *, uint32_t *, uint32_t *, void *, unsigned *, unsigned *);

int xc_domain_getvnuma(void *handle, uint32_t domid, uint32_t *vnodes, uint32_t *ranges, uint32_t *vcpus,
                       void *range_list, unsigned *distances, unsigned *vcpu_to_vnode);

int xc_domain_getvnuma(void *handle, uint32_t domid, uint32_t *vnodes, uint32_t *ranges, uint32_t *vcpus,
                       void *range_list, unsigned *distances, unsigned *vcpu_to_vnode)
{
    getvnuma *original = (getvnuma *)dlsym(RTLD_NEXT, "xc_domain_getvnuma");
    size_t needed = (size_t)*vnodes * *vnodes * sizeof *distances;
    if (distances && malloc_usable_size(distances) < needed) {
        fprintf(stderr, "vnumafix: libxl has %zu bytes for the distances, %zu are written\n",
                malloc_usable_size(distances), needed);
        errno = ENOMEM;
        return -1;
    }
    int result = original(handle, domid, vnodes, ranges, vcpus, range_list, distances, vcpu_to_vnode);
    return result && !range_list && errno == ENOBUFS ? 0 : result;
}
