internal import CBalloonShim

/// poll(2).
enum Poll {
    /// Waits until one of the descriptors is readable or closed, at most so long (-1: for ever, 0: not at all).
    /// - Returns: the indexes of those that are.
    /// - Throws: `.system`.
    static func wait(_ descriptors: [Int32], timeoutMilliseconds: Int32) throws(BalloonError) -> [Int] {
        try wait(descriptors, writing: [], timeoutMilliseconds: timeoutMilliseconds).readable
    }

    /// Whether a socket's other end is gone for good.
    static func isHungUp(_ descriptor: Int32) -> Bool {
        var ready: UInt8 = 0
        // Unsafe: lists of one.
        let result = unsafe cb_poll([descriptor], [false], &ready, 1, 0)
        return result > 0 && ready & 4 != 0
    }

    /// Waits for room to write, too, at the indexes in `writing`.
    static func wait(
        _ descriptors: [Int32], writing: [Int], timeoutMilliseconds: Int32
    ) throws(BalloonError) -> (readable: [Int], writable: [Int]) {
        var wantsWrite = [Bool](repeating: false, count: descriptors.count)
        for index in writing { wantsWrite[index] = true }
        var ready = [UInt8](repeating: 0, count: descriptors.count)
        // Unsafe: three lists of the same length, which is passed along.
        let result = unsafe cb_poll(descriptors, wantsWrite, &ready, UInt32(descriptors.count), timeoutMilliseconds)
        try check(result, "cannot wait for events (poll)")
        return (ready.indices.filter { ready[$0] & 1 != 0 }, ready.indices.filter { ready[$0] & 2 != 0 })
    }
}
