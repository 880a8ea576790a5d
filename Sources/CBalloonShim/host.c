#define _GNU_SOURCE
#include "cb_host.h"
#include "host_layout.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The buffer has the request in its first page and lists after it.
enum { LIST = 4096, BUFFER = 256 << 10, MOST_VCPUS = 8192 };

static uint64_t at(const struct cb_host *host, uint32_t offset) { return (uint64_t)(uintptr_t)host->xen.buffer + offset; }

static int64_t call(const struct cb_host *host, uint64_t op, uint64_t first, uint64_t second) {
    struct call request = {.op = op, .arg = {first, second}};
    int64_t done = syscall(SYS_ioctl, host->xen.privcmd, DO_HYPERCALL, &request);
    return done < 0 ? -errno : done;
}

static int64_t do_domctl(const struct cb_host *host, struct domctl *in, uint32_t cmd, uint16_t domain) {
    in->cmd = cmd;
    in->version = host->domctl_version;
    in->domain = domain;
    memcpy(host->xen.buffer, in, sizeof *in);
    int64_t done = call(host, DOMCTL, at(host, 0), 0);
    memcpy(in, host->xen.buffer, sizeof *in);
    return done;
}

static int64_t do_sysctl(const struct cb_host *host, struct sysctl *in, uint32_t cmd) {
    in->cmd = cmd;
    in->version = host->sysctl_version;
    memcpy(host->xen.buffer, in, sizeof *in);
    int64_t done = call(host, SYSCTL, at(host, 0), 0);
    memcpy(in, host->xen.buffer, sizeof *in);
    return done;
}

static int64_t reservation(const struct cb_host *host, uint32_t op, uint16_t domain) {
    memcpy(host->xen.buffer, &domain, sizeof domain);
    return call(host, MEMORY_OP, op, at(host, 0));
}

int64_t cb_host_current(struct cb_host *host, uint16_t domain) { return reservation(host, CURRENT_RESERVATION, domain); }
int64_t cb_host_maximum(struct cb_host *host, uint16_t domain) { return reservation(host, MAXIMUM_RESERVATION, domain); }

// Xen checks the version before anything else, and returns EACCES for a version that is not its own.
static int find_versions(struct cb_host *host) {
    int64_t error = -EACCES;
    for (host->domctl_version = 0x14; host->domctl_version <= 0x18; host->domctl_version++) {
        struct domctl request = {0};
        error = do_domctl(host, &request, DOMCTL_GETDOMAININFO, 0);
        if (error != -EACCES) break;
    }
    if (error < 0) return error == -EACCES ? -EPROTO : (int)error;
    for (host->sysctl_version = 0x14; host->sysctl_version <= 0x16; host->sysctl_version++) {
        struct sysctl request = {0};
        error = do_sysctl(host, &request, SYSCTL_PHYSINFO);
        if (error != -EACCES) break;
    }
    return error == -EACCES ? -EPROTO : (int)error;
}

// Checks the layout that we assume against the stable interface: both must report the same sizes of this domain. The
// sizes may change between the two calls, so it tries several times.
static int check_layout(struct cb_host *host) {
    for (int tries = 0; tries < 8; tries++) {
        int64_t pages = cb_host_current(host, 0), most = cb_host_maximum(host, 0);
        struct domctl request = {0};
        int64_t error = do_domctl(host, &request, DOMCTL_GETDOMAININFO, 0);
        if (error < 0) return (int)error;
        const struct getdomaininfo *info = &request.u.info;
        // Compared as signed numbers: Xen's limit UINT_MAX for dom0 is the same in both then.
        if ((int64_t)info->pages == pages && ((int64_t)info->max_pages == most || most < 0)) return 0;
    }
    return -EPROTO;
}

int cb_host_open(struct cb_host *host, uint32_t timeout_ms) {
    int error = cb_xen_open(&host->xen, (BUFFER - LIST) / sizeof(uint64_t), timeout_ms);
    if (error < 0) return error;
    error = find_versions(host);
    if (error >= 0) error = check_layout(host);
    if (error < 0) cb_host_close(host);
    return error < 0 ? error : 0;
}

void cb_host_close(struct cb_host *host) { cb_xen_close(&host->xen); }

int cb_host_domains(struct cb_host *host, uint16_t first, struct cb_domain *out, uint32_t capacity) {
    uint32_t room = (BUFFER - LIST) / sizeof(struct getdomaininfo);
    if (capacity > room) capacity = room;
    struct sysctl request = {.u.list = {.first = first, .most = capacity, .buffer = at(host, LIST)}};
    int64_t error = do_sysctl(host, &request, SYSCTL_DOMAINS);
    if (error < 0) return (int)error;
    if (request.u.list.found > capacity) return -EPROTO;
    for (uint32_t i = 0; i < request.u.list.found; i++) {
        struct getdomaininfo info;
        memcpy(&info, host->xen.buffer + LIST + i * sizeof info, sizeof info);
        out[i] = (struct cb_domain){
            .domain = info.domain,
            .flags = info.flags,
            .pages = info.pages,
            .max_pages = info.max_pages,
            .claimed_pages = info.outstanding,
            .vcpus = info.max_vcpu + 1,
            .emulation = info.emulation,
        };
        memcpy(out[i].handle, info.handle, sizeof info.handle);
    }
    return (int)request.u.list.found;
}

