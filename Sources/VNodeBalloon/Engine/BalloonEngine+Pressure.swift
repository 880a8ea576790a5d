import Logging

// Reacts to memory pressure in the guest.
extension BalloonEngine {
    /// Reads the nodes' memory, and deflates the balloons on nodes that are short of it.
    /// - Parameter isTold: the kernel reported tasks that wait for memory.
    /// - Returns: the nodes whose balloons could give memory back, with what was read; nil: the nodes could not be
    ///   read.
    func answerPressure(isTold: Bool) -> [PressurePace.Look]? {
        let now = self.now
        guard let nodes = memoryFacts(now) else { return nil }
        for (vnode, memory) in nodes.sorted(by: { $0.key < $1.key }) {
            guard controller.press(vnode: vnode, memory: memory, isTold: isTold, now: now) else { continue }
            let kept = controller.options.guardRule.kept(on: memory)
            log.notice(
                "memory pressure: the balloon deflates",
                metadata: [
                    "vnode": "\(vnode)", "available_kib": "\(memory.available)", "kept_kib": "\(kept)",
                ])
        }
        return controller.looks(at: nodes)
    }
}
