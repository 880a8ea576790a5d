package import VNodeBalloon

/// A holder process and the connection to it. The service is the product's own; the process may be stopped, dead,
/// restarted, or out of descriptors.
package final class SimulatedHolder: HolderAccess {
    private struct Waiting {
        let connection: Connection
        let text: String
        let attached: AttachedDescriptor
    }

    final class Connection: HolderConnection {
        private weak var holder: SimulatedHolder?
        fileprivate let process: UInt64
        private let patience: Interval
        fileprivate var answers: [(String, AttachedDescriptor)] = []

        fileprivate init(_ holder: SimulatedHolder, _ process: UInt64, patience: Interval) {
            self.holder = holder
            self.process = process
            self.patience = patience
        }

        var descriptor: Int32? { nil }
        var isOpen: Bool { holder?.process == process && answers.isEmpty }
        func send(_ text: String, _ descriptor: FileDescriptor?) -> Bool {
            holder?.take(self, text, descriptor) ?? false
        }
        func receive() -> (text: String, AttachedDescriptor)? {
            if answers.isEmpty {
                holder?.waited(patience)
                return nil
            }
            return answers.removeFirst()
        }
    }

    private var service: HolderService?
    private var process: UInt64 = 0
    private var waiting: [Waiting] = []
    /// Whether it was stopped (SIGSTOP): requests wait.
    package private(set) var isStopped = false
    /// Whether the holder, or its client, may open no more files.
    package var isFull = false
    package var isClientFull = false
    /// Whether a new holder process cannot be started.
    package var isStartRefused = false
    /// Changes the next answers, one each; nil: that answer never comes.
    package var nextAnswers: [(String) -> String?] = []
    /// Called when a client waits in vain, with how long it does, to let that time pass.
    package var waited: (Interval) -> Void = { _ in }
    package var clock: () -> Moment = { 0 }
    package var pagesIn: (FileDescriptor) -> Int = { _ in 0 }
    /// How long a client waits for an answer: as the product's does, and shorter where the last one never came.
    static let patience: Interval = .seconds(2)
    static let briefPatience: Interval = .milliseconds(200)
    static let startPatience: Interval = .seconds(5)
    /// Whether a service manager's descriptor store restores the holder's descriptors after a kill.
    package var isStored = false

    package init() {}

    package var now: Moment { clock() }
    package func pages(in descriptor: FileDescriptor) -> Int { pagesIn(descriptor) }
    package var store: DescriptorStore? { service?.store }

    package func connect(isBrief: Bool) throws(BalloonError) -> (any HolderConnection)? {
        let patience = isBrief ? Self.briefPatience : Self.patience
        return service == nil ? nil : Connection(self, process, patience: patience)
    }

    package func start(isBrief: Bool) throws(BalloonError) -> any HolderConnection {
        if isStartRefused {
            waited(isBrief ? Self.briefPatience : Self.startPatience)
            throw BalloonError(.environment, "no more processes can be made")
        }
        if service == nil { begin(DescriptorStore()) }
        return Connection(self, process, patience: Self.patience)
    }

    private func begin(_ store: DescriptorStore) {
        process += 1
        service = HolderService(store, token: process)
    }

    /// Whether the holder has a descriptor, in its store or in a message that it has not read yet.
    package func keeps(_ descriptor: FileDescriptor) -> Bool {
        if service?.store.contains(descriptor) == true { return true }
        return waiting.contains {
            if case .this(let waits) = $0.attached { return waits === descriptor }
            return false
        }
    }

    /// Forgets a name, as after the guest's next boot.
    package func forget(_ name: String) { service?.forget(name) }

    // MARK: What happens to the process

    package func stop() { isStopped = true }

    /// SIGCONT: the holder carries out the waiting requests, however late.
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
