import VNodeBalloon

// What happens to a simulated guest, and how it must end.
extension SimulatedGuest {
    public func run(turns: Int) throws(Failure) {
        for _ in 0..<turns { try turn() }
    }

    public func happen(_ event: Schedule.Event) throws(Failure) {
        switch event {
        case .target(let vnode, let extents): setTarget(vnode, extents)
        case .run(let turns): try run(turns: turns)
        case .fault(let after, let fault): machine.plan[machine.steps + after] = fault
        case .kill:
            machine.tally.note(.killedBetween)
            machine.killNow()
        case .killBalanced:
            machine.tally.note(.killedBetween)
            let isKnown = hasLooked
            machine.killNow()
            hideSum(isKnown: isKnown)
        case .killPunched(let vnode, let slot):
            machine.tally.note(.killedBetween)
            machine.killNow()
            let gone = machine.tally[.pageGone]
            machine.punch(vnode: vnode, slot: slot)
            if machine.tally[.pageGone] > gone { machine.tally.note(.punchedAfterKill) }
        case .loseIntents:
            machine.tally.note(.lostRecord)
            intents.loseQuiet()
            machine.mindLostIntents()
        case .migrated(let returned): machine.migrate(returned)
        case .storeFails(let operations): store.failures += operations
        case .storeConflicts(let times): store.conflicts += times
        case .loseEvents(let count): store.lostEvents += count
        case .doubleEvents(let count): store.doubledEvents += count
        case .fireForNothing: store.fireForNothing()
        case .stopHolder, .continueHolder, .killHolder, .fillHolder, .refuseHolder: holderDoes(event)
        default: othersDo(event)
        }
        try check("\(event)")
    }

    private func holderDoes(_ event: Schedule.Event) {
        switch event {
        case .stopHolder:
            machine.tally.note(.holderStopped)
            machine.holder.stop()
        case .continueHolder: machine.holder.goOn()
        case .killHolder:
            machine.tally.note(.holderKilled)
            machine.holder.kill()
        case .fillHolder(let isFull):
            machine.tally.note(.holderFull)
            machine.holder.isFull = isFull
        case .refuseHolder(let isRefused):
            machine.tally.note(.holderRefused)
            machine.holder.isStartRefused = isRefused
        default: break
        }
    }

    private func othersDo(_ event: Schedule.Event) {
        let isRead = loop?.engine.isAllKnown == true
        switch event {
        case .allowElsewhere(let vnode, let isAllowed):
            store.make("memory/vnode\(vnode)/allow-other-pnode", isAllowed ? "1" : "0")
        case .hostTakes(let pnode, let frames): machine.hostTakes(UInt64(frames), pnode: pnode)
        case .fragment(let pnode, let isFragmented): machine.isFragmented[pnode] = isFragmented
        case .maximum(let above):
            machine.maximumReservation = UInt64(max(0, Int(machine.currentReservation) + above))
        case .reference(let vnode, let every): machine.reference(vnode: vnode, every: every)
        case .stick(let vnode, let blocks, let frame): machine.stick(vnode: vnode, blocks: blocks, frame: frame)
        case .hog(let vnode, let blocks): machine.hog(vnode: vnode, blocks: blocks)
        case .unhog(let vnode): machine.unhog(vnode: vnode)
        case .changePool(let vnode, let pages):
            // What a killed process left in the pool cannot be told from what others add before the next one looks.
            if loop?.engine.isAllKnown == true && !machine.isKilled { machine.changePool(vnode: vnode, by: pages) }
        case .usePool(let vnode, let pages): machine.usePool(vnode: vnode, pages: pages)
        case .unusePool(let vnode): machine.unusePool(vnode: vnode)
        case .logDirty(let isOn): machine.isLogDirty = isOn
        case .kernelGives(let frames): machine.kernelGives(frames)
        case .replacePage(let vnode, let slot, let isFilled):
            machine.replacePage(vnode: vnode, slot: slot, isFilled: isFilled, isRead: isRead)
        case .removeFile(let vnode): machine.removeFile(vnode: vnode)
        case .replaceFile(let vnode): machine.replaceFile(vnode: vnode)
        case .cutFile(let vnode, let slots): machine.cut(vnode: vnode, to: slots, isRead: isRead)
        case .punchSlot(let vnode, let slot): machine.punch(vnode: vnode, slot: slot, isRead: isRead)
        default: break
        }
    }

    /// Only where the process knew all that is hidden, or the record names it: what came back while no process ran is in
    /// no record.
    private func hideSum(isKnown: Bool) {
        var sum = 0
        for vnode in machine.layout.pnodes.indices {
            for (slot, frames) in machine.hidden(vnode: vnode) {
                sum += frames
                if isKnown { continue }
                guard case .moving(let move) = intents.line(vnode: vnode), move.slots.contains(slot) else { return }
            }
        }
        guard sum != 0 else { return }
        machine.tally.note(.balanced)
        machine.kernelGives(sum)
    }

    // MARK: The end

