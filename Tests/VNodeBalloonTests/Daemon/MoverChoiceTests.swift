import Simulation
import Testing

@testable import VNodeBalloon

/// Which mover the daemon or a command chooses.
@Suite struct MoverChoiceTests {
    static let locked = BalloonError(.privcmdLocked, "locked")

    static func facts(
        _ kind: GuestKind = .pvh, module: KiB? = nil, privcmd: BalloonError? = nil, hasVNUMA: Bool = true,
        files: KiB = 0, hasPins: Bool = false
    ) -> MoverChoice.Facts {
        MoverChoice.Facts(
            kind: kind, moduleGiven: module, privcmdFault: { privcmd }, hasVNUMA: { hasVNUMA },
            files: { () throws(BalloonError) in
                [BalloonMount(path: "/run/vnode-balloon/pages", size: files, device: 1)]
            }, hasPins: { () throws(BalloonError) in hasPins })
    }

    /// The mover's name, or the code of the error.
    static func choice(
        _ mover: MoverName, _ facts: MoverChoice.Facts, for purpose: MoverChoice.Purpose = .daemon
    ) -> String {
        do throws(BalloonError) { return try MoverChoice.choose(mover, facts, for: purpose).rawValue } catch {
            return error.code.description
        }
    }

    @Test func `auto takes the module, else privcmd, else the kernel's balloon where that will do`() {
        #expect(Self.choice(.auto, Self.facts(module: 0)) == "module")
        #expect(Self.choice(.auto, Self.facts(module: 0, privcmd: Self.locked)) == "module")
        #expect(Self.choice(.auto, Self.facts()) == "privcmd")
        #expect(Self.choice(.auto, Self.facts(hasVNUMA: false)) == "privcmd")
        #expect(Self.choice(.auto, Self.facts(privcmd: Self.locked)) == "privcmdLocked")
        #expect(Self.choice(.auto, Self.facts(privcmd: Self.locked, hasVNUMA: false)) == "kernel")
        #expect(Self.choice(.auto, Self.facts(.pv)) == "kernel")
        #expect(Self.choice(.auto, Self.facts(.pv, module: 4096)) == "module")
    }

    /// Without Xen's devices privcmd is missing, not locked.
    @Test func `a privcmd that is missing is reported as no Xen, not as locked`() {
        let missing = BalloonError(.noXen, "missing")
        #expect(Self.choice(.auto, Self.facts(privcmd: missing, hasVNUMA: false)) == "noXen")
        #expect(Self.choice(.privcmd, Self.facts(privcmd: missing)) == "noXen")
    }

    @Test func `a mover that is named is taken or refused, never replaced`() {
        #expect(Self.choice(.module, Self.facts()) == "environment")
        #expect(Self.choice(.module, Self.facts(module: 0)) == "module")
        #expect(Self.choice(.privcmd, Self.facts(module: 0)) == "privcmd")
        #expect(Self.choice(.privcmd, Self.facts(module: 0, privcmd: Self.locked)) == "privcmdLocked")
        #expect(Self.choice(.privcmd, Self.facts(.pv)) == "unsupportedGuest")
        #expect(Self.choice(.kernel, Self.facts()) == "unsupportedGuest")
        #expect(Self.choice(.kernel, Self.facts(hasVNUMA: false)) == "kernel")
        #expect(Self.choice(.kernel, Self.facts(.pv)) == "kernel")
    }

    /// Its names may be gone, and the pages are still given.
    @Test func `auto goes on with privcmd while a holder has pins of a file without a name`() {
        #expect(Self.choice(.auto, Self.facts(module: 0, hasPins: true)) == "privcmd")
        #expect(Self.choice(.auto, Self.facts(module: 0, privcmd: Self.locked, hasPins: true)) == "environment")
        #expect(Self.choice(.auto, Self.facts(module: 4096, hasPins: true)) == "environment")
        #expect(Self.choice(.module, Self.facts(module: 0, hasPins: true)) == "environment")
        #expect(Self.choice(.auto, Self.facts(.pv, module: 0, hasPins: true)) == "module")
    }

    /// Loading the module stops no daemon: with auto, the next start goes on with what gave.
    @Test func `auto goes on with privcmd while its files hold memory`() {
        #expect(Self.choice(.auto, Self.facts(module: 0, files: 65536)) == "privcmd")
        #expect(Self.choice(.auto, Self.facts(module: 0, privcmd: Self.locked, files: 65536)) == "environment")
        // Both movers hold memory, and neither knows the size of the other's balloon.
        #expect(Self.choice(.auto, Self.facts(module: 2048, files: 65536)) == "environment")
        #expect(Self.choice(.auto, Self.facts(module: 2048, files: 65536), for: .command) == "privcmd")
    }

    /// Even a mover that is named does not start while another mover holds memory.
    @Test func `a mover is refused while another mover has memory`() {
        let both = Self.facts(module: 0, files: 65536)
        #expect(Self.choice(.module, both) == "environment")
        #expect(Self.choice(.auto, both, for: .command) == "privcmd")
        #expect(Self.choice(.module, both, for: .command) == "environment")
        #expect(Self.choice(.privcmd, both) == "privcmd")
        let shut = Self.facts(module: 0, privcmd: Self.locked, files: 65536)
        #expect(Self.choice(.auto, shut, for: .command) == "environment")
        for purpose in [MoverChoice.Purpose.daemon, .command] {
            #expect(Self.choice(.privcmd, Self.facts(module: 2048), for: purpose) == "environment")
            #expect(Self.choice(.kernel, Self.facts(.pv, module: 2048), for: purpose) == "environment")
            #expect(Self.choice(.auto, Self.facts(module: 2048), for: purpose) == "module")
        }
    }

    /// A list that cannot be read may have a mount in it.
    @Test func `a mount list that cannot be read is an error, not an empty one`() {
        var facts = Self.facts(module: 0)
        facts.files = { () throws(BalloonError) in throw BalloonError(.system, "no /proc") }
        #expect(Self.choice(.auto, facts) == "system")
    }

    /// As long as it may be needed the holder keeps running.
    @Test func `a holder is needed while huge pages are mounted, or privcmd is configured`() {
        let line = "36 25 0:31 / /run/vnode-balloon/pages rw,relatime shared:1 - hugetlbfs none rw,pagesize=2M\n"
        #expect(HolderNeed.isThere(Array(line.utf8), stateDirectory: "/run/vnode-balloon"))
        #expect(!HolderNeed.isThere([], stateDirectory: "/run/vnode-balloon"))
        #expect(
            HolderNeed.isThere(
                {
                    var it = Configuration()
                    it.mover = .privcmd
                    return it
                }()))
    }

    @Test func `a locked privcmd's error names both cures`() {
        let text = PrivcmdHypervisor.callError("XENMEM_current_reservation", 1).description
        #expect(text.contains("xen_privcmd.unrestricted=1") && text.contains("modprobe vnode_balloon"))
    }
}
