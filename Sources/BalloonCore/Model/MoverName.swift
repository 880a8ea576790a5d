/// What moves this guest's memory: the configuration's key `mover`.
public enum MoverName: String, Sendable, Equatable, CaseIterable {
    /// The first of the others that this guest has: module, privcmd, kernel.
    case auto
    /// The kernel module vnode_balloon.
    case module
    /// Hypercalls of our own on huge pages.
    case privcmd
    /// Linux's own balloon: one for all of the guest, from any node.
    case kernel
}
