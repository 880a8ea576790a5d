internal import CBalloonShim

/// What this process may do beyond what files let user 0 do: capabilities(7).
package enum Privileges {
    /// What is still needed once all is open.
    package enum Need {
        /// Moving memory. Pipes of 256 KiB beyond what one user may have (fs.pipe-user-pages-soft: 32 GiB of balloons)
        /// and a holder's OOM score take CAP_SYS_RESOURCE. Frame numbers are shown to whoever opened pagemap with
        /// CAP_SYS_ADMIN, and privcmd, the pools and the module's open device ask for no capability.
        case moving
        /// The same with Linux's own balloon, which asks for CAP_SYS_ADMIN each time that it is told a size.
        case movingByKernel
        /// Keeping descriptors, or talking to a daemon.
        case nothing
    }

    /// Gives up all the rest, for ever.
    ///
    /// Only for the calling thread and those that it starts later: call it before anything starts one.
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
