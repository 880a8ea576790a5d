internal import CLoops
internal import Glibc
internal import Loops

/// The table, in Markdown.
struct Report {
    /// The name and version of the Swift compiler.
    let swiftVersion: String

    func markdown(_ meters: [Meter]) -> String {
        """
        ## Loops

        \(Self.processor()). \(swiftVersion), -O; \(Self.compilerOfC()), -O3. The same loops in Swift and in C, in one
        process, the best of \(meters.first?.turns ?? 0) turns each. GB/s are 10^9 bytes of input a second; what writes as
        much as it reads cannot be faster than the plain copy. In both languages functions and loops begin at a cache line:
        where the linker happens to put them would make up to half of the speed of the short loops.

        | loop | input | Swift GB/s | C GB/s | Swift / C | goal | allocations |
        |---|---|---|---|---|---|---|
        \(meters.filter { $0.loop.bytes > 0 }.map(Self.fast).joined(separator: "\n"))

        | once a target, once a step | Swift ns | C ns | Swift / C | allocations |
        |---|---|---|---|---|
        \(meters.filter { $0.loop.bytes == 0 }.map(Self.single).joined(separator: "\n"))
        """
    }

    private static func fast(_ meter: Meter) -> String {
        let loop = meter.loop
        let speed = { (time: Double) in decimal(Double(loop.bytes) / time, 1) }
        let (swift, c) = (speed(meter.swift), meter.c.map(speed) ?? "")
        let goal = loop.goal.map(text) ?? ""
        return "| \(loop.name) | \(loop.input) | \(swift) | \(c) | \(ratio(meter)) | \(goal) | \(allocations(meter)) |"
    }

    private static func single(_ meter: Meter) -> String {
        let each = { (time: Double) in decimal(time / Double(meter.loop.items), 1) }
        let c = meter.c.map(each) ?? ""
        return "| \(meter.loop.name) | \(each(meter.swift)) | \(c) | \(ratio(meter)) | \(allocations(meter)) |"
    }

    static func text(_ goal: Loop.Goal) -> String {
        switch goal {
        case .atLeast(let share): return "at least \(decimal(share, 2))"
        case .above(let share): return "above \(decimal(share, 0))"
        }
    }

    private static func ratio(_ meter: Meter) -> String { meter.ratio.map { decimal($0, 2) } ?? "" }

    private static func allocations(_ meter: Meter) -> String {
        share(meter.allocations, of: meter.loop.items * meter.passes) + " per \(meter.loop.item)"
    }

    /// The C compiler's name and version, without its origin.
    private static func compilerOfC() -> String {
        String(unsafe String(cString: cl_compiler()).split(separator: " (")[0])
    }

    /// The name of the processor in /proc/cpuinfo.
    private static func processor() -> String {
        guard let file = unsafe fopen("/proc/cpuinfo", "r") else { return "processor unknown" }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        while unsafe fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let parts = text.split(separator: ":", maxSplits: 1)
            if text.hasPrefix("model name"), parts.count == 2 { return String(parts[1].drop { $0 == " " }) }
        }
        return "processor unknown"
    }
}
