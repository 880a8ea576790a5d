extension HolderTakeover {
    /// ``run(state:complain:)`` with the locks of a writer, where no daemon has them: another command's pins would go with the
    /// old holder otherwise.
    /// - Throws: the same; `.busy`: another command is at work.
    public static func runAlone(
        state: StateDirectory, complain: (BalloonError) -> Void
    ) throws(BalloonError) -> Int? {
        if try ControlClient(state: state.path) != nil { return try run(state: state, complain: complain) }
        try state.lock()
        let lock = try GuestLock(try GuestKind.current(), stateDirectory: state.path)
        defer { withExtendedLifetime(lock) {} }
        return try run(state: state, complain: complain)
    }
}
