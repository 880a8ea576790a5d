internal import CLoops
internal import VNodeBalloon

// Work that is not done for each frame or extent. It is shown so that one sees when it gets slow.
extension Loop {
    /// Targets as a toolstack writes them. One in 16 is invalid.
    static func parsing() -> Loop {
        var random = Input(seed: 7)
        let texts = (0..<1024).map { index in
            Array((index % 16 == 15 ? "12x4" : String(random.next() % (1 << 34))).utf8)
        }
        let targets = texts.map { TargetText(untrusted: $0) }
        let bytes = Array(texts.joined())
        return Loop("parsing a target", "1024 texts", "text", texts.count) {
            targets.reduce(0) { mix($0, $1.size?.count ?? .max) }
        } c: {
            var (sum, start): (UInt64, Int) = (0, 0)
            for text in texts {
                var number = UInt64.max
                let isNumber = unsafe bytes.withUnsafeBufferPointer {
                    unsafe cl_decimal($0.baseAddress! + start, text.count, &number)
                }
                sum = mix(sum, isNumber ? number : .max)
                start += text.count
            }
            return sum
        }
    }

    /// A controller with two vnodes that inflate and deflate. It decides each step and gets its outcome.
    static func stepping() -> Loop {
        let vnodes = (0..<2).map { VNode(number: $0, linuxNode: $0, size: .gib(1)) }
        var controller = BalloonController(vnodes: vnodes, granularity: .mib(2))
        var facts = BalloonController.Facts()
        facts.memory = [:]
        for vnode in 0..<2 {
            facts.memory?[vnode] = NodeMemory(managed: .gib(1), free: .mib(512), available: .mib(512))
        }
        var (now, isUp, balloons) = (Moment.zero, false, [Frames](repeating: .zero, count: 2))
        return Loop("a step of the controller", "256 steps", "step", 256) {
            var moved: UInt64 = 0
            for _ in 0..<256 {
                now += .nanoseconds(1)
                switch controller.next(facts, now: now) {
                case .wait:
                    isUp.toggle()
                    for vnode in 0..<2 { controller.setRequest(.size(isUp ? .mib(256) : .zero), vnode: vnode) }
                case .act(let action):
                    switch action {
                    case .inflate(let vnode, let extents): balloons[vnode] += KiB.mib(2 * UInt64(extents)).wholeFrames
                    case .deflate(let vnode, let extents): balloons[vnode] -= KiB.mib(2 * UInt64(extents)).wholeFrames
                    }
                    controller.finish(action, Outcome(balloonFrames: balloons[action.vnode]), now: now)
                    moved += 1
                }
            }
            return moved
        }
    }
}
