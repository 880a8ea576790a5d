import BalloonCore
import BalloonHost
import Testing

@Suite struct ComplaintsTests {
    /// Which of these errors are logged.
    private func logged(
        _ errors: [(HostKeeper.Deed, String)], _ complaints: inout Complaints
    ) -> [Bool] {
        errors.map { complaints.begin(of: $0.0, $0.1) }
    }

    @Test func `the same error of the same deed is logged once, though its numbers are others`() {
        var complaints = Complaints()
        let errors = [0, 4, 8].map { (HostKeeper.Deed.level(3, [0: .mib($0)]), "no quota") }
        #expect(logged(errors, &complaints) == [true, false, false])
    }

    @Test func `another error, another deed and another domain are logged`() {
        var complaints = Complaints()
        let errors: [(HostKeeper.Deed, String)] = [
            (.prepare(3), "no quota"), (.prepare(3), "permission denied"), (.adopt(3), "permission denied"),
            (.prepare(4), "permission denied"),
        ]
        #expect(logged(errors, &complaints) == [true, true, true, true])
    }

    @Test func `an error that comes again after the deed was done is logged again`() {
        var complaints = Complaints()
        _ = logged([(.prepare(3), "no quota")], &complaints)
        complaints.end(of: .prepare(3))
        #expect(logged([(.prepare(3), "no quota")], &complaints) == [true])
    }

    @Test func `a new domain with a former one's number has errors of its own`() {
        var complaints = Complaints()
        let errors: [(HostKeeper.Deed, String)] = [(.prepare(3), "no quota"), (.forgetGone, "no quota")]
        _ = logged(errors, &complaints)
        complaints.keep([4])
        #expect(logged(errors, &complaints) == [true, false])
    }
}
