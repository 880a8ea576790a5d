/// How much memory this domain has, and how much Xen lets it have.
public protocol DomainFigures: AnyObject {
    /// Memory of this domain in frames (XENMEM_current_reservation).
    func currentReservation() throws(BalloonError) -> Frames
    /// The most memory it may have, in frames (XENMEM_maximum_reservation).
    func maximumReservation() throws(BalloonError) -> Frames
    /// How long the domain was suspended. Makes no hypercall and no system call, so it is cheap enough to be called
    /// before each of them.
    func suspension() -> Suspension
    /// Whether Xen has memory behind a guest frame (HVMOP_get_mem_type).
    /// - Throws: where no process of this guest can ask Xen.
    func isMemory(_ gfn: UInt64) throws(BalloonError) -> Bool
}

extension DomainFigures {
    public func isMemory(_ gfn: UInt64) throws(BalloonError) -> Bool {
        throw BalloonError(.privcmdLocked, "the kernel does not let this guest ask Xen about a frame")
    }
}

extension Hypervisor {
    public func isMemory(_ gfn: UInt64) throws(BalloonError) -> Bool { try memoryType(of: gfn).isRAM }
}

/// The figures of a PV guest whose kernel lets no process ask Xen (XSA-482). In a PV guest Linux's own count equals
/// Xen's.
final class KernelFigures: DomainFigures {
    private let balloon: KernelBalloon
    private let staticMax: KiB?

    /// - Parameter staticMax: xenstore's memory/static-max, the best known value for the maximum.
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
