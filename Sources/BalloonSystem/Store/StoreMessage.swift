/// One message of xenstore's protocol (xen/io/xs_wire.h): a header of four words, then a body.
///
/// The words have the machine's byte order, which is little endian wherever Xen and Swift run.
package struct StoreMessage: Equatable, Sendable {
    /// The type of a message. Open: the other end may send any number.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let directory = Kind(rawValue: 1)
        package static let read = Kind(rawValue: 2)
        package static let watch = Kind(rawValue: 4)
        package static let unwatch = Kind(rawValue: 5)
        package static let begin = Kind(rawValue: 6)
        package static let end = Kind(rawValue: 7)
        package static let write = Kind(rawValue: 11)
        package static let remove = Kind(rawValue: 13)
        package static let setPermissions = Kind(rawValue: 14)
        package static let event = Kind(rawValue: 15)
        package static let error = Kind(rawValue: 16)
        package static let directoryPart = Kind(rawValue: 20)
    }

    package var kind: Kind
    /// An answer has the number of its question. In an event the number means nothing.
    package var request: UInt32
    /// 0: not in a transaction.
    package var transaction: UInt32
    package var body: [UInt8]

    package static let headerBytes = 16
    /// XENSTORE_PAYLOAD_MAX.
    package static let longestBody = 4096

    package init(_ kind: Kind, request: UInt32 = 0, transaction: UInt32 = 0, _ body: [UInt8] = []) {
        self.kind = kind
        self.request = request
        self.transaction = transaction
        self.body = body
    }

    /// The message as bytes on the wire.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + body.count)
        for word in [kind.rawValue, request, transaction, UInt32(body.count)] {
            for shift in [UInt32(0), 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes + body
    }

    /// Texts, each followed by a NUL, as bodies have them.
    package static func texts(_ texts: String...) -> [UInt8] { texts.flatMap { Array($0.utf8) + [0] } }
}

/// Takes messages from a stream of bytes that arrives in pieces of any length.
package struct StoreDecoder {
    /// Received bytes. Those before `start` were taken already.
    private var bytes: [UInt8] = []
    private var start = 0

    package init() {}

    /// Takes in more of the stream. Call ``next()`` until it returns nil before the next call, so that only one partial
    /// message is kept.
    package mutating func take(_ more: some Collection<UInt8>) {
        bytes.removeFirst(start)
        start = 0
        bytes += more
    }

    /// The next whole message; nil: it has not arrived yet.
    /// - Throws: `.store` (EPROTO): an impossible length. The rest of the stream cannot be read.
    package mutating func next() throws(BalloonError) -> StoreMessage? {
        guard bytes.count - start >= StoreMessage.headerBytes else { return nil }
        let length = word(3)
        guard length <= UInt32(StoreMessage.longestBody) else {
            throw .storeMisspoke("a message of \(length) bytes")
        }
        let (body, end) = (start + StoreMessage.headerBytes, start + StoreMessage.headerBytes + Int(length))
        guard bytes.count >= end else { return nil }
        let message = StoreMessage(
            .init(rawValue: word(0)), request: word(1), transaction: word(2), Array(bytes[body..<end]))
        start = end
        return message
    }

    private func word(_ index: Int) -> UInt32 {
        let place = start + index * 4
        return bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
