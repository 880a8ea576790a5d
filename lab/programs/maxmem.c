/* maxmem DOMID [KIB]: sets the most memory that Xen lets a domain have, and nothing else; without KIB it prints it.
   `xl mem-max` would also want a new memory/target. Below what the domain has it is allowed: it then gets no more. */
#include <stdio.h>
#include <stdlib.h>
#include <xenctrl.h>

static int show(xc_interface *xen, uint32_t domain)
{
    xc_domaininfo_t info;
    if (xc_domain_getinfolist(xen, domain, 1, &info) != 1 || info.domain != domain)
        return -1;
    printf("%lu\n", (unsigned long)info.max_pages * 4);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3)
        return 64;
    uint32_t domain = (uint32_t)atoi(argv[1]);
    xc_interface *xen = xc_interface_open(NULL, NULL, 0);
    if (!xen || (argc == 2 ? show(xen, domain) : xc_domain_setmaxmem(xen, domain, strtoull(argv[2], NULL, 10)))) {
        perror("maxmem");
        return 1;
    }
    return 0;
}
