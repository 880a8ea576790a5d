public import VNodeBalloon

/// The record of extents that have memory of other physical nodes. It outlives the process.
public final class SimulatedDisplaced: DisplacedLog {
    private let machine: Machine
    public private(set) var extents: [UInt64: Int] = [:]

    public init(_ machine: Machine) { self.machine = machine }

    public func displaced() -> [UInt64: Int] { extents }

    public func note(_ changes: [(gfn: UInt64, frames: Int)], after _: [UInt64: Int]) throws(BalloonError) {
        try machine.step("note what other physical nodes give") { _ in
            for (gfn, frames) in changes { extents[gfn] = frames == 0 ? nil : frames }
        }
    }
}
