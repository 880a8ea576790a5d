// Which vnodes a guest has, and which of Linux's nodes lie in them.
extension Guest {
    /// The vnodes with the Linux nodes at their addresses. Without virtual NUMA all memory is vnode 0.
    static func vnodes(
        _ hypervisor: any Hypervisor, _ zones: ZoneInfo, staticMaxKiB: UInt64?,
        firmware: [FirmwareRange] = FirmwareMap.read()
    ) throws(BalloonError) -> [VNode] {
        guard let topology = try hypervisor.vnumaTopology() else {
            let reservation = try hypervisor.currentReservation()
            return [wholeGuest(zones, staticMaxKiB: staticMaxKiB, reservation: reservation, firmware: firmware)]
        }
        let memory = topology.ranges.map(\.frames)
        return (0..<topology.vnodeCount).map { number in
            let ranges = topology.ranges.filter { $0.vnode == number }.map(\.frames)
            let node = zones.node(within: ranges, of: memory)
            return VNode(number: number, linuxNode: node, sizeKiB: topology.sizeKiB(of: number))
        }
    }

    /// All of a guest's memory as vnode 0.
    static func wholeGuest(
        _ zones: ZoneInfo, staticMaxKiB: UInt64?, reservation: Frames,
        firmware: [FirmwareRange] = FirmwareMap.read()
    ) -> VNode {
        // Without xenstore's word, what the firmware told Linux to have. The reservation is less than that by whatever a
        // balloon has; it is the last resort.
        let booted = firmware.filter(\.isRAM).reduce(0) { $0 + $1.kib }
        var size = staticMaxKiB ?? booted
        if size == 0 { size = reservation.kib.count }
        return VNode(number: 0, linuxNode: zones.node(within: [0..<UInt64.max]), sizeKiB: size)
    }
}
