#define _GNU_SOURCE
#include "cb_privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(CB_CAPABILITY_RESOURCE == CAP_SYS_RESOURCE, "the number in the header");
_Static_assert(CB_CAPABILITY_ADMIN == CAP_SYS_ADMIN, "the number in the header");

// The bounding set limits what a program that we start gets as root. Without CAP_SETPCAP we cannot limit it; then a
// service manager has limited it already, and no_new_privs does the rest.
static int limit_bounding_set(uint64_t keep) {
    for (int capability = 0; capability < 64; capability++) {
        int has = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (has < 0) break; // beyond the kernel's last one
        if (!has || (keep >> capability & 1)) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM) return -errno;
    }
    return 0;
}

int cb_capabilities_limit(uint64_t keep) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
    int error = limit_bounding_set(keep);
    if (error) return error;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) return -errno;
    for (int word = 0; word < 2; word++) {
        data[word].permitted &= (uint32_t)(keep >> (word * 32));
        data[word].effective = data[word].permitted;
        data[word].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}
