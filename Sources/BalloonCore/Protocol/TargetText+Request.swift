extension TargetText {
    /// What it asks for, where the balloon can have `limit` at most.
    public func request(limit: KiB) -> TargetRequest {
        guard let size, size <= limit else { return .invalid }
        return .size(size)
    }
}
