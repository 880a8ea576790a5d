import BalloonCore
import Foundation
import Simulation
import Testing

@Suite struct UnitsTests {
    @Test func `a frame is 4 KiB, and a size that is no whole number of frames is rounded down`() {
        #expect(Frames(512).kib == .mib(2) && Frames.one.kib == KiB(4))
        #expect(KiB(7).wholeFrames == .one && KiB(3).wholeFrames == .zero && KiB.gib(1).wholeFrames == Frames(1 << 18))
    }

    @Test func `sizes are binary`() {
        #expect(KiB.mib(3).count == 3072 && KiB.gib(1) == .mib(1024) && KiB.gib(1).wholeMiB == 1024)
        #expect(KiB(2047).wholeMiB == 1 && KiB(2).bytes == 2048 && KiB(wholeOfBytes: 2047) == KiB(1))
    }

    @Test func `sizes are rounded to grains, and their whole units are counted`() {
        let grain = KiB.mib(2)
        for (size, down, up) in [(0, 0, 0), (1, 0, 2048), (2047, 0, 2048), (2048, 2048, 2048), (4097, 4096, 6144)] {
            #expect(KiB(UInt64(size)).roundedDown(to: grain) == KiB(UInt64(down)), "\(size)")
            #expect(KiB(UInt64(size)).roundedUp(to: grain) == KiB(UInt64(up)), "\(size)")
        }
        #expect(KiB(4097) / grain == 2)
    }

    @Test func `a difference of sizes is never below zero`() {
        #expect(KiB(5).less(KiB(3)) == KiB(2) && KiB(3).less(KiB(5)) == .zero)
        #expect(
            Frames(5).difference(from: Frames(3)) == Frames(2) && Frames(3).difference(from: Frames(5)) == Frames(2))
    }

    @Test func `a size is printed as a number alone`() {
        #expect("\(KiB(64)) \(Frames(7)) \(Interval.microseconds(3)) \(Moment(nanoseconds: 9))" == "64 7 3000 9")
        var json = JSONWriter()
        json.object { json in
            json.member("kib", KiB(64))
            json.member("pages", Frames?.none)
        }
        #expect(json.text == "{\"kib\":64,\"pages\":null}")
    }

    @Test func `a size in JSON is a plain number, null is not known, and nothing else is a size`() throws {
        func read(_ text: String) throws -> [KiB?] { try JSONDecoder().decode([KiB?].self, from: Data(text.utf8)) }
        #expect(try read("[64,0,null,18446744073709551615]") == [KiB(64), .zero, nil, .max])
        for text in ["-1", "0.5", "\"64\"", "{}", "18446744073709551616"] {
            #expect(throws: DecodingError.self) { try read("[\(text)]") }
        }
    }

    @Test func `two moments have an interval between them`() {
        let begin = Moment(nanoseconds: 1_000_000_000)
        let end = begin + .milliseconds(1500)
        #expect(end.nanoseconds == 2_500_000_000 && end - begin == .microseconds(1_500_000))
        #expect(begin.until(end) == end - begin && end.until(begin) == .zero && end - .seconds(1) > begin)
        #expect((end - begin).wholeSeconds == 1 && (end - begin).wholeMilliseconds == 1500)
    }

    @Test func `each unit is one machine word`() {
        for size in [
            MemoryLayout<KiB>.size, MemoryLayout<Frames>.size, MemoryLayout<Interval>.size, MemoryLayout<Moment>.size,
        ] {
            #expect(size == MemoryLayout<UInt64>.size)
        }
    }

    @Test func `an overflow of a unit ends the program`() async {
        await #expect(processExitsWith: .failure) { print(KiB(3) - KiB(4)) }
        await #expect(processExitsWith: .failure) { print(KiB.max + KiB(1)) }
        await #expect(processExitsWith: .failure) { print(Frames(.max / 4 + 1).kib) }
        await #expect(processExitsWith: .failure) { print(Moment.zero - .nanoseconds(1)) }
    }
}
