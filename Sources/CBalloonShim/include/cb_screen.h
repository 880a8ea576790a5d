// A terminal that shows something live, and files that grow by lines.
#ifndef CB_SCREEN_H
#define CB_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

/// How high the terminal is; 0 or -errno where it does not say.
int cb_terminal_rows(int fd);

/// Blocks the signals that end, stop and resize a program in a terminal, and returns a descriptor that delivers them.
int cb_screen_signals(void);
enum { CB_SIGQUIT = 3, CB_SIGTSTP = 20, CB_SIGWINCH = 28 };

/// Takes the terminal: keys come one at a time and are not shown, the cursor is hidden, and what was on the screen waits
/// until `cb_screen_leave`, which does nothing where it is not taken. A crash leaves it as well.
int cb_screen_enter(void);
void cb_screen_leave(void);
/// Stops this process as SIGTSTP does, until somebody continues it.
void cb_screen_stop(void);
/// A key of the terminal, once there is one: 1, 0 where there is none, -errno.
int cb_key(uint8_t *key);

/// Opens a file, or a named pipe, to write behind its end; makes it, mode 0644, where it is missing. Close-on-exec.
int cb_file_append(const char *path);
/// Another descriptor of the same output, close-on-exec.
int cb_duplicate(int fd);
bool cb_is_file(int fd);
/// Whether it is a pipe or a socket, whose reader may go.
bool cb_is_pipe(int fd);

#endif
