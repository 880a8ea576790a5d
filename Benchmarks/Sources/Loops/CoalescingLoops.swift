internal import CLoops
internal import VNodeBalloon

// Frames to runs, runs to extents.
extension Loop {
    static func coalescing(frames: Int) -> [Loop] {
        let (huge, short) = (Words(Input.hugePages(frames: frames)), Words(Input.shortRuns(frames: frames)))
        return [
            runs("runs of 2 MiB", huge, goal: .above(1)), runs("runs of 1 to 8 frames", short),
            extents("extents in runs of 2 MiB", huge, goal: .above(1)),
            extents("extents in runs of 1 to 8 frames", short),
        ]
    }

    private static func runs(_ name: String, _ frames: Words, goal: Goal? = nil) -> Loop {
        Loop(name, size(frames.count), bytes: frames.count * 8, "frame", frames.count, goal: goal) {
            let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(frames.buffer))
            var (sum, start): (UInt64, Int) = (0, 0)
            while start < span.count {
                let run = FrameRun.at(start, in: span)
                sum = mix(sum, run.first ^ UInt64(run.count))
                start += run.count
            }
            return sum
        } c: {
            var (sum, start): (UInt64, Int) = (0, 0)
            while start < frames.count {
                let run = unsafe cl_run_at(start, frames.pointer, frames.count)
                sum = mix(sum, run.first ^ UInt64(run.count))
                start += run.count
            }
            return sum
        }
    }

    /// What may be given at once among frames in any order.
    private static func extents(_ name: String, _ frames: Words, goal: Goal? = nil) -> Loop {
        let list = ExtentList(frames.count / 512)
        return Loop(
            name, size(frames.count), bytes: frames.count * 8, "frame", frames.count, goal: goal, output: list.memory
        ) {
            list.swift.reset(order: ExtentBuffer.order)
            let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(frames.buffer))
            return mix(UInt64(list.swift.appendExtents(of: span)), UInt64(list.swift.count))
        } c: {
            list.resetC()
            let seen = unsafe cl_append_extents(&list.c, frames.pointer, frames.count)
            return unsafe mix(UInt64(seen), UInt64(list.c.count))
        }
    }
}
