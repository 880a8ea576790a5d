extension HolderTakeover {
    /// Runs ``run(state:complain:)`` with a writer's locks, unless a daemon has them. Without the locks another command
    /// could give pins to the old holder, and those would end with it.
    /// - Throws: what ``run(state:complain:)`` throws; `.busy`: another command is at work.
    public static func runAlone(
        state: StateDirectory, complain: (BalloonError) -> Void
    ) throws(BalloonError) -> Int? {
        // Without a holder nothing is kept. To say so needs no lock, and works without Xen.
        if StateDirectory.hasHolder(state.path) == false { return try run(state: state, complain: complain) }
        if try ControlClient(state: state.path) != nil { return try run(state: state, complain: complain) }
        try state.lock()
        let lock = try guestLock(state)
        defer { withExtendedLifetime(lock) {} }
        return try run(state: state, complain: complain)
    }

    /// nil on a machine without Xen, where no memory moves.
    private static func guestLock(_ state: StateDirectory) throws(BalloonError) -> GuestLock? {
        let kind: GuestKind
        do throws(BalloonError) { kind = try GuestKind.current() } catch {
            guard error.code == .noXen else { throw error }
            return nil
        }
        return try GuestLock(kind, stateDirectory: state.path)
    }
}
