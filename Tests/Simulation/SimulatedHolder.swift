package import VNodeBalloon

/// A holder process and the way to it: the product's own service, which may be stopped, dead, restarted, or out of
/// descriptors.
package final class SimulatedHolder: HolderAccess {
    private struct Waiting {
        let connection: Connection
        let text: String
        let attached: AttachedDescriptor
    }

    final class Connection: HolderConnection {
        private weak var holder: SimulatedHolder?
        fileprivate let process: UInt64
        fileprivate var answers: [(String, AttachedDescriptor)] = []

        fileprivate init(_ holder: SimulatedHolder, _ process: UInt64) {
            self.holder = holder
            self.process = process
        }

        var descriptor: Int32? { nil }
        var isOpen: Bool { holder?.process == process && answers.isEmpty }
        func send(_ text: String, _ descriptor: FileDescriptor?) -> Bool {
            holder?.take(self, text, descriptor) ?? false
        }
        func receive() -> (text: String, AttachedDescriptor)? {
            if answers.isEmpty {
                holder?.waited()
                return nil
            }
            return answers.removeFirst()
        }
    }

    private var service: HolderService?
    private var process: UInt64 = 0
    private var waiting: [Waiting] = []
    /// SIGSTOP: requests wait.
    package private(set) var isStopped = false
    /// It may open no more files; its client may not.
    package var isFull = false
    package var isClientFull = false
    /// Nobody can start one.
    package var isStartRefused = false
    /// What goes wrong with the next answers, one each.
    package var nextAnswers: [(String) -> String?] = []
    /// Whoever waits for it in vain waits so long.
    package var waited: () -> Void = {}
    package var clock: () -> Moment = { 0 }
    package var pagesIn: (FileDescriptor) -> Int = { _ in 0 }
    /// What a service manager's store gives back after a kill.
    package var isStored = false

    package init() {}

    package var now: Moment { clock() }
    package func pages(in descriptor: FileDescriptor) -> Int { pagesIn(descriptor) }
    package var store: DescriptorStore? { service?.store }

    package func connect(isBrief: Bool) throws(BalloonError) -> (any HolderConnection)? {
        service == nil ? nil : Connection(self, process)
    }

    package func start() throws(BalloonError) -> any HolderConnection {
        if isStartRefused { throw BalloonError(.environment, "no more processes can be made") }
        if service == nil { begin(DescriptorStore()) }
        return Connection(self, process)
    }

    private func begin(_ store: DescriptorStore) {
        process += 1
        service = HolderService(store, token: process)
    }

    /// Whether it has a descriptor, or a message that it has not read yet has it.
    package func keeps(_ descriptor: FileDescriptor) -> Bool {
        if service?.store.contains(descriptor) == true { return true }
        return waiting.contains {
            if case .this(let waits) = $0.attached { return waits === descriptor }
            return false
        }
    }

    /// As after the guest's next boot.
    package func forget(_ name: String) { service?.forget(name) }

    // MARK: What happens to it

    package func stop() { isStopped = true }

    /// SIGCONT: what waits is done now, however late.
    package func goOn() {
        isStopped = false
        let late = waiting
        waiting = []
        for request in late { carryOut(request) }
    }

    package func kill() {
        let store = service?.store
        (service, waiting, isStopped) = (nil, [], false)
        process += 1
        if isStored, let store { begin(store) }
    }

    private func take(_ connection: Connection, _ text: String, _ descriptor: FileDescriptor?) -> Bool {
        guard connection.process == process, service != nil else { return false }
        let attached: AttachedDescriptor = descriptor.map { isFull ? .noRoom : .this($0) } ?? .none
        let request = Waiting(connection: connection, text: text, attached: attached)
        if isStopped { waiting.append(request) } else { carryOut(request) }
        return true
    }

    private func carryOut(_ request: Waiting) {
        guard let reply = service?.reply(to: request.text, request.attached) else { return }
        var text = reply.text
        if !nextAnswers.isEmpty {
            guard let other = nextAnswers.removeFirst()(text) else { return }
            text = other
        }
        let attached: AttachedDescriptor = reply.descriptor.map { isClientFull ? .noRoom : .this($0) } ?? .none
        request.connection.answers.append((text, attached))
        if reply.isEnd { service = nil }
    }
}
