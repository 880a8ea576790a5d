/* foreign DOMID GFN...: in dom0, maps single frames of another domain and keeps them, as a device's backend does. Writes a mark
   into each, prints `holding N`, and on SIGTERM `kept N`: how many still have their mark and were nobody else's meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/sys/privcmd.h>

#define PAGE 4096
/* In the middle of a page: its first word is the guest's (churn.c). */
#define MARK_AT 2048

int main(int argc, char **argv)
{
    int count = argc - 2, kept = 0, signal_number, errors[256];
    xen_pfn_t frames[256];
    sigset_t signals;
    if (count < 1 || count > 256)
        return 64;
    for (int i = 0; i < count; i++)
        frames[i] = strtoull(argv[i + 2], NULL, 10);
    int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    char *memory = mmap(NULL, (size_t)count * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    privcmd_mmapbatch_v2_t batch = {.num = (unsigned)count, .dom = (domid_t)atoi(argv[1]),
        .addr = (uintptr_t)memory, .arr = frames, .err = errors};
    if (fd < 0 || memory == MAP_FAILED || ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch)) {
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
