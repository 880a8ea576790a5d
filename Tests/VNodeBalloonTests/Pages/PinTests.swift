import CBalloonShim
import Glibc
import Testing

@testable import VNodeBalloon

/// Pins of ordinary pages. A pipe treats them in the same way as huge pages.
@Suite final class PinTests {
    static let slots = Int(CB_PIN_PAGES)
    static let count = UInt64(slots)
    private let address: UInt64
    let file: FileDescriptor
    let kernel: LinuxPages

    init() throws {
        let work = try TemporaryDirectory()
        // Unsafe, all of these: C strings, and a number for C to set.
        let opened = unsafe cb_file_open(work.path + "/pages", Int32(CB_OPEN_CREATE))
        work.remove("pages")
        file = FileDescriptor(opened)
        kernel = try LinuxPages(vnode: 0, mount: file, pools: [])
        try #require(cb_file_truncate(opened, Self.count * 4096) == 0)
        var error: Int32 = 0
        address = unsafe cb_map_file(opened, 0, Self.count * 4096, &error)
        try #require(error == 0 && cb_populate_write(address, Self.count * 4096) == 0)
        // Each page contains its own number.
        for page in 0..<Self.count {
            let byte = [UInt8(page)]
            try #require(unsafe cb_file_write(opened, page * 4096, byte, 1) == 1)
        }
    }

    deinit { _ = cb_unmap(address, Self.count * 4096) }

    private func add(_ address: UInt64, _ pin: Pin) throws { try pin.add(0, MappedPage(address)) }

    func pin(_ pages: Range<UInt64>) throws -> Pin {
        let pin = try Pin(kernel)
        for page in pages { try add(address + page * 4096, pin) }
        return pin
    }

    /// The numbers of the pages that a pin holds. To read them empties the pin, which a test may do.
    func pages(of pin: Pin) throws -> [UInt64] {
        var found: [UInt64] = []
        for _ in 0..<(try pin.count()) {
            var bytes = [UInt8](repeating: 0, count: 4096)
            // Unsafe: C fills the list.
            try #require(unsafe read(pin.readEnd.rawValue, &bytes, 4096) == 4096)
            found.append(UInt64(bytes[0]))
        }
        return found
    }

    @Test(arguments: [0, 1, 17, 63, 64])
    func `a pin that is rewritten keeps its first pages and drops the rest`(_ kept: Int) throws {
        let (pin, spare) = (try pin(0..<Self.count), try Pin(kernel))
        try pin.rewrite(through: spare, keeping: (0..<Self.slots).map { $0 < kept })
        #expect(try spare.count() == 0)
        #expect(try pages(of: pin) == Array(0..<UInt64(kept)))
    }

    @Test func `a pin that is rewritten drops the pages between others that are not kept`() throws {
        let (pin, spare) = (try pin(0..<6), try Pin(kernel))
        try pin.rewrite(through: spare, keeping: [true, false, true, true, true, false])
        #expect(try pages(of: pin) == [0, 2, 3, 4] && spare.count() == 0)
    }

    @Test func `a copy of a pin keeps its pages after the pin is emptied`() throws {
        let (pin, other) = (try pin(0..<5), try Pin(kernel))
        try pin.copy(to: other)
        try other.dropFirst()
        try pin.clear()
        #expect(try pin.count() == 0)
        #expect(try pages(of: other) == [1, 2, 3, 4])
        // A copy of an empty pin is possible, too.
        try pin.copy(to: other)
        #expect(try other.count() == 0)
    }

    /// It stays in the first pin.
    @Test func `a page that does not fit into a full pin is not lost`() throws {
        let (pin, full) = (try pin(0..<5), try pin(0..<Self.count))
        #expect(throws: BalloonError.self) { try pin.moveFirst(to: full) }
        #expect(throws: BalloonError.self) { try pin.copy(to: full) }
        #expect(try pin.count() == 5 && full.count() == Self.slots)
    }

    /// The kept pin has only its read end, until the pipe is opened again for writing.
    @Test func `a kept pin takes pages again once it is opened`() throws {
        var kept = try Pin(kernel, readEnd: pin(0..<2).readEnd)
        #expect(throws: BalloonError.self) { try add(address, kept) }
        try kept.open()
        try add(address + 2 * 4096, kept)
        #expect(try pages(of: kept) == [0, 1, 2])
    }

    @Test func `clearing a descriptor that is no pin is no error`() throws {
        try Pin(kernel, readEnd: file).clear()
    }
}

/// One ordinary page that can be pinned.
private final class MappedPage: SlotMapping {
    private let address: UInt64

    init(_ address: UInt64) { self.address = address }

    let slots = 0..<1
    func populateForWriting(_ slot: Int) -> Bool { true }
    func look(_ slot: Int) -> SlotLook { .mapped }
    func populateAllForReading() -> Bool { true }
    func newFrame(of slot: Int) -> Result<UInt64, FrameFault> { .success(0) }
    func frame(of slot: Int) -> Result<UInt64, FrameFault> { .success(0) }

    func pin(_ slot: Int, _ writeEnd: FileDescriptor) throws(BalloonError) {
        try check(cb_pin_add(writeEnd.rawValue, address), "cannot pin a page")
    }
}
