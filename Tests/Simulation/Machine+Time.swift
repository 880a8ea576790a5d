import VNodeBalloon

// What takes the process time that it cannot cut short.
extension Machine {
    /// Hypercalls that move memory, and waits for a holder that is stopped.
    var excused: Interval { moving + waiting }

    /// The shortest time between two waits of a process for the same silent holder.
    private static let waitPause: Interval = .seconds(5)

    /// The process waited for a stopped holder in vain. One that does so again and again is deaf to all else.
    func waitForHolder(_ patience: Interval) {
        if let lastWait, clock < lastWait + Self.waitPause {
            violate("I13: a holder that was silent \((clock - lastWait).wholeMilliseconds) ms ago is waited for again")
        }
        clock += patience
        waiting += patience
        lastWait = clock
    }
}
