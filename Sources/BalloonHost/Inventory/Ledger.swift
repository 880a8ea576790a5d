/// The reservations, kept in xenstore: they outlive every process, and end with the host.
public struct Ledger {
    private let store: any ToolstackStore

    public init(_ store: any ToolstackStore) { self.store = store }

    /// All reservations, in the order of their numbers.
    public func all() throws(BalloonError) -> [Reservation] {
        var found: [Reservation] = []
        for id in try store.children(HostRows.reservations, in: nil) ?? [] where decimalNumber(Array(id.utf8)) != nil {
            if let reservation = try read(id, in: nil) { found.append(reservation) }
        }
        return found.sorted { ($0.id.utf8.count, $0.id) < ($1.id.utf8.count, $1.id) }
    }

    private func read(_ id: String, in transaction: Transaction?) throws(BalloonError) -> Reservation? {
        let home = HostRows.reservations + "/" + id
        guard let pnode = try store.read(home + "/pnode", in: transaction).flatMap(decimalNumber), pnode < 4096,
            let kib = GuestText.kib(try store.read(home + "/kib", in: transaction))
        else { return nil }
        let name = try store.read(home + "/name", in: transaction).map { $0.isEmpty ? "" : GuestText.name($0) } ?? ""
        let until = try store.read(home + "/until", in: transaction).flatMap(decimalNumber)
        let isBound = try store.read(home + "/bound", in: transaction) != nil
        return Reservation(id: id, pnode: Int(pnode), kib: kib, name: name, until: until, isBound: isBound)
    }

    /// Adds a reservation that stays, with the next free number.
    package func add(pnode: Int, kib: KiB, name: String, until: UInt64?) throws(BalloonError) -> Reservation {
        let made = Reservation(id: "", pnode: pnode, kib: kib, name: name, until: until)
        return try add(made) { (_) throws(BalloonError) in true }
    }

    /// Adds a reservation with the next number that is usable.
    func add(
        _ reservation: Reservation, _ isUsable: (String) throws(BalloonError) -> Bool
    ) throws(BalloonError) -> Reservation {
        var made = reservation
        try store.transaction { (transaction) throws(BalloonError) in
            let taken = try store.children(HostRows.reservations, in: transaction) ?? []
            var number = (taken.compactMap { decimalNumber(Array($0.utf8)) }.max() ?? .zero) + 1
            while try !isUsable("\(number)") { number += 1 }
            made.id = "\(number)"
            let home = HostRows.reservations + "/" + made.id
            try store.write(home + "/pnode", "\(made.pnode)", in: transaction)
            try store.write(home + "/kib", "\(made.kib)", in: transaction)
            try store.write(home + "/name", made.name, in: transaction)
            if let until = made.until { try store.write(home + "/until", "\(until)", in: transaction) }
            if made.isBound { try store.write(home + "/bound", "1", in: transaction) }
        }
        return made
    }

    /// From now on it stays although the process that made it ends.
    /// - Returns: false when it was removed meanwhile.
    public func unbind(_ id: String) throws(BalloonError) -> Bool {
        let home = HostRows.reservations + "/" + id
        var isThere = false
        try store.transaction { (transaction) throws(BalloonError) in
            isThere = try store.read(home + "/kib", in: transaction) != nil
            if isThere { try store.remove(home + "/bound", in: transaction) }
        }
        return isThere
    }

    /// - Returns: false when there is none.
    public func remove(_ id: String) throws(BalloonError) -> Bool {
        guard decimalNumber(Array(id.utf8)) != nil else { return false }
        guard try store.read(HostRows.reservations + "/" + id + "/kib", in: nil) != nil else { return false }
        try store.remove(HostRows.reservations + "/" + id, in: nil)
        return true
    }

    /// Removes the reservations whose time is over, and those whose process has ended.
    /// - Parameter isKept: whether the process of a bound reservation is still there.
    public func expire(now: UInt64, isKept: (String) -> Bool) throws(BalloonError) {
        for reservation in try all() {
            let isOver = reservation.until.map { $0 <= now } ?? false
            if isOver || (reservation.isBound && !isKept(reservation.id)) { _ = try remove(reservation.id) }
        }
    }
}
