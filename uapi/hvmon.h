/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * hvmon: the ioctl ABI of /dev/hvmon, of its VM and vCPU file descriptors,
 * and the run page.
 *
 * Conventions, the same for every call:
 *
 *  - Each argument is a pointer to a struct that begins with "size" and
 *    "flags"; only HVMON_RUN has none. The caller sets size to sizeof() of the
 *    struct that it was compiled with. A smaller struct than the first published
 *    one is refused (EINVAL); what a smaller struct lacks reads as zero; a larger
 *    one, of up to 16384 bytes, is accepted as long as all that the module does
 *    not know is zero (E2BIG otherwise). Unknown flags and non-zero reserved
 *    fields are EINVAL.
 *  - Everything is copied once, then checked, then used. A call that fails
 *    has changed nothing, unless its description says otherwise.
 *  - errno values mean the same everywhere:
 *      EINVAL      a value out of its range, an unknown flag, a reserved bit
 *      E2BIG       a struct tail that this module does not know, or a count
 *                  beyond the documented maximum
 *      EFAULT      a pointer that cannot be read or written
 *      EBADF       an fd that is not open
 *      ENOTTY      an ioctl number that this kind of fd does not have
 *      ENOENT      the named slot, route or interrupt controller does not exist
 *      EEXIST      it exists already, or overlaps one that does
 *      EBUSY       it may not change any more in the present state
 *      EIO         the caller's address space is not the VM's (after a fork,
 *                  or through SCM_RIGHTS), or the processor failed to enter
 *      EINTR       a signal handler ran, also while the call waited for
 *                  another thread's, or hvmon_run.immediate_exit
 *      ENOMEM      no memory
 *      ENOSPC      a table is full
 *      EOPNOTSUPP  this processor or this VM's configuration lacks it
 *      ENODEV      the processor cannot run guests; HVMON_INFO says why
 *    Calls with a struct can fail with EFAULT, EINVAL, E2BIG and ENOMEM, those
 *    that wait for others on the same VM or vCPU with EINTR. Other errors are
 *    named with the call.
 */
#ifndef _UAPI_HVMON_H
#define _UAPI_HVMON_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define HVMON_ABI_VERSION	1
#define HVMON_IOC_MAGIC		0xB9

#define HVMON_MAX_VCPUS		64
#define HVMON_MAX_SLOTS		128
#define HVMON_MAX_ROUTES	1024
#define HVMON_MAX_CPUID		256
#define HVMON_MAX_MSRS		256
#define HVMON_MAX_IOEVENTFDS	1024	/* per VM */
#define HVMON_MAX_IRQFDS	1024	/* per VM */
#define HVMON_NAME_LEN		32

/* ------------------------------------------------------------------ */
/* ioctls on /dev/hvmon */

#define HVMON_INFO		_IO(HVMON_IOC_MAGIC, 0x00)
#define HVMON_VM_CREATE		_IO(HVMON_IOC_MAGIC, 0x01)

/* ioctls on a VM's fd */
#define HVMON_VCPU_CREATE	_IO(HVMON_IOC_MAGIC, 0x20)
#define HVMON_MEM_SET		_IO(HVMON_IOC_MAGIC, 0x21)
#define HVMON_DIRTY_LOG		_IO(HVMON_IOC_MAGIC, 0x22)
#define HVMON_IRQCHIP_CREATE	_IO(HVMON_IOC_MAGIC, 0x23)
#define HVMON_IRQCHIP_GET	_IO(HVMON_IOC_MAGIC, 0x24)
#define HVMON_IRQCHIP_SET	_IO(HVMON_IOC_MAGIC, 0x25)
#define HVMON_IRQ_ROUTES	_IO(HVMON_IOC_MAGIC, 0x26)
#define HVMON_IRQ_LINE		_IO(HVMON_IOC_MAGIC, 0x27)
#define HVMON_MSI		_IO(HVMON_IOC_MAGIC, 0x28)
#define HVMON_VM_STATS		_IO(HVMON_IOC_MAGIC, 0x29)
#define HVMON_CLOCK_GET		_IO(HVMON_IOC_MAGIC, 0x2a)
#define HVMON_CLOCK_SET		_IO(HVMON_IOC_MAGIC, 0x2b)
#define HVMON_IOEVENTFD		_IO(HVMON_IOC_MAGIC, 0x2c)
#define HVMON_IRQFD		_IO(HVMON_IOC_MAGIC, 0x2d)

/* ioctls on a vCPU's fd */
#define HVMON_RUN		_IO(HVMON_IOC_MAGIC, 0x40)
#define HVMON_STATE_GET		_IO(HVMON_IOC_MAGIC, 0x41)
#define HVMON_STATE_SET		_IO(HVMON_IOC_MAGIC, 0x42)
#define HVMON_MSRS_GET		_IO(HVMON_IOC_MAGIC, 0x43)
#define HVMON_MSRS_SET		_IO(HVMON_IOC_MAGIC, 0x44)
#define HVMON_CPUID_GET		_IO(HVMON_IOC_MAGIC, 0x45)
#define HVMON_CPUID_SET		_IO(HVMON_IOC_MAGIC, 0x46)
#define HVMON_INJECT		_IO(HVMON_IOC_MAGIC, 0x47)
#define HVMON_TRANSLATE		_IO(HVMON_IOC_MAGIC, 0x48)
#define HVMON_VCPU_STATS	_IO(HVMON_IOC_MAGIC, 0x49)

/* ------------------------------------------------------------------ */
/* Device */

/* hvmon_info.vendor */
#define HVMON_VENDOR_NONE	0	/* the processor cannot run guests */
#define HVMON_VENDOR_SVM	1	/* AMD-V */
#define HVMON_VENDOR_VMX	2	/* VT-x */

