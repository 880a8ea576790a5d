/// Why a balloon is held. The words are used in xenstore and in JSON.
public enum HeldReason: String, Sendable, Equatable, CaseIterable {
    /// An administrator forced a size and xenstore wants another.
    case forced
    /// memory/target came back: Linux's own balloon is in use again.
    case legacyTarget = "legacy-target"
    /// The node has no more free 2 MiB pages.
    case noMemory = "no-memory"
    /// To give more would leave the guest too little on this node.
    case `guard`
    /// The domain has as much memory as Xen lets it have.
    case maxReservation = "max-reservation"
    /// The physical node has no free memory.
    case pnodeFull = "pnode-full"
    case invalidTarget = "invalid-target"
    case hypervisorRefused = "hypervisor-refused"
    /// Linux's own balloon gave up.
    case kernelStopped = "kernel-stopped"
    /// Another program removed the balloon's file.
    case filesRemoved = "files-removed"
    /// A page of the balloon is not where it was.
    case moved
    /// No single Linux node lies in the vnode's memory.
    case noNode = "no-node"
    /// The domain is being migrated: nothing moves meanwhile.
    case migrating
    /// The balloon was not audited yet, or cannot be: its size is not known.
    case looking
    /// The daemon, or the machine, may open no more files.
    case descriptors
    /// The daemon may not make its file larger (RLIMIT_FSIZE).
    case fileSize = "file-size"
    /// The daemon's cpuset leaves the vnode's node out.
    case cpuset
    /// The daemon's hugetlb cgroup lets it have no more pages.
    case cgroup
    /// The holder of the pins does not answer, or does not take them.
    case holder
    /// A system call failed. The log says which one.
    case failed
}

extension HeldReason {
    /// The reason in a sentence, with what helps: for the journal and the command line.
    public var sentence: String {
        switch self {
        case .forced: "an administrator forced another size than xenstore asks for (forced)"
        case .legacyTarget: "memory/target is back, so no more memory is given (legacy-target)"
        case .noMemory: "its node has no more free 2 MiB pages (no-memory)"
        case .guard: "more would leave the guest too little memory on this node (guard)"
        case .maxReservation: "Xen lets the domain have no more memory; raise its maximum (max-reservation)"
        case .pnodeFull: "the physical node has no free memory (pnode-full)"
        case .invalidTarget: "xenstore asks for something that is not a size of this vnode (invalid-target)"
        case .hypervisorRefused: "Xen did less than it was asked to (hypervisor-refused)"
        case .kernelStopped: "Linux's own balloon gave up; the daemon makes it try again (kernel-stopped)"
        case .filesRemoved: "its file was removed (files-removed)"
        case .moved: "a page is not where it was; see balloonctl audit (moved)"
        case .noNode: "no single Linux node lies in its memory (no-node)"
        case .migrating: "the guest is being migrated, and nothing moves meanwhile (migrating)"
        case .looking: "it was not audited yet, so its size is not known (looking)"
        case .descriptors: "the daemon may open no more files; raise LimitNOFILE= (descriptors)"
        case .fileSize: "the daemon may not make a file so large; raise LimitFSIZE= (file-size)"
        case .cpuset: "the daemon's cpuset leaves its node out; raise AllowedMemoryNodes= (cpuset)"
        case .cgroup: "the daemon's cgroup allows no more huge pages; raise hugetlb.2MB.max (cgroup)"
        case .holder: "the holder of the pins does not answer or does not start; see the journal (holder)"
        case .failed: "a system call failed; see the journal (failed)"
        }
    }
}
