/// What a holder makes of a message: no socket, no clock, so that a simulation plays it, too.
package struct HolderService {
    package private(set) var store: DescriptorStore
    /// Tells this process from every other holder.
    private let token: UInt64
    /// Lets go of the pages of a pin.
    private let empty: (FileDescriptor) -> Void

    package init(_ store: DescriptorStore, token: UInt64, empty: @escaping (FileDescriptor) -> Void = { _ in }) {
        self.store = store
        self.empty = empty
        self.token = token
    }

    package struct Reply {
        package var text: String
        package var descriptor: FileDescriptor?
        /// The holder is to end.
        package var isEnd = false
    }

    /// - Returns: nil for what no client of ours sends: it is let go.
    package mutating func reply(to text: String, _ attached: AttachedDescriptor) -> Reply? {
        if text.first?.isLetter == true { return earlierReply(to: text, attached) }
        guard let (number, request) = HolderMessage.request(text) else { return nil }
        var reply = Reply(text: "")
        reply.text = HolderMessage.line(number, carryOut(request, attached, &reply))
        return reply
    }

    package mutating func tellMore() { store.tellMore() }
    package mutating func forget(_ name: String) { store.drop(name) }

    private mutating func carryOut(
        _ request: HolderRequest, _ attached: AttachedDescriptor, _ reply: inout Reply
    ) -> HolderAnswer {
        switch request {
        case .hello: return .hello(token: token)
        case .keep(let name):
            switch attached {
            case .none: return .refused(.request)
            case .noRoom: return .refused(.descriptors)
            case .this(let descriptor): store.keep(name, descriptor)
            }
            return .done
        case .drop(let name):
            store.drop(name)
            return .done
        case .get(let name):
            reply.descriptor = store.descriptor(name)
            return reply.descriptor == nil ? .nothing : .here
        case .names(let prefix, let after): return HolderMessage.page(store.names(prefix: prefix, after: after))
        case .end:
            reply.isEnd = store.isEmpty
            return reply.isEnd ? .done : .refused(.busy)
        }
    }

    /// A daemon of before the update talks so: a message without a number or an end, answered with `ok` or `no`. It relies on
    /// the holder to empty what is dropped or replaced.
    private mutating func earlierReply(to text: String, _ attached: AttachedDescriptor) -> Reply {
        let words = text.split(separator: " ").map(String.init)
        guard let verb = words.first else { return Reply(text: "no") }
        let name = words.count == 2 && HolderMessage.isName(words[1]) ? words[1] : nil
        switch (verb, name, attached) {
        case ("keep", let name?, .this(let descriptor)):
            let old = store.descriptor(name)
            store.keep(name, descriptor)
            if let old, old !== descriptor, store.descriptor(name) === descriptor { empty(old) }
        case ("drop", let name?, _):
            if let old = store.descriptor(name) { empty(old) }
            store.drop(name)
        case ("end", nil, _): return Reply(text: store.isEmpty ? "ok" : "no", isEnd: store.isEmpty)
        case ("names", let name?, _):
            let names = store.names(prefix: name).joined(separator: " ")
            return Reply(text: names.isEmpty || names.utf8.count > 1024 ? "-" : names)
        case ("get", let name?, _):
            guard let found = store.descriptor(name) else { return Reply(text: "no") }
            return Reply(text: "ok", descriptor: found)
        default: return Reply(text: "no")
        }
        return Reply(text: "ok")
    }
}
