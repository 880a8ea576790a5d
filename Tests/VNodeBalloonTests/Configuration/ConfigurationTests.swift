import BalloonCore
import Glibc
import Simulation
import Testing
import VNodeBalloon

/// What the configuration file sets, and which faults are reported.
@Suite struct ConfigurationTests {
    static func fault(_ text: String) -> String? {
        do throws(BalloonError) {
            _ = try Configuration(parsing: text, name: "file")
            return nil
        } catch {
            #expect(error.code == .invalidConfiguration)
            return error.message
        }
    }

    @Test func `a configuration with faults is refused with every faulty line`() {
        #expect(
            Self.fault("min-free = 64m\nmin-fre = 1\nlog-level = loud\n\nfloor") == """
                file, line 2: unknown key min-fre
                file, line 3: log-level must be one of trace, debug, info, notice, warning, error, critical
                file, line 5: not of the form key = value
                """)
    }

    @Test func `a key that stands in a file twice is refused`() {
        #expect(Self.fault("floor = 1m\nfloor = 2m") == "file, line 2: floor stands in line 1 already")
        #expect(Self.fault("floor = 1m\n floor = 1m # the same") == "file, line 2: floor stands in line 1 already")
        #expect(Self.fault("floor = much\nfloor = 2m") == "file, line 1: floor is not a size: much")
    }

    /// Neither the rate in bytes nor in KiB may overflow 64 bits.
    @Test func `a max-rate above its bound is refused, and the largest rate does not overflow`() throws {
        let most = Configuration.largestRateMiB
        #expect(try Configuration(parsing: "max-rate = \(most)", name: "file").maxRateMiB == most)
        for rate in [most + 1, 18_014_398_509_481_984, .max] {
            #expect(Self.fault("max-rate = \(rate)") == "file, line 1: max-rate is at most \(most): \(rate)")
        }
        // Nor may it overflow when it is set without the file.
        var options = BalloonController.Options()
        options.maxRateMiB = .max
        var controller = BalloonController(
            vnodes: [VNode(number: 0, linuxNode: 0, size: .gib(1))], granularity: 2048, options: options)
        controller.setBalloon(frames: 32768, vnode: 0)
        controller.setForced(0, vnode: 0)
        var facts = BalloonController.Facts()
        (facts.currentReservation, facts.maximumReservation) = (Frames(1 << 18), Frames(1 << 19))
        guard case .act = controller.next(facts, now: 0) else {
            Issue.record("nothing moves")
            return
        }
    }

    /// The folder beside the file is read in the order of names. The last file that sets a key decides.
    @Test func `the last file of the folder by name that sets a key wins over the configuration's file`() throws {
        let work = try TemporaryDirectory()
        try work.makeDirectory("conf.d")
        defer {
            for name in ["conf.d/10-b.conf", "conf.d/9.conf", "conf.d/old.conf~", "conf.d", "conf"] {
                work.remove(name)
            }
        }
        try work.overwrite("conf.d/10-b.conf", at: 0, with: "floor = 1m\nmax-rate = 2\n")
        try work.overwrite("conf.d/9.conf", at: 0, with: "max-rate = 9\n")
        try work.overwrite("conf.d/old.conf~", at: 0, with: "nonsense\n")
        let alone = try Configuration(path: work.path + "/conf")
        #expect(alone.floor == 1024 && alone.maxRateMiB == 9)
        try work.overwrite("conf", at: 0, with: "floor = 5m\nmin-free = 3m\n")
        let all = try Configuration(path: work.path + "/conf")
        #expect(all.floor == 1024 && all.maxRateMiB == 9 && all.minFree == 3072)
        let files = Configuration.files(path: work.path + "/conf").map { String($0.dropFirst(work.path.count + 1)) }
        #expect(files == ["conf", "conf.d/10-b.conf", "conf.d/9.conf"])
        try work.overwrite("conf.d/9.conf", at: 0, with: "max-rat = 9\n")
        let (rest, fault) = Configuration.read(path: work.path + "/conf")
        #expect(rest.maxRateMiB == 2 && fault?.message == "\(work.path)/conf.d/9.conf, line 1: unknown key max-rat")
    }

    /// To read a part of the folder could leave out the file that decides.
    @Test func `a folder with more names than are read is an error`() throws {
        let work = try TemporaryDirectory()
        defer { for name in ["a", "bc"] { work.remove(name) } }
        for name in ["bc", "a"] { try work.overwrite(name, at: 0, with: "") }
        #expect(try namesInDirectory(work.path, limit: 5) == ["a", "bc"])
        #expect { try namesInDirectory(work.path, limit: 4) } throws: { ($0 as? BalloonError)?.errno == ENOBUFS }
    }

    @Test func `a configuration folder that is a file is refused as an invalid configuration`() throws {
        let work = try TemporaryDirectory()
        defer { work.remove("conf.d") }
        try work.overwrite("conf.d", at: 0, with: "floor = 1m\n")
        #expect(Configuration.read(path: work.path + "/conf").fault?.code == .invalidConfiguration)
    }

    /// A command that must go on uses the lines without faults.
    @Test func `a configuration with faults counts in its good lines`() throws {
        let work = try TemporaryDirectory()
        defer { work.remove("conf") }
        try work.overwrite("conf", at: 0, with: "state-dir = /run/other\nnonsense\nmax-rate = 7\nmax-rate = 8\n")
        let (configuration, fault) = Configuration.read(path: work.path + "/conf")
        #expect(configuration.stateDirectory == "/run/other" && configuration.maxRateMiB == 7)
        #expect(fault?.code == .invalidConfiguration)
        #expect(fault?.message.split(separator: "\n").count == 2)
        #expect(Configuration.read(path: work.path + "/none").fault == nil)
        #expect(Configuration.read(path: work.path).fault?.code == .invalidConfiguration, "a directory")
    }
}
