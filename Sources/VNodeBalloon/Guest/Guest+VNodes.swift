// Finds the vnodes of a guest, and which Linux node lies in each.
extension Guest {
    /// The vnodes with the Linux nodes at their addresses. Without virtual NUMA all memory is vnode 0.
    static func vnodes(
        _ hypervisor: any Hypervisor, _ zones: ZoneInfo, staticMax: KiB?,
        firmware: [FirmwareRange] = FirmwareMap.read()
    ) throws(BalloonError) -> [VNode] {
        guard let topology = try hypervisor.vnumaTopology() else {
            let reservation = try hypervisor.currentReservation()
            return [wholeGuest(zones, staticMax: staticMax, reservation: reservation, firmware: firmware)]
        }
        let memory = topology.ranges.map(\.frames)
        return (0..<topology.vnodeCount).map { number in
            let ranges = topology.ranges.filter { $0.vnode == number }.map(\.frames)
            let node = zones.node(within: ranges, of: memory)
            return VNode(number: number, linuxNode: node, size: topology.size(of: number))
        }
    }

    /// All of a guest's memory as vnode 0.
    static func wholeGuest(
        _ zones: ZoneInfo, staticMax: KiB?, reservation: Frames,
        firmware: [FirmwareRange] = FirmwareMap.read()
    ) -> VNode {
        // If xenstore does not say the size, the RAM in the firmware's memory map does. The reservation is the last
        // resort: it lacks whatever a balloon has.
        let booted = firmware.filter(\.isRAM).reduce(.zero) { $0 + $1.size }
        var size = staticMax ?? booted
        if size == .zero { size = reservation.kib }
        return VNode(number: 0, linuxNode: zones.node(within: [0..<UInt64.max]), size: size)
    }
}
