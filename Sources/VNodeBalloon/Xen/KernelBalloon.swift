internal import Glibc

/// Linux's own balloon, through sysfs (/sys/devices/system/xen_memory/xen_memory0).
///
/// It is told a size for all of the guest and moves there by itself, 4 KiB frame by frame, on any node. When it
/// cannot, it tries again a few times, then gives up without an error until the size it is told changes.
public struct KernelBalloon {
    public static let systemDirectory = "/sys/devices/system/xen_memory/xen_memory0"

    /// What it says of itself.
    public struct Reading: Equatable, Sendable {
        /// What the guest has, by its own count (info/current_kb). In a PV guest exactly Xen's count.
        public var current: KiB
        /// What it was told to have (target_kb).
        public var target: KiB
        /// What it has given to Xen, the hole of a guest that was started below its maximum included
        /// (info/low_kb + info/high_kb; in a PV guest at least what is missing of all its memory).
        public var balloon: KiB
        /// 1 while all is well and after it gave up; more while it tries again (retry_count).
        public var retryCount: UInt64

        public init(current: KiB, target: KiB, balloon: KiB, retryCount: UInt64) {
            self.current = current
            self.target = target
            self.balloon = balloon
            self.retryCount = retryCount
        }
    }

    // Open from the start: taking memory back must need no descriptor.
    private let current, target, low, high, retries, targetToWrite: ProcFile
    private let all: KiB?

    /// - Parameter all: all memory that a PV guest can have (memory/static-max). Newer kernels (6.12) do not count the
    ///   hole from boot as theirs: both files say 0, and only the difference shows it. In other guests the firmware's
    ///   pages are in the difference, too, and the files do count the hole: nil.
    /// - Throws: `.unsupportedGuest` where the kernel has no balloon (CONFIG_XEN_BALLOON).
    public init(directory: String = systemDirectory, all: KiB? = nil) throws(BalloonError) {
        self.all = all
        current = ProcFile(directory + "/info/current_kb")
        target = ProcFile(directory + "/target_kb")
        low = ProcFile(directory + "/info/low_kb")
        high = ProcFile(directory + "/info/high_kb")
        retries = ProcFile(directory + "/retry_count")
        targetToWrite = ProcFile(directory + "/target_kb", .write)
        try targetToWrite.openNow()
        do throws(BalloonError) {
            _ = try read()
        } catch {
            guard error.errno == ENOENT else { throw error }
            throw BalloonError(
                .unsupportedGuest,
                "Linux's own balloon is not there (\(directory)); the kernel needs CONFIG_XEN_BALLOON",
                errno: error.errno)
        }
    }

    /// - Throws: `.system`.
    public func read() throws(BalloonError) -> Reading {
        let (has, counted) = (try size(current), try size(low) + size(high))
        let missing = (all ?? .zero).less(has)
        return Reading(
            current: has, target: try size(target), balloon: max(counted, missing),
            retryCount: UInt64(try retries.readNumber()))
    }

    /// Tells it what the guest shall have (target_kb). It wakes only when the size changes.
    /// - Throws: `.system`.
    public func setTarget(_ size: KiB) throws(BalloonError) { try targetToWrite.writeNumber(Int(size.count)) }

    private func size(_ file: ProcFile) throws(BalloonError) -> KiB { KiB(UInt64(try file.readNumber())) }
}
