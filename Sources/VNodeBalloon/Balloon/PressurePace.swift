/// When to read the nodes' memory again, so that no node runs out between two reads.
///
/// The kernel's own measure of pressure is stalls. Where there is nothing to reclaim a task does not stall: it gets
/// memory until there is none, and then the OOM killer runs. So the time to the next look is half of what the memory that
/// is available would last at the fastest rate that a node lost memory at lately.
public struct PressurePace: Sendable {
    /// One node, as it was found.
    public struct Look: Sendable {
        public var vnode: Int
        public var availableKiB: UInt64
        /// What the guard keeps there.
        public var keptKiB: UInt64
        /// What the vnode's balloon has.
        public var balloonKiB: UInt64

        public init(vnode: Int, availableKiB: UInt64, keptKiB: UInt64, balloonKiB: UInt64) {
            self.vnode = vnode
            self.availableKiB = availableKiB
            self.keptKiB = keptKiB
            self.balloonKiB = balloonKiB
        }
    }

    /// Any node may begin to lose memory at this rate, whatever it did before. KiB a second.
    public static let assumedRate: UInt64 = 128 * 1024
    /// How long a faster rate that was seen is reckoned with. Nanoseconds.
    static let memory: UInt64 = 60_000_000_000
    /// Nanoseconds.
    public static let shortest: UInt64 = 20_000_000
    public static let longest: UInt64 = 60_000_000_000
    /// The most that the cost of a look makes of a pause, while a node has little.
    public static let longestWithLittle: UInt64 = 1_000_000_000

    /// What a node had at the last look, and the fastest that it was seen to lose memory.
    private struct Course: Sendable {
        var totalKiB: UInt64
        var time: UInt64
        var rate: UInt64 = 0
        var rateTime: UInt64 = 0
    }

    private var courses: [Int: Course] = [:]

    public init() {}

    /// Takes in a look at the nodes whose balloons could give way.
    /// - Parameters:
    ///   - cost: nanoseconds that the look took. A machine with many nodes and processors has a long /proc/zoneinfo:
    ///     looking takes half a thousandth of a processor at most while there is plenty, and half a hundredth when there is
    ///     little.
    ///   - now: nanoseconds.
    /// - Returns: nanoseconds until the next look.
    public mutating func pause(after looks: [Look], cost: UInt64, now: UInt64) -> UInt64 {
        var pause = Self.longest
        var isPlenty = true
        for look in looks {
            let rate = max(Self.assumedRate, noteRate(look, now: now))
            // 4 TiB in KiB times a second in nanoseconds is within 64 bits.
            let lasts = min(look.availableKiB, 1 << 32) * 1_000_000_000 / rate
            pause = min(pause, lasts / 2)
            if look.availableKiB / 4 < look.keptKiB { isPlenty = false }
        }
        let (least, overflow) = cost.multipliedReportingOverflow(by: isPlenty ? 2000 : 200)
        // Where memory is short a look may have waited for memory itself: that is no reason to stay away.
        let most = isPlenty ? Self.longest : Self.longestWithLittle
        return min(max(pause, Self.shortest, min(overflow ? most : least, most)), Self.longest)
    }

    /// - Returns: the fastest rate of the last minute, in KiB a second.
    private mutating func noteRate(_ look: Look, now: UInt64) -> UInt64 {
        // What the balloon itself took is no loss of the guest's programs.
        let total = look.availableKiB + look.balloonKiB
        var course = courses[look.vnode] ?? Course(totalKiB: total, time: now)
        let passed = now - min(now, course.time)
        if passed >= Self.shortest / 2 {
            let lost = course.totalKiB - min(course.totalKiB, total)
            let rate = min(lost, 1 << 32) * 1_000_000_000 / passed
            if rate >= course.rate || now >= course.rateTime + Self.memory {
                (course.rate, course.rateTime) = (rate, now)
            }
            (course.totalKiB, course.time) = (total, now)
        }
        courses[look.vnode] = course
        return course.rate
    }
}
