/* What Xen says of the host, in dom0, through Xen's own library: the judge of the product's host half.
   hostcount free              free pages of each physical node, on one line
   hostcount domain DOMID      its pages, and the most that it may have
   hostcount claimed           pages that are claimed by domains
   hostcount claim DOMID PAGES a claim (0: no more)
   hostcount until PNODE PAGES COMMAND...
                               runs the command, and looks each five milliseconds, for a minute after its end at most, until
                               the physical node has PAGES free (PNODE `all`: the host). Prints `written TIME`,
                               `freed TIME` and `ended TIME`: nanoseconds of dom0's clock, right before the command, when
                               so much was free, and when the command had ended. What it says goes to standard error; its
                               exit code is this program's */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>

static unsigned long long monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec;
}

/* Free pages of a physical node; -1: of all. */
static long long free_pages(xc_interface *xen, int pnode)
{
    unsigned nodes = 64;
    xc_meminfo_t info[64];
    if (xc_numainfo(xen, &nodes, info, NULL)) {
        perror("numainfo");
        exit(1);
    }
    long long pages = 0;
    for (unsigned i = 0; i < nodes; i++)
        if (pnode < 0 || (unsigned)pnode == i)
            pages += (long long)(info[i].memfree >> 12);
    return pages;
}

static int until(xc_interface *xen, int pnode, long long pages, char **command)
{
    unsigned long long freed = 0, ended = 0, written = monotonic();
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    if (child < 0)
        return -1;
    while (!freed || !ended) {
        if (!freed && free_pages(xen, pnode) >= pages)
            freed = monotonic();
        if (!ended && waitpid(child, &status, WNOHANG) == child)
            ended = monotonic();
        if (ended && !freed && monotonic() > ended + 60000000000u) {
            fprintf(stderr, "%lld pages did not come free\n", pages);
            exit(1);
        }
        usleep(5000);
    }
    printf("written %llu\nfreed %llu\nended %llu\n", written, freed, ended);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

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
    else if (!strcmp(what, "until") && argc > 4)
        result = until(xen, strcmp(argv[2], "all") ? atoi(argv[2]) : -1, atoll(argv[3]), argv + 4);
    if (result && result != 64)
        perror("hostcount");
    return result ? (result == 64 ? 64 : 1) : 0;
}
