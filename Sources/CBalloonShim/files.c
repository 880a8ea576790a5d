#define _GNU_SOURCE
#include "cb_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define RETRY(call)                                                                                                   \
    ({                                                                                                                 \
        int64_t result_;                                                                                               \
        do result_ = (call);                                                                                           \
        while (result_ < 0 && errno == EINTR);                                                                         \
        result_ < 0 ? -errno : result_;                                                                                \
    })

int cb_file_open_at(int directory, const char *name, int32_t how) {
    static const int flags[] = {
        [CB_OPEN_READ] = O_RDONLY,
        [CB_OPEN_WRITE] = O_WRONLY,
        [CB_OPEN_READ_WRITE] = O_RDWR,
        [CB_OPEN_CREATE] = O_RDWR | O_CREAT,
        [CB_OPEN_DIRECTORY] = O_RDONLY | O_DIRECTORY,
    };
    if (how < 0 || how > CB_OPEN_DIRECTORY) return -EINVAL;
    return (int)RETRY(openat(directory, name, flags[how] | O_CLOEXEC | O_NOFOLLOW, 0600));
}

int cb_file_open(const char *path, int32_t how) { return cb_file_open_at(AT_FDCWD, path, how); }

int cb_file_close(int fd) { return close(fd) < 0 ? -errno : 0; }

int cb_file_rename(const char *from, const char *to) { return rename(from, to) < 0 ? -errno : 0; }

int cb_file_remove(const char *path) { return unlink(path) < 0 ? -errno : 0; }

int cb_directory_make(const char *path) {
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return 0;
    return -errno;
}

static int fill_info(int result, const struct stat *st, struct cb_file_info *out) {
    if (result < 0) return -errno;
    *out = (struct cb_file_info){
        .bytes = (uint64_t)st->st_size,
        .allocated_bytes = (uint64_t)st->st_blocks * 512,
        .device = st->st_dev,
        .inode = st->st_ino,
        .links = (uint32_t)st->st_nlink,
        .owner = st->st_uid,
        .mode = st->st_mode & 07777,
        .is_directory = S_ISDIR(st->st_mode),
    };
    return 0;
}

int cb_file_info(int fd, struct cb_file_info *out) {
    struct stat st;
    return fill_info(fstat(fd, &st), &st, out);
}

int cb_path_info(const char *path, struct cb_file_info *out) {
    struct stat st;
    return fill_info(stat(path, &st), &st, out);
}

int cb_entry_info(int directory, const char *name, struct cb_file_info *out) {
    struct stat st;
    return fill_info(fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW), &st, out);
}

int cb_directory_entries(int fd) {
    // A separate descriptor: closedir closes it, and the caller's read position does not change.
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return -errno;
    DIR *directory = fdopendir(copy);
    if (!directory) {
        int error = errno;
        close(copy);
        return -error;
    }
    int count = 0;
    for (struct dirent *entry; count < 2 && (entry = readdir(directory));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}

int64_t cb_directory_names(const char *path, void *into, size_t capacity) {
    DIR *directory = opendir(path);
    if (!directory) return -errno;
    size_t done = 0;
    int error = 0;
    while (!error) {
        // readdir returns NULL both at the end and on failure.
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (!entry) {
            error = errno;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        size_t bytes = strlen(entry->d_name) + 1;
        if (bytes > capacity - done) {
            error = ENOBUFS;
        } else {
            memcpy((char *)into + done, entry->d_name, bytes);
            done += bytes;
        }
    }
    closedir(directory);
    return error ? -error : (int64_t)done;
}

int64_t cb_file_read(int fd, uint64_t offset, void *into, size_t capacity) {
    size_t done = 0;
    while (done < capacity) {
        int64_t n = RETRY(pread(fd, (char *)into + done, capacity - done, (off_t)(offset + done)));
        if (n < 0) return n;
        if (n == 0) break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int64_t cb_file_write(int fd, uint64_t offset, const void *from, size_t bytes) {
    size_t done = 0;
    while (done < bytes) {
        int64_t n = RETRY(pwrite(fd, (const char *)from + done, bytes - done, (off_t)(offset + done)));
        if (n < 0) return n;
        if (n == 0) return -EIO;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int cb_file_punch(int fd, uint64_t offset, uint64_t bytes) {
    return (int)RETRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes));
}

int cb_file_sync(int fd) { return (int)RETRY(fsync(fd)); }

int cb_file_truncate(int fd, uint64_t bytes) { return (int)RETRY(ftruncate(fd, (off_t)bytes)); }

int64_t cb_read_path(const char *path, void *into, size_t capacity) {
    int fd = cb_file_open(path, CB_OPEN_READ);
    if (fd < 0) return fd;
    size_t done = 0;
    int64_t n = 1;
    while (done < capacity && (n = RETRY(read(fd, (char *)into + done, capacity - done))) > 0) done += (size_t)n;
    char beyond;
    if (n > 0) n = RETRY(read(fd, &beyond, 1)) > 0 ? -EFBIG : 0;
    close(fd);
    return n < 0 ? n : (int64_t)done;
}

int64_t cb_write_path(const char *path, const void *from, size_t bytes) {
    int fd = cb_file_open(path, CB_OPEN_WRITE);
    if (fd < 0) return fd;
    int64_t n = RETRY(write(fd, from, bytes));
    close(fd);
    return n;
}

int64_t cb_number_read(int fd) {
    char text[32];
    int64_t n = RETRY(pread(fd, text, sizeof text - 1, 0));
    if (n < 0) return n;
    text[n] = 0;
    if (text[0] < '0' || text[0] > '9') return -EINVAL;
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    return errno ? -EINVAL : number;
}

int64_t cb_number_write(int fd, uint64_t number) {
    char text[32];
    int length = snprintf(text, sizeof text, "%" PRIu64, number);
    return RETRY(pwrite(fd, text, (size_t)length, 0));
}

int cb_file_lock(int fd) { return (int)RETRY(flock(fd, LOCK_EX | LOCK_NB)); }

int cb_file_system(int fd, uint64_t *magic, uint64_t *block_bytes) {
    struct statfs fs;
    int error = (int)RETRY(fstatfs(fd, &fs));
    if (error) return error;
    *magic = (uint64_t)fs.f_type & 0xffffffffu;
    *block_bytes = (uint64_t)fs.f_bsize;
    return 0;
}

int cb_mount_hugetlbfs(const char *path) {
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return mount("vnode-balloon", path, "hugetlbfs", flags, "pagesize=2M,mode=0700") < 0 ? -errno : 0;
}

void cb_error_text(int32_t error, char *into, size_t capacity) {
    const char *name = strerrorname_np(error);
    snprintf(into, capacity, "%s: %s", name ? name : "error", strerrordesc_np(error) ? strerrordesc_np(error) : "unknown");
}

uint32_t cb_effective_user(void) { return geteuid(); }
