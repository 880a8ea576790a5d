/// A point of time in UTC, in milliseconds since 1970.
public struct UTCTime: Comparable, Sendable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (left: UTCTime, right: UTCTime) -> Bool { left.milliseconds < right.milliseconds }

    private static let day: Int64 = 86_400_000

    /// Parses RFC 3339 in UTC: 2026-11-25T12:00:05Z, with or without a fraction. nil for anything else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        func number(_ from: Int, _ count: Int) -> Int64? {
            bytes[from..<from + count].reduce(0) { sum, byte in
                (48...57).contains(byte) ? sum.map { $0 * 10 + Int64(byte - 48) } : nil
            }
        }
        guard (20...40).contains(bytes.count), bytes.last == UInt8(ascii: "Z"),
            zip([4, 7, 10, 13, 16], "--T::".utf8).allSatisfy({ bytes[$0] == $1 }),
            let year = number(0, 4), let month = number(5, 2), let date = number(8, 2), let hour = number(11, 2),
            let minute = number(14, 2), let second = number(17, 2), (1...12).contains(month), (1...31).contains(date),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            let digits = bytes.count - 21
            guard bytes[19] == UInt8(ascii: "."), digits > 0, number(20, digits > 15 ? 15 : digits) != nil else {
                return nil
            }
            for place in 0..<3 { fraction = fraction * 10 + (place < digits ? Int64(bytes[20 + place] - 48) : 0) }
        }
        let days = Self.days(year: year, month: month, date: date)
        milliseconds = days * Self.day + ((hour * 60 + minute) * 60 + second) * 1000 + fraction
    }

    /// 2026-11-25T12:00:05.120Z
    public var text: String { "\(dateText)T\(clockText).\(Self.padded(Self.modulo(milliseconds, 1000), 3))Z" }

    /// 2026-11-25
    public var dateText: String {
        let (year, month, date) = Self.civil(days: Self.floor(milliseconds, Self.day))
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(date, 2))"
    }

    /// 12:00:05
    public var clockText: String {
        let seconds = Self.modulo(milliseconds, Self.day) / 1000
        return [seconds / 3600, seconds / 60 % 60, seconds % 60].map { Self.padded($0, 2) }.joined(separator: ":")
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func floor(_ number: Int64, _ by: Int64) -> Int64 { (number - modulo(number, by)) / by }

    private static func modulo(_ number: Int64, _ by: Int64) -> Int64 { (number % by + by) % by }

    /// The days from 1970 to a date of the Gregorian calendar. A year is counted from March, so that the leap day is
    /// its last day.
    private static func days(year: Int64, month: Int64, date: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = floor(year, 400)
        let ofEra = year - era * 400
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }

    private static func civil(days: Int64) -> (year: Int64, month: Int64, date: Int64) {
        let shifted = days + 719_468
        let era = floor(shifted, 146_097)
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
