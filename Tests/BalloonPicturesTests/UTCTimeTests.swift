import Testing

@testable import BalloonPictures

@Suite struct UTCTimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-25T12:00:05.120Z", 1_795_608_005_120),
        ("2024-02-29T23:59:59Z", 1_709_251_199_000),
        ("1969-12-31T23:59:59.999Z", -1), ("2026-11-25T12:00:05.1Z", 1_795_608_005_100),
    ])
    func `a time in UTC is read to the millisecond`(text: String, milliseconds: Int64) {
        #expect(UTCTime(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026-11-25", "2026-11-25 12:00:05Z", "2026-11-25T12:00:05", "2026-11-25T12:00:05.Z",
        "2026-13-25T12:00:05Z",
        "2026-11-25T24:00:05Z", "2026-11-25T12:00:05.1x2Z", "2026-11-25T12:00:05+01:00", "2026-1é-25T12:00:05Z",
    ])
    func `any other text is refused as a time`(text: String) {
        #expect(UTCTime(text) == nil)
    }

    @Test func `a time that is written is read as the same time`() {
        // Times about 25 days apart, over four centuries.
        for milliseconds in stride(from: -1_000_000_000_000, to: 12_000_000_000_000, by: 2_160_012_345) {
            let moment = UTCTime(milliseconds: Int64(milliseconds))
            #expect(UTCTime(moment.text) == moment)
        }
    }
}
