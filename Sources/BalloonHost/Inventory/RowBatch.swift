/// Rows that are asked of xenstore together. One by one, each would cost the way to xenstored and back.
struct RowBatch {
    /// The place of a row in its batch.
    typealias Row = Int

    private var paths: [String] = []
    private var values: [[UInt8]?] = []

    mutating func want(_ path: String) -> Row {
        paths.append(path)
        return paths.count - 1
    }

    /// Asks for all that was wanted since the last time.
    mutating func ask(_ store: any ToolstackStore) throws(BalloonError) {
        values += try store.read(all: Array(paths[values.count...]))
    }

    /// The row's value; nil: there is no such row, or it was not wanted.
    subscript(row: Row?) -> [UInt8]? { row.flatMap { values[$0] } }
}
