/* Preloaded into xl so that it can build a PVH guest with vnuma=.
   libxl asks xc_domain_getvnuma for the sizes first, with no buffers, and expects 0; Xen answers ENOBUFS although it
   did fill in the sizes, and libxl gives up. Here that one answer becomes a success.
   Good for two vnodes only: with more, libxl's own table of distances is too small, and that is said. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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
