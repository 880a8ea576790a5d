/// The kinds of guests, by Xen's names (/sys/hypervisor/guest_type).
public enum GuestKind: String, Sendable {
    case pvh = "PVH"
    case hvm = "HVM"
    case pv = "PV"
}
