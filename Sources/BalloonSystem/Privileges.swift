internal import CBalloonShim

/// Drops capabilities(7): what this process may do beyond what file permissions allow user 0.
package enum Privileges {
    /// What the process still needs once everything is open.
    package enum Need {
        /// It moves memory. CAP_SYS_RESOURCE is needed for pipes of 256 KiB beyond one user's limit
        /// (fs.pipe-user-pages-soft: 32 GiB of balloons), and to set a holder's OOM score. No other capability is
        /// needed: pagemap shows frame numbers if it was opened with CAP_SYS_ADMIN, and privcmd, the pools and the
        /// module's open device check none.
        case moving
        /// It moves memory with Linux's own balloon, which needs CAP_SYS_ADMIN each time a target is written.
        case movingByKernel
        /// It keeps descriptors, or talks to a daemon.
        case nothing
    }

    /// Drops all other capabilities, irrevocably.
    ///
    /// This concerns only the calling thread and threads that it starts later. So it must be called before any is
    /// started.
    /// - Throws: `.system`.
    package static func limit(to need: Need) throws(BalloonError) {
        let kept: [Int32] =
            switch need {
            case .moving: [CB_CAPABILITY_RESOURCE]
            case .movingByKernel: [CB_CAPABILITY_RESOURCE, CB_CAPABILITY_ADMIN]
            case .nothing: []
            }
        let bits = kept.reduce(UInt64(0)) { $0 | 1 << UInt64($1) }
        try check(cb_capabilities_limit(bits), "cannot give up capabilities")
    }
}
