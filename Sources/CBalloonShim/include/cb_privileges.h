// What this process may do: capabilities(7).
#ifndef CB_PRIVILEGES_H
#define CB_PRIVILEGES_H

#include <stdint.h>

/// Resource limits: the sizes of pipes beyond a user's share, an OOM score below 0 (CAP_SYS_RESOURCE).
#define CB_CAPABILITY_RESOURCE 24
/// Much; here: Linux's own balloon (CAP_SYS_ADMIN).
#define CB_CAPABILITY_ADMIN 21

/// Gives up, for ever, every capability of the calling thread that has no bit in `keep`: the effective, permitted,
/// inheritable and ambient ones, those of the bounding set where CAP_SETPCAP is there to do it, and by
/// PR_SET_NO_NEW_PRIVS those that a program could gain by being started. Threads that start later have no more.
int cb_capabilities_limit(uint64_t keep);

#endif
