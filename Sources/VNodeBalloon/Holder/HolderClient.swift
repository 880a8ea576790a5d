/// Talks to the holder; starts it where none is running.
///
/// A request ends in one of three ways: with a value, with nothing, or with an error, which means that the answer is
/// not known. A connection on which a request was not answered, or not in its turn, is closed and never read again: a
/// late answer would be taken for the answer to another request.
public final class HolderClient: OutlivingKeeper {
    private let access: any HolderAccess
    private var connection: (any HolderConnection)?
    private var number: UInt64 = 0
    /// What the holder keeps for us, to be sent again if it is killed.
    private var kept: [String: FileDescriptor] = [:]
    /// The holder process that has all of it.
    private var token: UInt64?
    /// Names under which a request was not answered: what is kept there is not known.
    private var doubtful: Set<String> = []
    /// Names that nothing is to be kept under any more. The holder was not told yet, or perhaps not.
    private var undropped: Set<String> = []
    /// The holder did not answer: it is not asked again before this time.
    private var silentUntil: Moment?
    /// It has not answered since. Until it does, each wait for it is a short one.
    private var wasSilent = false
    private static let silencePause: Interval = .seconds(5)
    /// Why no holder could be started, and before when no other one is.
    private var unstarted: (error: BalloonError, until: Moment)?

    /// Nothing is started before something is kept.
    public convenience init(state: StateDirectory) { self.init(HolderSocket(state: state)) }

    package init(_ access: any HolderAccess) { self.access = access }

    // MARK: What is asked of a keeper

    public func keep(_ name: String, _ descriptor: FileDescriptor) throws(BalloonError) {
        try connectAndSendAgain()
        // The name was dropped before, perhaps without the holder's knowing. Now something is to be kept there.
        undropped.remove(name)
        try sendToKeep(name, descriptor)
        kept[name] = descriptor
    }

    public func drop(_ name: String) {
        kept[name] = nil
        doubtful.remove(name)
        undropped.insert(name)
        try? dropUndropped()
    }

    public func kept(_ name: String) throws(BalloonError) -> FileDescriptor? {
        guard !undropped.contains(name), try connectIfThere() else { return nil }
        let found = try get(name)
        // Pages that left the file have no other pin. A new holder must get these, too, from the process that runs
        // then.
        if let found, name.hasPrefix(KeptName.lostPrefix) { kept[name] = found }
        return found
    }

    public func keptNames(prefix: String) throws(BalloonError) -> [String] {
        guard try connectIfThere() else { return [] }
        var names: [String] = []
        while true {
            guard case .names(let page, let isMore) = try ask(.names(prefix: prefix, after: names.last)).answer else {
                throw confused()
            }
            names += page
            if !isMore { break }
            if page.isEmpty { throw confused() }
        }
        return names.filter { !undropped.contains($0) }
    }

    /// Has all that the holder keeps, so that another holder can be given it.
    ///
    /// - Parameter names: what names begin with.
    /// - Returns: how many; nil: no holder runs.
    package func takeAll(names: [String] = HolderMessage.firstBytes) throws(BalloonError) -> Int? {
        guard try connectIfThere() else { return nil }
        for prefix in names {
            for name in try keptNames(prefix: prefix) {
                // One that is gone meanwhile was dropped by the process that gave it.
                if let found = try get(name) { kept[name] = found }
            }
        }
        return kept.count
    }

    /// Whether a holder keeps anything: files and pins of a balloon, whatever names are left of them.
    /// - Throws: `.busy`, `.descriptors`: that is not known.
    public func keepsSomething() throws(BalloonError) -> Bool {
        guard try connectIfThere() else { return false }
        for prefix in HolderMessage.firstBytes where try !keptNames(prefix: prefix).isEmpty { return true }
        return false
    }

    /// Whether the holder below a state directory keeps pins: pages that are in a balloon's file, whatever became of the
    /// file's name.
    /// - Throws: `.busy`, `.descriptors`: that is not known.
    static func hasPins(below stateDirectory: String) throws(BalloonError) -> Bool {
        guard StateDirectory.hasHolder(stateDirectory) != false else { return false }
        let client = HolderClient(state: try StateDirectory(path: stateDirectory))
        guard try client.connectIfThere() else { return false }
        for name in try client.keptNames(prefix: "vnode") where name.contains(".pin") {
            // The name of an empty pin stays where the holder could not be asked to drop it.
            if let pin = try client.kept(name), client.access.pages(in: pin) > 0 { return true }
        }
        return false
    }

    /// Before this process ends with all balloons empty: nothing needs to be kept, and the holder ends, too.
    public func dropAll() {
        for name in kept.keys where !name.hasPrefix(KeptName.lostPrefix) { drop(name) }
        if connection != nil { _ = try? ask(.end) }
    }

    /// Readable when the holder has ended: then call ``restoreIfLost()``.
    package var descriptor: Int32? { connection?.descriptor }

    /// Starts the holder again if it is gone, and gives it all that it had.
    public func restoreIfLost() throws(BalloonError) {
        guard kept.isEmpty else { return try connectAndSendAgain() }
        if let connection, !connection.isOpen { self.connection = nil }
        try dropUndropped()
    }

    // MARK: The connection

    /// Connects where a holder is running.
    /// - Returns: false: there is none, so nothing is kept.
    private func connectIfThere() throws(BalloonError) -> Bool {
        if let connection, connection.isOpen { return true }
        connection = nil
        if let silentUntil, access.now < silentUntil { throw silent() }
        silentUntil = nil
        do throws(BalloonError) {
            guard let found = try access.connect(isBrief: wasSilent) else { return false }
            try greet(found)
        } catch {
            // Its queue is full: it accepts no connection.
            if error.code == .busy {
                silentUntil = silentUntil ?? access.now + Self.silencePause
                wasSilent = true
            }
            throw error
        }
        return true
    }

