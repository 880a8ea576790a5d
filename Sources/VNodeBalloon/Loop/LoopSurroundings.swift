/// The events that the daemon's loop waits for, and what it asks of its process. A simulation provides its own.
package protocol LoopEvents: AnyObject {
    /// Waits until something happens, at most until `due` (of the loop's clock).
    /// - Throws: `.system`.
    func wait(until due: Moment, now: Moment, _ interest: LoopInterest) throws(BalloonError) -> LoopHappenings
}

/// Descriptors that the loop waits for, besides its own events.
package struct LoopInterest {
    package var store: Int32
    /// Readable when the holder has ended.
    package var holder: Int32?
    /// Readable when a balloon's size changed without us.
    package var balloons: Int32?
    /// Has an urgent event when the kernel reports memory pressure.
    package var pressure: Int32?
    /// The clients of the control socket, and the indices of those that wait for room to write.
    package var clients: [Int32] = []
    package var writing: [Int] = []
}

/// The events that ended a wait.
package struct LoopHappenings {
    package enum Signal: Sendable { case stop, reload }

    package var signals: [Signal] = []
    package var isAlarm = false
    package var isStore = false
    package var isHolder = false
    package var isBalloons = false
    package var isPressure = false
    /// Something happened to the balloons' files.
    package var isFiles = false
    /// A program wrote the size of a pool of 2 MiB pages. We may have been that program.
    package var isPools = false
    /// Clients of the control socket that are ready.
    package var clients: Set<Int32> = []

    package init() {}
}

/// The process that the loop runs in.
package protocol LoopProcess {
    /// How long the service manager's watchdog waits for a sign of the loop; nil: forever.
    var patience: Interval? { get }
    /// Sends a message to the service manager, where there is one.
    func notify(_ text: String)
    /// Locks the process's present memory.
    func lockMemory() throws(BalloonError)
}
