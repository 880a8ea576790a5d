/// Whether a holder has anything to wait for.
public enum HolderNeed {
    /// False only where the kernel module moves memory and nothing of huge pages is mounted. A process that keeps something
    /// already never asks: it goes on.
    ///
    /// The holder's unit may open no device, so it is not the module that is asked.
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