    /// Nothing goes wrong any more, and what others took they give back. Watch events are lost all the same: that is no
    /// reason not to arrive.
    private func calm(_ start: Machine.Fingerprint) throws(Failure) {
        // The guest boots again: in a new process, too.
        if machine.isRebootDue { machine.killNow() }
        // What a vnode has of another physical node, that one's own vnode may need.
        for vnode in machine.layout.pnodes.indices { machine.addHostMemory(machine.elsewhere(vnode: vnode)) }
        machine.calm()
        (store.failures, store.conflicts, store.doubledEvents) = (0, 0, 0)
        machine.maximumReservation = start.reservation + 256
        // A page that was replaced shows when it is looked at: an administrator has everything looked at.
        if machine.tally[.otherPage] + machine.tally[.pageGone] > 0 {
            try settleDown()
            for vnode in machine.layout.pnodes.indices { requests.ask(.recover(vnode: vnode)) }
            while !requests.isEmpty { try turn() }
        }
        try settleDown()
        // Pages that a foreign hand put into the pool beside a broken move may stay there.
        if machine.tally[.pageGone] > 0 { machine.emptyPools() }
        machine.restorePools()
    }

    /// Until everything is known.
    private func settleDown() throws(Failure) {
        for _ in 0..<400 {
            try turn()
            if hasLooked { return }
        }
        throw failure("does not recover: \(loop?.engine.controller.states ?? [])")
    }

    private func settle(at goals: [Int]) throws(Failure) {
        for (vnode, extents) in goals.enumerated() { setTarget(vnode, extents) }
        var turns = 0
        // Everything is read once a minute: what the rows said before is no answer, and events are lost.
        let start = machine.clock
        while machine.clock < start + .seconds(61) || !hasLooked || !isArrived(goals)
            || loop?.engine.unaccounted == nil
        {
            try turn()
            turns += 1
            if turns > 3_000 { throw failure("does not settle at \(goals): \(loop?.engine.controller.states ?? [])") }
        }
        machine.audit()
        try check("settled at \(goals)")
        for (vnode, extents) in goals.enumerated() { try checkArrived(vnode, extents) }
        guard loop?.engine.unaccounted == 0 else {
            throw failure("\(loop?.engine.unaccounted, default: "unknown") KiB are unaccounted for at \(goals)")
        }
    }

    /// The rows say so.
    private func isArrived(_ goals: [Int]) -> Bool {
        goals.enumerated().allSatisfy { vnode, extents in
            let kib = "\(extents * 2048)"
            return ["target", "size", "state", "reason"].map { row(vnode, $0) } == [kib, kib, "idle", ""]
        }
    }

    /// The daemon, Xen and the store say the same, and it is what was asked for.
    private func checkArrived(_ vnode: Int, _ extents: Int) throws(Failure) {
        let given = machine.holes(vnode: vnode)
        guard let state = loop?.engine.controller.states[vnode], state.activity == .idle,
            state.balloonFrames == Frames(given),
            given == UInt64(extents) * 512
        else {
            throw failure(
                "vnode \(vnode) holds \(given) frames for \(extents) extents: \(loop?.engine.controller.states[vnode], default: "no process")"
            )
        }
        let slots = 0..<machine.slotCount(vnode: vnode)
        // The judge's questions take no time of the daemon's.
        let clock = machine.clock
        let findings = try? backend?.audit(vnode: vnode, slots: slots, everyFrame: true)
        machine.clock = clock
        guard findings == [] else { throw failure("the audit finds \(findings ?? [])") }
    }

    /// Plays a schedule to its end: nothing is ever corrupted, and once all is calm every balloon reaches its target,
    /// and all is as at the start once they are gone.
    public static func play(
        _ schedule: Schedule, isTracing: Bool = false, tally: inout Tally
    ) throws(Failure) {
        let guest = SimulatedGuest(schedule)
        defer { tally.add(guest.machine.tally) }
        guest.machine.isTracing = isTracing
        let start = guest.machine.fingerprint
        for event in schedule.events { try guest.happen(event) }
        try guest.calm(start)
        try guest.settle(at: schedule.goals)
        try guest.settle(at: schedule.goals.map { _ in 0 })
        // A pool may have had no room while the balloon was large.
        guest.machine.restorePools()
        try guest.checkEnd(start)
        if !guest.machine.areFilesNamed { throw guest.failure("a file that lost its name has no other") }
    }

    /// All is as at the start, but for memory of other physical nodes that is noted.
    private func checkEnd(_ start: Machine.Fingerprint) throws(Failure) {
        var end = machine.fingerprint
        for vnode in machine.layout.pnodes.indices {
            let noted = backend?.otherPNodeFrames(vnode: vnode)?.count ?? 0
            let elsewhere = machine.elsewhere(vnode: vnode)
            if elsewhere == 0 { continue }
            guard elsewhere <= noted else {
                throw failure("I15: \(elsewhere) frames of vnode \(vnode) are elsewhere, and \(noted) are noted")
            }
            end.atHome[vnode] += elsewhere
            end.mapped = start.mapped
        }
        if end != start { throw failure("not as at the start: \(end), was \(start)") }
    }

    /// Plays a schedule. One that fails is made as small as it can be, and told with all that is needed to see why.
    /// - Returns: nil when all is well.
    public static func whatIsWrong(with schedule: Schedule, tally: inout Tally) -> String? {
        do { try play(schedule, tally: &tally) } catch {
            var ignored = Tally()
            let small = schedule.shrunk { smaller in (try? play(smaller, tally: &ignored)) == nil }
            var why = "\(error)"
            do { try play(small, isTracing: true, tally: &ignored) } catch { why = "\(error)" }
            return
                "\(why)\n  layout \(small.layout)\n  prepared \(small.isPrepared), elsewhere \(small.allowsElsewhere)\n  goals \(small.goals)\n"
                + "  events \(small.events)"
        }
        return nil
    }
}