/* hvmon_info.caps */
#define HVMON_CAP_TDP		(1ULL << 0)	/* nested paging (NPT or EPT) */
#define HVMON_CAP_SHADOW	(1ULL << 1)	/* shadow page tables */
#define HVMON_CAP_TSC_DEADLINE	(1ULL << 2)	/* LAPIC timer, deadline mode */
#define HVMON_CAP_X2APIC	(1ULL << 3)
#define HVMON_CAP_NRIP		(1ULL << 4)	/* SVM: next-RIP save */
#define HVMON_CAP_DECODE	(1ULL << 5)	/* SVM: decode assists */
#define HVMON_CAP_FLUSH_ASID	(1ULL << 6)	/* SVM: flush by ASID */
#define HVMON_CAP_TSC_SCALING	(1ULL << 7)	/* CLOCK_SET takes any hvmon_clock.tsc_khz */
#define HVMON_CAP_IOEVENTFD	(1ULL << 8)	/* HVMON_IOEVENTFD */
#define HVMON_CAP_IRQFD		(1ULL << 9)	/* HVMON_IRQFD */

/**
 * struct hvmon_info - HVMON_INFO: what the module and the processor can do
 * @size: sizeof(struct hvmon_info)
 * @flags: must be 0
 * @abi_version: out: HVMON_ABI_VERSION of the module
 * @vendor: out: HVMON_VENDOR_*; NONE when @why says what is missing
 * @caps: out: HVMON_CAP_* bits
 * @page_sizes: out: bit n set: guest memory can be mapped by pages of 2^n bytes
 * @max_vcpus: out: vCPUs per VM
 * @max_slots: out: memory slots per VM
 * @run_size: out: bytes to mmap() from offset 0 of a vCPU's fd
 * @tsc_khz: out: rate of the host's TSC in kHz, and of guests' unless CLOCK_SET
 *           says otherwise; 0 if the host does not know it
 * @gpa_bits: out: width of a guest-physical address in bits
 * @levels: out: levels of the nested page tables
 * @xcr0: out: XSAVE components that a guest may enable
 * @xsave_size: out: bytes of hvmon_state.xsave that @xcr0 needs
 * @reserved: out: 0
 * @version: out: the module's version, NUL-terminated
 * @why: out: one line per missing requirement, NUL-terminated, empty if none
 *
 * Without a vendor @caps, @page_sizes, @gpa_bits and @levels are 0.
 *
 * Never fails for want of hardware, so that a launcher can explain itself.
 */
struct hvmon_info {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 vendor;
	__u64 caps;
	__u64 page_sizes;
	__u32 max_vcpus;
	__u32 max_slots;
	__u32 run_size;
	__u32 tsc_khz;
	__u32 gpa_bits;
	__u32 levels;
	__u64 xcr0;
	__u32 xsave_size;
	__u32 reserved;
	char version[32];
	char why[256];
};

/* hvmon_vm_create.mmu */
#define HVMON_MMU_TDP		0	/* nested paging */
#define HVMON_MMU_SHADOW	1	/* shadow page tables */

/**
 * struct hvmon_vm_create - HVMON_VM_CREATE: a new VM
 * @size: sizeof(struct hvmon_vm_create)
 * @flags: must be 0
 * @mmu: HVMON_MMU_*
 * @reserved: must be 0
 * @name: shown in debugfs and traces: NUL-terminated printable ASCII without
 *        '/'; empty: the process's name is used
 *
 * The VM belongs to the caller's address space: RUN and all calls that touch
 * guest memory fail with EIO from any other.
 *
 * Return: the VM's fd (O_CLOEXEC), or -1 with errno: EOPNOTSUPP for an MMU
 * that is not there, ENODEV when the processor cannot run guests, EINVAL,
 * ENOMEM, EMFILE.
 */
struct hvmon_vm_create {
	__u32 size;
	__u32 flags;
	__u32 mmu;
	__u32 reserved;
	char name[HVMON_NAME_LEN];
};

/* ------------------------------------------------------------------ */
/* VM */

/**
 * struct hvmon_vcpu_create - HVMON_VCPU_CREATE: a new vCPU
 * @size: sizeof(struct hvmon_vcpu_create)
 * @flags: must be 0
 * @id: 0 .. HVMON_MAX_VCPUS - 1; also the initial APIC ID. vCPU 0 is the
 *      bootstrap processor; with an irqchip all others wait for INIT and SIPI
 * @reserved: must be 0
 *
 * Return: the vCPU's fd (O_CLOEXEC), or -1 with errno: EEXIST for an id in use,
 * EINVAL, EIO, ENOMEM, EMFILE.
 */
struct hvmon_vcpu_create {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 reserved;
};

/* hvmon_mem.flags */
#define HVMON_MEM_READONLY	(1u << 0)	/* guest writes leave as MMIO */
#define HVMON_MEM_LOG_DIRTY	(1u << 1)	/* DIRTY_LOG works on the slot */

/**
 * struct hvmon_mem - HVMON_MEM_SET: add, move, change or remove a memory slot
 * @size: sizeof(struct hvmon_mem)
 * @flags: HVMON_MEM_*
 * @slot: 0 .. HVMON_MAX_SLOTS - 1
 * @reserved: must be 0
 * @gpa: guest-physical address, a multiple of 4096
 * @len: bytes, a multiple of 4096; 0 removes the slot (@gpa, @hva and @flags
 *       must be 0 then, ENOENT if there is no such slot)
 * @hva: the launcher's address that backs it, a multiple of 4096. The range
 *       must be user address space; it need not be mapped yet
 *
 * An existing slot is replaced in one step as vCPUs see it: its address may
 * move, its flags may change. Works while vCPUs run. What the guest maps
 * follows the launcher's page tables: an munmap() of the range takes the
 * memory from the guest, whose next access leaves with HVMON_EXIT_FAULT.
 *
 * Errors: EINVAL (alignment, range beyond hvmon_info.gpa_bits or user space,
 * overflow), EEXIST (overlaps another slot in guest-physical space), ENOENT, EIO,
 * ENOMEM.
 */
struct hvmon_mem {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 reserved;
	__u64 gpa;
	__u64 len;
	__u64 hva;
};

