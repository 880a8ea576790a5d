package import BalloonCore
internal import BalloonHost
import Simulation

/// What a schedule found wrong.
package struct HostViolation: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// Mistakes that the toolstack's half may have. Schedules must see each of them.
package enum HostBug: String, CaseIterable, Sendable {
    /// Smaller balloons are granted without a look at what is free.
    case grantsUnchecked
    /// Who does not move is waited for without an end.
    case neverGivesUp
    /// Plans leave vnodes less than their minimum.
    case belowMinimum
    /// Rows are written again for a domain that is gone.
    case ghosts
    /// memory/target stays away when the guest follows no more.
    case keepsLegacyTarget
    /// The daemon is not told of what others write.
    case losesEvents
}

/// Random guests that are honest, slow, stuck, deaf, lying, held, that go and come back with another number; plans, grants and
/// claims among them; a keeper that dies and begins anew. The product's own keeper, engine, plans and judge work on them.
///
/// After each step nothing is overdrawn, nobody is below their minimum; and everything comes to its end.
package struct HostSchedule {
    /// A tenth of a second.
    static let step: Interval = .milliseconds(100)
    /// Xen's usual extent in this world.
    static let extent: KiB = .mib(2)

    package struct Event: Equatable, Sendable {
        package enum Kind: Equatable, Sendable {
            case free(pnode: Int, kib: KiB, isMore: Bool, even: Bool)
            case grant(guest: Int, vnode: Int, percent: UInt64)
            case behave(guest: Int, Behaviour)
            case destroy(guest: Int)
            case reboot(guest: Int)
            case claim(pages: Frames)
            /// Others take all of a node but so much.
            case fill(pnode: Int, leaving: KiB)
            case killKeeper
            /// A guest says that it is short of memory, or not any more.
            case short(guest: Int, vnode: Int, kib: KiB)
            case feature(guest: Int, String)
        }
        package var at: Int
        package var kind: Kind
    }

    package enum Behaviour: Equatable, Sendable {
        /// So much a step.
        case honest(KiB)
        case stuck
        case deaf
        case lying
        /// Gives no more than this, and says why.
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

    /// The same with fewer events, as long as it is still wrong.
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

    /// What is wrong; nil: nothing.
    package func violation(_ bug: HostBug? = nil) -> HostViolation? {
        do throws(HostViolation) {
            var world = HostWorld(self, bug)
            try world.play()
            return nil
        } catch { return error }
    }
}
