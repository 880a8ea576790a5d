// Files, mounts and namespaces: plain system calls that return descriptors or -errno.
#ifndef CB_FILES_H
#define CB_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How `cb_file_open` opens a file. All are close-on-exec and follow no symbolic link in the last component.
enum {
    CB_OPEN_READ = 0,
    CB_OPEN_WRITE = 1,
    CB_OPEN_READ_WRITE = 2,
    /// Read and write; a missing file is made with mode 0600.
    CB_OPEN_CREATE = 3,
    CB_OPEN_DIRECTORY = 4,
};

int cb_file_open(const char *path, int32_t how);
/// Opens a file below an open directory.
int cb_file_open_at(int directory, const char *name, int32_t how);
int cb_file_close(int fd);
int cb_file_rename(const char *from, const char *to);
int cb_file_remove(const char *path);
/// Makes one directory with mode 0700. 0: it existed already.
int cb_directory_make(const char *path);

/// The values of stat(2) that callers need. `allocated_bytes` counts only allocated pages (st_blocks).
struct cb_file_info {
    uint64_t bytes;
    uint64_t allocated_bytes;
    uint64_t device;
    uint64_t inode;
    uint32_t links;
    uint32_t owner;
    uint32_t mode;
    bool is_directory;
};
int cb_file_info(int fd, struct cb_file_info *out);
/// The values of a path. Symbolic links are followed, as the namespace files below /proc need.
int cb_path_info(const char *path, struct cb_file_info *out);
/// The values of a name in an open directory. A symbolic link is not followed. -ENOENT: there is none.
int cb_entry_info(int directory, const char *name, struct cb_file_info *out);
/// The number of entries in an open directory, without . and .. (at most 2 are counted).
int cb_directory_entries(int fd);
/// The names in a directory without . and .., each followed by a NUL, in no particular order. Returns their bytes;
/// -ENOBUFS: `capacity` is too small.
int64_t cb_directory_names(const char *path, void *into, size_t capacity);

/// Reads from `offset` until `capacity` or the end. Returns the bytes read.
int64_t cb_file_read(int fd, uint64_t offset, void *into, size_t capacity);
/// Writes all of it at `offset`.
int64_t cb_file_write(int fd, uint64_t offset, const void *from, size_t bytes);
int cb_file_truncate(int fd, uint64_t bytes);
/// fsync(2).
int cb_file_sync(int fd);
/// Frees the pages of a part of a file. The file has a hole there afterwards (FALLOC_FL_PUNCH_HOLE).
int cb_file_punch(int fd, uint64_t offset, uint64_t bytes);

/// Reads a whole small file by its path (sysfs, /proc). Returns the bytes read; -EFBIG: it does not fit.
int64_t cb_read_path(const char *path, void *into, size_t capacity);
/// Writes to an existing path with one write(2), as sysfs requires.
int64_t cb_write_path(const char *path, const void *from, size_t bytes);

/// Reads the decimal number at the start of an open file of sysfs, with one read from its beginning: the kernel then
/// produces its text anew. -EINVAL: the file does not begin with a number, or it is out of range.
int64_t cb_number_read(int fd);
/// Writes a decimal number at the start with one write, as sysfs requires. Returns the bytes written.
int64_t cb_number_write(int fd, uint64_t number);

/// flock(2), exclusive, without waiting. -EWOULDBLOCK: another process has the lock.
int cb_file_lock(int fd);

/// The magic number and block size of the file system behind a descriptor (statfs).
int cb_file_system(int fd, uint64_t *magic, uint64_t *block_bytes);
#define CB_HUGETLBFS_MAGIC 0x958458f6u
/// Mounts a hugetlbfs of 2 MiB pages, mode 0700, without set-user-id, devices and programs.
int cb_mount_hugetlbfs(const char *path);

/// Writes "EPERM: Operation not permitted", cut to `capacity` and ended with a NUL.
void cb_error_text(int32_t error, char *into, size_t capacity);

uint32_t cb_effective_user(void);

#endif
