/* What Xen says of the host, in dom0, through Xen's own library: the judge of the product's host half.
   hostcount free              free pages of each physical node, on one line
   hostcount domain DOMID      its pages, and the most that it may have
   hostcount claimed           pages that are claimed by domains
   hostcount claim DOMID PAGES a claim (0: no more) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

static int show_free(xc_interface *xen)
{
    unsigned nodes = 64;
    xc_meminfo_t info[64];
    if (xc_numainfo(xen, &nodes, info, NULL))
        return -1;
    for (unsigned i = 0; i < nodes; i++)
        printf("%s%llu", i ? " " : "", (unsigned long long)info[i].memfree >> 12);
    printf("\n");
    return 0;
}

static int show_domain(xc_interface *xen, uint32_t domain)
{
    xc_domaininfo_t info;
    if (xc_domain_getinfolist(xen, domain, 1, &info) != 1 || info.domain != domain)
        return -1;
    printf("%lu %lu\n", (unsigned long)info.tot_pages, (unsigned long)info.max_pages);
    return 0;
}

static int show_claimed(xc_interface *xen)
{
    xc_physinfo_t info = {0};
    if (xc_physinfo(xen, &info))
        return -1;
    printf("%llu\n", (unsigned long long)info.outstanding_pages);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int result = 64;
    xc_interface *xen = xc_interface_open(NULL, NULL, 0);
    if (!xen) {
        perror("hostcount");
        return 1;
    }
    if (!strcmp(what, "free"))
        result = show_free(xen);
    else if (!strcmp(what, "claimed"))
        result = show_claimed(xen);
    else if (!strcmp(what, "domain") && argc == 3)
        result = show_domain(xen, (uint32_t)atoi(argv[2]));
    else if (!strcmp(what, "claim") && argc == 4)
        result = xc_domain_claim_pages(xen, (uint32_t)atoi(argv[2]), strtoul(argv[3], NULL, 10));
    if (result && result != 64)
        perror("hostcount");
    return result ? (result == 64 ? 64 : 1) : 0;
}
