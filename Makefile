# SPDX-License-Identifier: GPL-2.0
#
# hvmon: the module, the userspace, the lab and the tests. See "make help".

KDIR ?= /lib/modules/$(shell uname -r)/build
HOST_KERNEL ?= stock
CPU ?= svm
GUEST ?=
MITIGATIONS ?=
KVMTOOL ?=
ROW ?=
DESTDIR ?=
PREFIX ?= /usr/local

BUILD := $(CURDIR)/build
LAB := tests/lab
# One job per processor unless the caller says otherwise.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

all: userspace module

help:
	@echo 'make               hvmon.ko for the running kernel (or KDIR=DIR) and the userspace'
	@echo 'make demo          a Debian guest under hvmon in an emulated host'
	@echo '                   (GUEST=small: only a shell instead of a system with sshd;'
	@echo '                   CPU=vmx: VT-x instead of AMD-V)'
	@echo 'make check         all tests, in the lab; TESTS="PATTERN..." selects stages'
	@echo 'make check-full    ... and what takes long: VT-x, power cuts, foreign kernels'
	@echo 'make fuzz          malformed rings and fw_cfg, a million chains for each device'
	@echo 'make bench         what operations of a guest and VMs cost, beside KVM'
	@echo '                   (ROW="NAME...", CPU=svm|vmx: only those;'
	@echo '                   MITIGATIONS=off: in a host without any;'
	@echo '                   KVMTOOL=FILE: beside that lkvm, too)'
	@echo 'make bench-figures what make check compares with, measured anew'
	@echo 'make symcheck      no symbol that hvmon.ko needs is reserved for KVM'
	@echo 'make install       module, userspace, manuals (DESTDIR=, PREFIX=/usr/local)'
	@echo 'make clean         removes build/ (not the cache of kernels)'
	@echo
	@echo 'make module        only the module, in build/mod-RELEASE/'
	@echo 'make userspace     only the userspace, in build/'
	@echo 'make lab-module    the module and a helper of the selftests for the lab,'
	@echo '                   HOST_KERNEL=stock|debug|NAME'
	@echo 'make kunit-module  the same with the KUnit suites linked in, for the debug kernel'
	@echo 'make selftests     the test programs, make guests the test guests'
	@echo 'W=1 and C=2 (sparse) work as in the kernel'
	@echo 'HVMON_CACHE=DIR in the environment: what is downloaded (~/.cache/hvmon)'

# The module is built in a directory of links, one per kernel, so that builds
# for several kernels lie side by side and none writes into the source tree.
# The module needs no BTF, whose tools few machines have.
# $(call build_module,KDIR,SUFFIX,MAKE ARGUMENTS)
define build_module
	@set -e; kdir=$(1); \
	if [ ! -f "$$kdir/include/generated/utsrelease.h" ]; then \
		echo "hvmon: no kernel headers in $$kdir: install linux-headers-$$(uname -r)," \
		     "or give KDIR=DIR; 'make lab-module' builds for the lab without them" >&2; \
		exit 1; \
	fi; \
	rel=$$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$$kdir/include/generated/utsrelease.h"); \
	dir="$(BUILD)/mod-$$rel$(2)"; mkdir -p "$$dir/tests"; \
	exec 9>"$$dir/.lock"; flock 9; \
	find "$$dir" -xtype l -delete; \
	cp -rsf "$(CURDIR)/Kbuild" "$(CURDIR)/kmod" "$(CURDIR)/uapi" "$$dir/"; \
	cp -rsf "$(CURDIR)/tests/kunit" "$(CURDIR)/tests/modules" "$$dir/tests/"; \
	$(MAKE) --no-print-directory $(JOBS) -C "$$kdir" M="$$dir" $(3) \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
endef

module:
	$(call build_module,"$(KDIR)",,)

# The lab's kernels, by the names that tests/lab/kernels knows.
LAB_HEADERS = $$($(LAB)/kernels get headers-$(HOST_KERNEL:stock=6.12))

lab-module:
	$(call build_module,$(LAB_HEADERS),,HVMON_TESTS=1)

# For make check: what the compiler and sparse say, apart from other builds.
lint-module:
	$(call build_module,$(LAB_HEADERS),-lint,HVMON_TESTS=1 W=1 C=2)

kunit-module: HOST_KERNEL = debug
kunit-module:
	$(call build_module,$(LAB_HEADERS),-kunit,HVMON_KUNIT=1)

# Parts with Makefiles of their own; all of them build below BUILD.
userspace:
	@$(MAKE) $(JOBS) -C userspace BUILD="$(BUILD)"

selftests: userspace
	@$(MAKE) $(JOBS) -C tests/selftests BUILD="$(BUILD)"

guests: userspace
	@$(MAKE) $(JOBS) -C tests/guests BUILD="$(BUILD)"

demo:
	@CPU="$(CPU)" GUEST="$(GUEST)" tests/demo

check:
	@tests/check $(TESTS)

check-full:
	@tests/check --full

# Both processors, unless the caller names one
bench bench-figures: BENCH_ENV = CPU="$(if $(filter file,$(origin CPU)),,$(CPU))" \
	MITIGATIONS="$(MITIGATIONS)" KVMTOOL="$(KVMTOOL)"

bench: lab-module userspace
	@$(BENCH_ENV) tests/bench/run $(ROW:%=--row %)

bench-figures: lab-module userspace
	@$(BENCH_ENV) tests/bench/run --update

fuzz:
	@$(MAKE) -C userspace BUILD="$(BUILD)" fuzz

symcheck: HOST_KERNEL = stock
symcheck: lab-module
	@tests/symcheck

install: all
	@set -e; rel=$$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
		"$(KDIR)/include/generated/utsrelease.h"); \
	install -D -m 644 "$(BUILD)/mod-$$rel/hvmon.ko" \
		"$(DESTDIR)/lib/modules/$$rel/updates/hvmon.ko"; \
	test -n "$(DESTDIR)" || depmod "$$rel"
	@$(MAKE) -C userspace BUILD="$(BUILD)" DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" install
	@# The linker's cache is root's; elsewhere LD_LIBRARY_PATH finds the library
	@test -n "$(DESTDIR)" || [ "$$(id -u)" != 0 ] || ldconfig

clean:
	rm -rf build

# Everything that the tests use.
tests: userspace lab-module selftests guests

.PHONY: all help tests module lab-module lint-module kunit-module userspace selftests guests demo \
	check check-full fuzz bench bench-figures symcheck install clean