/**
 * struct hvmon_dirty_log - HVMON_DIRTY_LOG: take and clear a slot's dirty bits
 * @size: sizeof(struct hvmon_dirty_log)
 * @flags: must be 0
 * @slot: a slot with HVMON_MEM_LOG_DIRTY
 * @reserved: must be 0
 * @first_page: first 4 KiB page within the slot, a multiple of 64
 * @pages: how many; a multiple of 64 unless it ends at the slot's end
 * @bitmap: user pointer to (@pages + 63) / 64 words of 64 bits; page
 *          @first_page is bit 0 of word 0
 * @dirty: out: how many bits are set
 *
 * Every write to the slot by vCPUs, or by the module for them, that was
 * complete before the call is in this bitmap or an earlier one. Writes by the
 * launcher itself are not.
 *
 * Errors: ENOENT, EINVAL (range, or the slot is not logged), EFAULT (the bits
 * taken may be lost then), EIO.
 */
struct hvmon_dirty_log {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 reserved;
	__u64 first_page;
	__u64 pages;
	__u64 bitmap;
	__u64 dirty;
};

/* hvmon_irqchip_create.flags */
#define HVMON_IRQCHIP_PIT	(1u << 0)	/* with an i8254 on 0x40-0x43, 0x61 */

/**
 * struct hvmon_irqchip_create - HVMON_IRQCHIP_CREATE: interrupt controllers
 * @size: sizeof(struct hvmon_irqchip_create)
 * @flags: HVMON_IRQCHIP_*
 *
 * A LAPIC per vCPU, one IOAPIC of 24 pins at 0xfec00000, two i8259 PICs on
 * 0x20, 0xa0 and 0x4d0, and the default routes: GSI 0-15 to the PICs and the
 * IOAPIC (GSI 0 to IOAPIC pin 2, GSI 2 to none), 16-23 to the IOAPIC.
 *
 * Before the first vCPU; EBUSY after it, EEXIST the second time, or if there is
 * an ioeventfd at one of these addresses.
 */
struct hvmon_irqchip_create {
	__u32 size;
	__u32 flags;
};

/* hvmon_irqchip.chip */
#define HVMON_CHIP_PIC_MASTER	0
#define HVMON_CHIP_PIC_SLAVE	1
#define HVMON_CHIP_IOAPIC	2
#define HVMON_CHIP_PIT		3

/* One i8259 */
struct hvmon_pic_state {
	__u8 irr;		/* latched requests */
	__u8 imr;		/* masked pins */
	__u8 isr;		/* in service */
	__u8 lines;		/* present level of the pins */
	__u8 elcr;		/* level-triggered pins */
	__u8 irq_base;		/* vector of pin 0 (ICW2) */
	__u8 priority_add;	/* pin of highest priority */
	__u8 init_state;	/* 0: initialized; 1, 2, 3: ICW2, 3, 4 comes next */
	__u8 read_isr;		/* reads give ISR, not IRR (OCW3) */
	__u8 poll;		/* next read is a poll */
	__u8 special_mask;
	__u8 auto_eoi;
	__u8 rotate_on_auto_eoi;
	__u8 special_fully_nested;
	__u8 init4;		/* bit 0: ICW1 announced ICW4, 1: no ICW3 */
	__u8 reserved;
};

#define HVMON_IOAPIC_PINS	24

struct hvmon_ioapic_state {
	__u32 id;
	__u32 select;		/* IOREGSEL */
	__u32 irr;		/* pending, by pin */
	__u32 lines;		/* present level, by pin */
	__u64 redir[HVMON_IOAPIC_PINS];
};

struct hvmon_pit_channel {
	__u32 count;		/* reload value, 1 .. 65536; 10000 if bcd */
	__u16 latched_count;
	__u8 count_latched;	/* still to be read: 0 no, 1 low, 2 high byte, 3 both */
	__u8 status_latched;
	__u8 status;		/* what was latched */
	__u8 read_state;	/* next byte: 1 low, 2 high, 3 low of two, 4 high of two */
	__u8 write_state;	/* likewise */
	__u8 write_latch;	/* low byte, until the high one comes */
	__u8 rw_mode;		/* 1 low, 2 high byte, 3 both */
	__u8 mode;		/* 0 .. 5 */
	__u8 bcd;		/* 0 or 1 */
	__u8 gate;		/* 1 on channels 0 and 1 */
	__s64 elapsed_ns;	/* since the count was loaded: 0 .. 2^62 */
};

struct hvmon_pit_state {
	struct hvmon_pit_channel channel[3];
	__u8 speaker;		/* port 0x61, bits 0 and 1 */
	__u8 irq_pending;	/* channel 0's tick is due */
	__u8 reserved[6];
};

/**
 * struct hvmon_irqchip - HVMON_IRQCHIP_GET and HVMON_IRQCHIP_SET
 * @size: sizeof(struct hvmon_irqchip)
 * @flags: must be 0
 * @chip: HVMON_CHIP_*
 * @reserved: must be 0
 * @state: the chip's state; on SET impossible values are EINVAL, as are bytes
 *         beyond it that are not 0
 *
 * Interrupt lines that lead to a chip have the levels that SET gives its pins.
 * ENOENT without HVMON_IRQCHIP_CREATE (or without its PIT).
 */
struct hvmon_irqchip {
	__u32 size;
	__u32 flags;
	__u32 chip;
	__u32 reserved;
	union {
		struct hvmon_pic_state pic;
		struct hvmon_ioapic_state ioapic;
		struct hvmon_pit_state pit;
		__u8 pad[512];
	} state;
};

/* hvmon_irq_route.type */
#define HVMON_ROUTE_PIC		0	/* pin 0-15 */
#define HVMON_ROUTE_IOAPIC	1	/* pin 0-23 */
#define HVMON_ROUTE_MSI		2

/**
 * struct hvmon_irq_route - where an interrupt source leads
 * @gsi: 0 .. HVMON_MAX_ROUTES - 1; several routes may share one
 * @type: HVMON_ROUTE_*
 * @pin: PIC and IOAPIC: the pin; MSI: 0
 * @data: MSI: the message's data, else 0
 * @addr: MSI: the message's address (0xfeexxxxx, or with the extended
 *        destination in bits 63:40), else 0
 */
