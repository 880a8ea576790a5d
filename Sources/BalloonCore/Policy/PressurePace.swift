/// Decides when to read the nodes' memory again, so that no node runs out between two reads.
///
/// The kernel measures pressure by stalls. Where there is nothing to reclaim, no task stalls: tasks get memory until
/// there is none, and then the OOM killer runs. So the next read comes after half of the time for which the available
/// memory would last. That time is reckoned with the fastest rate at which a node recently lost memory.
public struct PressurePace: Sendable {
    /// What was read of one node.
    public struct Look: Sendable {
        public var vnode: Int
        public var available: KiB
        /// How much the guard keeps there.
        public var kept: KiB
        /// The size of the vnode's balloon.
        public var balloon: KiB

        public init(vnode: Int, available: KiB, kept: KiB, balloon: KiB) {
            self.vnode = vnode
            self.available = available
            self.kept = kept
            self.balloon = balloon
        }
    }

    /// Any node may begin to lose memory at this rate, whatever it did before, in KiB a second.
    public static let assumedRate: UInt64 = 128 * 1024
    /// For how long a faster rate that was measured counts.
    static let memory: Interval = .seconds(60)
    public static let shortest: Interval = .milliseconds(20)
    public static let longest: Interval = .seconds(60)
    /// The longest pause that the cost of a read may cause while a node has little memory.
    public static let longestWithLittle: Interval = .seconds(1)

    /// How much a node had at the last read, and the fastest rate at which it lost memory.
    private struct Course: Sendable {
        var total: KiB
        var time: Moment
        var rate: UInt64 = 0
        var rateTime: Moment = .zero
    }

    private var courses: [Int: Course] = [:]

    public init() {}

    /// Takes in what was read of the nodes whose balloons could give memory back.
    /// - Parameters:
    ///   - cost: the time that the read took. A machine with many nodes and processors has a long /proc/zoneinfo.
    ///     Reading takes at most half a thousandth of a processor while there is plenty of memory, and half a hundredth
    ///     while there is little.
    /// - Returns: the time until the next read.
    public mutating func pause(after looks: [Look], cost: Interval, now: Moment) -> Interval {
        var pause = Self.longest
        var isPlenty = true
        for look in looks {
            let rate = max(Self.assumedRate, noteRate(look, now: now))
            // The KiB of 4 TiB, taken as seconds, fit into 64 bits.
            let lasts = Interval.seconds(min(look.available.count, 1 << 32)) / rate
            pause = min(pause, lasts / 2)
            if look.available / 4 < look.kept { isPlenty = false }
        }
        // Where memory is short the read itself may have waited for memory. That must not make the pause longer.
        let most = isPlenty ? Self.longest : Self.longestWithLittle
        let times: UInt64 = isPlenty ? 2000 : 200
        let least = cost > most / times ? most : cost * times
        return min(max(pause, Self.shortest, least), Self.longest)
    }

    /// - Returns: the fastest rate of the last minute, in KiB a second.
    private mutating func noteRate(_ look: Look, now: Moment) -> UInt64 {
        // Memory that the balloon took was not lost to the guest's programs.
        let total = look.available + look.balloon
        var course = courses[look.vnode] ?? Course(total: total, time: now)
        let passed = course.time.until(now)
        if passed >= Self.shortest / 2 {
            let lost = course.total.less(total)
            let rate: UInt64 = .seconds(min(lost.count, 1 << 32)) / passed
            if rate >= course.rate || now >= course.rateTime + Self.memory {
                (course.rate, course.rateTime) = (rate, now)
            }
            (course.total, course.time) = (total, now)
        }
        courses[look.vnode] = course
        return course.rate
    }
}
