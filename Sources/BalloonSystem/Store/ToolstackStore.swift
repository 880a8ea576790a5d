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
}

extension Xenstore: ToolstackStore {
    public func remove(_ path: String, in transaction: Transaction?) throws(BalloonError) {
        do throws(BalloonError) {
            _ = try ask(.remove, in: transaction, StoreMessage.texts(path), "cannot remove \(path) in xenstore")
        } catch {
            if error.errno != ENOENT { throw error }
        }
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
