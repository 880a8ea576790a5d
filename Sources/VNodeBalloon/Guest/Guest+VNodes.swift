// Which vnodes a guest has, and which of Linux's nodes lie in them.
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
        // Without memory/static-max it is the RAM of the firmware's map. The reservation is the last resort, because
        // it lacks what a balloon has.
        let booted = firmware.filter(\.isRAM).reduce(.zero) { $0 + $1.size }
        var size = staticMax ?? booted
        if size == .zero { size = reservation.kib }
        return VNode(number: 0, linuxNode: zones.node(within: [0..<UInt64.max]), size: size)
    }
}
