internal import CBalloonShim

/// What the holder keeps: here, and in the descriptor store of its service, where it has one.
///
/// There each one is `NAME#NUMBER`, with a new number for each that takes an old one's place: it is stored before the
/// old one goes, so at no moment is a page without a pin.
struct DescriptorStore {
    /// 64 slots a pin: 4096 pins hold 512 GiB.
    static let mostNames = 4096 + 64
    /// In the service's store: their names have to fit into one environment variable. FileDescriptorStoreMax= of the unit.
    static let mostStored = 2048

    private struct Entry {
        let descriptor: FileDescriptor
        let number: Int
        var isStored: Bool
    }

    private var entries: [String: Entry] = [:]

    /// Starts with what an earlier process of this service left.
    init() {
        for (label, descriptor) in ServiceManager.storedDescriptors() {
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

    var isEmpty: Bool { entries.isEmpty }

    func descriptor(_ name: String) -> FileDescriptor? { entries[name]?.descriptor }
    func names(prefix: String) -> [String] { entries.keys.filter { $0.hasPrefix(prefix) }.sorted() }

    /// False when there is no more room.
    mutating func keep(_ name: String, _ descriptor: FileDescriptor) -> Bool {
        let old = entries[name]
        if let old, isSame(old.descriptor, descriptor) { return true }
        guard old != nil || entries.count < Self.mostNames else { return false }
        let isStored = old?.isStored ?? (entries.count < Self.mostStored)
        let entry = Entry(descriptor: descriptor, number: (old?.number ?? 0) + 1, isStored: isStored)
        // Not polled: a pipe without a writer looks like one that has ended, and would be thrown out at once.
        if isStored { ServiceManager.notify("FDSTORE=1\nFDPOLL=0\nFDNAME=\(name)#\(entry.number)", descriptor) }
        entries[name] = entry
        if let old { forget(name, old) }
        return true
    }

    mutating func drop(_ name: String) {
        if let old = entries.removeValue(forKey: name) { forget(name, old) }
    }

    /// The service manager closes its copy whenever it likes. The pages are let go now: whoever asked is about to free
    /// them, and counts what comes free.
    private func forget(_ name: String, _ entry: Entry) {
        _ = cb_pin_clear(entry.descriptor.rawValue)
        if entry.isStored { ServiceManager.notify("FDSTOREREMOVE=1\nFDNAME=\(name)#\(entry.number)") }
    }

    /// The service manager takes a second descriptor of the same file for the first one, and would lose both.
    private func isSame(_ one: FileDescriptor, _ other: FileDescriptor) -> Bool {
        guard let a = try? one.info(), let b = try? other.info() else { return false }
        return a.device == b.device && a.inode == b.inode
    }
}
