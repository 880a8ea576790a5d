internal import CBalloonShim

/// Signals as a descriptor.
package struct SignalSource {
    package let descriptor: FileDescriptor

    /// Blocks SIGTERM, SIGINT and SIGHUP, also for threads that start later.
    package init() throws(BalloonError) {
        descriptor = FileDescriptor(try check(cb_signal_descriptor(), "cannot make a signalfd"))
    }

    package enum Signal { case stop, reload }

    /// The next signal, nil when there is none.
    package func next() -> Signal? {
        let number = cb_signal_next(descriptor.rawValue)
        guard number > 0 else { return nil }
        return number == Int32(CB_SIGHUP) ? .reload : .stop
    }
}
