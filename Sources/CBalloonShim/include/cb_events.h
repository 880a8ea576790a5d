// The events that the one thread waits for, the sockets that it uses, and the service manager.
#ifndef CB_EVENTS_H
#define CB_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Blocks SIGTERM, SIGINT and SIGHUP and returns a descriptor that delivers them. SIGPIPE is ignored.
/// Call it before anything starts a thread.
int cb_signal_descriptor(void);
/// The next signal's number, or 0.
int cb_signal_next(int fd);
enum { CB_SIGHUP = 1, CB_SIGINT = 2, CB_SIGTERM = 15 };

/// A timer on CLOCK_MONOTONIC. `cb_timer_set` fires once after this many nanoseconds; 0 disarms it.
int cb_timer_descriptor(void);
int cb_timer_set(int fd, uint64_t nanoseconds);
/// Reads an expiry, so that the descriptor is not readable any more.
int cb_timer_clear(int fd);

/// poll(2): waits until one of `count` descriptors is ready, at most `timeout_ms` (-1: no limit).
/// `wants[i]`: CB_POLL_WRITE asks for room to write, too; CB_POLL_URGENT_ONLY for an urgent event (POLLPRI) and nothing
/// else. `ready[i]`: bit 0 readable, closed or urgent, bit 1 writable, bit 2 the other end is gone.
/// Returns how many are ready. EINTR counts as none.
#define CB_POLL_MAX 512
enum { CB_POLL_WRITE = 1, CB_POLL_URGENT_ONLY = 2 };
int cb_poll(const int32_t *fds, const uint8_t *wants, uint8_t *ready, uint32_t count, int32_t timeout_ms);

/// Makes the kernel watch /proc/pressure/memory ("some 150000 1000000": 150 ms of a second, in us). The descriptor has
/// an urgent event each time. -EOPNOTSUPP: pressure is not measured. -EPERM: it needs CAP_SYS_RESOURCE.
int cb_pressure_open(const char *trigger);

/// Nanoseconds of CLOCK_MONOTONIC, and CLOCK_BOOTTIME minus CLOCK_MONOTONIC (time spent suspended).
uint64_t cb_clock_monotonic(void);
uint64_t cb_clock_suspended(void);
/// Seconds of the wall clock.
int64_t cb_clock_real_seconds(void);
void cb_sleep(uint64_t nanoseconds);

/// A Unix stream socket, close-on-exec. `cb_socket_listen` replaces a stale socket file and gives it mode 0600.
int cb_socket_listen(const char *path, uint32_t backlog);
/// -EAGAIN: the other end did not accept within this time, because it is stopped and its backlog is full.
int cb_socket_connect(const char *path, uint32_t milliseconds);
/// Accepts one connection, non-blocking; -EAGAIN: there is none.
int cb_socket_accept(int fd);
/// Whether the other end is open and has sent nothing: 1 or 0.
int cb_socket_is_open(int fd);
/// The user and process at the other end.
int cb_socket_peer(int fd, uint32_t *user, int32_t *process);
/// recv and send without a signal. They return the bytes, 0 at the end, -EAGAIN when they would block.
int64_t cb_socket_receive(int fd, void *into, size_t capacity);
int64_t cb_socket_send(int fd, const void *from, size_t bytes);
/// Sends or receives a message with at most one descriptor. -1: none. -EMFILE: one was sent, but this process may open
/// no more files, so the kernel has closed it.
int64_t cb_socket_send_descriptor(int fd, const void *from, size_t bytes, int32_t descriptor);
int64_t cb_socket_receive_descriptor(int fd, void *into, size_t capacity, int32_t *descriptor);
int cb_socket_timeout(int fd, uint32_t timeout_ms);

/// sd_notify without its library: sends `state` to $NOTIFY_SOCKET, with a descriptor (-1: none). 0: there is no such
/// socket; 1: it was sent; -EAGAIN: it would have to wait and may not.
int cb_notify(const char *state, int32_t descriptor, bool may_wait);
/// Sends one datagram to the socket at `path`, all of it or nothing, and never waits. -ENOENT, -ECONNREFUSED: there is no
/// such socket, or nobody at it; -EAGAIN: its queue is full; -EMSGSIZE: it is too long.
int64_t cb_send_datagram(const char *path, const void *from, size_t bytes);
/// sd_listen_fds_with_names without its library: returns how many descriptors the service manager passed, from
/// CB_FIRST_STORED up, and makes them close-on-exec. `names` gets their names, with colons between them. A second call
/// returns 0.
#define CB_FIRST_STORED 3
int cb_stored_descriptors(char *names, size_t capacity);

/// Starts this program again, as `balloonctl COMMAND OPTION VALUE`, in a session of its own, with no descriptor but
/// /dev/null as 0 to 2 and without our service manager's socket. init reaps it.
int cb_spawn_self(const char *command, const char *option, const char *value);
bool cb_is_terminal(int fd);
/// The terminal's width in columns; 0: not known.
int cb_terminal_columns(int fd);
/// Seconds since midnight, in this machine's time zone.
int64_t cb_time_of_day(void);
/// Whether an environment variable is set and not empty.
bool cb_has_environment(const char *name);
/// How often the service manager wants a sign of life, in microseconds (sd_watchdog_enabled(3)); 0: never.
uint64_t cb_watchdog_microseconds(void);
/// Whether fd goes to systemd's journal, which reads a priority in front of each line (sd-daemon(3)).
bool cb_is_journal(int fd);
/// Writes as much as a pipe takes without blocking. -EAGAIN: nothing, because the reader does not read.
int64_t cb_write_now(int fd, const void *from, size_t bytes);
/// Writes all of it.
int64_t cb_write_all(int fd, const void *from, size_t bytes);

#endif
