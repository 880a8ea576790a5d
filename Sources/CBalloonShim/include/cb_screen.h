// A terminal that shows a live picture, and files that grow by lines.
#ifndef CB_SCREEN_H
#define CB_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

/// The terminal's height in rows; 0 or -errno: not known.
int cb_terminal_rows(int fd);

/// Blocks the signals that end, stop and resize a program in a terminal, and returns a descriptor that delivers them.
int cb_screen_signals(void);
enum { CB_SIGQUIT = 3, CB_SIGTSTP = 20, CB_SIGWINCH = 28 };

/// Takes over the terminal: keys arrive one at a time without echo, the cursor is hidden, and `cb_screen_leave` brings
/// the former screen back. That does nothing if the terminal was not taken over. A crash calls it, too.
int cb_screen_enter(void);
void cb_screen_leave(void);
/// Stops this process as SIGTSTP does, until it is continued.
void cb_screen_stop(void);
/// Reads a key of the terminal without waiting. Returns 1; 0: there is none; or -errno.
int cb_key(uint8_t *key);

/// Opens a file or a named pipe for appending, close-on-exec. A missing file is made with mode 0644.
int cb_file_append(const char *path);
/// Another descriptor of the same output, close-on-exec.
int cb_duplicate(int fd);
bool cb_is_file(int fd);
/// Whether it is a pipe or a socket, whose reader may close it.
bool cb_is_pipe(int fd);

#endif
