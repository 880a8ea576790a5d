import Glibc
import Testing

@testable import VNodeBalloon

/// Whichever call met the limit of descriptors, the error names the limit.
@Suite struct BalloonErrorTests {
    @Test(arguments: [EMFILE, ENFILE])
    func `running out of descriptors is told as such, whatever could not be opened`(_ errno: Int32) {
        for code in [BalloonError.Code.noXen, .noHugePages, .environment, .system] {
            let error = BalloonError(code, "cannot open it", errno: errno)
            #expect(error.code == .descriptors && error.description.contains("may open"))
        }
        #expect(throws: BalloonError(.noXen, "x", errno: errno)) { try check(-errno, .noXen, "x") }
        #expect(BalloonError(.noXen, "x", errno: ENOENT).code == .noXen)
    }
}