struct hvmon_irq_route {
	__u32 gsi;
	__u32 type;
	__u32 pin;
	__u32 data;
	__u64 addr;
};

/**
 * struct hvmon_irq_routes - HVMON_IRQ_ROUTES: replace the whole route table
 * @size: sizeof(struct hvmon_irq_routes)
 * @flags: must be 0
 * @count: 0 .. HVMON_MAX_ROUTES
 * @reserved: must be 0
 * @routes: user pointer to @count structs hvmon_irq_route
 *
 * A pin is asserted while any GSI that leads to it is; the new table takes over
 * the levels of the lines. An interrupt that is raised meanwhile goes by the old
 * table or by the new one; none goes by the old one any more when the call
 * returns. Errors: E2BIG (@count), EINVAL (a route; nothing has
 * changed), ENOENT without HVMON_IRQCHIP_CREATE.
 */
struct hvmon_irq_routes {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 reserved;
	__u64 routes;
};

/**
 * struct hvmon_irq_line - HVMON_IRQ_LINE: set the level of an interrupt line
 * @size: sizeof(struct hvmon_irq_line)
 * @flags: must be 0
 * @gsi: the line, 0 .. HVMON_MAX_ROUTES - 1; ENOENT if no route has it
 * @level: 0 or 1. An edge is 1 followed by 0. For an MSI route 1 sends it.
 */
struct hvmon_irq_line {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__u32 level;
};

/**
 * struct hvmon_msi - HVMON_MSI: deliver a message-signalled interrupt
 * @size: sizeof(struct hvmon_msi)
 * @flags: must be 0
 * @addr: the message's address
 * @data: the message's data
 * @delivered: out: how many vCPUs accepted it; 0 is no error
 *
 * Errors: EINVAL (the address is none of a message), ENOENT without
 * HVMON_IRQCHIP_CREATE.
 */
struct hvmon_msi {
	__u32 size;
	__u32 flags;
	__u64 addr;
	__u32 data;
	__u32 delivered;
};

/* hvmon_ioeventfd.flags */
#define HVMON_IOEVENTFD_DEASSIGN	(1u << 0)	/* end what is described */
#define HVMON_IOEVENTFD_PIO		(1u << 1)	/* @addr is a port */
#define HVMON_IOEVENTFD_DATAMATCH	(1u << 2)	/* only writes of @datamatch */
#define HVMON_IOEVENTFD_LAZY		(1u << 3)	/* its reader waits a little */

/**
 * struct hvmon_ioeventfd - HVMON_IOEVENTFD: a guest's write signals an eventfd
 * @size: sizeof(struct hvmon_ioeventfd)
 * @flags: HVMON_IOEVENTFD_*
 * @addr: guest-physical address below 2^hvmon_info.gpa_bits, or port below
 *        65536, where the write begins
 * @datamatch: with HVMON_IOEVENTFD_DATAMATCH the value, below 2^(8 * @len); else 0
 * @len: bytes written: 1, 2, 4, for memory also 8; 0: any number, and then
 *       without HVMON_IOEVENTFD_DATAMATCH
 * @fd: the eventfd
 *
 * A write of a vCPU that begins at @addr and has the length and the value given
 * adds 1 to the eventfd and is done: it does not leave HVMON_RUN. Reads, and
 * writes that differ, leave as ever. It counts for memory only where the access
 * would leave as MMIO: not where a slot has memory, nor in the page of the
 * vCPU's LAPIC. A write of several pages or iterations is several writes.
 *
 * At one address there may be several, for different lengths or values; EEXIST
 * if a write could be meant by two, with the same eventfd or not, or if the
 * bytes belong to a device of HVMON_IRQCHIP_CREATE. ENOSPC beyond
 * HVMON_MAX_IOEVENTFDS, EBADF, EINVAL if @fd is no eventfd.
 *
 * Whoever waits for the eventfd is woken at once. If the scheduler would run it in
 * the vCPU's place, for want of another processor, HVMON_IOEVENTFD_LAZY lets the
 * guest go on until something else interrupts it, it halts, or the module's
 * parameter defer_us is over (50 microseconds): what it does meanwhile, for example
 * to make more of what the doorbell is for, is paid for with one switch.
 *
 * The eventfd stays alive, without its fds too, until HVMON_IOEVENTFD_DEASSIGN
 * with the same @addr, @len, @datamatch and flags (HVMON_IOEVENTFD_LAZY does not
 * matter), or until the VM goes. @fd is the eventfd then, or -1 for whichever it
 * is. When the call returns the eventfd is not signalled any more; ENOENT if there
 * is no such.
 */
struct hvmon_ioeventfd {
	__u32 size;
	__u32 flags;
	__u64 addr;
	__u64 datamatch;
	__u32 len;
	__s32 fd;
};

/* hvmon_irqfd.flags */
#define HVMON_IRQFD_DEASSIGN	(1u << 0)	/* end what is described */
#define HVMON_IRQFD_RESAMPLE	(1u << 1)	/* level-triggered, with @resample_fd */

/**
 * struct hvmon_irqfd - HVMON_IRQFD: an eventfd that interrupts the guest
 * @size: sizeof(struct hvmon_irqfd)
 * @flags: HVMON_IRQFD_*
 * @gsi: 0 .. HVMON_MAX_ROUTES - 1; it need not have a route yet
 * @fd: the eventfd
 * @resample_fd: with HVMON_IRQFD_RESAMPLE the eventfd of EOIs, another one; else 0
 * @reserved: must be 0
 *
 * Whenever the eventfd is signalled, by a thread or in the kernel, each message
 * that the routes have for @gsi at that moment is sent, and each pin gets an
 * edge: high, and low again. The module takes what was added to the eventfd;
 * what was before the call interrupts at once. Without a route it is lost.
 *
 * With HVMON_IRQFD_RESAMPLE the GSI stays asserted until the guest's EOI of a pin
 * that it leads to (of a level-triggered pin of the IOAPIC; of any of a PIC's). It
 * is let go of then and 1 added to @resample_fd, whereupon the device signals
 * @fd again if it still wants to interrupt. That goes for all irqfds that had
 * asserted GSIs of the pin. Without a route it is asserted as soon as it has one.
 *
 * The level of a GSI is the OR of HVMON_IRQ_LINE and of its irqfds. A level that
 * HVMON_IRQCHIP_SET gives to a pin is that of the irqfds with RESAMPLE of its GSI
 * if there are any, as though they had been signalled.
 *
 * EEXIST: @fd's eventfd is an irqfd of the VM already. ENOSPC beyond
 * HVMON_MAX_IRQFDS, EBADF, EINVAL if an fd is no eventfd, ENOENT without
 * HVMON_IRQCHIP_CREATE.
 *
 * It ends with the VM, with HVMON_IRQFD_DEASSIGN (@fd and @gsi; ENOENT if there
 * is no such), after whose return the eventfds interrupt no more and are not
 * signalled, and, a little later, with the last fd of the eventfd.
 */
