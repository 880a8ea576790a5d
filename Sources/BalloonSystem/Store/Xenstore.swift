public import BalloonCore
internal import CBalloonShim
internal import Glibc

/// A client that speaks xenstore's protocol: through the kernel's device in a guest, through xenstored's socket in
/// dom0.
///
/// A question waits two seconds for its answer. After that, no call waits until xenstore says something again, so a
/// silent xenstore costs no more time. Until then every call fails with ETIMEDOUT.
public final class Xenstore: Store {
    private let line: FileDescriptor
    /// The kernel's device takes a question in one write, and registers a watch before that write returns.
    let isDevice: Bool
    var dialogue = StoreDialogue()
    private var silence = StoreSilence()
    private var isLost = false
    private let patience: Interval
    /// Called a few times a second while a question waits for its answer, with the time that it has waited.
    package var whileWaiting: ((Interval) -> Void)?
    /// Bytes that a full socket has not taken yet.
    var unsent: [UInt8] = []

    /// Connects to the domain's xenstore.
    /// - Throws: `.noXen` when it cannot be reached.
    public convenience init() throws(BalloonError) { try self.init(patience: StoreSilence.patience) }

    /// - Parameter patience: how long a question waits for its answer.
    package convenience init(patience: Interval) throws(BalloonError) {
        try self.init(paths: Self.paths, patience: patience)
    }

    /// - Parameters:
    ///   - paths: where xenstore may be; the first that can be opened counts.
    ///   - patience: how long a question waits for its answer.
    package init(paths: [String], patience: Interval = StoreSilence.patience) throws(BalloonError) {
        self.patience = patience
        var result = -ENOENT
        var isSocket = false
        for path in paths where result < 0 {
            // Unsafe: a C string for the call, and a flag that the shim sets.
            result = unsafe cb_store_connect(path, &isSocket)
        }
        guard result >= 0 else {
            throw BalloonError(
                .noXen, "cannot reach xenstore; is /dev/xen/xenbus there, and xenstored running in dom0?",
                errno: -result)
        }
        line = FileDescriptor(result)
        isDevice = !isSocket
    }

    /// The paths to try, in this order. Where $XENSTORED_PATH is set, only that one.
    private static var paths: [String] {
        // Unsafe: the C text is copied at once, and no code here changes the environment.
        if let path = unsafe getenv("XENSTORED_PATH") { return [unsafe String(cString: path)] }
        return ["/run/xenstored/socket", "/var/run/xenstored/socket", "/dev/xen/xenbus", "/proc/xen/xenbus"]
    }

    public var descriptor: Int32 { isLost ? -1 : line.rawValue }

    public var hasEvents: Bool { dialogue.hasEvents }

    public var condition: StoreCondition { isLost ? .lost : silence.since == nil ? .open : .silent }

    // MARK: Questions

