package import BalloonCore
internal import BalloonHost
import Simulation

/// An invariant that a schedule found violated, and how.
package struct HostViolation: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// Bugs that the toolstack's half could have. The schedules must find each of them.
package enum HostBug: String, CaseIterable, Sendable {
    /// Smaller balloons are granted without checking how much memory is free.
    case grantsUnchecked
    /// A plan waits without limit for a guest that does not move.
    case neverGivesUp
    /// Plans leave a vnode less than its minimum.
    case belowMinimum
    /// Rows are written again for a domain that is gone.
    case ghosts
    /// memory/target is not written back when the guest no longer follows the vnode targets.
    case keepsLegacyTarget
    /// The daemon is not told of what others write.
    case losesEvents
}

/// Random events on a host: guests are honest, slow, stuck, deaf, lying or held; they vanish and come back with
/// another number. Plans, grants and claims happen meanwhile, and the keeper dies and begins anew. The product's own
/// keeper, engine, plans and judge work on them.
///
/// After each step no node may be overdrawn and no vnode be asked for more than its minimum allows. In the end every
/// plan must have ended.
package struct HostSchedule {
    /// How much time one step takes.
    static let step: Interval = .milliseconds(100)
    /// The size of the extents that these guests move.
    static let extent: KiB = .mib(2)

    package struct Event: Equatable, Sendable {
        package enum Kind: Equatable, Sendable {
            case free(pnode: Int, kib: KiB, isMore: Bool, even: Bool)
            case grant(guest: Int, vnode: Int, percent: UInt64)
            case behave(guest: Int, Behaviour)
            case destroy(guest: Int)
            case reboot(guest: Int)
            case claim(pages: Frames)
            /// Other domains take all memory of a node but `leaving`.
            case fill(pnode: Int, leaving: KiB)
            case killKeeper
            /// A guest reports that it is short of memory, or with 0 that it no longer is.
            case short(guest: Int, vnode: Int, kib: KiB)
            case feature(guest: Int, String)
        }
        package var at: Int
        package var kind: Kind
    }

    package enum Behaviour: Equatable, Sendable {
        /// Moves this much in a step.
        case honest(KiB)
        case stuck
        case deaf
        case lying
        /// Gives no more than this, and reports the reason.
        case held(KiB)
    }

    package var seed: UInt64
    package var guests: Int
    package var events: [Event]

    package init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        guests = random.number(1...3)
        events = []
        for _ in 0..<random.number(1...12) {
            let kind = Self.kind(guests, &random)
            events.append(Event(at: random.number(5...150), kind: kind))
        }
        events.sort { $0.at < $1.at }
    }

    private static func kind(_ guests: Int, _ random: inout SeededGenerator) -> Event.Kind {
        let guest = random.number(0...guests - 1)
        switch random.number(0...14) {
        case 0...3:
            let kib: KiB = .mib(UInt64(random.number(1...400)))
            return .free(pnode: random.number(0...1), kib: kib, isMore: random.oneIn(2), even: random.oneIn(2))
        case 4, 5: return .grant(guest: guest, vnode: random.number(0...1), percent: UInt64(random.number(0...100)))
        case 6: return .behave(guest: guest, behaviour(&random))
        case 7: return .destroy(guest: guest)
        case 8: return .reboot(guest: guest)
        case 9, 10:
            return random.oneIn(2)
                ? .claim(pages: Frames(UInt64(random.number(0...60_000))))
                : .fill(pnode: random.number(0...1), leaving: .mib(UInt64(random.number(0...100))))
        case 11: return .killKeeper
        case 12, 13:
            let kib: KiB = random.oneIn(3) ? .zero : .mib(UInt64(random.number(1...500)))
            return .short(guest: guest, vnode: random.number(0...1), kib: kib)
        default: return .feature(guest: guest, random.pick(["0", "1", "", "1x"]))
        }
    }

    static func behaviour(_ random: inout SeededGenerator) -> Behaviour {
        switch random.number(0...6) {
        case 0: .stuck
        case 1: .deaf
        case 2: .lying
        case 3: .held(.mib(2 * UInt64(random.number(0...60))))
        default: .honest(.mib(2 * UInt64(random.number(1...64))))
        }
    }

    /// This schedule without the events that it does not need to violate an invariant.
    package func shrunk(_ bug: HostBug?) -> HostSchedule {
        var best = self
        var index = 0
        while index < best.events.count {
            var fewer = best
            fewer.events.remove(at: index)
            if fewer.violation(bug) != nil { best = fewer } else { index += 1 }
        }
        return best
    }

    /// Plays the schedule. Returns the invariant that it violates; nil: none.
    package func violation(_ bug: HostBug? = nil) -> HostViolation? {
        do throws(HostViolation) {
            var world = HostWorld(self, bug)
            try world.play()
            return nil
        } catch { return error }
    }
}
