/* maxmem DOMID KIB: the most memory that Xen lets a domain have, and nothing else. `xl mem-max` would also want a new
   memory/target. Below what the domain has it is allowed: it then gets no more. */
#include <stdio.h>
#include <stdlib.h>
#include <xenctrl.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    xc_interface *xen = xc_interface_open(NULL, NULL, 0);
    if (!xen || xc_domain_setmaxmem(xen, (uint32_t)atoi(argv[1]), strtoull(argv[2], NULL, 10))) {
        perror("maxmem");
        return 1;
    }
    return 0;
}
