/// The movers that the configuration's key `mover` can name.
public enum MoverName: String, Sendable, Equatable, CaseIterable {
    /// The first of these that this guest has: module, privcmd, kernel.
    case auto
    /// The kernel module vnode_balloon.
    case module
    /// Hypercalls of our own on huge pages.
    case privcmd
    /// Linux's own balloon: one for all of the guest, from any node.
    case kernel
}
