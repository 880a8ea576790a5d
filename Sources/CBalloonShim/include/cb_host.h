// The calls by which the toolstack's domain asks Xen about all domains and the machine.
//
// The layouts are those that Xen 4.17 to 4.22 have in common, as structs of our own, because libxenctrl differs with
// each release. Only the version number in each request differs; `cb_host_open` finds it with requests that change
// nothing.
#ifndef CB_HOST_H
#define CB_HOST_H

#include <stdint.h>

#include "cb_privcmd.h"

struct cb_host {
    struct cb_xen xen;
    uint32_t domctl_version;
    uint32_t sysctl_version;
};

/// Bits of `cb_domain.flags` (XEN_DOMINF_*).
enum {
    CB_DOMAIN_DYING = 1 << 0,
    CB_DOMAIN_HVM = 1 << 1,
    CB_DOMAIN_SHUTDOWN = 1 << 2,
    CB_DOMAIN_PAUSED = 1 << 3,
    CB_DOMAIN_XENSTORE = 1 << 7,
};

/// The values of XEN_SYSCTL_getdomaininfolist that are needed. Pages are 4 KiB.
struct cb_domain {
    uint16_t domain;
    uint32_t flags;
    uint64_t pages;
    uint64_t max_pages;
    uint64_t claimed_pages;
    uint32_t vcpus;
    /// x86: which devices Xen emulates. A PV guest has none, a PVH guest the local APIC alone.
    uint32_t emulation;
    uint8_t handle[16];
};

/// Pages of the whole machine.
struct cb_machine {
    uint64_t total_pages;
    uint64_t free_pages;
    uint64_t scrub_pages;
    uint64_t claimed_pages;
};

/// Bytes of a physical node. `size` is its span, including holes.
struct cb_node {
    uint64_t size;
    uint64_t free;
};

/// -ENOENT: no Xen. -EPERM, -EACCES: this is not the toolstack's domain. -EPROTO: Xen accepts none of the known
/// versions, or two of its answers disagree, so this release has another layout.
int cb_host_open(struct cb_host *host, uint32_t timeout_ms);
void cb_host_close(struct cb_host *host);

/// Lists domains from the number `first` up, at most `capacity`. Returns how many. If the list is full, ask again for
/// the rest.
int cb_host_domains(struct cb_host *host, uint16_t first, struct cb_domain *out, uint32_t capacity);
int cb_host_machine(struct cb_host *host, struct cb_machine *out);
/// Lists the physical nodes. Returns how many.
int cb_host_nodes(struct cb_host *host, struct cb_node *out, uint32_t capacity);
/// XENMEM_get_vnumainfo of another domain. -EOPNOTSUPP: it has no virtual NUMA.
int cb_host_vnuma(struct cb_host *host, uint16_t domain, struct cb_vnuma *out);
/// XEN_DOMCTL_max_mem.
int cb_host_set_max(struct cb_host *host, uint16_t domain, uint64_t max_kib);
/// XENMEM_current_reservation and XENMEM_maximum_reservation of a domain, in pages.
int64_t cb_host_current(struct cb_host *host, uint16_t domain);
int64_t cb_host_maximum(struct cb_host *host, uint16_t domain);
/// Xen's own command line (XENVER_commandline). Returns its bytes.
int cb_host_command_line(struct cb_host *host, uint8_t *out, uint32_t capacity);

/// Presses one of Xen's debug keys (XEN_SYSCTL_debug_keys).
int cb_host_press(struct cb_host *host, char key);
/// Reads Xen's console from `*index` on, and advances `*index` (XEN_SYSCTL_readconsole). Returns the bytes; 0: the end.
/// Other readers of the console lose nothing.
int cb_host_console(struct cb_host *host, uint32_t *index, uint8_t *out, uint32_t capacity);

#endif
