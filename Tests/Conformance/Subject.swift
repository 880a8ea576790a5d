public import VNodeBalloon

/// A mover that has both slots and files.
public typealias FileMover = Mover & SlotAuditing & FileBacked

/// What is checked: Xen, the huge pages of each vnode, and the mover that uses both. All balloons are empty.
public struct Subject {
    public let hypervisor: any Hypervisor
    public let reserves: [Int: any PageReserve]
    public let mover: any FileMover
    /// Sets the domain's maximum reservation; nil where the caller cannot do that.
    public var setMaximum: ((Frames) -> Void)?
    /// Changes a vnode's file as another program would; nil where the caller cannot do that.
    public var meddle: ((_ vnode: Int, Meddling) throws -> Void)?

    public init(hypervisor: any Hypervisor, reserves: [Int: any PageReserve], mover: any FileMover) {
        self.hypervisor = hypervisor
        self.reserves = reserves
        self.mover = mover
    }

    /// The figures that a check must leave as they were.
    struct Figures: Equatable {
        var reservation: Frames
        var slots: [Int: Int]
        var foreignPoolPages: [Int: Int]
    }

    func figures() throws -> Figures {
        Figures(
            reservation: try hypervisor.currentReservation(), slots: reserves.mapValues(\.slotCount),
            foreignPoolPages: try reserves.mapValues { try $0.foreignPoolPages() })
    }

    /// Xen's number of a vnode; nil in a guest without virtual NUMA.
    func number(_ vnode: Int) throws -> Int? { try hypervisor.vnumaTopology() == nil ? nil : vnode }

    /// Runs `body` for every vnode that has a reserve.
    func forEachVNode(_ body: (Int, any PageReserve) throws -> Void) throws {
        try expect(!reserves.isEmpty, "no vnode has a reserve")
        for (vnode, reserve) in reserves.sorted(by: { $0.key < $1.key }) { try body(vnode, reserve) }
    }

    /// Lends fresh extents to `body`. Afterwards all of their holes are populated before they are freed, whatever
    /// `body` did.
    func withExtents(_ count: Int, _ body: (_ vnode: Int, _ gfns: [UInt64]) throws -> Void) throws {
        try forEachVNode { vnode, reserve in
            let slots = reserve.slotCount
            let gfns = try reserve.acquire(count)
            let result = Swift.Result {
                try expect(gfns.count, count, "extents acquired on vnode \(vnode)")
                try body(vnode, gfns)
            }
            for gfn in gfns { try mend(gfn, vnode) }
            try reserve.release(keeping: slots)
            try result.get()
        }
    }

    /// Populates the holes of an extent. Only an extent whose frames are all RAM may be freed.
    private func mend(_ first: UInt64, _ vnode: Int) throws {
        for gfn in try frames(of: first, .hole) { _ = try populate([gfn], order: 0, vnode) }
        try expect(try frames(of: first, .ram).count, 512, "frames of the extent at \(first) that could be mended")
    }

    // MARK: Calls

    func give(_ gfns: [UInt64], order: Int = 9) throws -> Int {
        list(gfns, order)
        return try hypervisor.decreaseReservation()
    }

    func populate(
        _ gfns: [UInt64], order: Int = 9, _ vnode: Int, from source: MemorySource = .ownPNode
    ) throws -> Int {
        list(gfns, order)
        return try hypervisor.populatePhysmap(vnode: try number(vnode), from: source)
    }

    private func list(_ gfns: [UInt64], _ order: Int) {
        hypervisor.extents.reset(order: order)
        for gfn in gfns { hypervisor.extents.append(gfn) }
    }

    enum Kind { case ram, hole }

    /// The frames of an extent that are of this kind.
    func frames(of first: UInt64, _ kind: Kind) throws -> [UInt64] {
        try (first..<first + 512).filter { gfn in
            let type = try hypervisor.memoryType(of: gfn)
            return kind == .ram ? type.isRAM : type.isHole
        }
    }

    /// By how many frames the domain's reservation falls while `body` runs.
    func fall(_ body: () throws -> Void) throws -> Int {
        let before = try hypervisor.currentReservation()
        try body()
        return Int(before.count) - Int(try hypervisor.currentReservation().count)
    }
}
