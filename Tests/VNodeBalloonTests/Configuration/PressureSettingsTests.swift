import Simulation
import Testing
import VNodeBalloon

/// How the settings for memory pressure reach the controller.
@Suite struct PressureSettingsTests {
    static func options(_ text: String) throws -> BalloonController.Options {
        try Configuration(parsing: text, name: "test").controllerOptions
    }

    @Test func `on-pressure is hold by default, and the floor is 0`() throws {
        #expect(try Self.options("").yielding == nil && Self.options("").floor == 0)
        #expect(try Self.options("on-pressure = hold").yielding == nil)
    }

    @Test func `on-pressure = yield takes back all of the balloon, or down to yield-to`() throws {
        #expect(try Self.options("on-pressure = yield").yielding == Yielding(leastBalloon: 0))
        let options = try Self.options("yield-to = 64m\non-pressure = yield\nfloor = 1000")
        #expect(options.yielding == Yielding(leastBalloon: 65536) && options.floor == 1000)
    }

    @Test(arguments: ["on-pressure = maybe", "on-pressure =", "floor = much", "yield-to = -1"])
    func `a nonsensical pressure setting is refused with its line number`(_ line: String) {
        let error = #expect(throws: BalloonError.self) { try Self.options("# a comment\n\(line)") }
        #expect(error?.code == .invalidConfiguration && error?.message.contains("line 2") == true)
    }
}
