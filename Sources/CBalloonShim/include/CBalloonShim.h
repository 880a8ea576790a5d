// The only way to Xen, xenstore and the kernel interfaces that Swift cannot call by itself.
//
// Rules of this header: it uses only its own types, of fixed width; every call returns >= 0 or -errno; nothing is
// printed; the caller never has to free memory, except through a `_close` call.
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