    public func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]? {
        do throws(BalloonError) {
            return try ask(.read, in: transaction, StoreMessage.texts(path), "cannot read \(path) in xenstore")
        } catch {
            if error.errno == ENOENT { return nil }
            throw error
        }
    }

    public func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError) {
        let body = StoreMessage.texts(path) + Array(value.utf8)
        _ = try ask(.write, in: transaction, body, "cannot write \(path) in xenstore")
    }

    public func watch(_ path: String, token: String) throws(BalloonError) {
        // The kernel waits for xenstored without a limit when it registers a watch. So a watch is set only right after
        // xenstored has answered something else.
        if isDevice { _ = try read("domid", in: nil) }
        do throws(BalloonError) {
            _ = try ask(.watch, in: nil, StoreMessage.texts(path, token), "cannot watch \(path) in xenstore")
        } catch {
            // EEXIST: the watch is set already, which is fine.
            if error.errno != EEXIST { throw error }
        }
        dialogue.noteWatch(path)
    }

    public func nextEvent() throws(BalloonError) -> String? {
        if let event = dialogue.nextEvent() { return event }
        try checkOpen()
        try listen()
        return dialogue.nextEvent()
    }

    /// The most tries: a program that changes all the time what we read must not keep us here.
    private static let tries = 8

    public func transaction(_ body: (Transaction) throws(BalloonError) -> Void) throws(BalloonError) {
        for attempt in 1...Self.tries {
            let answer = try ask(.begin, in: nil, StoreMessage.texts(""), "cannot begin a xenstore transaction")
            guard let number = StoreDialogue.transaction(answer) else {
                throw lose(.storeMisspoke("a transaction without a number"))
            }
            let transaction = Transaction(number: number)
            do throws(BalloonError) { try body(transaction) } catch {
                drop(transaction)
                throw error
            }
            do throws(BalloonError) {
                let commit = StoreMessage.texts("T")
                _ = try ask(.end, in: transaction, commit, "cannot commit a xenstore transaction")
                return
            } catch {
                // ENOENT: the domain has another xenstore now, which does not know this transaction.
                let isToBeTried = error.errno == EAGAIN || error.errno == ENOENT
                if !isToBeTried || attempt == Self.tries { throw error }
            }
        }
    }

    /// Ends a transaction and drops its changes. The answer does not matter.
    private func drop(_ transaction: Transaction) {
        let no = StoreMessage.texts("F")
        if condition == .open {
            _ = try? ask(.end, in: transaction, no, "")
        } else {
            _ = try? send(.end, in: transaction.number, no, isGivenUp: true)
        }
    }

    public func unwatch(_ path: String, token: String) throws(BalloonError) {
        dialogue.forgetWatch(path)
        do throws(BalloonError) {
            _ = try ask(.unwatch, in: nil, StoreMessage.texts(path, token), "cannot unwatch \(path) in xenstore")
        } catch {
            if error.errno != ENOENT { throw error }
        }
    }

    // MARK: The line

    private static let pulse: Interval = .milliseconds(200)

    /// Sends a question, and returns the body of the answer.
    func ask(
        _ kind: StoreMessage.Kind, in transaction: Transaction?, _ body: [UInt8], _ what: @autoclosure () -> String
    ) throws(BalloonError) -> [UInt8] {
        try checkOpen()
        try checkSilence(what)
        let answer = try answer(to: try send(kind, in: transaction?.number ?? 0, body), what)
        if answer.kind == .error { throw StoreErrors.error(what(), answer.body) }
        return answer.body
    }

    /// Waits for the answer to a question.
    func answer(to number: UInt32, _ what: () -> String) throws(BalloonError) -> StoreMessage {
        let begin = Moment.now
        while true {
            if let answer = dialogue.answer(to: number) { return answer }
            let waited = Moment.now - begin
            guard waited < patience else { break }
            try wait(min(patience - waited, whileWaiting == nil ? patience : Self.pulse))
            try listen()
            whileWaiting?(waited)
        }
        dialogue.giveUp(number)
        silence.begin(now: Moment.now)
        throw .storeIsSilent(what())
    }

    func checkOpen() throws(BalloonError) { if isLost { throw .storeIsLost } }

    /// While xenstore is silent this does not wait. It reads what has arrived, and throws unless something has.
    func checkSilence(_ what: () -> String) throws(BalloonError) {
        guard silence.since != nil else { return }
        try listen()
        let now = Moment.now
        if silence.isHopeless(now: now) { throw lose(.storeIsSilent(what())) }
        if silence.isQuestionDue(now: now) { try send(.read, StoreMessage.texts("domid"), isGivenUp: true) }
        if silence.since != nil { throw .storeIsSilent(what()) }
    }

    /// Sends a question. Returns its number.
    @discardableResult
    func send(
        _ kind: StoreMessage.Kind, in transaction: UInt32 = 0, _ body: [UInt8], isGivenUp: Bool = false
    ) throws(BalloonError) -> UInt32 {
        let (number, bytes) = try dialogue.ask(kind, in: transaction, body)
        if isGivenUp { dialogue.giveUp(number) }
        unsent += bytes
        do throws(BalloonError) { try flush() } catch {
            // The device has refused this question and will send no answer. It takes the next one.
            guard isDevice else { throw lose(error) }
            dialogue.withdraw(number)
            unsent = []
            throw error
        }
        return number
    }

    func flush() throws(BalloonError) {
        while !unsent.isEmpty {
            // Unsafe: a list and its length.
            let sent = unsafe unsent.withUnsafeBufferPointer {
                unsafe cb_store_send(line.rawValue, $0.baseAddress, $0.count)
            }
            if sent == -Int64(EAGAIN) { return }
            try check(sent, .store, "cannot send to xenstore")
            unsent.removeFirst(Int(sent))
        }
    }

    private func wait(_ time: Interval) throws(BalloonError) {
        let milliseconds = Int32(time.roundedUp(to: .milliseconds(1)).wholeMilliseconds)
        _ = try Poll.wait(
            [line.rawValue], writing: unsent.isEmpty ? [] : [0], urgent: nil, timeoutMilliseconds: milliseconds)
    }

    /// The most that one call reads. The rest waits for the next one.
    private static let mostReads = 16
    private static let readBytes = 16 << 10

    /// Reads what has arrived.
    func listen() throws(BalloonError) {
        do throws(BalloonError) {
            try flush()
            let before = dialogue.heard
            for _ in 0..<Self.mostReads {
                guard let bytes = try receive() else { break }
                try dialogue.take(bytes)
            }
            if dialogue.heard != before { silence.heard() }
        } catch {
            throw lose(error)
        }
        for transaction in dialogue.takeOrphans() {
            try send(.end, in: transaction, StoreMessage.texts("F"), isGivenUp: true)
        }
    }

    /// Reads a part of the stream; nil: nothing has arrived.
    private func receive() throws(BalloonError) -> [UInt8]? {
        var length: Int64 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.readBytes) { buffer, count in
            // Unsafe: the shim fills at most the buffer's length and says how much.
            unsafe length = cb_store_receive(line.rawValue, buffer.baseAddress, Self.readBytes)
            count = max(0, Int(length))
        }
        if length == -Int64(EAGAIN) { return nil }
        try check(length, .store, "cannot read from xenstore")
        if length == 0 { throw .storeIsLost }
        return bytes
    }

    /// Marks the connection as lost.
    func lose(_ error: BalloonError) -> BalloonError {
        isLost = true
        return error
    }
}
