internal import CBalloonShim

/// poll(2).
package enum Poll {
    /// Waits until one of the descriptors is readable or closed, or the time is over (-1: no limit, 0: do not wait).
    /// - Returns: the indexes of the descriptors that are.
    /// - Throws: `.system`.
    package static func wait(_ descriptors: [Int32], timeoutMilliseconds: Int32) throws(BalloonError) -> [Int] {
        try wait(descriptors, writing: [], urgent: nil, timeoutMilliseconds: timeoutMilliseconds).readable
    }

    /// Whether a socket's other end was closed.
    package static func isHungUp(_ descriptor: Int32) -> Bool {
        var ready: UInt8 = 0
        // Unsafe: lists of one.
        let result = unsafe cb_poll([descriptor], [0], &ready, 1, 0)
        return result > 0 && ready & 4 != 0
    }

    /// The result of a wait: indexes of descriptors.
    package struct Ready {
        package var readable: [Int] = []
        package var writable: [Int] = []
        /// The urgent descriptor has an event.
        package var isUrgent = false
    }

    /// Also waits for room to write at the indexes in `writing`, and for an urgent event of one more descriptor.
    package static func wait(
        _ descriptors: [Int32], writing: [Int], urgent: Int32?, timeoutMilliseconds: Int32
    ) throws(BalloonError) -> Ready {
        let all = descriptors + (urgent.map { [$0] } ?? [])
        var wants = [UInt8](repeating: 0, count: all.count)
        for index in writing { wants[index] = UInt8(CB_POLL_WRITE) }
        if urgent != nil { wants[all.count - 1] = UInt8(CB_POLL_URGENT_ONLY) }
        var flags = [UInt8](repeating: 0, count: all.count)
        // Unsafe: three lists of the same length, which is passed along.
        let result = unsafe cb_poll(all, wants, &flags, UInt32(all.count), timeoutMilliseconds)
        try check(result, "cannot wait for events (poll)")
        return Ready(
            readable: descriptors.indices.filter { flags[$0] & 1 != 0 },
            writable: descriptors.indices.filter { flags[$0] & 2 != 0 },
            isUrgent: urgent != nil && flags[all.count - 1] & 1 != 0)
    }
}
