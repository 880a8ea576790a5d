internal import Glibc

extension BalloonError {
    /// The other end of the connection does not keep to the protocol: the connection is of no use any more.
    static func storeMisspoke(_ what: String) -> BalloonError {
        BalloonError(.store, "xenstore's answer makes no sense: \(what)", errno: EPROTO)
    }

    static func storeIsSilent(_ what: String) -> BalloonError {
        BalloonError(.store, "\(what): xenstore does not answer; is xenstored running in dom0?", errno: ETIMEDOUT)
    }

    static let storeIsLost = BalloonError(.store, "the connection to xenstore is gone", errno: EPIPE)
}

/// What xenstored calls its errors (xen/io/xs_wire.h), and what a guest can do about them.
enum StoreErrors {
    private static let numbers: [String: Int32] = [
        "EINVAL": EINVAL, "EACCES": EACCES, "EEXIST": EEXIST, "EISDIR": EISDIR, "ENOENT": ENOENT, "ENOMEM": ENOMEM,
        "ENOSPC": ENOSPC, "EIO": EIO, "ENOTEMPTY": ENOTEMPTY, "ENOSYS": ENOSYS, "EROFS": EROFS, "EBUSY": EBUSY,
        "EAGAIN": EAGAIN, "EISCONN": EISCONN, "E2BIG": E2BIG, "EPERM": EPERM,
    ]

    /// The number behind the text of an error; an unknown word is EIO.
    static func number(_ body: [UInt8]) -> Int32 {
        numbers[String(decoding: body.prefix { $0 != 0 }, as: UTF8.self)] ?? EIO
    }

    /// Which of the limits that dom0 sets for a domain the error means; nil: none.
    static func quota(_ number: Int32) -> String? {
        switch number {
        case ENOSPC: "a quota of the domain's is used up: nodes, the size of one, or transactions"
        case E2BIG: "the domain's quota of watches is used up, or a path is too long"
        default: nil
        }
    }

    /// The error that an answer stands for.
    static func error(_ what: String, _ body: [UInt8]) -> BalloonError {
        let number = number(body)
        let text = quota(number).map { "\(what): \($0)" } ?? what
        return BalloonError(.store, text, errno: number)
    }
}
