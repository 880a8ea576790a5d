import ArgumentParser
import BalloonCore
import BalloonHost

struct HostFreeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "free", abstract: "Free memory of physical nodes.",
        discussion: """
            SIZE is the total that shall be free, so a second call does nothing more. +SIZE means this much more than now. \
            `--pnode 1` names the physical node; `--pnode 0=64m --pnode 1=+1g` names several, each with its size.
            """)

    @Argument(help: "How much shall be free; with + in front: how much more.")
    var size: String?

    @OptionGroup var free: HostFreeOptions
    @OptionGroup var waiting: HostWaitOptions

    @Flag(help: "Only show what would be done.")
    var dryRun = false

    @Flag(inversion: .prefixedNo, help: "Wait until the memory is free.")
    var wait = true

    @Flag(help: "Print JSON.")
    var json = false

    mutating func validate() throws { _ = try free.wishes(size) }

    func run() throws {
        try Exit.onError {
            let freeing = try HostFreeing(HostSession(waiting), free, waiting, free.wishes(size), isJSON: json)
            if dryRun { return try freeing.show() }
            try freeing.run(isWaiting: wait)
        }
    }
}

/// The options that `free`, `reserve` and `run` have in common.
struct HostFreeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A physical node, or one with its size.", valueName: "pnode[=size]"))
    var pnode: [String] = []

    @Flag(help: "Free memory of any physical node.")
    var any = false

    @Flag(help: "With --any: also ask guests that only follow memory/target.")
    var legacy = false

    @Option(help: ArgumentHelp("Ask only this domain. Repeat it for several domains.", valueName: "domain"))
    var from: [String] = []

    @Option(help: ArgumentHelp("fewest: ask as few guests as possible; even: all of them.", valueName: "how"))
    var spread = "fewest"

    @Flag(help: "Free what can be freed, even if it is not enough.")
    var partial = false

    mutating func validate() throws {
        guard any || !legacy else {
            throw ValidationError("--legacy goes with --any: it is not known where their memory lies")
        }
        guard FreePlan.Spread(rawValue: spread) != nil else { throw ValidationError("--spread is fewest or even") }
    }

    /// - Throws: `ValidationError`.
    func wishes(_ size: String?) throws -> [FreeTask.Wish] {
        if any {
            guard pnode.isEmpty, let size else { throw ValidationError("--any takes a SIZE and no --pnode") }
            return [try Self.wish(nil, size)]
        }
        guard !pnode.isEmpty else { throw ValidationError("of which physical node? --pnode P, or --any") }
        var wishes: [FreeTask.Wish] = []
        for text in pnode {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let number = decimalNumber(Array(parts[0].utf8)), number < 4096 else {
                throw ValidationError("not a physical node: \(text)")
            }
            guard let wanted = parts.count > 1 ? parts[1] : size else {
                throw ValidationError("how much? SIZE is missing")
            }
            guard !wishes.contains(where: { $0.pnode == Int(number) }) else {
                throw ValidationError("physical node \(number) is named twice")
            }
            wishes.append(try Self.wish(Int(number), wanted))
        }
        if size != nil && !pnode.contains(where: { !$0.contains("=") }) {
            throw ValidationError("SIZE stands beside sizes of all nodes")
        }
        return wishes
    }

    private static func wish(_ pnode: Int?, _ text: String) throws -> FreeTask.Wish {
        let isMore = text.hasPrefix("+")
        guard let size = SizeArgument(argument: isMore ? String(text.dropFirst()) : text) else {
            throw ValidationError("not a size: \(text) (a whole number with k, m, g or t; a bare number is KiB)")
        }
        return FreeTask.Wish(pnode: pnode, kib: size.kib, isMore: isMore)
    }
}
