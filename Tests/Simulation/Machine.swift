public import BalloonCore
import VNodeBalloon

/// A simulated host with one guest: what Xen and the guest's kernel keep, whatever happens to the balloon's process.
///
/// The rules are those of Xen and Linux, as read in their source. Whatever would corrupt the guest, or lose memory, is
/// noted in ``violations``.
public final class Machine {
    public let layout: Layout

    /// What programs have of a vnode's memory, beside all else.
    public var taken: [Int: KiB] = [:]

    // Xen.
    var frames: GuestFrames
    /// Free memory of each physical node, in frames.
    public internal(set) var hostFree: [UInt64]
    /// Whether a physical node has no free 2 MiB left in one piece.
    public var isFragmented: [Bool]
    /// Own frames in the map, by physical node.
    var mapped: [UInt64]
    /// Own frames without a guest frame number: lost until the domain ends.
    var leaked: [UInt64]
    /// Own frames that left the map while others use them: charged until these let go.
    var zombies: [UInt64]
    public var maximumReservation: UInt64 = 0
    /// Guest frames that others have mapped, too.
    public var referenced: Set<UInt64> = []
    /// The domain is being migrated: RAM reads as type 1.
    public var isLogDirty = false {
        didSet { if isLogDirty != oldValue { unsent = [] } }
    }
    /// What was populated since: Xen's log does not have it.
    var unsent: Set<UInt64> = []
    /// What other domains took of it, and all that there is.
    var hostTaken: [UInt64]
    var hostTotal: [UInt64]

    // The guest's kernel.
    var uses: [Use]
    var nodes: [Node]

    /// Blocks that somebody else freed while they were holes: Linux believes to have memory there.
    var lost: Set<Int> = []
    /// Those of them whose numbers no process knows any more.
    var forgotten: Set<Int> = []
    /// Blocks that came to us from Linux, and that Xen was not asked about since.
    var unprobed: Set<Int> = []
    /// The sum of all memory in the intent record.
    var notedTotal: UInt64?

    /// Blocks of which the kernel found a frame to be broken: it maps them for nobody any more.
    var poisoned: Set<Int> = []

    // Descriptors, and what keeps some of them over the end of the process.
    package let holder = SimulatedHolder()
    var lastDescriptor = Machine.firstDescriptor
    var files: [Int32: OpenFile] = [:]
    var pipes: [Int32: Pipe] = [:]
    /// Which pipe a write end is of.
    var writeEnds: [Int32: Int32] = [:]
    /// Blocks that left their file while they were pinned.
    var limbo: Set<Int> = []
    /// The guest's next boot begins with all of its memory.
    var isRebooting = false
    var boots = 0
    /// Pages left a file that no process knows of any more.
    public internal(set) var isRebootDue = false

    /// Frames that Linux's own balloon has.
    var kernelGiven: [UInt64] = []

    // What happens.
    public internal(set) var violations: [String] = []
    /// What goes wrong at which step.
    public var plan: [Int: Fault] = [:]
    public private(set) var steps = 0
    /// How often Xen was asked about a frame: 23 us each on a real machine.
    public internal(set) var probes = 0
    /// A migration in the middle of asking about frames.
    public var migrationAtProbe: (probe: Int, returned: Returned)?
    /// Xen refuses this question.
    public var refusedProbe: Int?
    /// The names of all steps, where they are wanted.
    public private(set) var trace: [String] = []
    public var isTracing = false
    public internal(set) var tally = Tally()
    public private(set) var isKilled = false
    /// The guest's monotonic clock, and what of it went by in hypercalls that move memory.
    public package(set) var clock: Moment = .at(1)
    public internal(set) var moving: Interval = .zero
    /// Something happened to the files that the kernel tells of.
    var isFileEvent = false
    /// CLOCK_BOOTTIME minus CLOCK_MONOTONIC.
    public var suspended: Interval = .zero

