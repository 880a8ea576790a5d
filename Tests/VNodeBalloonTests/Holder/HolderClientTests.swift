import CBalloonShim
import Glibc
import Simulation
import Testing

@testable import VNodeBalloon

/// The client distinguishes three answers: the descriptor, no descriptor, not known. Whatever a holder does, no pin is
/// lost, emptied or taken for another one.
@Suite final class HolderClientTests {
    let holder = SimulatedHolder()
    let client: HolderClient
    var now: Moment = 1

    init() {
        client = HolderClient(holder)
        holder.pagesIn = { max(0, Int(cb_pin_count($0.rawValue))) }
        holder.clock = { [unowned self] in now }
    }

    /// A pipe with this many pages in it.
    func pin(_ pages: Int) throws -> FileDescriptor {
        var ends: [Int32] = [-1, -1]
        // Unsafe: two numbers for C to fill, and bytes to write.
        try #require(unsafe pipe(&ends) == 0)
        let bytes = [UInt8](repeating: 7, count: pages * 4096)
        try #require(unsafe write(ends[1], bytes, bytes.count) == bytes.count)
        close(ends[1])
        return FileDescriptor(ends[0])
    }

    func count(_ descriptor: FileDescriptor) -> Int { Int(cb_pin_count(descriptor.rawValue)) }

    /// Expects `body` to throw an error with this code.
    func fails(_ code: BalloonError.Code, _ body: () throws -> Void) {
        #expect { try body() } throws: { ($0 as? BalloonError)?.code == code }
    }

    /// Time passes, so that the client asks a silent holder again.
    func wait() { now += .seconds(60) }

    @Test func `a kept pin is found, a dropped one is not, and a look starts no holder`() throws {
        #expect(try client.kept("a") == nil && client.keptNames(prefix: "a") == [])
        // A question does not start a holder.
        #expect(holder.store == nil)
        let one = try pin(1)
        try client.keep("a", one)
        #expect(try client.kept("a") === one && client.kept("b") == nil)
        client.drop("a")
        #expect(try client.kept("a") == nil && holder.store?.isEmpty == true)
        client.dropAll()
        #expect(holder.store == nil)
    }

    /// There are far more names than one answer has room for.
    @Test func `more names than one answer holds are listed completely`() throws {
        let one = try pin(1)
        let names = (100..<500).map { "lost.vnode0.\($0).a-long-tail-of-a-name" }
        for name in names + ["other"] { try client.keep(name, one) }
        #expect(try HolderClient(holder).keptNames(prefix: "lost.") == names)
    }

    @Test func `a silent holder is busy, and its late answer is not taken for the next one`() throws {
        let (x, y) = (try pin(1), try pin(2))
        try client.keep("x", x)
        try client.keep("y", y)
        holder.stop()
        fails(.busy) { _ = try client.kept("x") }
        fails(.busy) { _ = try client.keptNames(prefix: "x") }
        holder.goOn()
        // The answer about x arrives now, and the client drops it.
        wait()
        #expect(try client.kept("y") === y)
        #expect(try client.kept("x") === x)
    }

    /// The process that asked for the pin last has it, too. It gives the pin to the holder that takes over.
    @Test func `a pin that lost its place outlives the holder, from the client that looked last`() throws {
        try client.keep("lost.vnode0.1.2", try pin(3))
        try client.keep("pin.vnode0.0", try pin(1))
        let later = HolderClient(holder)
        _ = try later.kept("lost.vnode0.1.2")
        holder.kill()
        try later.restoreIfLost()
        #expect(try later.keptNames(prefix: "lost.") == ["lost.vnode0.1.2"])
        #expect(try later.kept("lost.vnode0.1.2").map(count) == 3)
    }

    /// `hold --take-over` after an update: this client gave the old holder none of the pins.
    @Test func `a new holder gets every pin of the old one from a client that kept none of them`() throws {
        let names = ["mount.7", "file.vnode0", "pin.vnode0.0", "lost.vnode0.1.2", "Z-9"]
        for (pages, name) in names.enumerated() { try client.keep(name, try pin(pages + 1)) }
        let successor = HolderClient(holder)
        #expect(try successor.takeAll() == names.count)
        let old = holder.store?.descriptor("pin.vnode0.0")
        holder.kill()
        try successor.restoreIfLost()
        for (pages, name) in names.enumerated() {
            #expect(try HolderClient(holder).kept(name).map(count) == pages + 1, "\(name)")
        }
        #expect(holder.store?.descriptor("pin.vnode0.0") === old)
        holder.kill()
        #expect(try HolderClient(holder).takeAll() == nil, "nobody is started to be asked")
    }

    /// A client that waited in vain does not wait again at once.
    @Test func `a silent holder is waited for once, and not at each question`() throws {
        try client.keep("x", try pin(1))
        var waits = 0
        holder.waited = { _ in waits += 1 }
        holder.stop()
        for _ in 0..<5 { fails(.busy) { _ = try client.kept("x") } }
        #expect(waits == 1)
    }

