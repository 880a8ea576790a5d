/// Looks at each prerequisite by itself and says how to mend it. Changes nothing.
public enum Doctor {
    public struct Check: Equatable, Sendable {
        public let name: String
        public let isFine: Bool
        /// Without it the daemon does not run.
        public let isNeeded: Bool
        /// What to do, nil where all is well.
        public let fix: String?
    }

    /// - Parameter configuration: some checks count only with some settings.
    public static func examine(_ configuration: Configuration = Configuration()) -> [Check] {
        var kind: Guest.Kind?
        var checks = [check("xen-guest") { () throws(BalloonError) in kind = try Guest.currentKind() }]
        checks.append(check("xenstore") { () throws(BalloonError) in _ = try Xenstore() })
        checks.append(
            check("state-directory") { () throws(BalloonError) in
                try StateDirectory.examine(configuration.stateDirectory)
            })
        checks += kind == .pv ? pv() : own(stateDirectory: configuration.stateDirectory)
        checks.append(memoryTarget())
        checks.append(overcommit())
        if configuration.onPressure == .yield { checks.append(pressure()) }
        return checks
    }

    /// Linux's own balloon does the work; hypercalls only tell what the domain has.
    private static func pv() -> [Check] {
        [
            check("kernel-balloon") { () throws(BalloonError) in _ = try KernelBalloon() },
            check("privcmd", needed: false) { () throws(BalloonError) in _ = try PrivcmdHypervisor() },
        ]
    }

    private static func own(stateDirectory: String) -> [Check] {
        var hypervisor: (any Hypervisor)?
        var checks = [check("privcmd") { () throws(BalloonError) in hypervisor = try PrivcmdHypervisor() }]
        checks.append(check("mount-namespace") { () throws(BalloonError) in try HugePageMount.checkNamespaces() })
        checks.append(check("huge-pages", HugePageMount.checkSupport))
        checks.append(
            check("pages") { () throws(BalloonError) in try HugePageMount.examine(stateDirectory: stateDirectory) })
        if let hypervisor { checks.append(contentsOf: vnodes(hypervisor)) }
        return checks
    }

    private static func pressure() -> Check {
        check("pressure", needed: false) { () throws(BalloonError) in
            guard !PressureWatch.isMeasured else { return }
            throw BalloonError(
                .system,
                "the kernel does not measure memory pressure: on-pressure = yield looks once a minute only;"
                    + " boot with psi=1, or build the kernel with CONFIG_PSI")
        }
    }

    private static func check(
        _ name: String, needed isNeeded: Bool = true, _ body: () throws(BalloonError) -> Void
    ) -> Check {
        do throws(BalloonError) {
            try body()
            return Check(name: name, isFine: true, isNeeded: isNeeded, fix: nil)
        } catch {
            return Check(name: name, isFine: false, isNeeded: isNeeded, fix: error.description)
        }
    }

    private static func vnodes(_ hypervisor: any Hypervisor) -> [Check] {
        guard let zones = try? ZoneInfo.read(),
            let vnodes = try? Guest.vnodes(hypervisor, zones, staticMaxKiB: nil)
        else { return [] }
        return vnodes.map { vnode in
            let fix = "no single Linux node lies in the memory of vnode \(vnode.number); boot without numa=off"
            let isFine = vnode.linuxNode != nil
            return Check(name: "vnode\(vnode.number)", isFine: isFine, isNeeded: false, fix: isFine ? nil : fix)
        }
    }

    /// Two balloons would give the same memory twice.
    private static func memoryTarget() -> Check {
        check("memory-target", needed: false) { () throws(BalloonError) in
            guard let store = try? Xenstore(), (try? store.read("memory/target", in: nil)) != nil else { return }
            throw BalloonError(
                .store,
                "memory/target is present: Linux's own balloon follows it as well; the toolstack should remove it")
        }
    }

    /// Every page of the pool lowers CommitLimit by 2 MiB.
    private static func overcommit() -> Check {
        check("overcommit", needed: false) { () throws(BalloonError) in
            guard (try? readNumber("/proc/sys/vm/overcommit_memory")) == 2 else { return }
            throw BalloonError(
                .system,
                "vm.overcommit_memory is 2: what may be committed falls as the balloon grows;"
                    + " set it to 0, or raise vm.overcommit_ratio")
        }
    }
}