int cb_host_machine(struct cb_host *host, struct cb_machine *out) {
    struct sysctl request = {0};
    int64_t error = do_sysctl(host, &request, SYSCTL_PHYSINFO);
    if (error < 0) return (int)error;
    *out = (struct cb_machine){
        .total_pages = request.u.machine.total,
        .free_pages = request.u.machine.free,
        .scrub_pages = request.u.machine.scrub,
        .claimed_pages = request.u.machine.outstanding,
    };
    return 0;
}

int cb_host_nodes(struct cb_host *host, struct cb_node *out, uint32_t capacity) {
    // Without a buffer for distances Xen leaves them out.
    struct sysctl request = {.u.numa = {.nodes = capacity, .meminfo = at(host, LIST)}};
    int64_t error = do_sysctl(host, &request, SYSCTL_NUMAINFO);
    if (error < 0) return (int)error;
    if (request.u.numa.nodes > capacity) return -EOVERFLOW;
    memcpy(out, host->xen.buffer + LIST, request.u.numa.nodes * sizeof *out);
    return (int)request.u.numa.nodes;
}

int cb_host_vnuma(struct cb_host *host, uint16_t domain, struct cb_vnuma *out) {
    uint32_t distances = LIST, of_vcpus = distances + CB_MAX_VNODES * CB_MAX_VNODES * 4;
    uint32_t ranges = of_vcpus + MOST_VCPUS * 4;
    struct vnumainfo request = {
        .domain = domain,
        .vnodes = CB_MAX_VNODES,
        .vcpus = MOST_VCPUS,
        .ranges = CB_MAX_VMEMRANGES,
        .distances = at(host, distances),
        .of_vcpus = at(host, of_vcpus),
        .vmemranges = at(host, ranges),
    };
    memcpy(host->xen.buffer, &request, sizeof request);
    int64_t error = call(host, MEMORY_OP, GET_VNUMAINFO, at(host, 0));
    memcpy(&request, host->xen.buffer, sizeof request);
    if (error == -ENOBUFS) return -EOVERFLOW;
    if (error < 0) return (int)error;
    if (request.vnodes > CB_MAX_VNODES || request.ranges > CB_MAX_VMEMRANGES) return -EOVERFLOW;
    out->nr_vnodes = request.vnodes;
    out->nr_vmemranges = request.ranges;
    for (uint32_t i = 0; i < request.ranges; i++) {
        struct vmemrange range;
        memcpy(&range, host->xen.buffer + ranges + i * sizeof range, sizeof range);
        out->vmemranges[i] = cb_vmemrange_of_bytes(range.start, range.end, range.vnode);
    }
    return 0;
}

int cb_host_set_max(struct cb_host *host, uint16_t domain, uint64_t max_kib) {
    struct domctl request = {.u.max_kib = max_kib};
    return (int)do_domctl(host, &request, DOMCTL_MAX_MEM, domain);
}

int cb_host_command_line(struct cb_host *host, uint8_t *out, uint32_t capacity) {
    enum { XEN_VERSION = 17, COMMAND_LINE = 9, LENGTH = 1024 };
    memset(host->xen.buffer, 0, LENGTH);
    int64_t error = call(host, XEN_VERSION, COMMAND_LINE, at(host, 0));
    if (error < 0) return (int)error;
    uint32_t length = (uint32_t)strnlen((char *)host->xen.buffer, LENGTH);
    if (length > capacity) length = capacity;
    memcpy(out, host->xen.buffer, length);
    return (int)length;
}

int cb_host_press(struct cb_host *host, char key) {
    memcpy(host->xen.buffer + LIST, &key, 1);
    struct sysctl request = {.u.keys = {.keys = at(host, LIST), .count = 1}};
    int64_t error = do_sysctl(host, &request, SYSCTL_DEBUG_KEYS);
    return error < 0 ? (int)error : 0;
}

int cb_host_console(struct cb_host *host, uint32_t *index, uint8_t *out, uint32_t capacity) {
    if (capacity > BUFFER - LIST) capacity = BUFFER - LIST;
    struct sysctl request = {
        .u.console = {.incremental = 1, .index = *index, .buffer = at(host, LIST), .count = capacity}};
    int64_t error = do_sysctl(host, &request, SYSCTL_READCONSOLE);
    if (error < 0) return (int)error;
    if (request.u.console.count > capacity) return -EPROTO;
    memcpy(out, host->xen.buffer + LIST, request.u.console.count);
    *index = request.u.console.index;
    return (int)request.u.console.count;
}
