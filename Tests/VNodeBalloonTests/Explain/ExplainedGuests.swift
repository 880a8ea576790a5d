// The output of `balloonctl status --explain` in guests of a real Xen 4.17 with Linux 6.1.
enum ExplainedGuests {
    static let pv = """
        firmware memory map             786048 KiB  all RAM the guest could have, balloons included
        MemTotal                        329812 KiB  what Linux manages, without its own code
        XENMEM_current_reservation      393216 KiB  what the domain has now, special pages included
        XENMEM_maximum_reservation      525312 KiB  what Xen lets it have
        XENMEM_maximum_gpfn             786432 KiB  the end of its highest frame: an address, not an amount
        memory/static-max               786432 KiB  what it was built for, video memory included
        memory/videoram                      0 KiB  memory of the emulated graphics adapter
        memory/target                   524288 KiB  what Linux's own balloon is to leave, video memory left out
        current_kb                      393216 KiB  what Linux thinks it has; our balloons are not known to it
        target_kb                       393216 KiB  what Linux's own balloon was told to leave
        low_kb + high_kb                393216 KiB  Linux's own balloon, the hole from boot included
        our balloons                         0 KiB  given extents of all vnodes

        XENMEM_current_reservation:
          firmware memory map                  786048 KiB
          Linux's own balloon                 -393216 KiB
          below 1 MiB, kept free by Linux         384 KiB
          = XENMEM_current_reservation         393216 KiB

        memory/static-max:
          firmware memory map        786048 KiB
          below 1 MiB, reserved         384 KiB
          = memory/static-max        786432 KiB

        XENMEM_maximum_reservation:
          memory/target                   524288 KiB
          the toolstack's extra             1024 KiB
          = XENMEM_maximum_reservation    525312 KiB

        MemTotal:
          current_kb                            393216 KiB
          Linux's code and page structures      -63404 KiB
          = MemTotal                            329812 KiB
        """

    static let pvh = """
        firmware memory map             786048 KiB  all RAM the guest could have, balloons included
        MemTotal                        463436 KiB  what Linux manages; our balloons still count in it
        XENMEM_current_reservation      393280 KiB  what the domain has now, special pages included
        XENMEM_maximum_reservation      525312 KiB  what Xen lets it have
        XENMEM_maximum_gpfn            4177920 KiB  the end of its highest frame: an address, not an amount
        memory/static-max               786432 KiB  what it was built for, video memory included
        memory/videoram                      0 KiB  memory of the emulated graphics adapter
        memory/target                   524288 KiB  what Linux's own balloon is to leave, video memory left out
        current_kb                      523900 KiB  what Linux thinks it has; our balloons are not known to it
        target_kb                       523900 KiB  what Linux's own balloon was told to leave
        low_kb + high_kb                262144 KiB  Linux's own balloon, the hole from boot included
        our balloons                    131072 KiB  given extents of all vnodes

        XENMEM_current_reservation:
          firmware memory map             786048 KiB
          our balloons                   -131072 KiB
          Linux's own balloon            -262144 KiB
          firmware and special pages         452 KiB
          unexplained                         -4 KiB
          = XENMEM_current_reservation    393280 KiB

        memory/static-max:
          firmware memory map        786048 KiB
          below 1 MiB, reserved         384 KiB
          = memory/static-max        786432 KiB

        XENMEM_maximum_reservation:
          memory/target                   524288 KiB
          the toolstack's extra             1024 KiB
          = XENMEM_maximum_reservation    525312 KiB

        MemTotal:
          current_kb                            523900 KiB
          Linux's code and page structures      -60464 KiB
          = MemTotal                            463436 KiB
        """

    static let pvhVNUMA = """
        firmware memory map            1048192 KiB  all RAM the guest could have, balloons included
        MemTotal                        984988 KiB  what Linux manages; our balloons still count in it
        XENMEM_current_reservation      852036 KiB  what the domain has now, special pages included
        XENMEM_maximum_reservation     1049600 KiB  what Xen lets it have
        XENMEM_maximum_gpfn            4177920 KiB  the end of its highest frame: an address, not an amount
        memory/static-max              1048576 KiB  what it was built for, video memory included
        memory/videoram                      0 KiB  memory of the emulated graphics adapter
        memory/target                  1048576 KiB  what Linux's own balloon is to leave, video memory left out
        current_kb                     1048188 KiB  what Linux thinks it has; our balloons are not known to it
        target_kb                      1048188 KiB  what Linux's own balloon was told to leave
        low_kb + high_kb                     0 KiB  Linux's own balloon, the hole from boot included
        our balloons                    196608 KiB  given extents of all vnodes

        XENMEM_current_reservation:
          firmware memory map            1048192 KiB
          our balloons                   -196608 KiB
          firmware and special pages         456 KiB
          unexplained                         -4 KiB
          = XENMEM_current_reservation    852036 KiB

        memory/static-max:
          firmware memory map       1048192 KiB
          below 1 MiB, reserved         384 KiB
          = memory/static-max       1048576 KiB

        XENMEM_maximum_reservation:
          memory/target                  1048576 KiB
          the toolstack's extra             1024 KiB
          = XENMEM_maximum_reservation   1049600 KiB

        MemTotal:
          current_kb                           1048188 KiB
          Linux's code and page structures      -63200 KiB
          = MemTotal                            984988 KiB
        """
}
