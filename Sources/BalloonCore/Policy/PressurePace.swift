/// When to read the nodes' memory again, so that no node runs out between two reads.
///
/// The kernel's own measure of pressure is stalls. Where there is nothing to reclaim a task does not stall: it gets
/// memory until there is none, and then the OOM killer runs. So the time to the next look is half of what the memory that
/// is available would last at the fastest rate that a node lost memory at lately.
public struct PressurePace: Sendable {
    /// One node, as it was found.
    public struct Look: Sendable {
        public var vnode: Int
        public var available: KiB
        /// What the guard keeps there.
        public var kept: KiB
        /// What the vnode's balloon has.
        public var balloon: KiB

        public init(vnode: Int, available: KiB, kept: KiB, balloon: KiB) {
            self.vnode = vnode
            self.available = available
            self.kept = kept
            self.balloon = balloon
        }
    }

    /// Any node may begin to lose memory at this rate, whatever it did before. KiB a second.
    public static let assumedRate: UInt64 = 128 * 1024
    /// How long a faster rate that was seen is reckoned with.
    static let memory: Interval = .seconds(60)
    public static let shortest: Interval = .milliseconds(20)
    public static let longest: Interval = .seconds(60)
    /// The most that the cost of a look makes of a pause, while a node has little.
    public static let longestWithLittle: Interval = .seconds(1)

    /// What a node had at the last look, and the fastest that it was seen to lose memory.
    private struct Course: Sendable {
        var total: KiB
        var time: Moment
        var rate: UInt64 = 0
        var rateTime: Moment = .zero
    }

    private var courses: [Int: Course] = [:]

    public init() {}

    /// Takes in a look at the nodes whose balloons could give way.
    /// - Parameters:
    ///   - cost: the time that the look took. A machine with many nodes and processors has a long /proc/zoneinfo:
    ///     looking takes half a thousandth of a processor at most while there is plenty, and half a hundredth when there is
    ///     little.
    /// - Returns: the time until the next look.
    public mutating func pause(after looks: [Look], cost: Interval, now: Moment) -> Interval {
        var pause = Self.longest
        var isPlenty = true
        for look in looks {
            let rate = max(Self.assumedRate, noteRate(look, now: now))
            // A second for each KiB of 4 TiB is within 64 bits.
            let lasts = Interval.seconds(min(look.available.count, 1 << 32)) / rate
            pause = min(pause, lasts / 2)
            if look.available / 4 < look.kept { isPlenty = false }
        }
        // Where memory is short a look may have waited for memory itself: that is no reason to stay away.
        let most = isPlenty ? Self.longest : Self.longestWithLittle
        let times: UInt64 = isPlenty ? 2000 : 200
        let least = cost > most / times ? most : cost * times
        return min(max(pause, Self.shortest, least), Self.longest)
    }

    /// - Returns: the fastest rate of the last minute, in KiB a second.
    private mutating func noteRate(_ look: Look, now: Moment) -> UInt64 {
        // What the balloon itself took is no loss of the guest's programs.
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
