// The one door to Xen, xenstore and the kernel interfaces that Swift cannot call by itself.
//
// Rules of this header: own types of fixed width only; every call returns >= 0 or -errno; nothing is printed;
// no memory is handed over that the caller would have to free, but for what a `_close` call takes back.
#ifndef CBALLOONSHIM_H
#define CBALLOONSHIM_H

#include "cb_events.h"
#include "cb_files.h"
#include "cb_host.h"
#include "cb_memory.h"
#include "cb_module.h"
#include "cb_pages.h"
#include "cb_privcmd.h"
#include "cb_privileges.h"
#include "cb_process.h"
#include "cb_screen.h"
#include "cb_store.h"
#include "cb_watch.h"

#endif