    public init(_ layout: Layout) {
        self.layout = layout
        let pnodes = layout.pnodeCount
        frames = GuestFrames(blocks: layout.blockCount, each: GuestFrame(.ram, pnode: 0))
        hostFree = .init(repeating: layout.hostFreeFrames, count: pnodes)
        isFragmented = .init(repeating: false, count: pnodes)
        mapped = .init(repeating: 0, count: pnodes)
        (leaked, zombies, hostTaken) = (mapped, mapped, mapped)
        uses = .init(repeating: .kernel, count: layout.blockCount)
        nodes = .init(repeating: Node(), count: layout.pnodes.count)
        hostTotal = layout.hostFrames
        for vnode in layout.pnodes.indices { fill(vnode) }
        // As on a PC, some of the lowest frames are no memory.
        for gfn in Layout.lowHoles { frames[gfn] = GuestFrame(.hole, pnode: 0) }
        for gfn in Layout.firmware { frames[gfn] = GuestFrame(.special, pnode: 0) }
        for pnode in mapped.indices { mapped[pnode] = countMapped(pnode) }
        // libxl allows 1 MiB more than the guest has.
        maximumReservation = currentReservation + 256
    }

    private func fill(_ vnode: Int) {
        let blocks = layout.blocks(of: vnode)
        for block in blocks { frames.set(block: block, to: GuestFrame(.ram, pnode: layout.pnodes[vnode])) }
        // The first block of each vnode is the kernel's own.
        for block in blocks.dropFirst() {
            uses[block] = .free
            nodes[vnode].free.append(block)
        }
        changePool(vnode: vnode, by: layout.foreignPages)
    }

    /// XENMEM_current_reservation: all that is charged to the domain.
    public var currentReservation: UInt64 {
        mapped.indices.reduce(0) { $0 + mapped[$1] + zombies[$1] + leaked[$1] }
    }

    // MARK: Steps and faults

    /// What a call, a hypercall that moves memory, and a question about a frame take.
    static let stepTime: Interval = .microseconds(10)
    static let moveTime: Interval = .milliseconds(3)
    static let probeTime: Interval = .microseconds(23)

    /// One thing that the balloon's process has done for it: where it may be killed, or fail.
    ///
    /// The name is made only where somebody wants to read it.
    func step<T>(
        _ name: @autoclosure () -> String, _ kind: StepKind = .other, _ body: (Fault?) throws(BalloonError) -> T
    ) throws(BalloonError) -> T {
        if isKilled { throw .killed }
        var fault = plan[steps]
        steps += 1
        clock += Self.stepTime
        if kind == .move {
            clock += Self.moveTime
            moving += Self.moveTime
        }
        if let planned = fault, !kind.canSuffer(planned) {
            // It waits for a step that it can come about in.
            if plan[steps] == nil { plan[steps] = planned }
            fault = nil
        }
        if isTracing { trace.append(fault.map { "\(name()) (\($0))" } ?? name()) }
        if fault == .crashBefore {
            tally.note(.killedBefore)
            killNow()
            throw .killed
        }
        if fault == .noDescriptors {
            tally.note(.noDescriptors)
            if kind == .descriptor { throw BalloonError(.descriptors, "a simulated limit", errno: 24) }
        }
        if fault == .error {
            tally.note(.failed)
            throw .injected
        }
        let result = try body(fault)
        if fault == .sending && !isLogDirty {
            tally.note(.sending)
            isLogDirty = true
        }
        if case .migration(let returned)? = fault { migrate(returned) }
        checkInvariants(name())
        if fault == .crashAfter {
            tally.note(.killedAfter)
            killNow()
            throw .killed
        }
        if fault == .lateError {
            tally.note(.failedLate)
            throw .injected
        }
        return result
    }

    /// The next step is one that cannot fail.
    func forgetError() {
        if plan[steps] == .error || plan[steps] == .lateError { plan[steps] = nil }
    }

    /// SIGKILL. Pins that nobody else keeps are gone.
    public func killNow() {
        isKilled = true
        if tally[.pageGone] > 0 { isRebootDue = true }
        forgotten.formUnion(lost)
        for vnode in nodes.indices { nodes[vnode].losePins() }
        closePipes()
        checkInvariants("kill")
    }

    /// A new process begins.
    public func restart() { isKilled = false }
}