struct hvmon_irqfd {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__s32 fd;
	__s32 resample_fd;
	__u32 reserved;
};

/**
 * struct hvmon_vm_stats - HVMON_VM_STATS: counters since creation
 * @size: sizeof(struct hvmon_vm_stats)
 * @flags: must be 0
 * @vcpus: vCPUs that exist
 * @slots: memory slots that exist
 * @pages_4k: guest pages mapped, of 4 KiB
 * @pages_2m: ... of 2 MiB
 * @pages_1g: ... of 1 GiB
 * @table_pages: pages that the module's page tables take
 * @faults: nested page faults that were settled with memory
 * @faulted_around: neighbours that these mapped too
 * @zaps: mappings taken away because the launcher's changed
 * @remote_flushes: times that all vCPUs were made to flush
 */
struct hvmon_vm_stats {
	__u32 size;
	__u32 flags;
	__u32 vcpus;
	__u32 slots;
	__u64 pages_4k;
	__u64 pages_2m;
	__u64 pages_1g;
	__u64 table_pages;
	__u64 faults;
	__u64 faulted_around;
	__u64 zaps;
	__u64 remote_flushes;
};

/**
 * struct hvmon_clock - HVMON_CLOCK_GET and HVMON_CLOCK_SET
 * @size: sizeof(struct hvmon_clock)
 * @flags: must be 0
 * @ns: nanoseconds of the guest's paravirtual clock (system time), below 2^63
 * @host_tsc: GET: the host's TSC (in its cycles) at the same instant; SET: must
 *            be 0
 * @tsc_khz: rate of the guest's TSC in kHz; SET: 0 leaves it as it is
 * @reserved: must be 0
 *
 * A new VM has the host's rate. Another one, such as that of the host where the
 * VM's state was saved, is set before the first vCPU is created. Rates that
 * differ from the host's by at most 250 parts per million, as two calibrations
 * of one clock do, are within what a guest corrects: where they cannot be had
 * the host's is taken, as GET tells.
 *
 * Errors of SET, with nothing changed: EOPNOTSUPP (without HVMON_CAP_TSC_SCALING:
 * the processor cannot give guests this rate), EBUSY (the VM has vCPUs, and they
 * have another rate), EINVAL (also: the rate is 256 times the host's or more, or
 * a 256th or less).
 */
struct hvmon_clock {
	__u32 size;
	__u32 flags;
	__u64 ns;
	__u64 host_tsc;
	__u32 tsc_khz;
	__u32 reserved;
};

/* ------------------------------------------------------------------ */
/* vCPU state. The same on every vendor. */

/* Index into hvmon_regs.gpr: the encoding of x86 instructions */
enum {
	HVMON_RAX, HVMON_RCX, HVMON_RDX, HVMON_RBX,
	HVMON_RSP, HVMON_RBP, HVMON_RSI, HVMON_RDI,
	HVMON_R8, HVMON_R9, HVMON_R10, HVMON_R11,
	HVMON_R12, HVMON_R13, HVMON_R14, HVMON_R15,
};

struct hvmon_regs {
	__u64 gpr[16];
	__u64 rip;
	__u64 rflags;
};

/*
 * attr is bits 8-15 and 20-23 of the descriptor's second word, as VT-x packs
 * them: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, and bit 16
 * set if the segment is unusable.
 */
#define HVMON_SEG_P		(1u << 7)
#define HVMON_SEG_S		(1u << 4)
#define HVMON_SEG_L		(1u << 13)
#define HVMON_SEG_DB		(1u << 14)
#define HVMON_SEG_G		(1u << 15)
#define HVMON_SEG_UNUSABLE	(1u << 16)

struct hvmon_segment {
	__u64 base;
	__u32 limit;		/* in bytes, G already applied */
	__u32 attr;
	__u16 selector;
	__u16 reserved[3];
};

struct hvmon_dtable {
	__u64 base;
	__u16 limit;
	__u16 reserved[3];
};

/* Index into hvmon_sregs.seg: the encoding of x86 instructions */
enum {
	HVMON_ES, HVMON_CS, HVMON_SS, HVMON_DS, HVMON_FS, HVMON_GS,
	HVMON_LDTR, HVMON_TR, HVMON_NR_SEGS,
};

struct hvmon_sregs {
	struct hvmon_segment seg[HVMON_NR_SEGS];
	struct hvmon_dtable gdt;
	struct hvmon_dtable idt;
	__u64 cr0;
	__u64 cr2;
	__u64 cr3;
	__u64 cr4;
	__u64 cr8;
	__u64 efer;
	__u64 pdptr[4];		/* VT-x in PAE mode; else 0 and ignored */
};

struct hvmon_debug {
	__u64 db[4];
	__u64 dr6;
	__u64 dr7;
};

/* hvmon_event.type: as EVENTINJ and VM-entry interruption information */
#define HVMON_EV_INTR		0	/* external interrupt */
#define HVMON_EV_NMI		2
#define HVMON_EV_EXCEPTION	3
#define HVMON_EV_SOFT_INT	4	/* INT n */
#define HVMON_EV_PRIV_SW	5	/* INT1 */
#define HVMON_EV_SW_EXC		6	/* INT3, INTO */

