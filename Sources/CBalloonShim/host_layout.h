// Xen's layout of the toolstack's hypercalls (xen/public/domctl.h, sysctl.h, memory.h). Only host.c includes this, so
// that no type of Xen's crosses the shim's headers.
#ifndef HOST_LAYOUT_H
#define HOST_LAYOUT_H

#include <stdint.h>
#include <sys/ioctl.h>

struct call {
    uint64_t op;
    uint64_t arg[5];
};
#define DO_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct call))
enum { MEMORY_OP = 12, SYSCTL = 35, DOMCTL = 36 };

struct getdomaininfo {
    uint16_t domain;
    uint16_t pad1;
    uint32_t flags;
    uint64_t pages;
    uint64_t max_pages;
    uint64_t outstanding;
    uint64_t shared;
    uint64_t paged;
    uint64_t shared_info;
    uint64_t cpu_time;
    uint32_t online;
    uint32_t max_vcpu;
    uint32_t ssid;
    uint8_t handle[16];
    uint32_t pool;
    uint8_t gpa_bits;
    uint8_t pad2[7];
    uint32_t emulation;
    uint32_t misc;
};
_Static_assert(sizeof(struct getdomaininfo) == 112, "Xen's layout");

struct domctl {
    uint32_t cmd;
    uint32_t version;
    uint16_t domain;
    uint16_t pad[3];
    union {
        struct getdomaininfo info;
        uint64_t max_kib;
        uint8_t pad[128];
    } u;
};
_Static_assert(sizeof(struct domctl) == 144, "Xen's layout");
enum { DOMCTL_GETDOMAININFO = 5, DOMCTL_MAX_MEM = 11 };

struct sysctl {
    uint32_t cmd;
    uint32_t version;
    union {
        struct {
            uint32_t cpus[8];
            uint32_t arch_caps;
            uint32_t pad;
            uint64_t total;
            uint64_t free;
            uint64_t scrub;
            uint64_t outstanding;
        } machine;
        struct {
            uint32_t nodes;
            uint32_t pad;
            uint64_t meminfo;
            uint64_t distance;
        } numa;
        struct {
            uint16_t first;
            uint16_t pad;
            uint32_t most;
            uint64_t buffer;
            uint32_t found;
        } list;
        struct {
            uint64_t keys;
            uint32_t count;
        } keys;
        struct {
            uint8_t clear;
            uint8_t incremental;
            uint16_t pad;
            uint32_t index;
            uint64_t buffer;
            uint32_t count;
        } console;
        uint8_t pad[128];
    } u;
};
_Static_assert(sizeof(struct sysctl) == 136, "Xen's layout");
enum { SYSCTL_READCONSOLE = 1, SYSCTL_PHYSINFO = 3, SYSCTL_DOMAINS = 6, SYSCTL_DEBUG_KEYS = 7, SYSCTL_NUMAINFO = 17 };

struct vnumainfo {
    uint16_t domain;
    uint16_t pad;
    uint32_t vnodes;
    uint32_t vcpus;
    uint32_t ranges;
    uint64_t distances;
    uint64_t of_vcpus;
    uint64_t vmemranges;
};
_Static_assert(sizeof(struct vnumainfo) == 40, "Xen's layout");
struct vmemrange {
    uint64_t start;
    uint64_t end;
    uint32_t flags;
    uint32_t vnode;
};
enum { CURRENT_RESERVATION = 3, MAXIMUM_RESERVATION = 4, GET_VNUMAINFO = 26 };

#endif
