/// What Xen lets this domain have, and what it has.
public protocol DomainFigures: AnyObject {
    /// Memory of this domain in frames (XENMEM_current_reservation).
    func currentReservation() throws(BalloonError) -> Frames
    /// What it may have at most, in frames (XENMEM_maximum_reservation).
    func maximumReservation() throws(BalloonError) -> Frames
    /// How long the domain was suspended. Neither a hypercall nor any system call: cheap enough to be asked before each.
    func suspension() -> Suspension
    /// Whether Xen has memory behind a guest frame (HVMOP_get_mem_type).
    /// - Throws: where Xen cannot be asked.
    func isMemory(_ gfn: UInt64) throws(BalloonError) -> Bool
}

extension DomainFigures {
    public func isMemory(_ gfn: UInt64) throws(BalloonError) -> Bool {
        throw BalloonError(.privcmdLocked, "the kernel lets nobody ask Xen about a frame")
    }
}

extension Hypervisor {
    public func isMemory(_ gfn: UInt64) throws(BalloonError) -> Bool { try memoryType(of: gfn).isRAM }
}

/// The figures of a PV guest whose kernel lets nobody ask Xen (XSA-482). There Linux's own count is Xen's.
final class KernelFigures: DomainFigures {
    private let balloon: KernelBalloon
    private let staticMax: KiB?

    /// - Parameter staticMax: xenstore's memory/static-max: as much as can be known of the maximum.
    init(_ balloon: KernelBalloon, staticMax: KiB?) {
        self.balloon = balloon
        self.staticMax = staticMax
    }

    func currentReservation() throws(BalloonError) -> Frames { try balloon.read().current.wholeFrames }

    func maximumReservation() throws(BalloonError) -> Frames {
        let reading = try balloon.read()
        return (staticMax ?? reading.current + reading.balloon).wholeFrames
    }

    func suspension() -> Suspension { .now() }
}
