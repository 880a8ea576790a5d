internal import Glibc

/// What went wrong, and what to do about it.
///
/// A hypercall that did less than it was asked is not an error but a count: see ``Hypervisor``.
public struct BalloonError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of failure. Open: new kinds may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        package enum Kind: String, Sendable {
            case noXen, privcmdLocked, unsupportedGuest, privateNamespace, notHugetlbfs, noHugePages, noNode
            case environment, notRoot, busy, invalidConfiguration, usage, moved, suspended
            case hypercall, store, system, protocolViolation
            case descriptors, fileSize, cpuset, cgroup, looking
        }

        package let kind: Kind

        package init(_ kind: Kind) { self.kind = kind }

        /// This is not a Xen guest, or its devices are missing.
        public static let noXen = Code(.noXen)
        /// The kernel refuses hypercalls from user space (XSA-482).
        public static let privcmdLocked = Code(.privcmdLocked)
        /// A kind of guest that this mover cannot serve.
        public static let unsupportedGuest = Code(.unsupportedGuest)
        /// The process is not in PID 1's mount namespace: a mount made here would die with it.
        public static let privateNamespace = Code(.privateNamespace)
        /// What should be our hugetlbfs is something else.
        public static let notHugetlbfs = Code(.notHugetlbfs)
        /// The kernel has no 2 MiB huge pages.
        public static let noHugePages = Code(.noHugePages)
        /// No Linux node, or several, lie in the vnode's memory.
        public static let noNode = Code(.noNode)
        /// A directory, a file or a helper process is not as it must be; the message says how to mend it.
        public static let environment = Code(.environment)
        public static let notRoot = Code(.notRoot)
        /// Another process has the lock, or does not answer.
        public static let busy = Code(.busy)
        public static let invalidConfiguration = Code(.invalidConfiguration)
        /// The command line, or a request, asks for something impossible.
        public static let usage = Code(.usage)
        /// A page of ours is not where it was, or is not what it should be. The vnode does not move any more.
        public static let moved = Code(.moved)
        /// The domain was saved, restored or migrated meanwhile: what was known is out of date.
        public static let suspended = Code(.suspended)
        /// A hypercall failed outright.
        public static let hypercall = Code(.hypercall)
        /// A xenstore operation failed.
        public static let store = Code(.store)
        /// A system call failed.
        public static let system = Code(.system)
        /// The other end of a socket said something that makes no sense.
        public static let protocolViolation = Code(.protocolViolation)
        /// This process, or the machine, may open no more files (RLIMIT_NOFILE, fs.file-max).
        public static let descriptors = Code(.descriptors)
        /// This process may not make a file so large (RLIMIT_FSIZE).
        public static let fileSize = Code(.fileSize)
        /// The cpuset of this process leaves a node out (cpuset.mems, AllowedMemoryNodes=).
        public static let cpuset = Code(.cpuset)
        /// The hugetlb cgroup of this process lets it have no more huge pages.
        public static let cgroup = Code(.cgroup)
        /// A vnode was not audited yet: its balloon is unknown.
        public static let looking = Code(.looking)

        public var description: String { kind.rawValue }
    }

    public let code: Code
    /// The C error number, positive, where there is one.
    public let errno: Int32?
    /// The vnode that it is about, where it is about one.
    public let vnode: Int?
    /// One sentence that says what is wrong and what to do.
    public let message: String

    /// Any failure because no more files can be opened is `.descriptors`: that limit is what an administrator has to
    /// know of, and it passes.
    public init(_ code: Code, _ message: String, errno: Int32? = nil, vnode: Int? = nil) {
        if let limit = Self.limit(errno), code != .descriptors {
            self.code = .descriptors
            self.message = "\(message): \(limit)"
        } else {
            self.code = code
            self.message = message
        }
        self.errno = errno
        self.vnode = vnode
    }

    private static func limit(_ errno: Int32?) -> String? {
        switch errno {
        case EMFILE: "this process may open no more files (LimitNOFILE=, ulimit -n)"
        case ENFILE: "no process may open more files (fs.file-max)"
        default: nil
        }
    }

    public var description: String {
        var text = message
        if let vnode { text = "vnode \(vnode): " + text }
        if let errno { text += " (\(errnoText(errno)))" }
        return text
    }
}
