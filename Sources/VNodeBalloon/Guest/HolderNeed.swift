/// Decides whether a holder can be needed at all.
public enum HolderNeed {
    /// False only where the kernel module moves memory and no hugetlbfs of ours is mounted. A holder that already keeps
    /// something does not ask: it keeps running.
    ///
    /// The holder's unit may not open devices, so this does not ask the module itself.
    public static func isThere(_ configuration: Configuration) -> Bool {
        guard [.auto, .module].contains(configuration.mover), (try? FileInfo(path: ModuleDevice.path, "")) != nil,
            let mounts = try? readFile("/proc/self/mountinfo")
        else { return true }
        return isThere(mounts, stateDirectory: configuration.stateDirectory)
    }

    static func isThere(_ mountinfo: [UInt8], stateDirectory: String) -> Bool {
        BalloonMount.hugetlbfs(of: mountinfo).contains(stateDirectory + "/pages")
    }
}
