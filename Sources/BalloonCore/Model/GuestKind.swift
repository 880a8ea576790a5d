/// What Xen calls this kind of guest (/sys/hypervisor/guest_type).
public enum GuestKind: String, Sendable {
    case pvh = "PVH"
    case hvm = "HVM"
    case pv = "PV"
}
