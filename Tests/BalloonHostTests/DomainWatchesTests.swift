import BalloonCore
import HostSimulation
import Simulation
import Testing

@testable import BalloonHost

@Suite struct DomainWatchesTests {
    let store = SimulatedHostStore()
    private static let coming = ["@introduceDomain", "@releaseDomain", "/vnode-balloon/domain"]

    private func paths(_ ids: Int...) -> Set<String> {
        Set(Self.coming + ids.flatMap { ["/local/domain/\($0)/memory", "/local/domain/\($0)/control"] })
    }

    @Test func `a watch that xenstore did not answer is set again at the next turn`() throws {
        for answered in 0..<7 {
            let store = SimulatedHostStore()
            var watches = DomainWatches()
            store.questionsLeft = answered
            #expect(throws: BalloonError.self) { try watches.follow([1, 2], store) }
            store.questionsLeft = nil
            try watches.follow([1, 2], store)
            #expect(store.watched == paths(1, 2), "\(answered) watches were answered")
        }
    }

    @Test func `the watches of a domain that is gone are removed`() throws {
        var watches = DomainWatches()
        try watches.follow([1, 2], store)
        try watches.follow([2], store)
        #expect(store.watched == paths(2))
        try watches.follow([], store)
        #expect(store.watched == paths())
    }
}
