import ArgumentParser
import Glibc
import VNodeBalloon

/// Answers with yes, no or unknown, for whatever must not go on while memory is given: an uninstallation, kexec,
/// hibernation.
struct GivenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "given", abstract: "Report whether any memory is given.",
        discussion: Exit.codes(
            (.success, "no memory is given, and that is certain"),
            (Exit.temporary, "some memory is given, or that cannot be known")))

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print JSON for programs.")
    var json = false

    private enum Answer {
        case nothing(String)
        case something(String)
        case unknown(String)
    }

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            try Exit.requireRoot()
            let answer = Self.answer(settings)
            show(answer, settings)
            if case .nothing = answer { return }
            throw Exit.temporary
        }
    }

    private func show(_ answer: Answer, _ settings: Settings) {
        let (given, sentence): (Bool?, String) =
            switch answer {
            case .nothing(let why): (false, why)
            case .something(let what): (true, what)
            case .unknown(let why): (nil, why)
            }
        guard json else {
            let verdict = given.map { $0 ? "memory is given" : "no memory is given" } ?? "it is not known what is given"
            return Terminal.show("\(verdict): \(sentence)")
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("schema", 1)
            writer.member("given", given)
            writer.member("detail", sentence)
            writer.member("state_dir", settings.stateDirectory)
        }
        Terminal.show(writer.text)
    }

    // MARK: What there is to know

    private static func answer(_ settings: Settings) -> Answer {
        if GuestKind.isXenGuest == false { return .nothing("this machine is not a guest of Xen's") }
        if isUntouched(settings) { return .nothing("this guest has no balloon's files, and no holder keeps any") }
        do throws(BalloonError) {
            let others = try BalloonMount.others(besides: settings.stateDirectory)
            if let other = others.first { return .something(other.advice) }
        } catch {
            return .unknown(error.description)
        }
        do {
            return try asked(try Session(settings), settings)
        } catch {
            let sentence = (error as? Refusal)?.error ?? "\(error)"
            return traces().map { .something("\($0); \(sentence)") } ?? .unknown(sentence)
        }
    }

    /// Whether there is no sign of a balloon: no hugetlbfs of ours is mounted, and no process of ours could keep files
    /// of one. In PV guests this tells nothing, because nothing of ours is mounted there.
    private static func isUntouched(_ settings: Settings) -> Bool {
        // In a container, process 1 and its mounts are not those of the machine.
        guard let kind = try? GuestKind.current(), kind != .pv, (try? HugePageMount.checkNamespaces()) != nil,
            let mounts = try? BalloonMount.all(), mounts.isEmpty
        else {
            return false
        }
        return !hasModule && ThisProcess.others(named: "balloonctl") == 0
    }

    /// Whether the kernel module is loaded. It may hold memory, and only the sum of all memory would show that.
    private static var hasModule: Bool {
        // Unsafe: a C string for the call.
        unsafe access("/sys/module/vnode_balloon", F_OK) == 0
    }

    /// The memory in the balloons' files, where neither the daemon nor Xen can be asked.
    private static func traces() -> String? {
        guard let mounts = try? BalloonMount.all(), let mount = mounts.first(where: { $0.size > .zero }) else {
            return nil
        }
        return "the balloons' files on \(mount.path) have \(Size.text(mount.size))"
    }

    /// Asks a holder what it keeps: with the module as mover, no other process does. A file that lost its name is in no
    /// mount, so only the holder knows of its holes.
    private static func keptBeside(_ settings: Settings) throws -> Answer? {
        guard StateDirectory.hasHolder(settings.stateDirectory) != false else { return nil }
        let keeper = HolderClient(state: try StateDirectory(path: settings.stateDirectory))
        guard try keeper.keepsSomething() else { return nil }
        return .something("a holder keeps pages of a balloon that was given through privcmd")
    }

    private static func asked(_ session: Session, _ settings: Settings) throws -> Answer {
        var report = try session.status()
        while report.vnodes.contains(where: { $0.balloon == nil && $0.detail == nil }) {
            session.goOn()
            report = try session.status()
        }
        for vnode in report.vnodes {
            if let size = vnode.balloon, size > .zero {
                return .something("the balloon of vnode \(vnode.vnode) has \(Size.text(size))")
            }
            if vnode.lost > .zero {
                return .something(
                    "\(Size.text(vnode.lost)) of vnode \(vnode.vnode) cannot be taken back until the guest is"
                        + " started again")
            }
        }
        if let vnode = report.vnodes.first(where: { $0.balloon == nil }) {
            return .unknown("vnode \(vnode.vnode): \(vnode.detail ?? "its size is not known")")
        }
        if let missing = report.unaccounted, missing > .zero {
            return .something("\(Size.text(missing)) are missing that no balloon accounts for")
        }
        if report.backend == "module", let kept = try keptBeside(settings) { return kept }
        // The module as mover reports what it holds, so the sum is needed only with another mover.
        if report.unaccounted == nil && hasModule && report.backend != "module" {
            return .unknown("the kernel module is loaded, and the sum of all memory, which would tell, is not known")
        }
        return .nothing("all balloons are empty")
    }
}
