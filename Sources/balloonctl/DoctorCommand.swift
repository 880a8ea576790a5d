import ArgumentParser
import VNodeBalloon

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check what the daemon needs, and say how to fix what is missing.",
        discussion: Exit.codes(
            (Exit.unavailable, "the daemon could not run (FAIL)"),
            (Exit.temporary, "something is missing that the daemon will need later (warn)")))

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print JSON for programs.")
    var json = false

    func run() throws {
        var checks: [Doctor.Check] = []
        try Exit.onError {
            let (settings, fault) = try common.settingsAndFault()
            try Exit.requireRoot()
            checks = Doctor.examine(settings, fault: fault)
        }
        if json {
            Terminal.show(text(checks))
        } else {
            for check in checks {
                // A faulty configuration has one line for each error.
                let fix = check.fix.map { ": " + $0.split(separator: "\n").joined(separator: "; ") }
                Terminal.show("\(Self.mark(check))  \(check.name)\(fix ?? "")")
            }
        }
        let missing = checks.filter { !$0.isFine }.map(\.level)
        if missing.contains(.run) { throw Exit.unavailable }
        if missing.contains(.later) { throw Exit.temporary }
    }

    private static func mark(_ check: Doctor.Check) -> String {
        if check.isFine { return "ok  " }
        switch check.level {
        case .run: return "FAIL"
        case .later: return "warn"
        case .advice: return "note"
        }
    }

    private func text(_ checks: [Doctor.Check]) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("schema", 1)
            writer.key("checks")
            writer.array(checks) { writer, check in
                writer.object { writer in
                    writer.member("name", check.name)
                    writer.member("ok", check.isFine)
                    writer.member("needed", check.level != .advice)
                    writer.member("level", check.level.rawValue)
                    writer.member("fix", check.fix)
                }
            }
        }
        return writer.text
    }
}
