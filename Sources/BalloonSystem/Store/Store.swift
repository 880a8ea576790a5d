public import BalloonCore

/// What the balloon asks of xenstore. Paths are relative to the domain's own directory.
public protocol Store: AnyObject {
    /// A descriptor that is readable when a watch fired; negative when nothing is to be expected any more.
    var descriptor: Int32 { get }
    /// Watch events are here already: the descriptor need not be readable for them.
    var hasEvents: Bool { get }
    /// Whether it answers.
    var condition: StoreCondition { get }

    /// A value, nil when there is none. Values are untrusted: any bytes, up to 4096 of them.
    /// - Throws: `.store` for what is not "no such node" (EACCES comes with its `errno`).
    func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]?
    /// - Throws: `.store`; `errno` is EACCES where the node is not ours.
    func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError)

    func watch(_ path: String, token: String) throws(BalloonError)
    /// The path of one watch event, nil when there is none. An event is a hint only.
    func nextEvent() throws(BalloonError) -> String?

    /// Runs `body` in a transaction and commits it; again when another client changed what it read (EAGAIN), a few
    /// times at most.
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
