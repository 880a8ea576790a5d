internal import FoundationEssentials

/// Checks what the toolstack's half needs, and which other programs set memory on this host.
public enum HostDoctor {
    public enum Level: Sendable {
        /// Nothing works without it.
        case run
        /// Something will go wrong.
        case later
        case advice
    }

    public struct Check: Sendable, Equatable {
        public var name: String
        public var level: Level
        /// What is wrong and how to mend it; nil: nothing is wrong.
        public var fix: String?

        public var isFine: Bool { fix == nil }
    }

    public static func examine() -> [Check] {
        var checks: [Check] = [
            Check(name: "dom0", level: .run, fix: dom0(try? readFile("/proc/xen/capabilities", limit: 4096)))
        ]
        var xen: PrivcmdHost?
        var fault: BalloonError?
        do throws(BalloonError) { xen = try PrivcmdHost() } catch { fault = error }
        checks.append(Check(name: "xen", level: .run, fix: fault?.description))
        let (store, storeFault) = openStore()
        checks.append(Check(name: "xenstore", level: .run, fix: storeFault))
        checks.append(
            Check(
                name: "autoballoon", level: .later,
                fix: autoballoon((try? readFile("/etc/xen/xl.conf", limit: 1 << 20)) ?? [], xen?.commandLine)))
        checks.append(Check(name: "other-balancers", level: .later, fix: otherBalancers(processes())))
        if let xen, let store { checks += domains(xen, store) }
        return checks
    }

    private static func openStore() -> (Xenstore?, String?) {
        do throws(BalloonError) {
            let store = try Xenstore()
            _ = try store.read("/local/domain/0/domid", in: nil)
            return (store, nil)
        } catch { return (nil, error.description) }
    }

    package static func dom0(_ capabilities: [UInt8]?) -> String? {
        guard let capabilities else {
            return "/proc/xen/capabilities cannot be read: mount -t xenfs xenfs /proc/xen, in dom0"
        }
        return String(decoding: capabilities, as: UTF8.self).contains("control_d")
            ? nil : "this is not the domain that controls the host: `balloonctl host` runs in dom0"
    }

    /// Whether xl takes memory from dom0 and gives none back. It does with autoballoon on; "auto" means on unless Xen
    /// was started with dom0_mem=.
    package static func autoballoon(_ file: [UInt8], _ commandLine: String?) -> String? {
        var value = "auto"
        for line in file.split(separator: UInt8(ascii: "\n")) {
            let text = String(decoding: line.prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
            let parts = text.split(separator: "=", maxSplits: 1).map { word in
                String(word.filter { !" \t\r\"'".contains($0) })
            }
            if parts.count == 2, parts[0] == "autoballoon" { value = parts[1] }
        }
        let isOn = ["on", "1", "yes"].contains(value)
        let isAuto = value == "auto" && commandLine.map { !$0.contains("dom0_mem=") } ?? false
        guard isOn || isAuto else { return nil }
        return "xl takes memory from dom0 when it makes a guest, and gives none back: set autoballoon=\"off\" in"
            + " /etc/xen/xl.conf, and dom0_mem= on Xen's command line"
    }

    package static func otherBalancers(_ processes: [String]) -> String? {
        let known = ["squeezed": "squeezed", "qmemmand": "qmemman", "qmemman": "qmemman"]
        let found = Set(processes.compactMap { known[$0] })
        guard !found.isEmpty else { return nil }
        return "\(found.sorted().joined(separator: ", ")) sets memory/target of the same domains: end it, or keep those"
            + " domains out of its reach"
    }

    private static func processes() -> [String] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.filter { decimalNumber(Array($0.utf8)) != nil }.compactMap { entry in
            (try? readFile("/proc/\(entry)/comm", limit: 64)).map {
                String(decoding: $0.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            }
        }
    }

    private static func domains(_ xen: PrivcmdHost, _ store: Xenstore) -> [Check] {
        let snapshot: HostSnapshot
        do throws(BalloonError) { snapshot = try HostReader(xen: xen, store: store).read() } catch {
            return [Check(name: "domains", level: .run, fix: error.description)]
        }
        return domains(snapshot, isWatched: HostLock.hasDaemon() != false)
    }

    package static func domains(_ snapshot: HostSnapshot, isWatched: Bool) -> [Check] {
        func names(_ isMeant: (HostDomain) -> Bool) -> String? {
            let found = snapshot.domains.filter { !$0.isToolstack && $0.isIntroduced && isMeant($0) }
            return found.isEmpty ? nil : found.map { "\($0.id) \($0.name)" }.joined(separator: ", ")
        }
        let unprepared = names { $0.feature == .absent }
        let doubtful = names { $0.contradiction != nil }
        let nowhere = names { $0.isManaged && $0.facts.kind != .pv && $0.vnodes.contains { $0.pnode == nil } }
        let faults = snapshot.domains.flatMap(\.savedLimits.faults)
        // xendomains takes its list from `xl list -l`, which leaves out domains without memory/target.
        let away = isWatched ? nil : names { $0.legacyTarget == nil && $0.keptTarget != nil }
        return [
            Check(
                name: "daemon", level: .advice,
                fix: isWatched
                    ? nil : "no `balloonctl host watch` runs: systemctl enable --now vnode-balloon-host.service"),
            Check(
                name: "memory-target", level: .later,
                fix: away.map {
                    "without memory/target, and so killed with the host: \($0). balloonctl host yield --all"
                }),
            Check(
                name: "prepared", level: .advice,
                fix: unprepared.map { "without rows for the interface: \($0). balloonctl host prepare --all" }),
            Check(
                name: "counts", level: .later,
                fix: doubtful.map { "what they say and what Xen counts do not agree: \($0). See balloonctl host list" }),
            Check(
                name: "pnodes", level: .later,
                fix: nowhere.map { "it is not known on which physical node their vnodes lie: \($0)" }),
            Check(
                name: "limits", level: .later,
                fix: faults.isEmpty ? nil : "of saved limits these do not count: \(faults.joined(separator: "; "))"),
        ]
    }
}