    private func connectAndSendAgain() throws(BalloonError) {
        if try !connectIfThere() { try greet(try start()) }
        try resolveDoubts()
    }

    /// To wait for a holder that does not start makes a daemon deaf, so it is not done again at once, nor for as long.
    private func start() throws(BalloonError) -> any HolderConnection {
        if let unstarted, access.now < unstarted.until { throw unstarted.error }
        do throws(BalloonError) {
            let started = try access.start(isBrief: unstarted != nil)
            unstarted = nil
            return started
        } catch {
            unstarted = (error, access.now + Self.silencePause)
            throw error
        }
    }

    /// A holder that is another process gets all that the last one had before anything else.
    private func greet(_ found: any HolderConnection) throws(BalloonError) {
        connection = found
        guard case .hello(let token) = try ask(.hello).answer else { throw confused() }
        if self.token == token { return }
        // In doubt until each of them is known to be there.
        doubtful.formUnion(kept.keys)
        self.token = token
        try resolveDoubts()
    }

    /// Under these names the holder may keep nothing, the old descriptor, or the new one. What this process has under
    /// them is sent again. If the holder's has more pages, these may be holes: the holder's is then kept beside it
    /// under another name.
    private func resolveDoubts() throws(BalloonError) {
        for name in doubtful {
            guard let ours = kept[name] else {
                // The caller that asked for it still has both, and asks again.
                doubtful.remove(name)
                continue
            }
            if let theirs = try get(name), access.pages(in: theirs) > access.pages(in: ours) {
                try putAside(theirs, name)
            }
            try sendToKeep(name, ours)
        }
        try dropUndropped()
    }

    /// The frames of the additional pages are not known. They may be holes, so they stay pinned.
    private func putAside(_ theirs: FileDescriptor, _ name: String) throws(BalloonError) {
        // The pipe's own number: a process before this one may have put another one aside.
        let aside = KeptName.lostPrefix + name + ".more\(number)-\((try? theirs.info().inode) ?? 0)"
        try sendToKeep(aside, theirs)
        kept[aside] = theirs
    }

    private func dropUndropped() throws(BalloonError) {
        guard !undropped.isEmpty else { return }
        guard try connectIfThere() else {
            // No holder runs, so nothing is kept.
            undropped = []
            return
        }
        for name in undropped {
            guard case .done = try ask(.drop(name)).answer else { throw confused() }
            undropped.remove(name)
        }
    }

    // MARK: Requests

    private func sendToKeep(_ name: String, _ descriptor: FileDescriptor) throws(BalloonError) {
        // Until the answer comes the holder may keep it or not.
        doubtful.insert(name)
        switch try ask(.keep(name), descriptor).answer {
        case .done: doubtful.remove(name)
        case .refused(.descriptors):
            // What was there before still is.
            if kept[name] == nil { doubtful.remove(name) }
            throw BalloonError(
                .descriptors,
                "the holder of the pins (balloonctl hold) may open no more files: raise LimitNOFILE= of"
                    + " vnode-balloon-hold.service, or the limit it was started with (ulimit -n)")
        default: throw confused()
        }
    }

    private func get(_ name: String) throws(BalloonError) -> FileDescriptor? {
        let (answer, attached) = try ask(.get(name))
        switch (answer, attached) {
        case (.nothing, _): return nil
        case (.here, .this(let descriptor)): return descriptor
        case (.here, .noRoom):
            throw BalloonError(
                .descriptors,
                "what the holder keeps under \(name) cannot be looked at: this process may open no more files"
                    + " (LimitNOFILE=, ulimit -n)")
        default: throw confused()
        }
    }

    private func ask(
        _ request: HolderRequest, _ descriptor: FileDescriptor? = nil
    ) throws(BalloonError) -> (answer: HolderAnswer, attached: AttachedDescriptor) {
        guard let connection else { throw silent() }
        number += 1
        guard connection.send(HolderMessage.line(number, request), descriptor),
            let (text, attached) = connection.receive()
        else {
            self.connection = nil
            silentUntil = access.now + Self.silencePause
            wasSilent = true
            throw silent()
        }
        (silentUntil, wasSilent) = (nil, false)
        // This is what a holder of the earlier protocol answers to any request that it does not know.
        if case .hello = request, text == "no" { throw earlier() }
        guard let (number, answer) = HolderMessage.answer(text), number == self.number else { throw confused() }
        return (answer, attached)
    }

    // MARK: Errors. After each of them the connection is closed and never read again.

    private func silent() -> BalloonError {
        connection = nil
        return BalloonError(
            .busy,
            "the holder of the pins (balloonctl hold) does not answer, so it is not known what it keeps; if it is stopped,"
                + " send it SIGCONT")
    }

    private func confused() -> BalloonError {
        connection = nil
        return BalloonError(
            .busy,
            "the holder of the pins (balloonctl hold) answered something else than it was asked; it is asked again")
    }

    private func earlier() -> BalloonError {
        connection = nil
        return BalloonError(
            .busy,
            "the holder of the pins is a process of before the update. Under systemd, run: systemctl kill --signal=KILL"
                + " vnode-balloon-hold.service (it is up again at once with all that it keeps); else put the earlier balloonctl"
                + " back, run its deflate --all, and update then")
    }
}
