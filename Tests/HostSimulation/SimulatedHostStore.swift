import BalloonCore
package import BalloonHost
import Glibc
import Simulation

/// Xenstore as dom0 sees it: absolute paths, owners, transactions that another writer may break.
package final class SimulatedHostStore: ToolstackStore {
    package private(set) var values: [String: String] = [:]
    package private(set) var owners: [String: UInt16] = [:]
    /// What the transaction has written and removed.
    private var drafted: [String] = []
    private var draft: (values: [String: String], owners: [String: UInt16])?
    package init() {}

    /// Called when a transaction is about to be committed: what somebody else does just then.
    package var beforeCommit: (() -> Void)?
    package var writes = 0
    /// After so many questions every other one fails, as if the process that asks had been killed. nil: none fails.
    package var questionsLeft: Int?

    private func ask() throws(BalloonError) {
        guard let left = questionsLeft else { return }
        guard left > 0 else { throw BalloonError(.store, "killed") }
        questionsLeft = left - 1
    }

    package var descriptor: Int32 { -1 }

    package subscript(path: String) -> String? {
        get { values[path] }
        set {
            values[path] = newValue
            fire(path)
        }
    }

    private var events: [String] = []
    package var eventsComeFirst = true
    /// Events are lost.
    package var losesEvents = false

    private func fire(_ path: String) {
        guard !losesEvents, watched.contains(path) || below.contains(where: { path.hasPrefix($0) }) else { return }
        events.append(path)
    }

    /// A domain is gone, with all that is below it.
    package func drop(_ path: String) {
        for gone in paths(below: path) { fire(gone) }
        let prefix = path + "/"
        values = values.filter { $0.key != path && !$0.key.hasPrefix(prefix) }
        owners = owners.filter { $0.key != path && !$0.key.hasPrefix(prefix) }
    }

    package func paths(below path: String) -> [String] {
        let prefix = path + "/"
        return values.keys.filter { $0.hasPrefix(prefix) }.sorted()
    }

    package func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]? {
        try ask()
        return (transaction != nil ? draft?.values[path] : values[path]).map { Array($0.utf8) }
    }

    package func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError) {
        try ask()
        if transaction != nil { draft?.values[path] = value } else { self[path] = value }
        if transaction != nil { drafted.append(path) }
        writes += 1
    }

    package func remove(_ path: String, in transaction: Transaction?) throws(BalloonError) {
        try ask()
        guard transaction != nil else { return drop(path) }
        drafted.append(path)
        let prefix = path + "/"
        let kept = draft?.values.filter { $0.key != path && !$0.key.hasPrefix(prefix) }
        draft?.values = kept ?? [:]
    }

    package func children(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [String]? {
        try ask()
        let all = transaction != nil ? draft?.values ?? [:] : values
        let prefix = path + "/"
        var names: Set<String> = []
        for key in all.keys where key.hasPrefix(prefix) {
            let name = key.utf8.dropFirst(prefix.utf8.count).prefix { $0 != UInt8(ascii: "/") }
            names.insert(String(Substring(name)))
        }
        return names.isEmpty ? nil : names.sorted()
    }

    package func give(_ path: String, to domain: UInt16, in transaction: Transaction?) throws(BalloonError) {
        try ask()
        if transaction != nil { draft?.owners[path] = domain } else { owners[path] = domain }
    }

    package private(set) var watched: Set<String> = []
    /// The beginnings of paths that are below a watch.
    private var below: [String] = []
    package func watch(_ path: String, token: String) throws(BalloonError) {
        try ask()
        if watched.insert(path).inserted { below.append(path + "/") }
        if !losesEvents { events.append(path) }
    }
    package func unwatch(_ path: String, token: String) throws(BalloonError) {
        try ask()
        if watched.remove(path) != nil { below.removeAll { $0 == path + "/" } }
    }
    package func nextEvent() throws(BalloonError) -> String? { events.isEmpty ? nil : events.removeFirst() }

    package func transaction(_ body: (Transaction) throws(BalloonError) -> Void) throws(BalloonError) {
        for _ in 0..<8 {
            draft = (values, owners)
            drafted = []
            defer { draft = nil }
            let before = values
            try ask()
            try body(Transaction(number: 1))
            beforeCommit?()
            // The commit, and its answer.
            try ask()
            // xenstored's way: whoever comes second tries again.
            guard values == before, let done = draft else { continue }
            (values, owners) = done
            for path in drafted { fire(path) }
            return try ask()
        }
        throw BalloonError(.store, "too many conflicts", errno: EAGAIN)
    }
}
