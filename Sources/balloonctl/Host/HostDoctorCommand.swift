import ArgumentParser
import BalloonCore
import BalloonHost

struct HostDoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check what the toolstack's half needs, and say how to fix what is missing.")

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        var checks: [HostDoctor.Check] = []
        try Exit.onError {
            try Exit.requireRoot()
            checks = HostDoctor.examine()
        }
        if json {
            Terminal.show(Self.text(checks))
        } else {
            for check in checks {
                let mark =
                    check.isFine ? "ok  " : check.level == .run ? "FAIL" : check.level == .later ? "warn" : "note"
                Terminal.show("\(mark)  \(check.name)\(check.fix.map { ": " + $0 } ?? "")")
            }
        }
        let missing = checks.filter { !$0.isFine }.map(\.level)
        if missing.contains(.run) { throw Exit.unavailable }
        if missing.contains(.later) { throw Exit.temporary }
    }

    private static func text(_ checks: [HostDoctor.Check]) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("schema", 1)
            writer.key("checks")
            writer.array(checks) { writer, check in
                writer.object { writer in
                    writer.member("name", check.name)
                    writer.member("ok", check.isFine)
                    writer.member("needed", check.level != .advice)
                    writer.member("fix", check.fix)
                }
            }
        }
        return writer.text
    }
}
