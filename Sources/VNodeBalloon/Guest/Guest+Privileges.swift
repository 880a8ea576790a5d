extension Guest {
    /// Gives up what this process needs no more now that everything is open: see ``Privileges``.
    /// - Throws: `.system`.
    func limitPrivileges() throws(BalloonError) {
        try Privileges.limit(to: mover is PrivcmdMover || mover is ModuleMover ? .moving : .movingByKernel)
    }
}