struct hvmon_event {
	__u8 valid;
	__u8 type;		/* HVMON_EV_* */
	__u8 vector;
	__u8 has_error;		/* only exceptions that have one; not in real mode */
	__u32 error;
	__u64 payload;		/* #PF: CR2, #DB: bits for DR6, else 0 */
	__u32 insn_len;		/* of the software interrupt's, 0 .. 15; AMD-V: 0 */
	__u32 reserved;
};

/* hvmon_events.flags */
#define HVMON_EVS_STI_SHADOW	(1u << 0)	/* no interrupt before the next insn */
#define HVMON_EVS_MOVSS_SHADOW	(1u << 1)
#define HVMON_EVS_NMI_BLOCKED	(1u << 2)	/* until IRET */

struct hvmon_events {
	struct hvmon_event in_flight;	/* its delivery was interrupted; any type */
	/*
	 * Raised by that delivery, and takes its place: an interrupt does not come
	 * again, an NMI is pending again.
	 */
	struct hvmon_event exception;
	__u32 flags;			/* HVMON_EVS_* */
	__u32 nmi_pending;		/* 0 .. 2; with NMI_BLOCKED the second is forgotten */
	__u64 pending_dbg;		/* VT-x's pending debug exceptions; AMD-V: 0 */
};

/* hvmon_mp.state */
#define HVMON_MP_RUNNABLE	0
#define HVMON_MP_HALTED		1	/* in HLT */
#define HVMON_MP_WAIT_SIPI	2	/* after INIT, or an AP that never ran */

struct hvmon_mp {
	__u32 state;		/* HVMON_MP_* */
	__u32 init_pending;	/* 0 or 1 */
	__u32 sipi_pending;	/* 0 or 1 */
	__u32 sipi_vector;	/* 0 .. 255: the AP starts at sipi_vector << 12 */
};

/*
 * The LAPIC's registers as in its xAPIC page, and its timer. In xAPIC mode the ID there is
 * what interrupts find the LAPIC by, also if it is another than the vCPU's number.
 */
struct hvmon_lapic_state {
	__u64 base;		/* MSR APIC_BASE; BSP is set on vCPU 0 alone */
	__u64 tsc_deadline;	/* MSR TSC_DEADLINE */
	__s64 timer_left_ns;	/* to the next tick, from 1 up; -1: not running */
	__u64 reserved;
	__u8 page[1024];	/* a register every 16 bytes, 4 bytes of each used */
};

#define HVMON_XSAVE_SIZE	4096

struct hvmon_xsave {
	__u64 xcr0;
	__u64 xss;
	__u32 pkru;
	__u32 reserved[11];
	__u8 area[HVMON_XSAVE_SIZE];	/* standard format */
};

/* hvmon_state.groups */
#define HVMON_STATE_REGS	(1ULL << 0)
#define HVMON_STATE_SREGS	(1ULL << 1)
#define HVMON_STATE_DEBUG	(1ULL << 2)
#define HVMON_STATE_EVENTS	(1ULL << 3)
#define HVMON_STATE_MP		(1ULL << 4)
#define HVMON_STATE_LAPIC	(1ULL << 5)
#define HVMON_STATE_XSAVE	(1ULL << 6)
#define HVMON_STATE_ALL		0x7fULL

/**
 * struct hvmon_state - HVMON_STATE_GET and HVMON_STATE_SET
 * @size: sizeof(struct hvmon_state)
 * @flags: must be 0
 * @groups: HVMON_STATE_* bits that are wanted or given; groups not named are
 *          neither read nor written. HVMON_STATE_LAPIC needs an irqchip
 *          (EOPNOTSUPP).
 * @regs: general registers, RIP and RFLAGS
 * @sregs: segment, descriptor table and control registers, EFER
 * @debug: debug registers
 * @events: exceptions and NMIs on their way, and what blocks interrupts
 * @mp: whether the vCPU runs, halts or waits to be started
 * @lapic: its local APIC
 * @xsave: FPU and vector registers, XCR0, XSS and PKRU
 *
 * SET checks all groups before it changes any: a value that the processor
 * would refuse at entry, or that hides features which CPUID has not, is
 * EINVAL. Model-specific registers travel through MSRS_GET and MSRS_SET.
 * Not while the vCPU runs: the call waits until HVMON_RUN returns, or until the
 * kernel takes the thread out of it for a moment (for the scheduler's sake, or
 * a stop) between two instructions of the guest; a launcher that needs it to
 * stand still makes HVMON_RUN return.
 *
 * A port or memory access that is under way in the launcher is not in the
 * state: RIP is still at its instruction. HVMON_RUN with immediate_exit
 * completes it first; SET of another RIP gives it up.
 *
 * Without an irqchip hvmon_mp.state is HVMON_MP_RUNNABLE and nothing is
 * pending in it (EINVAL): to wait in HLT is then the launcher's part.
 */
struct hvmon_state {
	__u32 size;
	__u32 flags;
	__u64 groups;
	struct hvmon_regs regs;
	struct hvmon_sregs sregs;
	struct hvmon_debug debug;
	struct hvmon_events events;
	struct hvmon_mp mp;
	struct hvmon_lapic_state lapic;
	struct hvmon_xsave xsave;
};

struct hvmon_msr {
	__u32 index;
	__u32 reserved;
	__u64 value;
};

/* hvmon_msrs.flags */
#define HVMON_MSRS_LIST		(1u << 0)	/* GET: fill in the indices too */

/**
 * struct hvmon_msrs - HVMON_MSRS_GET and HVMON_MSRS_SET
 * @size: sizeof(struct hvmon_msrs)
 * @flags: GET: HVMON_MSRS_LIST: give the index and value of every MSR that
 *         belongs to the vCPU's state, in the order in which SET takes them
 * @count: entries at @msrs, at most HVMON_MAX_MSRS; LIST: room, and out: how
 *         many there are (E2BIG if more than the room, with @count updated)
 * @done: out: entries done; on EINVAL the index of the one refused
 * @msrs: user pointer to @count structs hvmon_msr
 *
 * SET stops at the first MSR that does not exist or whose value is reserved
 * (EINVAL); those before it are set. The launcher may write what a guest may
 * not: read-only MSRs that belong to the state. Other errors: EIO (SET), EFAULT.
 */
