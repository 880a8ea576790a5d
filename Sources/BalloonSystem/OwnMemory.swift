internal import CBalloonShim

/// Prepares this process's own memory: a daemon that waits for memory cannot give any back.
package enum OwnMemory {
    /// How much heap is reserved at the start. A step of a deflate uses only a fraction of it at once, whatever the
    /// size of the balloon.
    static let heapBytes: UInt64 = 256 << 10

    /// Keeps the OOM killer from choosing this process, and reserves the heap.
    /// - Throws: `.system`; it needs CAP_SYS_RESOURCE.
    package static func prepare() throws(BalloonError) {
        try check(cb_heap_reserve(heapBytes), "cannot set memory aside for later")
        try check(
            cb_set_oom_score(-1000),
            "cannot set the OOM score to -1000: the kernel may choose this process when it is out of memory")
    }

    /// Locks the present memory. No part of a hugetlbfs file may be mapped then.
    /// - Throws: `.system`; it needs LimitMEMLOCK=infinity, CAP_SYS_RESOURCE or CAP_IPC_LOCK.
    package static func lock() throws(BalloonError) {
        try check(cb_memory_lock(), "cannot lock this process in memory; give it LimitMEMLOCK=infinity")
    }
}
