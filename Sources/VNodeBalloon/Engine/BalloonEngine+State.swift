import Logging

// What outlives a restart. Memory moves also where that cannot be written.
extension BalloonEngine {
    /// Forces sizes, by vnode, or releases them (nil), and keeps that over a restart, where it can be written.
    public func force(_ changes: [Int: KiB?]) {
        for (vnode, size) in changes {
            controller.setForced(size, vnode: vnode)
            unkept[vnode] = .some(size)
        }
        keepForced()
    }

    /// Writes down what could not be written before.
    func keepForced() {
        if unkept.isEmpty { return }
        do throws(BalloonError) {
            var forced = try state.forced()
            for (vnode, size) in unkept { forced[vnode] = size }
            try state.setForced(forced)
            (unkept, unkeptError) = ([:], nil)
            failures.succeeded(Self.notKept)
        } catch {
            unkeptError = error
            failures.log(log, Self.notKept, error, now: now)
        }
    }

    private static let notKept = "a forced size is not kept over a restart"

    /// What an administrator has to know of forced sizes, in a sentence.
    func forceError(isRunning: Bool) -> String? {
        guard let unkeptError else { return nil }
        let end = isRunning ? "it ends with the daemon, unless that can write it by then" : "it ends with this command"
        return "the forced size could not be written down, so \(end): \(unkeptError.description)"
    }

    func noteLegacyTargetAbsent() {
        do throws(BalloonError) { try state.noteLegacyTargetAbsent() } catch {
            failures.log(log, "cannot note that memory/target is absent", error, now: now)
        }
    }
}
