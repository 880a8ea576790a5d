/// A number as the table has it.
func decimal(_ number: Double, _ places: Int) -> String {
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    let whole = Int((number * Double(scale)).rounded())
    guard places > 0 else { return "\(whole)" }
    let digits = String(whole % scale)
    return "\(whole / scale).\(String(repeating: "0", count: places - digits.count))\(digits)"
}

/// How many that is of each item: 0 only when there was none.
func share(_ count: UInt64, of items: Int) -> String {
    count == 0 ? "0" : decimal(max(Double(count) / Double(items), 0.001), 3)
}