struct hvmon_msrs {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 done;
	__u64 msrs;
};

/* hvmon_cpuid_entry.flags */
#define HVMON_CPUID_INDEXED	(1u << 0)	/* the subleaf matters */

struct hvmon_cpuid_entry {
	__u32 leaf;
	__u32 subleaf;
	__u32 flags;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 reserved;
};

/**
 * struct hvmon_cpuid - HVMON_CPUID_GET and HVMON_CPUID_SET
 * @size: sizeof(struct hvmon_cpuid)
 * @flags: must be 0
 * @count: GET: room at @entries, and out: how many there are (E2BIG if more
 *         than the room, with @count updated); SET: how many are given, 1 ..
 *         HVMON_MAX_CPUID (E2BIG beyond)
 * @reserved: must be 0
 * @entries: user pointer to @count structs hvmon_cpuid_entry
 *
 * A new vCPU has the host's table, filtered to what is virtualized, with its
 * own APIC ID. SET replaces the whole table. A feature bit that the module
 * cannot provide is EINVAL; leaves that only describe (names, caches,
 * topology) are free. Bits that follow the vCPU's state (OSXSAVE, OSPKE, the
 * XSAVE sizes, APIC) are filled in at each CPUID. EBUSY after the first RUN.
 */
struct hvmon_cpuid {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 reserved;
	__u64 entries;
};

/* hvmon_inject.type: HVMON_EV_INTR, HVMON_EV_NMI or HVMON_EV_EXCEPTION */

/**
 * struct hvmon_inject - HVMON_INJECT: an event for the vCPU
 * @size: sizeof(struct hvmon_inject)
 * @flags: must be 0
 * @type: HVMON_EV_INTR (only without an irqchip, EOPNOTSUPP with one; EBUSY
 *        until the last one was taken), HVMON_EV_NMI (may come from any
 *        thread, also while the vCPU runs), HVMON_EV_EXCEPTION
 * @vector: INTR: 0-255; EXCEPTION: 0-31 but 2; NMI: 0
 * @has_error: EXCEPTION: 1 for vectors that have an error code, 0 for all others
 *             (EINVAL); not delivered in real mode
 * @error: error code, 0 without
 * @payload: #PF: CR2, #DB: DR6 bits, else 0
 *
 * At most two NMIs wait, and one while another is handled, as in a processor; more are
 * lost without an error. An exception merges with one that waits (double fault,
 * HVMON_EXIT_SHUTDOWN). While hvmon_events.in_flight is another event it is EBUSY:
 * HVMON_RUN delivers that first.
 */
struct hvmon_inject {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 vector;
	__u32 has_error;
	__u32 error;
	__u64 payload;
};

/* hvmon_translate.access and its answer */
#define HVMON_ACCESS_WRITE	(1u << 0)
#define HVMON_ACCESS_EXEC	(1u << 1)
#define HVMON_ACCESS_USER	(1u << 2)

/**
 * struct hvmon_translate - HVMON_TRANSLATE: walk the guest's page tables
 * @size: sizeof(struct hvmon_translate)
 * @flags: must be 0
 * @gva: linear address
 * @access: HVMON_ACCESS_* that the translation must allow
 * @valid: out: 1 if it does
 * @gpa: out: the guest-physical address, if @valid
 * @error: out: the page-fault error code the access would give, if not
 * @reserved: must be 0
 *
 * Changes nothing: accessed and dirty bits stay as they are. Without
 * HVMON_ACCESS_USER it is the supervisor's access. Errors: EFAULT (a table does
 * not lie in memory), EIO.
 */
struct hvmon_translate {
	__u32 size;
	__u32 flags;
	__u64 gva;
	__u32 access;
	__u32 valid;
	__u64 gpa;
	__u32 error;
	__u32 reserved;
};

/**
 * struct hvmon_vcpu_stats - HVMON_VCPU_STATS: counters since creation
 * @size: sizeof(struct hvmon_vcpu_stats)
 * @flags: must be 0
 * @exits: world switches back from the guest
 * @user_exits: returns of HVMON_RUN with an exit for the launcher
 * @cpuid: exits by reason, from here ...
 * @msr_read: RDMSR
 * @msr_write: WRMSR
 * @pio: port accesses
 * @mmio: memory-mapped device accesses
 * @faults: nested page faults
 * @hlt: HLT
 * @hypercall: VMMCALL or VMCALL
 * @host_intr: interrupts and NMIs of the host ... to here
 * @other: PAUSE, control and debug registers, intercepted exceptions, windows
 * @irq_injected: interrupts delivered to the guest
 * @nmi_injected: NMIs
 * @exceptions: exceptions raised by the module
 * @emulated: instructions emulated
 * @halted_ns: time spent blocked in HLT
 * @guest_ns: time spent in the guest or in handling its exits without sleeping
 * @sections: spans in which the module owned the processor
 * @timer: exits at the instant at which the LAPIC's timer was due, by which the
 *         processor itself ended the run (VT-x: VMX-preemption timer)
 */
struct hvmon_vcpu_stats {
	__u32 size;
	__u32 flags;
	__u64 exits;
	__u64 user_exits;
	__u64 cpuid;
	__u64 msr_read;
	__u64 msr_write;
	__u64 pio;
	__u64 mmio;
	__u64 faults;
	__u64 hlt;
	__u64 hypercall;
	__u64 host_intr;
	__u64 other;
	__u64 irq_injected;
	__u64 nmi_injected;
	__u64 exceptions;
	__u64 emulated;
	__u64 halted_ns;
	__u64 guest_ns;
	__u64 sections;
	__u64 timer;
};

