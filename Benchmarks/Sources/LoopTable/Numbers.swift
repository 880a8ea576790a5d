/// A number in the form that the table has.
func decimal(_ number: Double, _ places: Int) -> String {
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    let whole = Int((number * Double(scale)).rounded())
    guard places > 0 else { return "\(whole)" }
    let digits = String(whole % scale)
    return "\(whole / scale).\(String(repeating: "0", count: places - digits.count))\(digits)"
}

/// The count for each item. It is shown as 0 only if it is 0.
func share(_ count: UInt64, of items: Int) -> String {
    count == 0 ? "0" : decimal(max(Double(count) / Double(items), 0.001), 3)
}