    /// A daemon that waited five seconds for it each time would be deaf for all of them.
    @Test func `a holder that does not start is waited for once, then briefly and each five seconds`() throws {
        var waits: [Interval] = []
        holder.waited = { [unowned self] in
            waits.append($0)
            now += $0
        }
        holder.isStartRefused = true
        for _ in 0..<5 { fails(.environment) { try client.keep("x", try pin(1)) } }
        #expect(waits == [.seconds(5)])
        now += .milliseconds(5_001)
        for _ in 0..<5 { fails(.environment) { try client.keep("x", try pin(1)) } }
        #expect(waits == [.seconds(5), .milliseconds(200)])
        wait()
        holder.isStartRefused = false
        try client.keep("x", try pin(1))
        #expect(try client.kept("x") != nil)
    }

    /// The holder may carry out a keep later that it did not answer.
    @Test func `a keep that is done late empties neither pin, and the fuller pin is kept`() throws {
        let (old, new) = (try pin(5), try pin(3))
        try client.keep("x", old)
        holder.stop()
        fails(.busy) { try client.keep("x", new) }
        holder.goOn()
        #expect(holder.store?.descriptor("x") === new)
        wait()
        try client.restoreIfLost()
        #expect(holder.store?.descriptor("x") === old)
        #expect(count(old) == 5 && count(new) == 3)
    }

    /// The old pin must not go while it has more pages than the new one.
    @Test func `a pin with more pages than the one that replaces it is kept beside it`() throws {
        let (old, new) = (try pin(5), try pin(3))
        try client.keep("x", old)
        holder.stop()
        fails(.busy) { try client.keep("x", new) }
        holder.goOn()
        let null = unsafe open("/dev/null", O_WRONLY)
        #expect(cb_pin_clear(old.rawValue, null) == 0)
        close(null)
        wait()
        for _ in 0..<2 {
            try client.restoreIfLost()
            let names = holder.store?.names(prefix: "lost.x.more") ?? []
            #expect(names.count == 1 && holder.store?.descriptor(names[0]) === new && count(new) == 3)
        }
        client.drop("x")
        client.dropAll()
        #expect(holder.store?.names(prefix: "").count == 1)
    }

    @Test(arguments: [false, true])
    func `a killed holder's pins are kept again by the next holder, but for the dropped one`(isStored: Bool) throws {
        holder.isStored = isStored
        let pins = try (0..<5).map { _ in try pin(1) }
        for (index, pin) in pins.enumerated() { try client.keep("pin\(index)", pin) }
        client.drop("pin3")
        holder.kill()
        try client.restoreIfLost()
        #expect(holder.store?.names(prefix: "") == ["pin0", "pin1", "pin2", "pin4"])
        #expect(holder.store?.descriptor("pin4") === pins[4])
    }

    /// The holder's answer to the drop was lost. The client repeats the drop as soon as the holder answers again.
    @Test(arguments: [false, true])
    func `a drop that a silent holder did not answer is repeated, and not for a later pin`(isDoneLate: Bool) throws {
        for name in ["a", "b"] { try client.keep(name, try pin(1)) }
        holder.stop()
        client.drop("b")
        #expect(holder.store?.names(prefix: "") == ["a", "b"])
        if isDoneLate { holder.goOn() } else { holder.kill() }
        wait()
        try client.restoreIfLost()
        #expect(holder.store?.names(prefix: "") == ["a"])
        let again = try pin(1)
        try client.keep("b", again)
        try client.restoreIfLost()
        #expect(holder.store?.descriptor("b") === again)
    }

    @Test func `a client or a holder out of descriptors is an error that loses no pin`() throws {
        let (one, other) = (try pin(1), try pin(1))
        try client.keep("x", one)
        holder.isClientFull = true
        fails(.descriptors) { _ = try client.kept("x") }
        #expect(try client.kept("y") == nil)
        holder.isClientFull = false
        holder.isFull = true
        fails(.descriptors) { try client.keep("y", other) }
        fails(.descriptors) { try client.keep("x", other) }
        #expect(holder.store?.descriptor("x") === one)
        holder.isFull = false
        try client.keep("y", other)
        #expect(try client.kept("x") === one && client.kept("y") === other)
    }

    @Test func `a holder's answer with a wrong number or kind is refused as busy`() throws {
        let one = try pin(1)
        try client.keep("x", one)
        let wrong: [(String) -> String?] = [
            { "7" + $0 }, { _ in "ok" }, { _ in "" }, { String($0.dropLast()) }, { $0 + $0 }, { _ in "9 nothing\n" },
            { _ in nil },
        ]
        for answer in wrong {
            holder.nextAnswers = [answer]
            fails(.busy) { _ = try client.kept("x") }
            wait()
            #expect(try client.kept("x") === one)
        }
        // An answer with the right number, but to another question.
        holder.nextAnswers = [{ $0.replacing("here", with: "done") }]
        fails(.busy) { _ = try client.kept("x") }
    }

    @Test func `a holder from before the update is named in the error`() throws {
        try client.keep("x", try pin(1))
        let other = HolderClient(holder)
        holder.nextAnswers = [{ _ in "no" }]
        #expect { _ = try other.kept("x") } throws: { "\($0)".contains("before the update") }
    }
}
