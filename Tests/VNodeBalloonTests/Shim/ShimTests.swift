import CBalloonShim
import Glibc
import Testing

/// The C functions alone, with extreme arguments. The undefined-behaviour sanitizer runs these tests, too.
@Suite struct ShimTests {
    let work: TemporaryDirectory
    /// A size that is large enough for all these tests.
    static let page: UInt64 = 4096

    init() throws { work = try TemporaryDirectory() }

    // Unsafe, in all of these: C reads and fills memory that Swift lends it for the call, and gets its size.

    /// If signals were blocked and no descriptor could read them, only SIGKILL would end the process.
    @Test func `signals stay unblocked where no descriptor for them can be had`() async {
        await #expect(processExitsWith: .success) {
            var empty = sigset_t()
            guard unsafe sigemptyset(&empty) == 0 && sigprocmask(SIG_SETMASK, &empty, nil) == 0 else { exit(5) }
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none) == 0 else { exit(2) }
            guard cb_signal_descriptor() == -EMFILE else { exit(3) }
            var blocked = sigset_t()
            guard unsafe sigprocmask(SIG_BLOCK, nil, &blocked) == 0 else { exit(4) }
            exit(unsafe sigismember(&blocked, SIGINT) == 0 && sigismember(&blocked, SIGTERM) == 0 ? 0 : 1)
        }
    }

    @Test func `the shim's file calls take their limits and return -errno beyond them`() throws {
        let path = work.path + "/file"
        defer { work.remove("file") }
        for how: Int32 in [-1, 5, .min, .max] { #expect(unsafe cb_file_open(path, how) == -EINVAL) }
        #expect(unsafe cb_file_open(path, Int32(CB_OPEN_READ)) == -ENOENT)
        let file = unsafe cb_file_open(path, Int32(CB_OPEN_CREATE))
        try #require(file >= 0)
        defer { close(file) }
        let text = Array("0123456789".utf8)
        #expect(unsafe cb_file_write(file, 0, text, text.count) == 10)
        #expect(unsafe cb_file_write(file, .max, text, text.count) == -Int64(EINVAL))
        var back = [UInt8](repeating: 0, count: 16)
        #expect(unsafe cb_file_read(file, 4, &back, 16) == 6)
        #expect(unsafe cb_file_read(file, .max - 2, &back, 16) == -Int64(EINVAL))
        #expect(unsafe cb_read_path(path, &back, 10) == 10)
        #expect(unsafe cb_read_path(path, &back, 9) == -Int64(EFBIG))
        #expect(cb_file_truncate(file, .max) == -EINVAL && cb_file_truncate(file, 4096) == 0)
        var info = cb_file_info()
        #expect(unsafe cb_file_info(file, &info) == 0 && info.bytes == 4096 && info.mode == 0o600 && info.links == 1)
        #expect(cb_file_lock(file) == 0)
        let second = unsafe cb_file_open(path, Int32(CB_OPEN_READ_WRITE))
        #expect(cb_file_lock(second) == -EWOULDBLOCK)
        #expect(cb_file_close(second) == 0 && cb_file_close(-1) == -EBADF)
        let directory = unsafe cb_file_open(work.path, Int32(CB_OPEN_DIRECTORY))
        #expect(cb_directory_entries(directory) == 1 && cb_directory_entries(file) == -ENOTDIR)
        _ = cb_file_close(directory)
    }

    @Test func `the shim reads and writes numbers up to the largest, and refuses text that is none`() throws {
        let path = work.path + "/number"
        defer { work.remove("number") }
        let file = unsafe cb_file_open(path, Int32(CB_OPEN_CREATE))
        try #require(file >= 0)
        defer { close(file) }
        func read(_ text: String) -> Int64 {
            cb_file_truncate(file, 0)
            let bytes = Array(text.utf8)
            #expect(unsafe cb_file_write(file, 0, bytes, bytes.count) == bytes.count)
            return cb_number_read(file)
        }
        #expect(read("0\n") == 0)
        #expect(read("512\n") == 512)
        #expect(read("9223372036854775807") == .max)
        for odd in ["", " 1", "-1", "x", "9223372036854775808", "99999999999999999999999999999999"] {
            #expect(read(odd) == -Int64(EINVAL), "\(odd)")
        }
        #expect(cb_file_truncate(file, 0) == 0 && cb_number_write(file, .max) == 20 && cb_number_write(file, 7) == 1)
        #expect(cb_number_read(-1) == -Int64(EBADF) && cb_number_write(-1, 1) == -Int64(EBADF))
    }

    @Test func `an error's text ends with a NUL for any number and capacity`() {
        for number: Int32 in [.min, -1, 0, 1, 22, 4095, .max] {
            for capacity in [1, 2, 8, 64] {
                var text = [CChar](repeating: 1, count: capacity)
                unsafe cb_error_text(number, &text, capacity)
                #expect(text.contains(0))
            }
        }
    }

    @Test func `the shim's timers and poll take their limits, and poll refuses one descriptor too many`() throws {
        let timer = cb_timer_descriptor()
        try #require(timer >= 0)
        defer { close(timer) }
        for time: UInt64 in [0, 1, 999_999_999, 1_000_000_000, .max] { #expect(cb_timer_set(timer, time) == 0) }
        #expect(cb_timer_set(timer, 1) == 0)
        var ready: [UInt8] = [0]
        #expect(unsafe cb_poll([timer], [0], &ready, 1, 1000) == 1 && ready == [1])
        #expect(cb_timer_clear(timer) == 1 && cb_timer_clear(timer) == 0)
        #expect(unsafe cb_poll([timer], [0], &ready, 1, 0) == 0 && ready == [0])
        let many = [Int32](repeating: timer, count: Int(CB_POLL_MAX))
        var flags = [UInt8](repeating: 9, count: many.count)
        #expect(unsafe cb_poll(many, flags.map { _ in 0 }, &flags, UInt32(many.count), 0) == 0)
        #expect(flags.allSatisfy { $0 == 0 })
        #expect(unsafe cb_poll(many, flags, &flags, UInt32(many.count) + 1, 0) == -EINVAL)
        #expect(cb_clock_monotonic() > 0 && cb_clock_suspended() < .max)
        cb_sleep(0)
        cb_sleep(1)
    }

    @Test func `the shim's sockets take the longest name, and refuse longer and empty ones`() throws {
        let long = work.path + "/" + String(repeating: "x", count: 108)
        for path in ["", long] {
            #expect(unsafe cb_socket_listen(path, 1) == -ENAMETOOLONG)
            #expect(unsafe cb_socket_connect(path, 1000) == -ENAMETOOLONG)
        }
        let longest = work.path + "/" + String(repeating: "x", count: 106 - work.path.utf8.count)
        let abstract = "@" + work.path
        for path in [longest, abstract] {
            let listener = unsafe cb_socket_listen(path, .max)
            try #require(listener >= 0)
            let client = unsafe cb_socket_connect(path, 1000)
            #expect(client >= 0)
            let accepted = cb_socket_accept(listener)
            #expect(accepted >= 0 && cb_socket_accept(listener) == -EAGAIN)
            var user: UInt32 = .max
            var process: Int32 = 0
            #expect(unsafe cb_socket_peer(accepted, &user, &process) == 0 && user == geteuid() && process == getpid())
            #expect(cb_socket_timeout(client, .max) == 0 && cb_socket_timeout(client, 1) == 0)
            try sendDescriptors(client, accepted)
            close(accepted)
            // It returns an error and raises no signal.
            #expect(unsafe cb_socket_send(client, [7], 1) == -Int64(EPIPE))
            for descriptor in [listener, client] { close(descriptor) }
        }
        _ = unsafe unlink(longest)
    }

    private func sendDescriptors(_ one: Int32, _ other: Int32) throws {
        var byte: [UInt8] = [7]
        var received: Int32 = 5
        #expect(unsafe cb_socket_send_descriptor(one, byte, 1, one) == 1)
        #expect(unsafe cb_socket_receive_descriptor(other, &byte, 1, &received) == 1)
        try #require(received >= 0 && received != one && received != other)
        close(received)
        #expect(unsafe cb_socket_send_descriptor(one, byte, 1, -1) == 1)
        #expect(unsafe cb_socket_receive_descriptor(other, &byte, 1, &received) == 1 && received == -1)
        #expect(unsafe cb_socket_receive_descriptor(other, &byte, 1, &received) == -Int64(EAGAIN))
        #expect(unsafe cb_socket_send_descriptor(one, byte, 1, 9999) == -Int64(EBADF))
    }

    /// The test uses ordinary pages in place of huge ones.
    @Test func `the shim maps, populates, pins and reads pages, and returns -errno for bad arguments`() throws {
        let file = unsafe cb_file_open(work.path + "/pages", Int32(CB_OPEN_CREATE))
        work.remove("pages")
        try #require(file >= 0 && cb_file_truncate(file, 4 * Self.page) == 0)
        defer { close(file) }
        var error: Int32 = 0
        #expect(unsafe cb_map_file(-1, 0, Self.page, &error) == 0 && error == -EBADF)
        #expect(unsafe cb_map_file(file, 0, 0, &error) == 0 && error == -EINVAL)
        let address = unsafe cb_map_file(file, 0, 4 * Self.page, &error)
        try #require(address != 0 && error == 0)
        #expect(cb_bind_to_node(address, 4 * Self.page, .max) == -EINVAL)
        let bound = cb_bind_to_node(address, 4 * Self.page, 0)
        #expect(bound == 0 || bound == -ENOSYS)
        #expect(cb_populate_write(address, 4 * Self.page) == 0 && cb_populate_read(address, 4 * Self.page) == 0)
        // Nothing is ever mapped at this address. A sanitizer's own memory may be at most others.
        #expect(cb_populate_write(0, Self.page) == -ENOMEM)
        var writeEnd: Int32 = -1
        let pin = unsafe cb_pin_open(&writeEnd)
        try #require(pin >= 0)
        for index in 0..<UInt64(CB_PIN_PAGES) { #expect(cb_pin_add(writeEnd, address + index % 4 * Self.page) == 0) }
        #expect(cb_pin_add(writeEnd, address) == -EAGAIN && cb_pin_count(pin) == CB_PIN_PAGES)
        close(writeEnd)
        let again = cb_pin_reopen(pin)
        #expect(again >= 0 && cb_pin_reopen(-1) < 0)
        close(again)
        close(pin)
        let pagemap = unsafe cb_file_open("/proc/self/pagemap", Int32(CB_OPEN_READ))
        var entries = [UInt64](repeating: 0, count: 4)
        #expect(unsafe cb_pagemap_read(pagemap, address, &entries, 4) == 4 && entries.allSatisfy { $0 >> 63 == 1 })
        close(pagemap)
        #expect(cb_unmap(address, 4 * Self.page) == 0 && cb_unmap(1, 1) == -EINVAL)
    }

    /// The file is not privcmd. So the shim builds the arguments, and the kernel refuses the call.
    @Test func `the shim refuses bad hypercall arguments, and passes on the error of a closed door`() throws {
        let file = unsafe cb_file_open(work.path + "/door", Int32(CB_OPEN_CREATE))
        work.remove("door")
        try #require(file >= 0 && cb_file_truncate(file, 1 << 20) == 0)
        var xen = unsafe cb_xen()
        unsafe xen.privcmd = file
        unsafe xen.hypercall = dup(file)
        defer { unsafe cb_xen_close(&xen) }
        try #require(unsafe cb_xen_grow(&xen, 512) == 0)
        #expect(unsafe cb_xen_frame_capacity(&xen) == 512)
        for order: UInt32 in [0, 9, 63, .max] {
            for extents: UInt32 in [0, 1, 512] {
                #expect(unsafe cb_xen_decrease_reservation(&xen, extents, order) == -Int64(ENOTTY))
                #expect(unsafe cb_xen_populate_physmap(&xen, extents, order, -1, true) == -Int64(ENOTTY))
                #expect(unsafe cb_xen_populate_physmap(&xen, extents, order, 31, false) == -Int64(ENOTTY))
                for vnode: Int32 in [32, .max] {
                    #expect(unsafe cb_xen_populate_physmap(&xen, extents, order, vnode, true) == -Int64(EINVAL))
                }
            }
            for extents: UInt32 in [513, .max] {
                #expect(unsafe cb_xen_decrease_reservation(&xen, extents, order) == -Int64(EINVAL))
            }
        }
        var types = [UInt16](repeating: 7, count: 513)
        for (count, error) in [(UInt32(0), EINVAL), (1, ENOTTY), (512, ENOTTY), (513, EINVAL), (.max, EINVAL)] {
            #expect(unsafe cb_xen_memory_types(&xen, 0, 1, count, &types) == -error)
        }
        #expect(types.allSatisfy { $0 == 7 })
        #expect(unsafe cb_xen_current_reservation(&xen) == -Int64(ENOTTY))
        #expect(unsafe cb_xen_maximum_reservation(&xen) == -Int64(ENOTTY))
        #expect(unsafe cb_xen_maximum_gpfn(&xen) == -Int64(ENOTTY))
        for gfn: UInt64 in [0, 1 << 52, .max] { #expect(unsafe cb_xen_memory_type(&xen, gfn) == -ENOTTY) }
        var info = cb_vnuma()
        #expect(unsafe cb_xen_vnuma(&xen, &info) == -ENOTTY)
        #expect(unsafe cb_xen_frame_capacity(&xen) > 512)
    }
}
