/// What the holder keeps: here, and in the descriptor store of its service, where it has one.
///
/// There each one is `NAME#NUMBER`, with a new number for each that takes an old one's place. It is stored before the
/// old one goes, so at no moment is a page without a pin. Nothing in here is ever emptied: the process that gave a pin
/// empties it, once it is sure of what took its place.
package struct DescriptorStore {
    /// In the service's store: their names have to fit into one environment variable.
    ///
    /// One less than FileDescriptorStoreMax= of the unit. What takes an old one's place is stored beside it at first, and
    /// systemd refuses whatever a full store is sent.
    static let mostStored = 2047

    private struct Entry {
        let descriptor: FileDescriptor
        let number: Int
        var isStored: Bool
    }

    /// What could not be sent to the service manager yet, because it did not read.
    private struct Message {
        let text: String
        let descriptor: FileDescriptor?
    }

    private var entries: [String: Entry] = [:]
    private var untold: [Message] = []
    /// Sends to the service manager, without waiting for it. False: it must be sent again.
    private let tell: (String, FileDescriptor?) -> Bool

    /// - Parameter stored: what an earlier process of this service left, with labels.
    package init(
        stored: [(name: String, descriptor: FileDescriptor)] = [],
        tell: @escaping (String, FileDescriptor?) -> Bool = { _, _ in true }
    ) {
        self.tell = tell
        for (label, descriptor) in stored {
            guard let end = label.lastIndex(of: "#"), let number = Int(label[label.index(after: end)...]) else {
                continue
            }
            let name = String(label[..<end])
            let entry = Entry(descriptor: descriptor, number: number, isStored: true)
            // Killed between storing a new one and removing the old one.
            if let other = entries[name] {
                entries[name] = other.number > number ? other : entry
                forget(name, other.number > number ? entry : other)
            } else {
                entries[name] = entry
            }
        }
    }

    package var isEmpty: Bool { entries.isEmpty }
    /// Something waits to be sent to the service manager: call ``tellMore()`` now and then.
    package var hasMoreToTell: Bool { !untold.isEmpty }

    package func descriptor(_ name: String) -> FileDescriptor? { entries[name]?.descriptor }

    package func contains(_ descriptor: FileDescriptor) -> Bool {
        entries.values.contains { $0.descriptor === descriptor }
    }

    /// In order, from behind `after` on.
    package func names(prefix: String, after: String? = nil) -> [String] {
        entries.keys.filter { $0.hasPrefix(prefix) && $0 > (after ?? "") }.sorted()
    }

    package mutating func keep(_ name: String, _ descriptor: FileDescriptor) {
        let old = entries[name]
        if let old, isSame(old.descriptor, descriptor) { return }
        let isStored = old?.isStored ?? (entries.count < Self.mostStored)
        let entry = Entry(descriptor: descriptor, number: (old?.number ?? 0) + 1, isStored: isStored)
        // Not polled: a pipe without a writer looks like one that has ended, and would be thrown out at once.
        if isStored { send("FDSTORE=1\nFDPOLL=0\nFDNAME=\(name)#\(entry.number)", descriptor) }
        entries[name] = entry
        if let old { forget(name, old) }
    }

    package mutating func drop(_ name: String) {
        if let old = entries.removeValue(forKey: name) { forget(name, old) }
    }

    private mutating func forget(_ name: String, _ entry: Entry) {
        if entry.isStored { send("FDSTOREREMOVE=1\nFDNAME=\(name)#\(entry.number)", nil) }
    }

    private mutating func send(_ text: String, _ descriptor: FileDescriptor?) {
        untold.append(Message(text: text, descriptor: descriptor))
        tellMore()
    }

    /// In order: the new descriptor is stored before the old one is removed.
    package mutating func tellMore() {
        var told = 0
        while told < untold.count, tell(untold[told].text, untold[told].descriptor) { told += 1 }
        untold.removeFirst(told)
    }

    /// The service manager takes a second descriptor of the same file for the first one, and would lose both.
    private func isSame(_ one: FileDescriptor, _ other: FileDescriptor) -> Bool {
        if one === other { return true }
        guard let a = try? one.info(), let b = try? other.info() else { return false }
        return a.device == b.device && a.inode == b.inode
    }
}
