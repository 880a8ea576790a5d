import ArgumentParser
import Glibc
import VNodeBalloon

/// The exit codes of the command line, as sysexits.h names them.
enum Exit {
    static let usage = ExitCode(64)
    static let unavailable = ExitCode(69)
    static let software = ExitCode(70)
    static let inputOutput = ExitCode(74)
    static let temporary = ExitCode(75)
    static let permission = ExitCode(77)
    static let configuration = ExitCode(78)
    static let interrupted = ExitCode(130)
    /// The code that a shell shows for a program that SIGPIPE ended.
    static let pipe = ExitCode(141)

    // MARK: What --help says of them

    /// The code 69 for commands that need Xen.
    static let noXen = (unavailable, "no Xen, hypercalls locked, or something else that doctor names")

    /// What each code means for all commands.
    static var table: String {
        codes(
            (.success, "done"), (unavailable, "no Xen, or something else that doctor names"),
            (temporary, "busy, only partly done, or something was found"), (configuration, "bad configuration"),
            (interrupted, "Ctrl-C while waiting"))
    }

    /// A command's own codes, and those that all commands have.
    static func codes(_ own: (ExitCode, String)...) -> String {
        let common = [
            (ExitCode.success, "done"), (usage, "usage"), (software, "a bug"),
            (inputOutput, "standard output cannot be written"), (permission, "not root"),
        ]
        let all = own + common.filter { code, _ in !own.contains { $0.0 == code } }
        let lines = all.sorted { $0.0.rawValue < $1.0.rawValue }.map { code, meaning in
            "  \(code.rawValue)\(String(repeating: " ", count: 5 - "\(code.rawValue)".count))\(meaning)"
        }
        return "Exit codes:\n" + lines.joined(separator: "\n")
    }

    // MARK: -

    /// The exit code of a command that did its work: an error if its output could not be written, unless the reader has
    /// closed the pipe.
    static func ofOutput() -> ExitCode {
        guard let error = Terminal.outputError else { return .success }
        if error == EPIPE { return pipe }
        Terminal.complain("standard output cannot be written (\(errnoText(error)))")
        return inputOutput
    }

    static func code(of error: BalloonError) -> ExitCode {
        switch error.code {
        case .usage: return usage
        case .invalidConfiguration: return configuration
        case .notRoot: return permission
        case .noXen, .privcmdLocked, .unsupportedGuest, .privateNamespace, .notHugetlbfs, .noHugePages, .noNode,
            .environment:
            return unavailable
        case .busy, .moved, .store, .descriptors, .fileSize, .cpuset, .cgroup, .looking: return temporary
        default: return software
        }
    }

    /// The exit code for the code word in a daemon's answer.
    static func code(word: String) -> ExitCode {
        let known: [BalloonError.Code] = [
            .usage, .busy, .moved, .store, .noXen, .privcmdLocked, .environment, .descriptors, .fileSize, .cpuset,
            .cgroup,
            .looking,
        ]
        return known.first { $0.description == word }.map { code(of: BalloonError($0, "")) } ?? software
    }

    /// Runs a command's body, and prints its error on standard error.
    static func onError(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as BalloonError {
            if !ErrorLog.tell(error) { Terminal.complain(error.description) }
            throw Self.code(of: error)
        } catch let refusal as Refusal {
            Terminal.complain(refusal.error)
            throw code(word: refusal.code)
        } catch let error as DecodingError {
            Terminal.complain("the daemon's answer cannot be read: \(error)")
            throw software
        }
    }

    /// Only root may use commands that move or show memory.
    static func requireRoot() throws(BalloonError) {
        guard ThisProcess.isRoot else {
            throw BalloonError(.notRoot, "only root may do this; run it with sudo")
        }
    }
}
