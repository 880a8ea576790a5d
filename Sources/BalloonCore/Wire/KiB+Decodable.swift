/// In JSON a size is a plain number, and the key names the unit: `size_kib`. ``JSONWriter`` writes it like this.
extension KiB: Decodable {
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(UInt64.self))
    }
}
