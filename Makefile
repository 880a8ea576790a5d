# make demo     set up this machine, build, and show the balloons moving on a real Xen (in QEMU)
# make test     set up this machine, build, run all tests
# make test-long  new schedules, and the scenarios that take longest, an hour more
# make package-test  the packages alone: built twice, installed, upgraded, removed
# make fuzz     a minute of libFuzzer for each kind of input from outside
# make bench-xen  what a decrease of whole superpages in Xen would give: Xen as it is, and patched
# make bench    measure on the emulated Xen, write docs/performance.md
# make microbench  the hot loops beside the same loops in C: a table, and whether the goals are met
# make static   the same as one static binary, which needs no library: .build-static/release/balloonctl
# make build    the release build alone; sudo make install puts it on this machine
# make deb      Debian packages in build/deb: the command, the guest's services, the module's sources
# make rpm      RPM packages in build/rpm: the command (one static program, for any C library), a guest's services, dom0's
# make module KERNEL=DIR  the kernel module, against these headers: kmod/build/vnode_balloon.ko; sudo make module-install

PREFIX ?= /usr/local
DESTDIR ?=
UNITDIR ?= $(PREFIX)/lib/systemd/system
# /etc is the administrator's; the configuration with all its defaults goes here.
EXAMPLES ?= $(PREFIX)/share/doc/vnode-balloon
METRICS ?= $(PREFIX)/share/vnode-balloon/metrics
SCHEMAS ?= $(PREFIX)/share/vnode-balloon/schema
# What is linked into the program.
SBOM ?= $(PREFIX)/share/vnode-balloon/vnode-balloon.spdx.json
# Where systemd looks below /usr and /usr/local, and nowhere else.
CATALOG ?= $(PREFIX)/lib/systemd/catalog/vnode-balloon.catalog
# All that a linker and a C compiler can do against an attacker, in every build; and no name of the folder in what is built:
# not in the debugger's names of Swift's module cache either, a path that has a hash of it.
HARDENING = -Xlinker -z -Xlinker now -Xlinker -z -Xlinker relro --disable-local-rpath -Xcc -fstack-protector-strong \
    -Xcc -fstack-clash-protection -Xcc -fcf-protection -Xcc -D_FORTIFY_SOURCE=2
NO_FOLDER = -Xlinker --build-id=0x$(shell packaging/source-id) -Xcc -ffile-prefix-map=$(CURDIR)=. -Xswiftc -file-prefix-map -Xswiftc $(CURDIR)=. \
    -Xswiftc -Xfrontend -Xswiftc -no-clang-module-breadcrumbs
