extension Guest {
    /// Drops the privileges that this process does not need once everything is open: see ``Privileges``.
    /// - Throws: `.system`.
    func limitPrivileges() throws(BalloonError) {
        try Privileges.limit(to: mover is PrivcmdMover || mover is ModuleMover ? .moving : .movingByKernel)
    }
}
