extension Ledger {
    /// Adds a reservation that ends with this process. Its lock is taken before the row is written: a row without the
    /// lock would be nobody's, and one with the lock of another process would end with that one. A number whose lock
    /// another process has is passed over.
    public func bind(
        pnode: Int, kib: KiB, name: String, until: UInt64?, in directory: String = HostLock.standardDirectory
    ) throws(BalloonError) -> (Reservation, HostLock) {
        let bound = Reservation(id: "", pnode: pnode, kib: kib, name: name, until: until, isBound: true)
        var bond: HostLock?
        let made = try add(bound) { (id) throws(BalloonError) in
            bond = nil
            bond = try HostLock.reservation(id, in: directory)
            return bond != nil
        }
        guard let bond else { throw BalloonError(.busy, "the lock of reservation \(made.id) is another process's") }
        return (made, bond)
    }
}
