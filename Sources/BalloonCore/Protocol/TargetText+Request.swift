extension TargetText {
    /// What it asks for, where the balloon can have `limitKiB` at most.
    public func request(limitKiB: UInt64) -> TargetRequest {
        guard let kib, kib <= limitKiB else { return .invalid }
        return .size(kib)
    }
}
