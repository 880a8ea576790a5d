import Glibc
public import VNodeBalloon

/// What every client of xenstore must do with a real xenstored, as a guest sees it. Nodes below data/conformance stay,
/// and are left empty.
public struct StoreCheck {
    public let name: String
    private let body: (Connections) throws -> Void

    /// The client to check, and a second one that writes to the same xenstore.
    struct Connections {
        let store: any Store
        let another: any Store
    }

    private init(_ name: String, _ body: @escaping (Connections) throws -> Void) {
        self.name = name
        self.body = body
    }

    /// - Returns: why it failed; nil: it passed.
    public func run(_ open: () throws -> any Store) -> String? {
        do {
            try body(Connections(store: try open(), another: try open()))
            return nil
        } catch {
            return "\(error)"
        }
    }

    public static var all: [StoreCheck] { values + transactions + watches }

    private static let base = "data/conformance"

    /// The errno of what `body` throws.
    private static func errno(of body: () throws -> Void) -> Int32? {
        do { try body() } catch { return (error as? BalloonError)?.errno }
        return nil
    }

    private static func text(_ store: any Store, _ path: String) throws -> String? {
        try store.read(path, in: nil).map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Values

    private static var values: [StoreCheck] {
        [
            StoreCheck("a value is read as it was written") { c in
                for value in ["1", "", String(repeating: "x", count: 1800), "a\u{1}b\u{e9}", "2"] {
                    try c.store.write("\(base)/value", value, in: nil)
                    try expect(try text(c.store, "\(base)/value"), value, "its own")
                    try expect(try text(c.another, "\(base)/value"), value, "another's")
                }
                try c.store.write("\(base)/value", "", in: nil)
            },
            StoreCheck("what is not there is nil") { c in
                try expect(try text(c.store, "\(base)/none"), nil, "no node")
                try expect(try text(c.store, "memory/vnode99/target-balloon-size"), nil, "no directory")
            },
            StoreCheck("errors have their numbers, and the next question is answered") { c in
                try expect(errno { try c.store.write("memory/static-max", "1", in: nil) }, EACCES, "not ours")
                let long = String(repeating: "x", count: 2100)
                try expect(errno { try c.store.write("\(base)/long", long, in: nil) }, ENOSPC, "the quota of a node")
                try expect(errno { try c.store.write("\(base)/long", long + long + long, in: nil) }, E2BIG, "too long")
                try expect(errno { _ = try c.store.read("\(base)/no such path", in: nil) }, EINVAL, "no path")
                try expect(try text(c.store, "domid") != nil, "the next one is answered")
            },
        ]
    }

    // MARK: Transactions

    private static var transactions: [StoreCheck] {
        [
            StoreCheck("a transaction shows all at once") { c in
                try c.store.write("\(base)/a", "old", in: nil)
                try c.store.transaction { (transaction) throws(BalloonError) in
                    try c.store.write("\(base)/a", "new", in: transaction)
                    guard try c.store.read("\(base)/a", in: transaction) == Array("new".utf8),
                        try c.another.read("\(base)/a", in: nil) == Array("old".utf8)
                    else { throw BalloonError(.store, "others see it, or it does not") }
                }
                try expect(try text(c.another, "\(base)/a"), "new", "after it")
            },
            StoreCheck("one that is dropped leaves nothing") { c in
                try c.store.write("\(base)/a", "old", in: nil)
                let dropped = errno {
                    try c.store.transaction { (transaction) throws(BalloonError) in
                        try c.store.write("\(base)/a", "new", in: transaction)
                        throw BalloonError(.store, "on purpose", errno: EDOM)
                    }
                }
                try expect(dropped, EDOM, "what was thrown")
                try expect(try text(c.store, "\(base)/a"), "old", "after it")
            },
            StoreCheck("one that meets another's is tried again") { c in
                var tries = 0
                try c.store.transaction { (transaction) throws(BalloonError) in
                    tries += 1
                    _ = try c.store.read("\(base)/a", in: transaction)
                    if tries < 3 { try c.another.write("\(base)/a", "theirs", in: nil) }
                    try c.store.write("\(base)/a", "ours", in: transaction)
                }
                try expect(tries, 3, "tries")
                try expect(try text(c.store, "\(base)/a"), "ours", "after it")
            },
            StoreCheck("one that always meets another's is given up") { c in
                let error = errno {
                    try c.store.transaction { (transaction) throws(BalloonError) in
                        _ = try c.store.read("\(base)/a", in: transaction)
                        try c.another.write("\(base)/a", "theirs", in: nil)
                        try c.store.write("\(base)/a", "ours", in: transaction)
                    }
                }
                try expect(error, EAGAIN, "the error")
                try expect(try text(c.store, "\(base)/a"), "theirs", "after it")
            },
        ]
    }

    // MARK: Watches

    /// The paths of the watch events that come within two seconds, until one of them is `last`.
    private static func events(_ store: any Store, until last: String) throws -> [String] {
        var paths: [String] = []
        for _ in 0..<200 {
            while let path = try store.nextEvent() {
                paths.append(path)
                if path == last { return paths }
            }
            var wait = pollfd(fd: store.descriptor, events: Int16(POLLIN), revents: 0)
            // Unsafe: a list of one element.
            _ = unsafe poll(&wait, 1, 10)
        }
        throw Failure(description: "no event for \(last) came, but \(paths)")
    }

    private static var watches: [StoreCheck] {
        [
            StoreCheck("a watch fires when it is set, and for what is below") { c in
                try c.store.watch(base, token: "t")
                try expect(try events(c.store, until: base), [base], "when it is set")
                try c.another.write("\(base)/w", "1", in: nil)
                try expect(try events(c.store, until: "\(base)/w").last, "\(base)/w", "another's write")
                try c.store.write("\(base)/v", "1", in: nil)
                try expect(try events(c.store, until: "\(base)/v").last, "\(base)/v", "its own")
                try c.store.watch(base, token: "t")
                try expect(try text(c.store, "\(base)/w"), "1", "set twice, it goes on")
            },
            StoreCheck("a watch fires when a transaction is taken, not before") { c in
                try c.store.watch(base, token: "t")
                _ = try events(c.store, until: base)
                try c.another.transaction { (transaction) throws(BalloonError) in
                    try c.another.write("\(base)/x", "1", in: transaction)
                    try c.another.write("\(base)/y", "1", in: nil)
                }
                let paths = try events(c.store, until: "\(base)/x")
                try expect(paths.contains("\(base)/y"), "the other write came first: \(paths)")
            },
            StoreCheck("events that come while something is asked are not lost") { c in
                try c.store.watch(base, token: "t")
                _ = try events(c.store, until: base)
                for number in 0..<50 {
                    try c.another.write("\(base)/n\(number)", "1", in: nil)
                    _ = try c.store.read("domid", in: nil)
                }
                let paths = try events(c.store, until: "\(base)/n49")
                try expect(paths, (0..<50).map { "\(base)/n\($0)" }, "events")
            },
        ]
    }
}
