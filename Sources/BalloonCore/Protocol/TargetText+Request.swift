extension TargetText {
    /// The request that the text makes, for a balloon of at most `limit`.
    public func request(limit: KiB) -> TargetRequest {
        guard let size, size <= limit else { return .invalid }
        return .size(size)
    }
}
