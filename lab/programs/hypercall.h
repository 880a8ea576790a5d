/* Memory hypercalls of the test programs. Written apart from the product on purpose: what judges must not share code
   with what is judged. */
#ifndef LAB_HYPERCALL_H
#define LAB_HYPERCALL_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <xen/xen.h>
#include <xen/memory.h>
#include <xen/hvm/hvm_op.h>
#include <xen/sys/privcmd.h>

enum { HYPERCALL_BUFFER_SIZE = 1 << 20, ARGUMENT_OFFSET = 0, LIST_OFFSET = 65536 };

static int privcmd_fd = -1;
static char *hypercall_buffer;

/* Opens privcmd and maps a buffer that the kernel keeps resident: Xen reads hypercall arguments from there. */
static inline void hypercall_open(void)
{
    privcmd_fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    int buffer_fd = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
    if (privcmd_fd < 0 || buffer_fd < 0) {
        perror("cannot open /dev/xen/privcmd or /dev/xen/hypercall");
        exit(2);
    }
    hypercall_buffer = mmap(NULL, HYPERCALL_BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, buffer_fd, 0);
    if (hypercall_buffer == MAP_FAILED) {
        perror("cannot map /dev/xen/hypercall");
        exit(2);
    }
}

/* Does one hypercall; returns its result, or -errno. */
static inline long hypercall(unsigned number, unsigned operation, void *argument)
{
    privcmd_hypercall_t call = { .op = number, .arg = { operation, (uintptr_t)argument } };
    long result = ioctl(privcmd_fd, IOCTL_PRIVCMD_HYPERCALL, &call);
    return result < 0 ? -errno : result;
}

/* Pages that this domain holds now, as Xen counts them. */
static inline long current_reservation(void)
{
    domid_t *domain = (void *)(hypercall_buffer + ARGUMENT_OFFSET);
    *domain = DOMID_SELF;
    return hypercall(__HYPERVISOR_memory_op, XENMEM_current_reservation, domain);
}

#endif
