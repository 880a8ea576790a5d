public import BalloonCore
import VNodeBalloon

/// A simulated host with one guest: the state of Xen and of the guest's kernel, which outlives the balloon's process.
///
/// It follows the rules of Xen and Linux, as read in their source. Whatever would corrupt the guest, or lose memory, is
/// noted in ``violations``.
public final class Machine {
    public let layout: Layout

    /// How much of each vnode's memory programs use, apart from all else here.
    public var taken: [Int: KiB] = [:]

    // Xen.
    var frames: GuestFrames
    /// Free memory of each physical node, in frames.
    public internal(set) var hostFree: [UInt64]
    /// Whether a physical node has no free 2 MiB left in one piece.
    public var isFragmented: [Bool]
    /// The domain's own frames in the map, by physical node.
    var mapped: [UInt64]
    /// The domain's own frames without a guest frame number. They are lost until the domain ends.
    var leaked: [UInt64]
    /// The domain's own frames that left the map while other domains map them. They are charged to the domain until
    /// they are unmapped.
    var zombies: [UInt64]
    public var maximumReservation: UInt64 = 0
    /// Guest frames that other domains map, too.
    public var referenced: Set<UInt64> = []
    /// Whether the domain is being migrated: Xen logs dirty pages, and RAM reads as type 1.
    public var isLogDirty = false {
        didSet { if isLogDirty != oldValue { unsent = [] } }
    }
    /// Frames that were populated since the migration began. Xen's log does not have them.
    var unsent: Set<UInt64> = []
    /// Per physical node: what other domains took, and all frames that there are.
    var hostTaken: [UInt64]
    var hostTotal: [UInt64]

    // The guest's kernel.
    var uses: [Use]
    var nodes: [Node]

    /// Blocks that were freed by another program while they were holes. Linux takes them for memory.
    var lost: Set<Int> = []
    /// Those of the lost blocks whose numbers no process knows any more.
    var forgotten: Set<Int> = []
    /// Blocks that came from Linux and that the product has not asked Xen about since.
    var unprobed: Set<Int> = []
    /// The sum of all memory that the intent record has noted.
    var notedTotal: UInt64?

    /// Blocks with a frame that the kernel found broken. It never maps them again.
    var poisoned: Set<Int> = []

    // Descriptors, and what keeps some of them when the process ends.
    package let holder = SimulatedHolder()
    var lastDescriptor = Machine.firstDescriptor
    var files: [Int32: OpenFile] = [:]
    var pipes: [Int32: Pipe] = [:]
    /// The pipe that each write end belongs to.
    var writeEnds: [Int32: Int32] = [:]
    /// Blocks that left their file while they were pinned. They are freed when the last pin goes.
    var limbo: Set<Int> = []
    /// Whether the guest is to boot again, with all of its memory.
    var isRebooting = false
    var boots = 0
    /// Whether pages left a file and no process knows of them any more, so that only a reboot brings them back.
    public internal(set) var isRebootDue = false

    /// Frames that Linux's own balloon has given.
    var kernelGiven: [UInt64] = []

    // The course of events.
    public internal(set) var violations: [String] = []
    /// The faults, by the step at which they happen.
    public var plan: [Int: Fault] = [:]
    public private(set) var steps = 0
    /// How often Xen was asked for the type of a frame, which takes 23 us on a real machine.
    public internal(set) var probes = 0
    /// A migration that happens while the types of frames are being asked for.
    public var migrationAtProbe: (probe: Int, returned: Returned)?
    /// The number of the probe that Xen refuses.
    public var refusedProbe: Int?
    /// The names of all steps, if ``isTracing``.
    public private(set) var trace: [String] = []
    public var isTracing = false
    public internal(set) var tally = Tally()
    public private(set) var isKilled = false
    /// The guest's monotonic clock, and how much of that time hypercalls that move memory took.
    public package(set) var clock: Moment = .at(1)
    public internal(set) var moving: Interval = .zero
    /// How much of it the process waited for a holder that did not answer, and since when the last such wait is over.
    var waiting: Interval = .zero
    var lastWait: Moment?
    /// Whether something happened to the files that the kernel reports.
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
        // As on a PC, some frames at low addresses are no memory.
        for gfn in Layout.lowHoles { frames[gfn] = GuestFrame(.hole, pnode: 0) }
        for gfn in Layout.firmware { frames[gfn] = GuestFrame(.special, pnode: 0) }
        for pnode in mapped.indices { mapped[pnode] = countMapped(pnode) }
        // libxl lets the guest have 1 MiB more than it starts with.
        maximumReservation = currentReservation + 256
        holder.waited = { [unowned self] in waitForHolder($0) }
    }

    private func fill(_ vnode: Int) {
        let blocks = layout.blocks(of: vnode)
        for block in blocks { frames.set(block: block, to: GuestFrame(.ram, pnode: layout.pnodes[vnode])) }
        // The first block of each vnode belongs to the kernel.
        for block in blocks.dropFirst() {
            uses[block] = .free
            nodes[vnode].free.append(block)
        }
        changePool(vnode: vnode, by: layout.foreignPages)
    }

    /// XENMEM_current_reservation: all frames that are charged to the domain.
    public var currentReservation: UInt64 {
        mapped.indices.reduce(0) { $0 + mapped[$1] + zombies[$1] + leaked[$1] }
    }

    // MARK: Steps and faults

    /// How long a call takes, a hypercall that moves memory, and a question about a frame.
    static let stepTime: Interval = .microseconds(10)
    static let moveTime: Interval = .milliseconds(3)
    static let probeTime: Interval = .microseconds(23)

    /// Plays one call of the balloon's process. The process may be killed here, or the call fail.
    ///
    /// The name is computed only when it is needed.
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
            // A fault that cannot happen in this kind of step waits for one in which it can.
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

    /// Drops an error that is planned for the next step, because that call cannot fail.
    func forgetError() {
        if plan[steps] == .error || plan[steps] == .lateError { plan[steps] = nil }
    }

    /// SIGKILL. Pins that only this process has are gone.
    public func killNow() {
        isKilled = true
        if tally[.pageGone] > 0 { isRebootDue = true }
        forgotten.formUnion(lost)
        for vnode in nodes.indices { nodes[vnode].losePins() }
        closePipes()
        checkInvariants("kill")
    }

    /// A new process starts.
    public func restart() {
        isKilled = false
        lastWait = nil
    }
}
