/* Marks for the profile of a run (profile.c): what a program is doing from here on. One instruction that does nothing,
   and that no compiler makes: the profile sees it being executed, on whichever processor. */
#ifndef LAB_MARK_H
#define LAB_MARK_H

/* WINDOW ends what has been counted together, and is nothing that is being done. */
enum phase { REST_PHASE, GIVE_PHASE, TAKE_PHASE, GROW_PHASE, FAULT_PHASE, MOVE_PHASE, PHASES, WINDOW = PHASES };

/* nopl `phase`, 'l', 'a', 'b' (%rax) */
#define MARK_BYTES 0x0f, 0x1f, 0x80
#define MARK_NAME "lab"
#define MARK_SIZE 7
#define MARK(phase) __asm__ volatile(".byte 0x0f, 0x1f, 0x80, %c0, 'l', 'a', 'b'" : : "i"(phase) : "memory")

#endif
