/* foreign DOMID GFN..., foreign DOMID grants REF...: in dom0, maps single frames of another domain, or what it has granted, and
   keeps them, as a device's backend does. Writes a mark into each, prints `holding N`, and on SIGTERM `kept N`: how many still have their mark and were nobody else's meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>

#define PAGE 4096
/* In the middle of a page: its first word is the guest's (churn.c). */
#define MARK_AT 2048

enum { MOST = 256 };

static char *map_frames(domid_t domain, xen_pfn_t *frames, int count)
{
    int errors[MOST];
    int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    char *memory = mmap(NULL, (size_t)count * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    privcmd_mmapbatch_v2_t batch = {.num = (unsigned)count, .dom = domain, .addr = (uintptr_t)memory, .arr = frames, .err = errors};
    if (fd < 0 || memory == MAP_FAILED || ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch))
        return NULL;
    return memory;
}

static char *map_grants(domid_t domain, const xen_pfn_t *references, int count)
{
    static union {
        struct ioctl_gntdev_map_grant_ref head;
        char room[sizeof(struct ioctl_gntdev_map_grant_ref) + MOST * sizeof(struct ioctl_gntdev_grant_ref)];
    } map;
    struct ioctl_gntdev_grant_ref *refs = (void *)(map.room + offsetof(struct ioctl_gntdev_map_grant_ref, refs));
    int fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
    map.head.count = (unsigned)count;
    for (int i = 0; i < count; i++)
        refs[i] = (struct ioctl_gntdev_grant_ref){.domid = domain, .ref = (uint32_t)references[i]};
    if (fd < 0 || ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &map.head))
        return NULL;
    char *memory = mmap(NULL, (size_t)count * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.head.index);
    return memory == MAP_FAILED ? NULL : memory;
}

int main(int argc, char **argv)
{
    int granted = argc > 2 && !strcmp(argv[2], "grants"), first = 2 + granted;
    int count = argc - first, kept = 0, signal_number;
    xen_pfn_t frames[MOST];
    sigset_t signals;
    if (count < 1 || count > MOST)
        return 64;
    for (int i = 0; i < count; i++)
        frames[i] = strtoull(argv[i + first], NULL, 10);
    domid_t domain = (domid_t)atoi(argv[1]);
    char *memory = granted ? map_grants(domain, frames, count) : map_frames(domain, frames, count);
    if (!memory) {
        perror("foreign");
        return 1;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    for (int i = 0; i < count; i++)
        *(volatile uint64_t *)(memory + i * PAGE + MARK_AT) = frames[i] ^ 0x5a5a5a5a5a5a5a5a;
    printf("holding %d\n", count);
    fflush(stdout);
    sigwait(&signals, &signal_number);
    for (int i = 0; i < count; i++)
        kept += *(volatile uint64_t *)(memory + i * PAGE + MARK_AT) == (frames[i] ^ 0x5a5a5a5a5a5a5a5a);
    printf("kept %d\n", kept);
    return 0;
}
