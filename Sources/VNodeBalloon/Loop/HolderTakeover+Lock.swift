extension HolderTakeover {
    /// ``run(state:complain:)`` with the locks of a writer, where no daemon has them. Otherwise another command could
    /// give pins to the old holder, and they would end with it.
    /// - Throws: the same; `.busy`: another command is at work.
    public static func runAlone(
        state: StateDirectory, complain: (BalloonError) -> Void
    ) throws(BalloonError) -> Int? {
        // Where nothing is kept, and no Xen may be, no lock is needed to say so.
        if StateDirectory.hasHolder(state.path) == false { return try run(state: state, complain: complain) }
        if try ControlClient(state: state.path) != nil { return try run(state: state, complain: complain) }
        try state.lock()
        let lock = try guestLock(state)
        defer { withExtendedLifetime(lock) {} }
        return try run(state: state, complain: complain)
    }

    /// nil: on a machine without Xen no memory moves.
    private static func guestLock(_ state: StateDirectory) throws(BalloonError) -> GuestLock? {
        let kind: GuestKind
        do throws(BalloonError) { kind = try GuestKind.current() } catch {
            guard error.code == .noXen else { throw error }
            return nil
        }
        return try GuestLock(kind, stateDirectory: state.path)
    }
}
