import CBalloonShim
import Glibc
import Logging
import Simulation
import VNodeBalloon

/// The control socket, from a client's bytes to the answers. Each line gets one answer, which is one line of JSON of
/// limited length. Nothing behind a line that is too long is read. A request is understood as it was meant, and the
/// size that it forces is saved.
enum RequestOracle {
    /// The most bytes of an answer, with three vnodes of which one has a balloon.
    static let longestAnswer = 8 << 10

    static func examine(_ bytes: [UInt8]) throws {
        let bytes = Array(bytes.prefix(4096))
        let lines = lines(bytes)
        for line in lines { try examineLine(line) }
        let served = try Served()
        let (heard, answers) = try served.converse(bytes)
        try demand(heard == lines, "\(heard.count) requests were heard of \(lines.count)")
        let answered = answers.split(separator: 10, omittingEmptySubsequences: false)
        try demand(answered.last?.isEmpty == true, "the last answer has no end")
        try demand(answered.count - 1 == lines.count, "\(answered.count - 1) answers to \(lines.count) requests")
        var forced: [Int: KiB] = [:]
        for (line, answer) in zip(lines, answered) {
            try demand(answer.count <= longestAnswer, "an answer of \(answer.count) bytes")
            try demand(JSONText.isObject(answer), "no JSON: \(String(decoding: answer, as: UTF8.self))")
            let isObeyed = RequestReference.meaning(line).map {
                RequestReference.apply($0, &forced, vnodes: served.machine.layout.vnodes)
            }
            try demand(
                answer.starts(with: "{\"error\":".utf8) != (isObeyed ?? false),
                "the answer to \(line) is \(String(decoding: answer, as: UTF8.self))")
        }
        try demand(served.forced == forced, "\(served.forced) is forced, not \(forced)")
        try demand(served.machine.violations.isEmpty, "\(served.machine.violations)")
    }

    /// The lines that the daemon should read: each of at most 255 bytes and a line end.
    private static func lines(_ bytes: [UInt8]) -> [String] {
        var (lines, line) = ([String](), [UInt8]())
        for byte in bytes {
            if byte == 10 {
                lines.append(String(decoding: line, as: UTF8.self))
                line = []
            } else {
                line.append(byte)
                if line.count > 255 { break }
            }
        }
        return lines
    }

    private static func examineLine(_ line: String) throws {
        let (request, wanted) = (ControlRequest(line), RequestReference.meaning(line)?.line)
        try demand(request?.line == wanted, "\(line) is \(request?.line ?? "none") and not \(wanted ?? "none")")
        if let request { try demand(ControlRequest(request.line) == request, "\(line) became \(request.line)") }
    }
}

/// A daemon's control socket and its engine on doubles, in a state directory of their own.
private final class Served {
    let machine = Machine(Layout(pnodes: [0, 1, 0], blocksPerVNode: 8))
    private let path: String
    private let socket: ControlSocket
    private let server: RequestServer
    private let engine: BalloonEngine
    private var heard: [String] = []

    init() throws {
        var template = Array("/tmp/vnode-balloon-oracle.XXXXXX".utf8CString)
        // Unsafe: mkdtemp replaces the X in place.
        guard unsafe template.withUnsafeMutableBufferPointer({ unsafe mkdtemp($0.baseAddress!) != nil }) else {
            throw Mistake(description: "no temporary directory")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let layout = machine.layout
        var reserves: [Int: any PageReserve] = [:]
        for vnode in layout.vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        let xen = SimulatedXen(machine)
        let backend = try PrivcmdMover(
            vnodes: layout.vnodes, hypervisor: xen, reserves: reserves, intents: SimulatedIntents(machine))
        let engine = BalloonEngine(
            guest: Guest(
                kind: .pvh, figures: xen, mover: backend, memory: { () throws(BalloonError) in [:] }, rest: { _ in }),
            state: try StateDirectory(path: path),
            options: .init(), log: Logger(label: "oracle") { _ in SwiftLogNoOpLogHandler() })
        try engine.recover()
        _ = try backend.inflate(vnode: 1, extents: 2)
        self.engine = engine
        server = RequestServer(engine: engine) { () throws(BalloonError) in
            try engine.report(isRunning: true, isFallback: true, staticMax: nil)
        }
        socket = try ControlSocket(path: path + "/control.sock")
    }

    deinit {
        for name in ["control.sock", "forced", "forced.new"] {
            // Unsafe: C reads a path that Swift lends it for the call.
            _ = unsafe unlink(path + "/" + name)
        }
        _ = unsafe rmdir(path)
    }

    /// The forced sizes that are saved: those that the next daemon would find.
    var forced: [Int: KiB] { (try? StateDirectory(path: path)).flatMap { try? $0.forced() } ?? [:] }

    /// Sends all bytes, and reads until the daemon closes the connection.
    func converse(_ bytes: [UInt8]) throws -> (heard: [String], answers: [UInt8]) {
        // Unsafe: C reads a path that Swift lends it for the call.
        let client = unsafe cb_socket_connect(path + "/control.sock", 5000)
        guard client >= 0 else { throw Mistake(description: "cannot connect") }
        defer { close(client) }
        _ = fcntl(client, F_SETFL, O_NONBLOCK)
        // Unsafe: a list and its length.
        let sent = unsafe bytes.withUnsafeBufferPointer { unsafe cb_socket_send(client, $0.baseAddress, $0.count) }
        try demand(sent == bytes.count || sent < 0 && bytes.isEmpty, "\(sent) bytes sent")
        shutdown(client, Int32(SHUT_WR))
        var answers: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        for _ in 0..<100_000 {
            try socket.turn { [self] line in
                heard.append(line)
                let answer = server.answer(line: line)
                // Vnodes that the request asked to audit again are known before the next request.
                while engine.isRecovering { engine.continueRecovery() }
                return answer
            }
            // Unsafe: a list and its length.
            let length = unsafe buffer.withUnsafeMutableBufferPointer {
                unsafe cb_socket_receive(client, $0.baseAddress, $0.count)
            }
            if length > 0 { answers += buffer.prefix(Int(length)) }
            if length == 0 { return (heard, answers) }
            // The daemon closed the connection before it had read everything.
            if length < 0 && length != -Int64(EAGAIN) { return (heard, answers) }
        }
        throw Mistake(description: "the conversation does not end")
    }
}
