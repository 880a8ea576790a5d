import Testing
import VNodeBalloon

@Suite struct KernelCodeTests {
    @Test func `the probed frames are spread over the kernel's code`() {
        let iomem = """
            00000000-00000fff : Reserved
            00001000-0009ffff : System RAM
            00100000-0fffffff : System RAM
              01000000-01e00fff : Kernel code
              02000000-02a1efff : Kernel rodata
            """
        #expect(KernelCode.parse(iomem) == [0x1000, 0x1380, 0x1700, 0x1a80])
    }

    @Test(arguments: [
        "", "00000000-00000000 : Kernel code", "x-y : Kernel code", "01000000 : Kernel code", " : Kernel code",
        "01e00fff-01000000 : Kernel code", "01000000-01e00fff : Kernel code of somebody",
    ])
    func `a line of iomem that makes no sense names no kernel code`(_ iomem: String) {
        #expect(KernelCode.parse(iomem) == [])
    }
}
