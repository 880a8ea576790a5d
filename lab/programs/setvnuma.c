/* setvnuma DOMID MIB...: gives a running domain a virtual NUMA layout, as a toolstack could that builds PV guests with one;
   libxl refuses vnuma= for them. Vnode n has so many MiB, behind those of the vnode before it, and physical node n modulo 2. */
#include <stdio.h>
#include <stdlib.h>
#include <xenctrl.h>

#define MOST 8

int main(int argc, char **argv)
{
    unsigned count = (unsigned)argc - 2, distances[MOST * MOST], of_node[MOST];
    xen_vmemrange_t ranges[MOST];
    xc_domaininfo_t info;
    if (argc < 3 || count > MOST)
        return 64;
    uint32_t domid = (uint32_t)atoi(argv[1]);
    xc_interface *xen = xc_interface_open(NULL, NULL, 0);
    if (!xen || xc_domain_getinfolist(xen, domid, 1, &info) != 1 || info.domain != domid) {
        perror("setvnuma: no such domain");
        return 1;
    }
    uint64_t end = 0;
    for (unsigned node = 0; node < count; node++) {
        ranges[node] = (xen_vmemrange_t){.start = end, .nid = node};
        end += strtoull(argv[node + 2], NULL, 10) << 20;
        ranges[node].end = end;
        of_node[node] = node % 2;
        for (unsigned other = 0; other < count; other++)
            distances[node * count + other] = node == other ? 10 : 20;
    }
    unsigned vcpus = info.max_vcpu_id + 1, *of_vcpu = calloc(vcpus, sizeof *of_vcpu);
    for (unsigned vcpu = 0; of_vcpu && vcpu < vcpus; vcpu++)
        of_vcpu[vcpu] = vcpu % count;
    if (!of_vcpu || xc_domain_setvnuma(xen, domid, count, count, vcpus, ranges, distances, of_vcpu, of_node)) {
        perror("setvnuma");
        return 1;
    }
    return 0;
}
