public import BalloonCore

/// A xenstore client. Paths are relative to the domain's own directory.
public protocol Store: AnyObject {
    /// A descriptor that is readable when a watch fired; negative once no event can come any more.
    var descriptor: Int32 { get }
    /// Whether watch events have already been read. For these the descriptor is not readable.
    var hasEvents: Bool { get }
    /// Whether xenstored answers.
    var condition: StoreCondition { get }

    /// Reads a value; nil: there is no such node. Values are untrusted: any bytes, up to 4096 of them.
    /// - Throws: `.store` for any error except that there is no such node. For EACCES `errno` is set.
    func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]?
    /// - Throws: `.store`; `errno` is EACCES where the node is not ours.
    func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError)

    func watch(_ path: String, token: String) throws(BalloonError)
    /// The path of the next watch event; nil: there is none. An event is only a hint.
    func nextEvent() throws(BalloonError) -> String?

    /// Runs `body` in a transaction and commits it. If another client changed what it read (EAGAIN), it tries again, a
    /// few times at most.
    func transaction(
        _ body: (Transaction) throws(BalloonError) -> Void
    ) throws(BalloonError)
}

extension Store {
    public var hasEvents: Bool { false }
    public var condition: StoreCondition { .open }
}

/// A transaction of a ``Store``.
public struct Transaction: Equatable, Sendable {
    public let number: UInt32

    public init(number: UInt32) { self.number = number }
}