# What a daemon reads at its start stays in its memory: so no names of symbols that nobody looks up, and packed relocations
# where linker and C library know them (lld, glibc 2.36). Together that is a tenth of its memory.
LLD = $(wildcard $(dir $(realpath $(shell command -v swift)))ld.lld) $(shell command -v ld.lld)
PACKS = $(and $(strip $(LLD)),$(shell grep -ls GLIBC_ABI_DT_RELR /lib/*/libc.so.6 /lib64/libc.so.6 2> /dev/null))
# Eighteen functions of the C++ library are used, and its own tables are as large as the daemon's: its archive has the functions alone.
# Swift names the library, so the linker gets a folder in which there is nothing but the archives. The folder is named by what
# they are: with another compiler of the system the program is linked anew. `make build ARCHIVES=` links the shared library.
# Each is found out once, when it is used.
ARCHIVES = $(eval ARCHIVES := $(shell packaging/cxx-archives))$(ARCHIVES)
ARCHIVE_FOLDER = $(eval ARCHIVE_FOLDER := .build/archives-$(shell cat $(ARCHIVES) < /dev/null | cksum | cut -d ' ' -f 1))$(ARCHIVE_FOLDER)
SMALL = -Xlinker --no-export-dynamic $(if $(ARCHIVES),-Xswiftc -L$(ARCHIVE_FOLDER) -Xlinker -l:libgcc_eh.a) \
    $(if $(PACKS),-Xswiftc -use-ld=lld -Xlinker -z -Xlinker pack-relative-relocs)
# A guest need not have Swift's libraries.
SWIFT_BUILD = swift build -c release --static-swift-stdlib $(HARDENING) $(SMALL) $(NO_FOLDER) $(SWIFT_BUILD_FLAGS)
SWIFT_SOURCES = Package.swift Sources Tests Fuzz/Package.swift Fuzz/Sources Benchmarks/Package.swift \
    Benchmarks/Sources Benchmarks/Benchmarks
# Where `make install` takes the program from.
BUILD ?= .build/release
MANDIR ?= $(PREFIX)/share/man
UNITS = $(notdir $(wildcard packaging/*.service packaging/*.timer))
# Services that may move memory.
MODULE_USERS = vnode-balloon vnode-balloon-kexec vnode-balloon-sleep
ZSHDIR ?= $(if $(filter /usr,$(PREFIX)),/usr/share/zsh/vendor-completions,$(PREFIX)/share/zsh/site-functions)
COMPLETIONS = $(addprefix $(DESTDIR),$(PREFIX)/share/bash-completion/completions/balloonctl $(ZSHDIR)/_balloonctl \
    $(PREFIX)/share/fish/vendor_completions.d/balloonctl.fish)
# Of the mount that the daemon makes; systemd's name for /run/vnode-balloon/pages.
MOUNT_UNIT = run-vnode\x2dballoon-pages.mount

FUZZ_SECONDS ?= 60

# The headers of the kernel that the module is for.
KERNEL ?= /lib/modules/$(shell uname -r)/build
MODULE_BUILD ?= kmod/build
MODULE_VERSION = $(shell sed -n 's/^MODULE_VERSION("\(.*\)");/\1/p' kmod/main.c)

.PHONY: all setup build static deb rpm test test-long package-test module module-install module-dkms module-units demo fuzz microbench bench bench-xen install install-completions uninstall clean format lint

all: build

setup:
	lab/setup

# What names the versions of what we depend on is written by SwiftPM; where that is vendored, whoever vendored it has put it there.
RESOLVE = [ -n "$(VNODE_BALLOON_VENDOR)" ] || swift package resolve

build:
	mkdir -p $(ARCHIVE_FOLDER)
	for archive in $(ARCHIVES); do ln -sf $$archive $(ARCHIVE_FOLDER)/ || exit 1; done
	$(RESOLVE)
	packaging/sbom $(if $(ARCHIVES),--with-gcc) > .build/vnode-balloon.spdx.json
	$(SWIFT_BUILD)

# In a folder of its own: other options would have the release build made anew.
static:
	mkdir -p .build-static
	$(RESOLVE)
	packaging/sbom --static > .build-static/vnode-balloon.spdx.json
	swift build -c release --product balloonctl --scratch-path .build-static --static-swift-stdlib $(NO_FOLDER) \
	    $(SWIFT_BUILD_FLAGS) -Xswiftc -static-executable

# Each step is a make of its own: setup has to end before the build starts, with -j as well.
test: setup
	$(MAKE) --no-print-directory build
	scripts/test

test-long: setup
	$(MAKE) --no-print-directory build
	FRESH=1 scripts/unit
	scripts/sanitize thread
	scripts/packages
	scripts/rpm
	scripts/microbench build
	.build/release/schedules 40000
	.build/release/schedules host 20000
	scripts/static
	lab/run --long

# The packages alone: built twice, looked at, and installed, upgraded and removed. Debian's in a guest, RPM's in a root.
package-test: setup
	$(MAKE) --no-print-directory build
	scripts/packages
	scripts/rpm
	lab/run package

# Built from a copy: kbuild leaves its files beside the sources.
module:
	mkdir -p $(MODULE_BUILD)
	cp kmod/*.[ch] kmod/Kbuild $(MODULE_BUILD)/
	$(MAKE) -C $(KERNEL) M=$(abspath $(MODULE_BUILD)) VNB_TEST=$(VNB_TEST) modules

# Where modprobe finds it, for that kernel alone. kmod/README.md tells of DKMS, and of signing.
module-install: module-units
	$(MAKE) -C $(KERNEL) M=$(abspath $(MODULE_BUILD)) INSTALL_MOD_PATH=$(DESTDIR) modules_install

# The sources as DKMS wants them: `dkms install vnode-balloon/VERSION` builds them for each kernel.
module-dkms: module-units
	install -d $(DESTDIR)/usr/src/vnode-balloon-$(MODULE_VERSION)
	install -m 644 kmod/*.[ch] kmod/Kbuild $(DESTDIR)/usr/src/vnode-balloon-$(MODULE_VERSION)/
	sed 's/@VERSION@/$(MODULE_VERSION)/' kmod/dkms.conf > $(DESTDIR)/usr/src/vnode-balloon-$(MODULE_VERSION)/dkms.conf

# What the services may do besides, with the module.
module-units:
	for unit in $(MODULE_USERS); do \
	    install -D -m 644 packaging/module.conf $(DESTDIR)$(UNITDIR)/$$unit.service.d/module.conf || exit 1; \
	done

deb:
	packaging/build-deb build/deb

rpm:
	packaging/build-rpm build/rpm

fuzz: setup
	scripts/fuzz $(FUZZ_SECONDS)

# Not a test: what is fast depends on the machine, and on what else it does.
# Its table is part of the report of `make bench`.
microbench: setup
	mkdir -p .lab
	scripts/microbench > .lab/loops.md
	cat .lab/loops.md
	scripts/microbench thresholds

demo: setup
	$(MAKE) --no-print-directory build
	lab/demo

bench: setup
	$(MAKE) --no-print-directory build
	mkdir -p .lab
	scripts/sizes > .lab/sizes.md
	lab/bench

bench-xen: setup
	$(MAKE) --no-print-directory build
	lab/bench-xen

# `sudo make install` builds nothing, because root may have another PATH, without Swift.
install: install-completions
	install -D -m 755 $(BUILD)/balloonctl $(DESTDIR)$(PREFIX)/sbin/balloonctl
	for page in docs/man/*; do \
	    install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done
	for unit in $(UNITS); do \
	    install -d $(DESTDIR)$(UNITDIR) && \
	    sed 's|@PREFIX@|$(PREFIX)|g' packaging/$$unit > $(DESTDIR)$(UNITDIR)/$$unit || exit 1; \
	done
	install -D -m 644 packaging/pages.mount.conf '$(DESTDIR)$(UNITDIR)/$(MOUNT_UNIT).d/vnode-balloon.conf'
	install -D -m 644 packaging/vnode-balloon.conf $(DESTDIR)$(EXAMPLES)/vnode-balloon.conf
	install -D -m 644 packaging/vnode-balloon-host.conf $(DESTDIR)$(EXAMPLES)/vnode-balloon-host.conf
	install -d $(DESTDIR)$(SCHEMAS)
	install -m 644 docs/schema/*.json $(DESTDIR)$(SCHEMAS)
	install -d $(DESTDIR)$(METRICS)
	install -m 644 packaging/metrics/vnode-balloon.rules.yml packaging/metrics/dashboard.json $(DESTDIR)$(METRICS)
	if [ -e $(dir $(BUILD))vnode-balloon.spdx.json ]; then \
	    install -D -m 644 $(dir $(BUILD))vnode-balloon.spdx.json $(DESTDIR)$(SBOM); \
	else \
	    echo "no list of what is linked is installed: this build has none, and 'make build' writes it" >&2; \
	fi
	install -D -m 644 packaging/vnode-balloon.catalog $(DESTDIR)$(CATALOG)
	[ -n "$(DESTDIR)" ] || ! [ -d /run/systemd/system ] || journalctl --update-catalog || true

# Of the program itself, so that they are never another one's.
install-completions:
	@[ -x $(BUILD)/balloonctl ] || { echo "there is no $(BUILD)/balloonctl: run 'make build' first" >&2; exit 1; }
	install -d $(dir $(COMPLETIONS))
	$(BUILD)/balloonctl --generate-completion-script bash > $(word 1,$(COMPLETIONS))
	$(BUILD)/balloonctl --generate-completion-script zsh > $(word 2,$(COMPLETIONS))
	$(BUILD)/balloonctl --generate-completion-script fish > $(word 3,$(COMPLETIONS))

# On this machine: takes the guest's memory back first, and removes nothing when that cannot be done.
uninstall:
	[ -n "$(DESTDIR)" ] || packaging/before-uninstall $(PREFIX)/sbin/balloonctl
	rm -f $(DESTDIR)$(PREFIX)/sbin/balloonctl $(DESTDIR)$(CATALOG) $(DESTDIR)$(SBOM) $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS)) $(COMPLETIONS) \
	    $(foreach page,$(wildcard docs/man/*),$(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page)))
	rm -rf $(DESTDIR)$(EXAMPLES) $(DESTDIR)$(SCHEMAS) $(DESTDIR)$(METRICS) '$(DESTDIR)$(UNITDIR)/$(MOUNT_UNIT).d' \
	    $(foreach unit,$(MODULE_USERS),$(DESTDIR)$(UNITDIR)/$(unit).service.d/module.conf)
	rmdir $(foreach unit,$(MODULE_USERS),$(DESTDIR)$(UNITDIR)/$(unit).service.d) 2> /dev/null || true
	[ -n "$(DESTDIR)" ] || ! [ -d /run/systemd/system ] || { systemctl daemon-reload && { journalctl --update-catalog || true; }; }

clean:
	rm -rf .build .build-* .lab build kmod/build

format:
	swift format --in-place --recursive $(SWIFT_SOURCES)

lint:
	swift format lint --strict --recursive $(SWIFT_SOURCES)
	scripts/arrows
# Before version 4 it does not know REUSE.toml.
	if reuse --version 2> /dev/null | grep -qE 'version ([4-9]|[1-9][0-9])'; then reuse lint --quiet; fi
	if command -v shellcheck > /dev/null; then \
	    shellcheck $(filter-out scripts/arrows %.py,$(wildcard scripts/*)) lab/setup lab/run lab/demo lab/bench lab/bench-xen lab/host/*.sh packaging/build-deb packaging/build-rpm .ci/run && \
	    shellcheck -s sh lab/guest/init lab/guest/init-systemd lab/dom0/init lab/dom0/*.sh packaging/before-uninstall packaging/source-id packaging/sbom packaging/cxx-archives packaging/clear-hashes packaging/debian/*.prerm packaging/debian/*.postrm lab/scenarios/*/* lab/long/*/* lab/benchmarks/*/* lab/xen/*/*; \
	fi
