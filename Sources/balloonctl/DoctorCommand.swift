import ArgumentParser
import VNodeBalloon

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check what the daemon needs, and say how to mend what is missing.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        var settings = Settings()
        try Exit.onError {
            settings = try common.settings()
            try Exit.requireRoot()
        }
        let checks = Doctor.examine(settings)
        if json {
            Terminal.show(text(checks))
        } else {
            for check in checks {
                let mark = check.isFine ? "ok  " : check.isNeeded ? "FAIL" : "warn"
                Terminal.show("\(mark)  \(check.name)\(check.fix.map { ": \($0)" } ?? "")")
            }
        }
        if checks.contains(where: { !$0.isFine && $0.isNeeded }) { throw Exit.unavailable }
        if checks.contains(where: { !$0.isFine }) { throw Exit.temporary }
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
                    writer.member("fix", check.fix)
                }
            }
        }
        return writer.text
    }
}
