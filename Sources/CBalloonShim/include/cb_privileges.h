// What this process may do: capabilities(7).
#ifndef CB_PRIVILEGES_H
#define CB_PRIVILEGES_H

#include <stdint.h>

/// Allows to exceed resource limits: pipes beyond a user's share, an OOM score below 0 (CAP_SYS_RESOURCE).
#define CB_CAPABILITY_RESOURCE 24
/// Allows much; needed here to write the target of Linux's own balloon (CAP_SYS_ADMIN).
#define CB_CAPABILITY_ADMIN 21

/// Drops, irrevocably, every capability of the calling thread that has no bit in `keep`: the effective, permitted,
/// inheritable and ambient ones; those of the bounding set if CAP_SETPCAP allows it; and, through PR_SET_NO_NEW_PRIVS,
/// those that a started program could gain. Threads that start later have no more than that.
int cb_capabilities_limit(uint64_t keep);

#endif
