internal import Glibc

/// The xenstore operations that only the toolstack's domain may do. Paths are absolute.
public protocol ToolstackStore: Store {
    /// Removes a node and all nodes below it. A missing node is no error.
    func remove(_ path: String, in transaction: Transaction?) throws(BalloonError)
    /// The names below a node; nil: there is no such node.
    func children(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [String]?
    /// Gives a node to a domain. From then on only that domain and the toolstack may read and write it.
    func give(_ path: String, to domain: UInt16, in transaction: Transaction?) throws(BalloonError)
    func unwatch(_ path: String, token: String) throws(BalloonError)

    /// Whether the events of all that was written before a question arrive before its answer.
    var eventsComeFirst: Bool { get }

    /// Reads many values; nil where there is no such node.
    func read(all paths: [String]) throws(BalloonError) -> [[UInt8]?]
    /// The names below many nodes; nil where there is no such node.
    func children(all paths: [String]) throws(BalloonError) -> [[String]?]
}

extension ToolstackStore {
    public func read(all paths: [String]) throws(BalloonError) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        for path in paths { values.append(try read(path, in: nil)) }
        return values
    }

    public func children(all paths: [String]) throws(BalloonError) -> [[String]?] {
        var names: [[String]?] = []
        for path in paths { names.append(try children(path, in: nil)) }
        return names
    }
}

extension Xenstore: ToolstackStore {
    /// Linux hands out events by another thread than answers. xenstored's socket has one order.
    public var eventsComeFirst: Bool { !isDevice }

    public func remove(_ path: String, in transaction: Transaction?) throws(BalloonError) {
        do throws(BalloonError) {
            _ = try ask(.remove, in: transaction, StoreMessage.texts(path), "cannot remove \(path) in xenstore")
        } catch {
            if error.errno != ENOENT { throw error }
        }
    }

    public func read(all paths: [String]) throws(BalloonError) -> [[UInt8]?] {
        let answers = try ask(.read, of: paths)
        var values: [[UInt8]?] = []
        values.reserveCapacity(paths.count)
        for (path, answer) in zip(paths, answers) {
            values.append(try Self.body(answer, "cannot read \(path) in xenstore"))
        }
        return values
    }

    public func children(all paths: [String]) throws(BalloonError) -> [[String]?] {
        let answers = try ask(.directory, of: paths)
        var names: [[String]?] = []
        for (path, answer) in zip(paths, answers) {
            let isLong = answer.kind == .error && StoreErrors.number(answer.body) == E2BIG
            let body = isLong ? nil : try Self.body(answer, "cannot list \(path) in xenstore")
            names.append(isLong ? try longChildren(path) : body.map(Self.names))
        }
        return names
    }

    /// The body of an answer; nil: there is no such node.
    private static func body(_ answer: StoreMessage, _ what: @autoclosure () -> String) throws(BalloonError) -> [UInt8]?
    {
        guard answer.kind == .error else { return answer.body }
        if StoreErrors.number(answer.body) == ENOENT { return nil }
        throw StoreErrors.error(what(), answer.body)
    }

    public func give(_ path: String, to domain: UInt16, in transaction: Transaction?) throws(BalloonError) {
        let body = StoreMessage.texts(path, "n\(domain)")
        _ = try ask(.setPermissions, in: transaction, body, "cannot give \(path) in xenstore to domain \(domain)")
    }

    public func children(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [String]? {
        do throws(BalloonError) {
            let body = try ask(.directory, in: transaction, StoreMessage.texts(path), "cannot list \(path) in xenstore")
            return Self.names(body)
        } catch {
            if error.errno == ENOENT { return nil }
            if error.errno == E2BIG { return try longChildren(path) }
            throw error
        }
    }

    private static func names(_ body: [UInt8]) -> [String] {
        body.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads a list that does not fit into one answer. It comes in parts, each after the node's generation. It is read
    /// outside of any transaction: xenstored does not allow it inside one.
    private func longChildren(_ path: String) throws(BalloonError) -> [String]? {
        for _ in 0..<8 {
            var (list, generation): ([UInt8], [UInt8]?) = ([], nil)
            while true {
                let body = StoreMessage.texts(path, "\(list.count)")
                let answer = try ask(.directoryPart, in: nil, body, "cannot list \(path) in xenstore")
                guard let end = answer.firstIndex(of: 0) else { throw .storeMisspoke("a list without a generation") }
                if generation != nil && generation != Array(answer[..<end]) { break }
                generation = Array(answer[..<end])
                list += answer[(end + 1)...]
                // An empty name ends the list.
                if list.suffix(2) == [0, 0] || list == [0] || answer.count == end + 1 { return Self.names(list) }
            }
        }
        throw BalloonError(.store, "cannot list \(path) in xenstore: it changes all the time", errno: EAGAIN)
    }
}
