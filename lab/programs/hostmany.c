/* Many domains in Xen without a guest in them: no memory, never run. For dom0.
   hostmany make COUNT VNODES   makes them, each with so many vnodes of 1 GiB; prints `DOMID UUID` of each
   hostmany destroy             destroys those that it has made */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#define MOST 8

/* The first bytes of the handles of what is made here. */
static const xen_domain_handle_t MARK = {0x4d, 0x41, 0x4e, 0x59};

static int give_vnuma(xc_interface *xen, uint32_t domid, unsigned count)
{
    unsigned distances[MOST * MOST], of_node[MOST], of_vcpu[MOST];
    xen_vmemrange_t ranges[MOST];
    for (unsigned node = 0; node < count; node++) {
        ranges[node] = (xen_vmemrange_t){.start = (uint64_t)node << 30, .end = (uint64_t)(node + 1) << 30, .nid = node};
        of_node[node] = node % 2;
        of_vcpu[node] = node;
        for (unsigned other = 0; other < count; other++)
            distances[node * count + other] = node == other ? 10 : 20;
    }
    return xc_domain_setvnuma(xen, domid, count, count, count, ranges, distances, of_vcpu, of_node);
}

static int make(xc_interface *xen, unsigned number, unsigned vnodes)
{
    struct xen_domctl_createdomain config = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = vnodes,
        .max_evtchn_port = 1023,
        .max_grant_frames = 4,
        .max_maptrack_frames = 0,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
        .arch = {.emulation_flags = XEN_X86_EMU_LAPIC},
    };
    uint32_t domid = 0;
    memcpy(config.handle, MARK, sizeof config.handle);
    config.handle[14] = (uint8_t)(number >> 8);
    config.handle[15] = (uint8_t)number;
    if (xc_domain_create(xen, &domid, &config) || give_vnuma(xen, domid, vnodes)) {
        perror("hostmany: a domain");
        return 1;
    }
    printf("%u ", domid);
    for (unsigned byte = 0; byte < sizeof config.handle; byte++)
        printf("%s%02x", byte == 4 || byte == 6 || byte == 8 || byte == 10 ? "-" : "", config.handle[byte]);
    printf("\n");
    return 0;
}

static int destroy(xc_interface *xen)
{
    static xc_domaininfo_t info[1024];
    int count = xc_domain_getinfolist(xen, 1, 1024, info), failed = count < 0;
    for (int index = 0; index < count; index++)
        if (!memcmp(info[index].handle, MARK, 4) && xc_domain_destroy(xen, info[index].domain))
            failed = 1;
    return failed;
}

int main(int argc, char **argv)
{
    xc_interface *xen = xc_interface_open(NULL, NULL, 0);
    if (!xen) {
        perror("hostmany");
        return 1;
    }
    if (argc == 2 && !strcmp(argv[1], "destroy"))
        return destroy(xen);
    unsigned vnodes = argc == 4 ? (unsigned)atoi(argv[3]) : 0;
    if (vnodes < 1 || vnodes > MOST || strcmp(argv[1], "make"))
        return 64;
    for (unsigned number = 0; number < (unsigned)atoi(argv[2]); number++)
        if (make(xen, number, vnodes))
            return 1;
    return 0;
}
