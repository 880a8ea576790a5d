internal import CBalloonShim

/// The memory of this process: a daemon that waits for memory cannot give any back.
package enum OwnMemory {
    /// Heap that is there from the start. A step of a deflate has a fraction of it in use at once, whatever the size of the
    /// balloon.
    static let heapBytes: UInt64 = 256 << 10

    /// Keeps the kernel from choosing this process when it is out of memory, and gets the heap ready.
    /// - Throws: `.system`; it needs CAP_SYS_RESOURCE.
    package static func prepare() throws(BalloonError) {
        try check(cb_heap_reserve(heapBytes), "cannot set memory aside for later")
        try check(
            cb_set_oom_score(-1000),
            "cannot set the OOM score to -1000: the kernel may choose this process when it is out of memory")
    }

    /// Locks what there is now. Nothing of a hugetlbfs file may be mapped.
    /// - Throws: `.system`; it needs LimitMEMLOCK=infinity, CAP_SYS_RESOURCE or CAP_IPC_LOCK.
    package static func lock() throws(BalloonError) {
        try check(cb_memory_lock(), "cannot lock this process in memory; give it LimitMEMLOCK=infinity")
    }
}