/*
 * Other processes read the same counters in debugfs, if the host lets them (root):
 *
 *   hvmon/ID-NAME/vm      the fields of struct hvmon_vm_stats
 *   hvmon/ID-NAME/vcpuN   those of struct hvmon_vcpu_stats, of vCPU N
 *
 * ID is the VM's number in traces, never used twice while the module is loaded;
 * NAME is hvmon_vm_create.name, or the process's name. A line is a field's name,
 * a space and its value in decimal; size and flags are left out. Later versions
 * add lines: readers skip names that they do not know. A directory goes with its
 * VM.
 */

/* ------------------------------------------------------------------ */
/* The run page: mmap() of a vCPU's fd, offset 0, hvmon_info.run_size bytes */

/* hvmon_run.exit */
#define HVMON_EXIT_NONE		0	/* RUN has not returned 0 yet */
#define HVMON_EXIT_PIO		1	/* port access; answered by the next RUN */
#define HVMON_EXIT_MMIO		2	/* memory access; likewise */
#define HVMON_EXIT_HLT		3	/* HLT without an irqchip */
#define HVMON_EXIT_SHUTDOWN	4	/* triple fault */
#define HVMON_EXIT_FAULT	5	/* memory of a slot cannot be had */
#define HVMON_EXIT_EMULATION	6	/* an instruction cannot be decoded */
#define HVMON_EXIT_INVALID	7	/* the processor refused the state */
#define HVMON_EXIT_INTR_WINDOW	8	/* the guest can take an interrupt */
#define HVMON_EXIT_UNEXPECTED	9	/* an exit that hvmon does not know */

/* hvmon_run.regs_valid */
#define HVMON_RUN_REGS		(1u << 0)
#define HVMON_RUN_SREGS		(1u << 1)

#define HVMON_RUN_DATA		1024

/* hvmon_run.pio.direction */
#define HVMON_PIO_IN		0	/* the launcher fills data[] */
#define HVMON_PIO_OUT		1

/**
 * struct hvmon_run - the page that HVMON_RUN and the launcher share
 * @immediate_exit: in: non-zero: HVMON_RUN finishes what the last exit began,
 *                  then returns EINTR without entering the guest. May be
 *                  written by another thread or a signal handler.
 * @intr_window: in: without an irqchip: return HVMON_EXIT_INTR_WINDOW as soon
 *               as the guest can take an external interrupt
 * @reserved0: 0
 * @exit: out: HVMON_EXIT_*, valid when HVMON_RUN returned 0
 * @regs_valid: out: HVMON_RUN_* groups below that are filled in. In:
 *              HVMON_RUN_REGS has the next HVMON_RUN load @regs, as the exit
 *              left them or changed (EINVAL for impossible RFLAGS); not
 *              changed for PIO, MMIO and what else completes an instruction
 *              (EINVAL), which writes registers itself. HVMON_STATE_SET of
 *              the registers clears it.
 * @pio: HVMON_EXIT_PIO
 * @pio.port: the port
 * @pio.size: bytes per access: 1, 2 or 4
 * @pio.direction: HVMON_PIO_*
 * @pio.count: accesses, all to the same port; data[] has size * count bytes
 * @mmio: HVMON_EXIT_MMIO
 * @mmio.gpa: guest-physical address
 * @mmio.len: 1 .. 32 bytes, all in data[]
 * @mmio.write: 1: data[] was written by the guest; 0: the launcher fills it
 * @fault: HVMON_EXIT_FAULT; the next HVMON_RUN tries the access again
 * @fault.gpa: guest-physical address
 * @fault.access: HVMON_ACCESS_*
 * @fault.error: the errno (positive) that faulting the launcher's page gave
 * @emulation: HVMON_EXIT_EMULATION
 * @emulation.rip_gpa: where the instruction lies, ~0 if not known
 * @emulation.len: how many of @emulation.bytes are valid
 * @emulation.gpa: the memory access that needed emulation, ~0 if none
 * @emulation.bytes: the bytes at RIP
 * @invalid: HVMON_EXIT_INVALID
 * @invalid.code: the vendor's exit code (SVM) or error (VT-x)
 * @unexpected: HVMON_EXIT_UNEXPECTED
 * @unexpected.code: the vendor's exit code
 * @unexpected.info1: vendor's first qualification
 * @unexpected.info2: vendor's second
 * @pad: room for exits to come
 * @message: one line that explains EMULATION, INVALID and UNEXPECTED
 * @regs: if @regs_valid has HVMON_RUN_REGS
 * @sregs: if @regs_valid has HVMON_RUN_SREGS; PDPTEs and descriptor tables are 0
 * @data: see pio and mmio
 *
 * To be mapped with MAP_SHARED and without PROT_EXEC (EINVAL).
 *
 * HVMON_RUN has the argument 0. It runs the guest until the launcher is needed
 * and returns 0 with @exit set. Errors: EINTR; EIO; ENOMEM; EINVAL (see
 * @regs_valid). The guest is none the worse for any of them: HVMON_RUN may be
 * called again. Signals without a handler do not end it. One thread at a time
 * runs a vCPU, any thread of the process may; another one that tries waits.
 *
 * The module never trusts what it finds here: it keeps its own copy of all
 * that it needs to complete an exit.
 */
struct hvmon_run {
	__u8 immediate_exit;
	__u8 intr_window;
	__u8 reserved0[6];
	__u32 exit;
	__u32 regs_valid;
	union {
		struct {
			__u16 port;
			__u8 size;
			__u8 direction;
			__u32 count;
		} pio;
		struct {
			__u64 gpa;
			__u32 len;
			__u32 write;
		} mmio;
		struct {
			__u64 gpa;
			__u32 access;
			__u32 error;
		} fault;
		struct {
			__u64 rip_gpa;
			__u64 gpa;
			__u32 len;
			__u8 bytes[20];
		} emulation;
		struct {
			__u64 code;
		} invalid;
		struct {
			__u64 code;
			__u64 info1;
			__u64 info2;
		} unexpected;
		__u8 pad[112];
	};
	char message[128];
	struct hvmon_regs regs;
	struct hvmon_sregs sregs;
	__u8 data[HVMON_RUN_DATA];
};

#endif /* _UAPI_HVMON_H */
