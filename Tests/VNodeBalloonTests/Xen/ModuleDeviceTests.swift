import Testing

@testable import VNodeBalloon

@Suite struct ModuleDeviceTests {
    /// The module may hold memory, and another mover would start beside it.
    @Test func `a loaded module whose device cannot be seen is an error, and no module is none`() throws {
        #expect(try ModuleDevice.open("/nonexistent/device", module: "/nonexistent/module") == nil)
        let error = #expect(throws: BalloonError.self) {
            try ModuleDevice.open("/nonexistent/device", module: "/proc/self")
        }
        #expect(error?.code == .environment)
    }
}
