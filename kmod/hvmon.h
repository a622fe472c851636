/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of hvmon owe each other: the six nouns (vm, vcpu, slot, mmu,
 * iodev, route), the vendor contract, and one block of prototypes per file.
 *
 * Two words are used strictly. A *section* is the interrupts-off span around
 * one or more world switches; a *stretch* is the preemption-off span, with the
 * guest's FPU state loaded, around sections.
 */
#ifndef _HVMON_H
#define _HVMON_H

#include <linux/bitops.h>
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rcuwait.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <asm/tsc.h>

#include "../uapi/hvmon.h"
#include "compat.h"

#define HVMON_VERSION	"0.1.0"

struct hvmon_vm;
struct hvmon_vcpu;
struct hvmon_iodev;
struct hvmon_irqs;
struct hvmon_lapic;
struct hvmon_pt_fmt;
struct hvmon_svm_vcpu;
struct hvmon_vmx_vcpu;
struct dentry;

/* ------------------------------------------------------------------ */
/* Return values */

/*
 * Every exit handler, emulator entry and bus access that can end an exit
 * returns one of these, or a negative errno that ends HVMON_RUN with it:
 *
 *   HVMON_RESUME  settled: enter the guest again
 *   HVMON_USER    vcpu->run describes an exit for the launcher
 *   HVMON_LATER   only inside a section: nothing was changed, call again
 *                 outside, where sleeping is allowed
 *   HVMON_LEAVE   settled, but a section has to end first: an interrupt of the
 *                 host waits for it, or the guest halts
 */
#define HVMON_USER	0
#define HVMON_RESUME	1
#define HVMON_LATER	2
#define HVMON_LEAVE	3

/* ------------------------------------------------------------------ */
/* Memory */

/**
 * struct hvmon_slot - a range of guest memory backed by the launcher's
 * @vm: owner
 * @id: the launcher's number
 * @flags: HVMON_MEM_*
 * @gfn: first guest frame
 * @npages: 4 KiB pages
 * @hva: the launcher's address of the first
 * @dirty: one bit per page if logged, set atomically; else NULL
 * @notifier: tells when the launcher's page tables change
 *
 * Immutable once published, but for @dirty. Lives in an array that readers
 * hold through vm->srcu.
 */
struct hvmon_slot {
	struct hvmon_vm *vm;
	u32 id;
	u32 flags;
	u64 gfn;
	u64 npages;
	unsigned long hva;
	unsigned long *dirty;
	struct mmu_interval_notifier notifier;
};

/* Sorted by gfn, replaced as a whole under vm->lock */
struct hvmon_slots {
	struct rcu_head rcu;
	u32 nr;
	struct hvmon_slot *slot[] __counted_by(nr);
};

/**
 * struct hvmon_mmu - one VM's guest-physical address space
 * @lock: guards the tables; notifiers take it; nothing that sleeps inside.
 *        Never taken inside a section: a CPU that waits for it with interrupts
 *        off could not answer a remote flush by its holder.
 * @root: physical address of the top table, what the processor is given
 * @root_table: the top table
 * @fmt: format of the tables
 * @levels: of the tables, 4 or 5
 * @notifier: aging, for the whole address space
 * @frozen: a slot is being replaced: faults install nothing and wait
 * @logging: a slot logs what is written; under vm->lock, read by sections
 * @zap_gen: counts, under @lock, the changes that need a remote flush
 * @flushed_gen: the last of them that all vCPUs are known to have seen
 * @apic_page: what is mapped at the LAPIC's default address for processors
 *             that recognize accesses to it; NULL where they do not
 * @apic_barred: it must not be mapped any more
 * @nr_tables: pages that the tables take
 * @nr_leaves: mappings of 4 KiB, 2 MiB and 1 GiB
 */
struct hvmon_mmu {
	spinlock_t lock;	/* the tables and all below; see above */
	u64 root;
	void *root_table;
	const struct hvmon_pt_fmt *fmt;
	int levels;
	struct mmu_notifier notifier;
	bool frozen;
	bool logging;
	u64 zap_gen;
	u64 flushed_gen;
	void *apic_page;
	bool apic_barred;
	u64 nr_tables;
	u64 nr_leaves[3];
};

/* ------------------------------------------------------------------ */
/* vCPU */

/*
 * vCPU modes and their legal changes, checked by hvmon_vcpu_set_mode() in kernels with
 * CONFIG_DEBUG_VM:
 *
 *   IDLE ----------> RUNNING       HVMON_RUN begins
 *   RUNNING -------> IDLE          HVMON_RUN ends
 *   RUNNING -------> IN_GUEST      a section begins
 *   IN_GUEST ------> RUNNING       a section ends
 *   RUNNING -------> BLOCKED       halted, nothing pending
 *   BLOCKED -------> RUNNING       something came
 */
enum hvmon_vcpu_mode {
	HVMON_VCPU_IDLE,
	HVMON_VCPU_RUNNING,
	HVMON_VCPU_IN_GUEST,
	HVMON_VCPU_BLOCKED,
};

/* vcpu->requests: bits set by anyone, taken by the vCPU before an entry */
enum {
	HVMON_REQ_EVENT,	/* look for events to inject */
	HVMON_REQ_CLOCK,	/* update the paravirtual clock page */
	HVMON_REQ_STEAL,	/* update the steal time page */
	HVMON_REQ_APIC_EVENT,	/* INIT or SIPI arrived */
	HVMON_REQ_TRIPLE_FAULT,	/* leave with HVMON_EXIT_SHUTDOWN */
	HVMON_REQ_KICK,		/* only leave the section */
	HVMON_REQ_RESAMPLE,	/* PREEMPT_RT: hvmon_irqfd_resample() after the stretch */
};

/* Feature bits of the guest's CPUID that code asks for; cpuid.c caches them */
struct hvmon_guest_caps {
	u64 xcr0;		/* XSAVE components that CPUID shows */
	u64 cr4_reserved;	/* CR4 bits that fault */
	u64 efer_reserved;	/* EFER bits that fault */
	u64 gpa_mask_reserved;	/* page-table address bits above MAXPHYADDR */
	u8 maxphyaddr;
	bool longmode, nx, gbpages, xsave, xsaves, rdtscp, rdpid, x2apic, tsc_deadline;
	bool fsgsbase, pku, smep, smap, umip, la57, pcid, mtrr, pat, mwait;
	bool spec_ctrl, pred_cmd, arch_cap, tsc_adjust, misc_enable, syscall;
	bool pv;		/* the paravirtual leaves are there */
	u32 pv_features;	/* CPUID 0x40000001 EAX */
	bool amd;		/* vendor string of the *guest*: AuthenticAMD or Hygon */
};

/* Values of MSRs that are only stored; msr.c's table points into this */
struct hvmon_msr_values {
	u64 pat;
	u64 misc_enable;
	u64 tsc_aux;
	u64 tsc_adjust;
	u64 spec_ctrl;
	u64 mtrr_def_type;
	u64 mtrr_fixed[11];
	u64 mtrr_var[16];
	u64 hwcr;
	u64 patch_level;
	u64 mcg_status;
	u64 syscfg;
	u64 debugctl;
};

/* Paravirtual interface of one vCPU; pv.c, the clock page in clock.c */
struct hvmon_pv {
	u64 clock_msr;		/* KVM_SYSTEM_TIME_NEW: gpa | enabled */
	u64 wall_clock_msr;
	u64 steal_msr;
	u64 eoi_msr;
	u64 poll_control;
	u32 clock_version;
	int clock_cpu;		/* where the clock page was made, if not stable */
	unsigned long clock_next;	/* jiffies at which it is made anew */
	u64 last_run_delay;
	bool preempted;		/* the steal time page says so */
	bool unhalted;		/* KICK_CPU: ends the next or present HLT; set by anyone */
	bool eoi_pending;	/* the guest may clear the flag instead of an EOI */
};

struct hvmon_emul;		/* decoded instruction and its progress; emul.c */

/**
 * struct hvmon_code - where code is, and what its fetch depends on
 * @lin: linear address of CS:RIP
 * @cr3: the guest's
 * @mode: hvmon_fetch_mode(): the guest's paging mode and privilege
 * @bits: mode of the code segment: 16, 32 or 64
 */
struct hvmon_code {
	u64 lin;
	u64 cr3;
	u64 mode;
	int bits;
};

#define HVMON_WINDOWS		4
#define HVMON_WINDOW_LEVELS	5

/* An entry of the guest's page tables: where the launcher has it, and what it was */
struct hvmon_window_entry {
	unsigned long hva;
	u64 val;
};

/**
 * struct hvmon_window - a page of code that an exit has led to; window.h
 * @page: linear address of the page
 * @cr3: the guest's, then
 * @mode: hvmon_fetch_mode(), then
 * @slots_gen: hvmon_vm.slots_gen, then; 0: there is no window
 * @hva: the launcher's address of the page
 * @nr: table entries that the walk read, none without paging
 * @wide: they have 8 bytes each, not 4
 * @entry: each of them
 */
struct hvmon_window {
	u64 page;
	u64 cr3;
	u64 mode;
	u64 slots_gen;
	unsigned long hva;
	u32 nr;
	bool wide;
	struct hvmon_window_entry entry[HVMON_WINDOW_LEVELS];
};

/* A port access */
struct hvmon_pio_info {
	u16 port;
	u8 size;		/* 1, 2, 4 */
	bool in, string;	/* string: the emulator does the rest */
};

/**
 * struct hvmon_exit_info - what the vendor says of the last exit, as far as
 * common code and tracepoints want it
 * @code: the vendor's exit code
 * @info1: first qualification
 * @info2: second qualification
 * @val: what RDMSR reads, or a port access moves: of a local variable whose address is
 *       passed, the compiler would have every exit check that it did not overflow
 * @insn_len: length of the instruction, 0 if the processor does not tell
 * @bytes_len: how many of @bytes are valid
 * @no_memory: the section has found none at the address that faulted: nobody has to look
 *             again
 * @bytes: instruction bytes that the processor fetched
 */
struct hvmon_exit_info {
	u64 code;
	u64 info1;
	u64 info2;
	u64 val;
	u8 insn_len;
	u8 bytes_len;
	bool no_memory;
	u8 bytes[15];
};

/*
 * A virtual CPU.
 *
 * Everything is the property of the thread that holds @mutex, but for the
 * fields in the first block, which others read or write as said there.
 */
struct hvmon_vcpu {
	struct hvmon_vm *vm;
	u32 id;
	int mode;		/* hvmon_vcpu_mode, by its thread; hvmon_vcpu_kick() reads */
	int cpu;		/* where the section runs; -1 outside */
	unsigned long requests;	/* atomic bits, HVMON_REQ_* */
	atomic_t nmi_queued;	/* added by anyone, taken by the vCPU */
	struct rcuwait wait;	/* where a BLOCKED vCPU sleeps */
	struct hvmon_lapic *lapic;	/* or NULL; lapic.h says what others touch */

	struct mutex mutex;	/* held through every ioctl on the vCPU */
	struct hvmon_run *run;	/* the run page: write-only but where copied once */
	bool in_section;	/* handlers that may sleep return HVMON_LATER */
	unsigned long heed;	/* HVMON_TIF_WORK; less while hvmon_defer_resched() holds */
	struct hrtimer defer_timer;	/* its end; runs inside a section only */
	bool in_stretch;
	unsigned long rcu_noted;	/* hvmon_note_context_switch()'s, in jiffies */
	bool has_run;
	bool window_wanted;	/* hvmon_run.intr_window, without an irqchip */
	u32 mp_state;		/* HVMON_MP_* */

	struct hvmon_regs regs;	/* always current outside vendor->enter() */
	struct hvmon_exit_info exit;
	struct hvmon_event in_flight;	/* interrupted delivery, to be redone */
	struct hvmon_event exception;	/* to be delivered next */
	bool intr_user_valid;		/* HVMON_INJECT of an interrupt */
	u8 intr_user_vector;
	u8 cr8;			/* without an irqchip; else the LAPIC's TPR */
	bool out_of_sync;	/* TPR or MSRs that the vendor switches; its sections clear it */
	bool virt_intr;		/* the processor delivers the LAPIC's interrupts */
	/* Finishes the last HVMON_USER exit at the next HVMON_RUN */
	int (*complete)(struct hvmon_vcpu *vcpu);

	struct hvmon_cpuid_entry *cpuid;
	u32 nr_cpuid;
	struct hvmon_guest_caps caps;
	struct hvmon_msr_values msr;
	u64 tsc_offset;		/* guest TSC - hvmon_tsc_scale(host TSC) */
	bool has_deadline;	/* the vendor's: it ends a run at deadline_tsc */
	u64 deadline_tsc;	/* host TSC at which the LAPIC's timer is due, 0: never */

	void *xsave;		/* guest's XSAVE area, standard format */
	u64 xcr0, xss;		/* guest's */
	u32 pkru;
	u64 host_xcr0, host_xss;	/* what the section puts back; fpu.c */
	u32 host_pkru;
	bool xstate_switched;	/* the guest's XCR0, XSS and PKRU are loaded */

	struct hvmon_pv pv;
	struct hvmon_emul *emul;
	struct hvmon_window window[HVMON_WINDOWS];	/* by the page's number */
	u64 hole_gfn;		/* a frame of no slot, when vm->slots_gen was this: */
	u64 hole_gen;		/* 0: none is known */

	struct hvmon_pio_info pio;	/* of the last exit of that kind */

	u8 fresh_faults;	/* faults to come without looking around; tdp.c */
	u8 ahead;		/* pages that the last write fault made present, and */
	u64 ahead_gfn;		/* where the next fault of a guest in sequence comes */

	struct hvmon_vcpu_stats stats;
	struct dentry *debugfs;

	union {
		struct hvmon_svm_vcpu *svm;
		struct hvmon_vmx_vcpu *vmx;
	};
};

/* See hvmon_bus_may_have(). Not more: twice as large a VM would come of it (kmalloc) */
#define HVMON_PIO_BITS		4096
#define HVMON_MMIO_BITS		1024

static_assert(HVMON_PIO_BITS == 0x10000 >> 4);

/*
 * A virtual machine.
 *
 * Pinned by its fd and by each vCPU's fd, nothing else.
 */
struct hvmon_vm {
	struct kref ref;
	struct mm_struct *mm;	/* the creator's; mmgrab()bed */
	char name[HVMON_NAME_LEN];
	u32 id;			/* for traces and debugfs */

	struct mutex lock;	/* configuration; never taken by the run loop */
	struct srcu_struct srcu;	/* readers of slots and buses */

	/* By id; hvmon_vcpu_publish() pairs with hvmon_vcpu_by_id() */
	struct hvmon_vcpu *vcpu[HVMON_MAX_VCPUS];
	u32 nr_vcpus;

	struct hvmon_slots __rcu *slots;
	u64 slots_gen;		/* counts the arrays, from 1; changes after @slots */
	struct hvmon_mmu mmu;

	struct hvmon_bus __rcu *bus[2];		/* HVMON_BUS_* */
	DECLARE_BITMAP(pio_bits, HVMON_PIO_BITS);
	DECLARE_BITMAP(mmio_bits, HVMON_MMIO_BITS);
	struct hvmon_irqs *irqs;	/* PIC, IOAPIC, PIT, routes; NULL without */

	struct list_head ioeventfds;		/* under @lock; eventfd.c */
	u32 nr_ioeventfds;
	struct list_head irqfds;		/* likewise */
	u32 nr_irqfds;
	struct work_struct irqfd_reap;		/* ends those whose eventfds have gone */

	struct {
		raw_spinlock_t lock;	/* leaf; guards what follows */
		u64 base_ns;		/* guest clock = raw monotonic - base_ns */
		u64 tsc_offset;		/* that new vCPUs start with */
		/* What follows is constant once there is a vCPU */
		u32 tsc_khz;		/* guest's */
		u8 tsc_frac;		/* fraction bits of the ratio */
		u64 tsc_ratio;		/* guest's rate by the host's; 0: they are the same */
		bool tsc_restored;	/* the launcher has set a TSC */
		bool stable;		/* guest clock = master_ns + TSC since master_tsc */
		u64 master_ns;
		u64 master_tsc;		/* host's */
		u32 wall_version;
	} clock;

	struct hvmon_vm_stats stats;
	struct dentry *debugfs;
};

/* ------------------------------------------------------------------ */
/* The vendor contract: all that kmod/svm/ and kmod/vmx/ must supply */

/* Single registers for get_reg() and set_reg(): what the guest sees */
enum hvmon_reg {
	HVMON_REG_CR0, HVMON_REG_CR2, HVMON_REG_CR3, HVMON_REG_CR4, HVMON_REG_EFER,
	HVMON_REG_DR0, HVMON_REG_DR1, HVMON_REG_DR2, HVMON_REG_DR3,
	HVMON_REG_DR6, HVMON_REG_DR7,
};

/*
 * What section code asks about an event; see can_inject(). TPR is for
 * open_window() alone: an interrupt that the TPR masks waits in the LAPIC.
 */
enum hvmon_event_kind { HVMON_KIND_INTR, HVMON_KIND_NMI, HVMON_KIND_TPR };

struct hvmon_probe {
	u64 caps;		/* HVMON_CAP_* */
	u64 page_sizes;
	u32 levels;		/* of nested tables */
	u8 tsc_frac;		/* fraction bits of the TSC's multiplier; 0: there is none */
	bool present;		/* the processor has the extension as such */
	char why[256];		/* a line per missing requirement */
};

/**
 * struct hvmon_paging - what a walk of the guest's page tables depends on
 * @cr0: the guest's
 * @cr3: the guest's
 * @cr4: the guest's
 * @efer: the guest's
 * @rflags: the guest's, for AC
 * @pkru: the guest's
 * @pdptr: the four PDPTEs in PAE mode, if @pdptr_valid
 * @pdptr_valid: the processor holds them in registers (VT-x); otherwise they
 *               are read from memory (AMD-V: APM vol. 2, 15.25.10)
 */
struct hvmon_paging {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 rflags;
	u32 pkru;
	bool pdptr_valid;
	u64 pdptr[4];
};

struct hvmon_vendor_ops {
	const char *name;
	u32 id;				/* HVMON_VENDOR_* */
	const struct hvmon_pt_fmt *tdp_fmt;

	/* No side effects; false with p->why filled in if guests cannot run */
	bool (*probe)(struct hvmon_probe *p);
	int (*hw_init)(void);
	void (*hw_exit)(void);

	int (*vm_init)(struct hvmon_vm *vm);
	void (*vm_fini)(struct hvmon_vm *vm);
	int (*vcpu_init)(struct hvmon_vcpu *vcpu);
	void (*vcpu_fini)(struct hvmon_vcpu *vcpu);
	/* Power-on state (init false) or what INIT leaves (init true) */
	void (*vcpu_reset)(struct hvmon_vcpu *vcpu, bool init);

	/*
	 * Interrupts are off. Own the processor, or borrow it from KVM. 0; HVMON_LATER: the
	 * vendor's handle_exit() has something to do before, outside; -errno
	 */
	int (*section_begin)(struct hvmon_vcpu *vcpu);
	void (*section_end)(struct hvmon_vcpu *vcpu);
	/*
	 * One entry, one exit: vcpu->regs go in and come out, vcpu->exit is set.
	 * 0, or -errno if VMRUN itself faulted.
	 */
	int (*enter)(struct hvmon_vcpu *vcpu);
	/*
	 * Called first inside the section (vcpu->in_section), then, if that
	 * returned HVMON_LATER, again with interrupts on and sleeping allowed.
	 * The first call sets vcpu->in_flight to what the exit interrupted.
	 */
	int (*handle_exit)(struct hvmon_vcpu *vcpu);

	/*
	 * Groups SREGS and DEBUG, and of EVENTS only flags and pending_dbg.
	 * set_state() gets values that hvmon_state_check() has accepted.
	 */
	void (*get_state)(struct hvmon_vcpu *vcpu, u64 groups, struct hvmon_state *st);
	void (*set_state)(struct hvmon_vcpu *vcpu, u64 groups, const struct hvmon_state *st);
	/* One register as the guest sees it, or will; set_reg() gets checked values */
	u64 (*get_reg)(struct hvmon_vcpu *vcpu, enum hvmon_reg reg);
	void (*set_reg)(struct hvmon_vcpu *vcpu, enum hvmon_reg reg, u64 val);
	/* Segment registers, LDTR and TR with what is cached of their descriptors */
	void (*get_seg)(struct hvmon_vcpu *vcpu, int seg, struct hvmon_segment *s);
	void (*set_seg)(struct hvmon_vcpu *vcpu, int seg, const struct hvmon_segment *s);
	/* What most accesses need of one */
	u64 (*seg_base)(struct hvmon_vcpu *vcpu, int seg);
	/* All of *pg, from the cache: any time between two entries, no sleep */
	void (*get_paging)(struct hvmon_vcpu *vcpu, struct hvmon_paging *pg);
	/*
	 * Outside sections: reads the PDPTEs after CR3 has changed in a way that
	 * loads them, if the processor has registers for them. False if one is
	 * #GP. NULL: they are read as the processor walks
	 */
	bool (*load_pdptrs)(struct hvmon_vcpu *vcpu);
	/* MSRs that live in the control block; -ENOENT for any other */
	int (*get_msr)(struct hvmon_vcpu *vcpu, u32 msr, u64 *val);
	int (*set_msr)(struct hvmon_vcpu *vcpu, u32 msr, u64 val);
	/* CPL and the mode of the present code segment: 16, 32 or 64 */
	int (*cpl)(struct hvmon_vcpu *vcpu);
	int (*code_bits)(struct hvmon_vcpu *vcpu);
	/* All of *code; like get_paging() */
	void (*get_code)(struct hvmon_vcpu *vcpu, struct hvmon_code *code);

	bool (*can_inject)(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind);
	/* An NMI was taken, and its handler has not returned */
	bool (*nmi_blocked)(struct hvmon_vcpu *vcpu);
	void (*inject)(struct hvmon_vcpu *vcpu, const struct hvmon_event *ev);
	/*
	 * Exit as soon as can_inject(kind) will be true; undone by the exit. For
	 * the TPR: as soon as it does not mask what hvmon_lapic_masked_class() says.
	 */
	void (*open_window)(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind);
	/*
	 * Optional, and only called while vcpu->virt_intr: the vendor takes what
	 * is in the LAPIC's IRR, and the processor delivers it. It takes the
	 * EOIs as well, and in a section it has IRR and ISR.
	 */
	void (*post_irr)(struct hvmon_vcpu *vcpu);
	/* Optional: the LAPIC's mode or address may have changed; outside sections */
	void (*apic_changed)(struct hvmon_vcpu *vcpu);
	/* RIP past the instruction that exited, interrupt shadow cleared */
	int (*skip_insn)(struct hvmon_vcpu *vcpu);

	/* At the next entry: new root, new intercepts after CPUID_SET, ... */
	void (*set_root)(struct hvmon_vcpu *vcpu, u64 root);
	void (*flush_tlb)(struct hvmon_vcpu *vcpu);
	void (*update_caps)(struct hvmon_vcpu *vcpu);
	void (*set_tsc_offset)(struct hvmon_vcpu *vcpu, u64 offset);
};

extern const struct hvmon_vendor_ops *hvmon_vendor;	/* NULL: none */
extern struct hvmon_probe hvmon_probe_result;
extern const struct hvmon_vendor_ops hvmon_svm_ops;
extern const struct hvmon_vendor_ops hvmon_vmx_ops;
void hvmon_vendor_calls_init(const struct hvmon_vendor_ops *ops);

/*
 * hvmon_call(name, args...) calls the vendor's hook without an indirect
 * branch. vcpu.c defines and updates one static call per hook used on the
 * hot path; the rest go through hvmon_vendor->.
 */
#include "vendor_calls.h"

/* ------------------------------------------------------------------ */
/* vm.c, vcpu.c, run.c, state.c, ioctl.c */

struct hvmon_vm *hvmon_vm_create(const struct hvmon_vm_create *arg);
void hvmon_vm_get(struct hvmon_vm *vm);
void hvmon_vm_put(struct hvmon_vm *vm);
/* vCPU by id, NULL if there is none; stays as long as the VM */
struct hvmon_vcpu *hvmon_vcpu_by_id(struct hvmon_vm *vm, u32 id);

/* The first vCPU from *@id on, whose id it puts there; NULL after the last */
static inline struct hvmon_vcpu *hvmon_vcpu_next(struct hvmon_vm *vm, u32 *id)
{
	struct hvmon_vcpu *vcpu = NULL;

	while (*id < HVMON_MAX_VCPUS && !(vcpu = hvmon_vcpu_by_id(vm, *id)))
		++*id;
	return vcpu;
}

#define hvmon_for_each_vcpu(v, vm)	\
	for (u32 _id = 0; ((v) = hvmon_vcpu_next(vm, &_id)) != NULL; _id++)

/* Under vm->lock. A new vCPU is known to nobody until it is published */
struct hvmon_vcpu *hvmon_vcpu_create(struct hvmon_vm *vm, u32 id);
void hvmon_vcpu_publish(struct hvmon_vcpu *vcpu);
int hvmon_vcpu_inject(struct hvmon_vcpu *vcpu, const struct hvmon_inject *arg);
void hvmon_vcpu_free(struct hvmon_vcpu *vcpu);
void hvmon_vcpu_reset(struct hvmon_vcpu *vcpu, bool init);

static inline void hvmon_request(struct hvmon_vcpu *vcpu, int req)
{
	set_bit(req, &vcpu->requests);
	/* Pairs with the barrier after a change of mode: hvmon_vcpu_set_mode() */
	smp_mb__after_atomic();
}

static inline bool hvmon_request_pending(struct hvmon_vcpu *vcpu, int req)
{
	return test_bit(req, &vcpu->requests);
}

static inline bool hvmon_request_take(struct hvmon_vcpu *vcpu, int req)
{
	return test_bit(req, &vcpu->requests) &&
	       test_and_clear_bit(req, &vcpu->requests);
}

/*
 * Makes the vCPU look at its requests soon: wakes it if it is blocked, sends
 * an IPI if it is in the guest on another CPU. Any context, also hard
 * interrupt and inside a section.
 */
void hvmon_vcpu_kick(struct hvmon_vcpu *vcpu);
/* Waits until every CPU that was in a section of the VM has left it */
void hvmon_kick_all_sync(struct hvmon_vm *vm);

long hvmon_vcpu_run(struct hvmon_vcpu *vcpu);
/* At its making; and when a doorbell has woken a thread that is to run here */
void hvmon_defer_init(struct hvmon_vcpu *vcpu);
void hvmon_defer_resched(struct hvmon_vcpu *vcpu);
/* True if something would wake the vCPU from HLT */
bool hvmon_vcpu_has_event(struct hvmon_vcpu *vcpu);

/* An exception for the guest; merges with one in flight (#DF, triple fault) */
void hvmon_queue_exception(struct hvmon_vcpu *vcpu, u8 vector, bool has_error,
			   u32 error, u64 payload);
static inline void hvmon_inject_gp(struct hvmon_vcpu *vcpu)
{
	hvmon_queue_exception(vcpu, 13, true, 0, 0);
}

static inline void hvmon_inject_ud(struct hvmon_vcpu *vcpu)
{
	hvmon_queue_exception(vcpu, 6, false, 0, 0);
}

/* Vectors with an error code: SDM vol. 3, table 6-1 */
#define HVMON_EXC_WITH_ERROR	(BIT(8) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14) | \
				 BIT(17) | BIT(21))
/* Could an exception have this payload? #PF: any address, #DB: BT, BS, BD, B3-B0 */
static inline bool hvmon_payload_valid(u8 vector, u64 payload)
{
	return !payload || vector == 14 || (vector == 1 && !(payload & ~0xe00fULL));
}

void hvmon_queue_nmi(struct hvmon_vcpu *vcpu);

/* state.c: checks that both vendors share; 0 or -EINVAL */
int hvmon_state_check(struct hvmon_vcpu *vcpu, u64 groups, const struct hvmon_state *st);
int hvmon_state_get(struct hvmon_vcpu *vcpu, struct hvmon_state *st);
int hvmon_state_set(struct hvmon_vcpu *vcpu, const struct hvmon_state *st);
/* Is RFLAGS possible with CR0 and EFER? */
bool hvmon_rflags_valid(u64 rflags, u64 cr0, u64 efer);
/* Bits that always read as 1 or 0 made so */
static inline u64 hvmon_fixed_rflags(u64 rflags)
{
	return (rflags & 0x3f7fd5) | 2;
}

bool hvmon_cr0_valid(struct hvmon_vcpu *vcpu, u64 cr0);
bool hvmon_cr4_valid(struct hvmon_vcpu *vcpu, u64 cr4);
/*
 * Guest-initiated changes with all checks; 0 done, or -EINVAL and the caller
 * raises #GP(0). In a section or outside.
 */
int hvmon_set_cr(struct hvmon_vcpu *vcpu, int cr, u64 val);
u64 hvmon_get_cr(struct hvmon_vcpu *vcpu, int cr);
int hvmon_set_dr(struct hvmon_vcpu *vcpu, int dr, u64 val);
u64 hvmon_get_dr(struct hvmon_vcpu *vcpu, int dr);
int hvmon_set_efer(struct hvmon_vcpu *vcpu, u64 val, bool host);
int hvmon_set_xcr0(struct hvmon_vcpu *vcpu, u64 val);

/* exit.c: neutral exits. Vendor code decodes and calls these; they decide. */
int hvmon_skip_end(struct hvmon_vcpu *vcpu);
int hvmon_exit_cpuid(struct hvmon_vcpu *vcpu);
int hvmon_exit_rdmsr(struct hvmon_vcpu *vcpu);
int hvmon_exit_wrmsr(struct hvmon_vcpu *vcpu);
int hvmon_exit_hlt(struct hvmon_vcpu *vcpu);
int hvmon_exit_xsetbv(struct hvmon_vcpu *vcpu);
int hvmon_exit_shutdown(struct hvmon_vcpu *vcpu);
/*
 * @gpa faulted in the nested tables; @access is HVMON_ACCESS_*, and FINAL if it is the
 * access itself that led there, not the walk of the guest's tables before it.
 */
#define HVMON_ACCESS_FINAL	BIT(30)
int hvmon_exit_mmu(struct hvmon_vcpu *vcpu, u64 gpa, u32 access);
/* The processor refused the state; @why is one line for the launcher */
int hvmon_exit_invalid(struct hvmon_vcpu *vcpu, u64 code, const char *why);
int hvmon_exit_unexpected(struct hvmon_vcpu *vcpu);

/* The access is vcpu->pio */
int hvmon_exit_pio(struct hvmon_vcpu *vcpu);

/* What switches tasks; in the order of VT-x's qualification */
enum hvmon_task_source {
	HVMON_TASK_CALL, HVMON_TASK_IRET, HVMON_TASK_JMP,
	HVMON_TASK_GATE,	/* of the IDT */
};

/**
 * struct hvmon_task_switch - a task switch that the processor left to us
 * @selector: of the new task's TSS
 * @source: what switches
 * @insn_len: of the instruction that does; 0 for interrupts and exceptions
 * @gdt: the guest's
 */
struct hvmon_task_switch {
	u16 selector;
	enum hvmon_task_source source;
	u8 insn_len;
	struct hvmon_dtable gdt;
};

int hvmon_exit_task_switch(struct hvmon_vcpu *vcpu, const struct hvmon_task_switch *sw);
/* Fill in vcpu->run for a launcher exit; returns HVMON_USER */
int hvmon_user_exit(struct hvmon_vcpu *vcpu, u32 exit);

/* ------------------------------------------------------------------ */
/* slot.c, pt.c, tdp.c, gwalk.c */

int hvmon_mmu_init(struct hvmon_vm *vm);	/* tables' root and notifier */
void hvmon_mmu_fini(struct hvmon_vm *vm);
int hvmon_mem_set(struct hvmon_vm *vm, const struct hvmon_mem *arg);
int hvmon_dirty_log(struct hvmon_vm *vm, struct hvmon_dirty_log *arg);
/* Frees all slots; the last thing that happens to guest memory */
void hvmon_slots_fini(struct hvmon_vm *vm);
/* Width of a guest-physical address: hvmon_info.gpa_bits */
u32 hvmon_gpa_bits(void);
/* Under vm->srcu; NULL if no slot has the frame */
struct hvmon_slot *hvmon_slot_by_gfn(struct hvmon_vm *vm, u64 gfn);
/* Whether it has a slot, by a search; if not, remembered as a hole of @gen */
bool hvmon_gfn_has_slot(struct hvmon_vcpu *vcpu, u64 gfn, u64 gen);
/* Has it a slot at the moment? Any context; the answer may be old at once */
static inline bool hvmon_gpa_has_slot(struct hvmon_vcpu *vcpu, u64 gpa)
{
	/* Pairs with slots_publish(): what is found holds as long as the number */
	u64 gen = smp_load_acquire(&vcpu->vm->slots_gen), gfn = gpa >> PAGE_SHIFT;

	if (vcpu->hole_gfn == gfn && vcpu->hole_gen == gen)
		return false;
	return hvmon_gfn_has_slot(vcpu, gfn, gen);
}

/*
 * Settle a nested page fault outside sections. Returns HVMON_RESUME when the
 * mapping is there (or the fault should be retried), -ENOENT when no slot has
 * the address or a read-only slot is written (device memory: emulate), other
 * -errno when the launcher's page cannot be had (HVMON_EXIT_FAULT).
 */
int hvmon_mmu_fault(struct hvmon_vcpu *vcpu, u64 gpa, u32 access);

/*
 * Guest-physical memory, any length, across slots. They take vm->srcu, may
 * sleep outside a section; inside one they disable page faults and return
 * -EAGAIN where the page is not present. -ENOENT: no slot; -EFAULT: a slot,
 * but the launcher has no memory there; -EROFS: write to a read-only slot.
 * Writes are marked in the dirty log. Only in the VM's address space.
 */
int hvmon_gpa_read(struct hvmon_vcpu *vcpu, u64 gpa, void *buf, size_t len);
int hvmon_gpa_write(struct hvmon_vcpu *vcpu, u64 gpa, const void *buf, size_t len);
/* Logs pages as written, by the module through its own copies or as the processor says */
void hvmon_mark_dirty(struct hvmon_vm *vm, const u64 *gpa, u32 n);

/*
 * Walk of the guest's own page tables in its present paging mode (none,
 * 32-bit, PAE, 4 and 5 levels, with SMEP, SMAP, NX, PKU and reserved bits).
 * HVMON_ACCESS_USER for CPL 3. Implicit supervisor accesses, of tables and TSSs,
 * leave it out; at a CPL below 3 HVMON_ACCESS_IMPLICIT tells them apart.
 * 0; 1 with *error set for a guest page fault; -EAGAIN inside a section.
 * @set_ad: set accessed and dirty bits as the processor would.
 */
#define HVMON_ACCESS_IMPLICIT	BIT(31)
int hvmon_gva_to_gpa(struct hvmon_vcpu *vcpu, u64 gva, u32 access, bool set_ad,
		     u64 *gpa, u32 *error);
/* Likewise, to the instruction; makes a window where it leads (window.h) */
int hvmon_window_walk(struct hvmon_vcpu *vcpu, const struct hvmon_code *code, u64 *gpa,
		      u32 *error);

/* ------------------------------------------------------------------ */
/* decode.c, emul.c */

int hvmon_emul_init(struct hvmon_vcpu *vcpu);
void hvmon_emul_fini(struct hvmon_vcpu *vcpu);
/*
 * Emulate the instruction at RIP (all of it, with its memory accesses through
 * slots, in-kernel devices or the launcher). @gpa is the address that faulted,
 * ~0 if none. HVMON_LATER inside a section.
 */
int hvmon_emulate(struct hvmon_vcpu *vcpu, u64 gpa);
/* In a section: a plain load from a device at @gpa, or a store; else HVMON_LATER */
int hvmon_emulate_device(struct hvmon_vcpu *vcpu, u64 gpa, u32 access);
/* Length of the instruction at RIP, fetched and decoded; or -errno */
int hvmon_insn_len(struct hvmon_vcpu *vcpu);
/* Fetch up to @len bytes at CS:RIP; the number, or -errno */
int hvmon_fetch_insn(struct hvmon_vcpu *vcpu, u8 *buf, int len);

/* ------------------------------------------------------------------ */
/* iobus.c */

enum { HVMON_BUS_PIO, HVMON_BUS_MMIO };

/**
 * struct hvmon_iodev_ops - an in-kernel device on a bus
 * @doorbell: gets the accesses that begin where its range does, of any length;
 *            such ranges may overlap. It has no @read
 * @read: fill @len bytes of @data; @offset from the registered start
 * @write: take them
 *
 * Called under vm->srcu, possibly inside a section: raw spinlocks only.
 * Return 0, or -EOPNOTSUPP to pass the access on, to the next doorbell there or
 * to the launcher. Inside a section @write may return HVMON_LATER.
 */
struct hvmon_iodev_ops {
	bool doorbell;
	int (*read)(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset,
		    u32 len, void *data);
	int (*write)(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset,
		     u32 len, const void *data);
};

struct hvmon_iodev {
	const struct hvmon_iodev_ops *ops;
};

/* Under vm->lock. -EEXIST if the range overlaps another, and they are not both doorbells */
int hvmon_bus_add(struct hvmon_vm *vm, int bus, u64 start, u64 len, struct hvmon_iodev *dev);
void hvmon_bus_remove(struct hvmon_vm *vm, int bus, struct hvmon_iodev *dev);
void hvmon_bus_fini(struct hvmon_vm *vm);

/*
 * A block of 16 ports has a bit of its own, one of 256 bytes shares one with others. If that
 * of an address is clear no device has it, and the bus need not be searched. Bits are never
 * cleared.
 */
static __always_inline u64 hvmon_bus_block(int bus, u64 addr)
{
	return bus == HVMON_BUS_PIO ? (u16)addr >> 4 : addr >> 8;
}

static __always_inline u32 hvmon_bus_bit(int bus, u64 block)
{
	return bus == HVMON_BUS_PIO ? block : hash_64(block, ilog2(HVMON_MMIO_BITS));
}

static __always_inline unsigned long *hvmon_bus_bits(struct hvmon_vm *vm, int bus)
{
	return bus == HVMON_BUS_PIO ? vm->pio_bits : vm->mmio_bits;
}

static __always_inline bool hvmon_bus_may_have(struct hvmon_vm *vm, int bus, u64 addr)
{
	return test_bit(hvmon_bus_bit(bus, hvmon_bus_block(bus, addr)), hvmon_bus_bits(vm, bus));
}

int hvmon_bus_search_read(struct hvmon_vcpu *vcpu, int bus, u64 addr, u32 len, void *data);
int hvmon_bus_search_write(struct hvmon_vcpu *vcpu, int bus, u64 addr, u32 len,
			   const void *data);

/**
 * hvmon_bus_read() - a vCPU reads from a bus
 * @vcpu: the reader
 * @bus: HVMON_BUS_PIO or HVMON_BUS_MMIO
 * @addr: address
 * @len: bytes
 * @data: out
 *
 * Return: 0 if a device took the access, -EOPNOTSUPP if none did.
 */
static __always_inline int hvmon_bus_read(struct hvmon_vcpu *vcpu, int bus, u64 addr, u32 len,
					  void *data)
{
	if (!hvmon_bus_may_have(vcpu->vm, bus, addr))
		return -EOPNOTSUPP;
	return hvmon_bus_search_read(vcpu, bus, addr, len, data);
}

/**
 * hvmon_bus_write() - a vCPU writes to a bus
 * @vcpu: the writer
 * @bus: HVMON_BUS_PIO or HVMON_BUS_MMIO
 * @addr: address
 * @len: bytes
 * @data: the bytes
 *
 * Return: 0 if a device took the access, -EOPNOTSUPP if none did; inside a
 * section perhaps HVMON_LATER, with nothing changed.
 */
static __always_inline int hvmon_bus_write(struct hvmon_vcpu *vcpu, int bus, u64 addr, u32 len,
					   const void *data)
{
	if (!hvmon_bus_may_have(vcpu->vm, bus, addr))
		return -EOPNOTSUPP;
	return hvmon_bus_search_write(vcpu, bus, addr, len, data);
}

/* ------------------------------------------------------------------ */
/* eventfd.c */

int hvmon_irqfd(struct hvmon_vm *vm, const struct hvmon_irqfd *arg);
/* A pin may have had its EOI: sources that held it are told. No lock is held */
void hvmon_irqfd_resample(struct hvmon_vcpu *vcpu);
int hvmon_ioeventfd(struct hvmon_vm *vm, const struct hvmon_ioeventfd *arg);
void hvmon_eventfd_init(struct hvmon_vm *vm);
void hvmon_eventfd_fini(struct hvmon_vm *vm);

/* ------------------------------------------------------------------ */
/* irq.c: routes and delivery; lapic.c, ioapic.c, pic.c, pit.c */

/* Delivery modes as in the LAPIC's ICR and in MSI data */
enum {
	HVMON_DM_FIXED, HVMON_DM_LOWEST, HVMON_DM_SMI, HVMON_DM_RESERVED,
	HVMON_DM_NMI, HVMON_DM_INIT, HVMON_DM_SIPI, HVMON_DM_EXTINT,
};

struct hvmon_irq_msg {
	u32 dest;
	bool logical;
	u8 mode;		/* HVMON_DM_* */
	u8 vector;
	bool level;		/* level-triggered */
	bool assert;
	u8 shorthand;		/* 0 none, 1 self, 2 all, 3 all but self */
	bool x2apic_dest;	/* dest is 32 bits wide: 0xffffffff broadcasts */
};

int hvmon_irqchip_create(struct hvmon_vm *vm, u32 flags);
void hvmon_irqchip_fini(struct hvmon_vm *vm);
int hvmon_irqchip_get(struct hvmon_vm *vm, struct hvmon_irqchip *arg);
int hvmon_irqchip_set(struct hvmon_vm *vm, const struct hvmon_irqchip *arg);
int hvmon_irq_routes_set(struct hvmon_vm *vm, const struct hvmon_irq_route *r, u32 n);
/* Any context but NMI. 0, or -ENOENT if no route has the GSI */
int hvmon_irq_line(struct hvmon_vm *vm, u32 gsi, int level);
/* How many vCPUs accepted it, or -EINVAL for an address that is none */
int hvmon_msi_send(struct hvmon_vm *vm, u64 addr, u32 data);
/* @src: the sender, for shorthands; may be NULL. Number of vCPUs reached */
int hvmon_irq_deliver(struct hvmon_vm *vm, struct hvmon_lapic *src,
		      const struct hvmon_irq_msg *msg);
/* A level-triggered vector was acknowledged by the vCPU's LAPIC */
void hvmon_irq_eoi(struct hvmon_vcpu *vcpu, u8 vector);

/* An interrupt the vCPU could take now (TPR, PPR, ISR considered): -1 if none */
int hvmon_irq_pending(struct hvmon_vcpu *vcpu);
/*
 * Take it: IRR to ISR, or the PIC's INTA cycle. The vector, -1 if there is none; @more
 * may be pending without a request
 */
int hvmon_irq_ack(struct hvmon_vcpu *vcpu, bool *more);

int hvmon_lapic_create(struct hvmon_vcpu *vcpu);
void hvmon_lapic_free(struct hvmon_vcpu *vcpu);
void hvmon_lapic_reset(struct hvmon_vcpu *vcpu, bool init);
u64 hvmon_lapic_get_base(struct hvmon_vcpu *vcpu);
int hvmon_lapic_set_base(struct hvmon_vcpu *vcpu, u64 base, bool host);
u32 hvmon_lapic_id(struct hvmon_vcpu *vcpu);
void hvmon_lapic_set_tpr(struct hvmon_vcpu *vcpu, u8 tpr);
/* Priority class that waits for the TPR, and for nothing else; 0: none */
u8 hvmon_lapic_masked_class(struct hvmon_vcpu *vcpu);
/* MSRs 0x800-0x8ff in x2APIC mode, TSC_DEADLINE; -EINVAL: #GP */
int hvmon_lapic_get_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 *val);
int hvmon_lapic_set_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 val);
/* Accesses to the xAPIC page of this vCPU; -EOPNOTSUPP if @gpa is not in it */
int hvmon_lapic_mmio_read(struct hvmon_vcpu *vcpu, u64 gpa, u32 len, void *data);
int hvmon_lapic_mmio_write(struct hvmon_vcpu *vcpu, u64 gpa, u32 len, const void *data);
/* INIT and SIPI latched by the LAPIC; taken by the vCPU in run.c */
bool hvmon_lapic_take_init_sipi(struct hvmon_vcpu *vcpu, int *sipi);
bool hvmon_lapic_apic_event(struct hvmon_vcpu *vcpu);	/* either is latched */
void hvmon_lapic_get_state(struct hvmon_vcpu *vcpu, struct hvmon_lapic_state *st);
int hvmon_lapic_set_state(struct hvmon_vcpu *vcpu, const struct hvmon_lapic_state *st);
/* The latched INIT and SIPI as part of struct hvmon_mp; state is not touched */
void hvmon_lapic_get_init_sipi(struct hvmon_vcpu *vcpu, struct hvmon_mp *mp);
void hvmon_lapic_set_init_sipi(struct hvmon_vcpu *vcpu, const struct hvmon_mp *mp);
/* EOI by the guest through the paravirtual flag; pv.c */
void hvmon_lapic_eoi(struct hvmon_vcpu *vcpu);
/* Exactly one vector in service, edge-triggered, and IRR is empty */
bool hvmon_lapic_pv_eoi_ok(struct hvmon_vcpu *vcpu);
/* Host TSC offset changed, or the vCPU resumes: re-arm the deadline timer */
void hvmon_lapic_tsc_changed(struct hvmon_vcpu *vcpu);
/* Interrupt if the timer is due, and arm it for its next tick; in a section or outside */
void hvmon_lapic_timer_poll(struct hvmon_vcpu *vcpu);
/*
 * The vCPU, which has a deadline, sleeps, so that the host's timer has to wake it; and
 * sleeps no more
 */
void hvmon_lapic_timer_sleep(struct hvmon_vcpu *vcpu);
void hvmon_lapic_timer_wake(struct hvmon_vcpu *vcpu);

/* ------------------------------------------------------------------ */
/* cpuid.c, msr.c, fpu.c, clock.c, pv.c */

int hvmon_cpuid_init(struct hvmon_vcpu *vcpu);	/* the default table */
void hvmon_cpuid_fini(struct hvmon_vcpu *vcpu);
int hvmon_cpuid_set(struct hvmon_vcpu *vcpu, const struct hvmon_cpuid_entry *e, u32 n);
/* CR4 or XCR0 changed: update the bits that follow the state (OSXSAVE, ...) */
void hvmon_cpuid_refresh(struct hvmon_vcpu *vcpu);
/* In a section: no locks, no allocation */
void hvmon_cpuid(struct hvmon_vcpu *vcpu, u32 leaf, u32 subleaf, u32 *eax, u32 *ebx,
		 u32 *ecx, u32 *edx);

/*
 * @host: by the launcher. 0, -EINVAL (#GP, or no such MSR). In a section
 * HVMON_LATER (positive) for those whose side effects may sleep.
 */
int hvmon_msr_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host);
int hvmon_msr_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host);
void hvmon_msr_reset(struct hvmon_vcpu *vcpu);	/* power-on values */
/* Indices of the state MSRs of this vCPU, in SET order; returns how many */
u32 hvmon_msr_list(struct hvmon_vcpu *vcpu, u32 *index, u32 room);

int hvmon_fpu_global_init(void);	/* sizes; -EOPNOTSUPP without XSAVE */
u64 hvmon_fpu_xcr0_supported(void);
u32 hvmon_fpu_xsave_size(void);
int hvmon_fpu_init(struct hvmon_vcpu *vcpu);
void hvmon_fpu_fini(struct hvmon_vcpu *vcpu);
void hvmon_fpu_reset(struct hvmon_vcpu *vcpu, bool init);
/* The stretch: both with interrupts on. Guest state is in the registers between */
void hvmon_fpu_begin(struct hvmon_vcpu *vcpu);
void hvmon_fpu_end(struct hvmon_vcpu *vcpu);
/* Inside the section, host's GIF or IF off: XCR0, XSS, PKRU */
void hvmon_fpu_section_begin(struct hvmon_vcpu *vcpu);
void hvmon_fpu_section_end(struct hvmon_vcpu *vcpu);
int hvmon_fpu_get_state(struct hvmon_vcpu *vcpu, struct hvmon_xsave *st);
int hvmon_fpu_check_state(struct hvmon_vcpu *vcpu, const struct hvmon_xsave *st);
void hvmon_fpu_set_state(struct hvmon_vcpu *vcpu, const struct hvmon_xsave *st);

void hvmon_clock_vm_init(struct hvmon_vm *vm);
int hvmon_clock_get(struct hvmon_vm *vm, struct hvmon_clock *arg);
int hvmon_clock_set(struct hvmon_vm *vm, const struct hvmon_clock *arg);
/* Rate of the host's TSC in kHz; something sane if the host could not measure it */
static inline u32 hvmon_host_tsc_khz(void)
{
	return tsc_khz ?: 1000000;
}

/* The host's TSC at the guest's rate, as the processor computes it, but for the offset */
static inline u64 hvmon_tsc_scale(const struct hvmon_vm *vm, u64 tsc)
{
	u64 ratio = vm->clock.tsc_ratio;

	return ratio ? mul_u64_u64_shr(tsc, ratio, vm->clock.tsc_frac) : tsc;
}

u64 hvmon_guest_tsc(struct hvmon_vcpu *vcpu);
/* How long the host's TSC takes, at least, until the guest's has gone so far; to 2^54 */
u64 hvmon_tsc_to_host(const struct hvmon_vm *vm, u64 cycles);
void hvmon_set_tsc_offset(struct hvmon_vcpu *vcpu, u64 offset);

void hvmon_clock_check(struct hvmon_vcpu *vcpu);

/**
 * hvmon_clock_stretch_begin() - see that the clock page holds on this CPU
 * @vcpu: the caller's, preemption is off
 *
 * Where the TSC is not the same everywhere, or not of constant rate, this asks
 * for a new page (HVMON_REQ_CLOCK), which ends the stretch before an entry.
 */
static inline void hvmon_clock_stretch_begin(struct hvmon_vcpu *vcpu)
{
	if (!READ_ONCE(vcpu->vm->clock.stable) || unlikely(check_tsc_unstable()))
		hvmon_clock_check(vcpu);
}

/* Paravirtual MSRs 0x4b564d00..; -EINVAL for #GP */
int hvmon_pv_get_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 *val);
int hvmon_pv_set_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 val);
void hvmon_pv_reset(struct hvmon_vcpu *vcpu, bool init);
/* Serve HVMON_REQ_CLOCK and HVMON_REQ_STEAL; outside sections */
void hvmon_pv_clock_update(struct hvmon_vcpu *vcpu);
bool hvmon_pv_steal_grew(struct hvmon_vcpu *vcpu);
void hvmon_pv_steal_update(struct hvmon_vcpu *vcpu);	/* clears "preempted" */
/* The thread has waited, and the guest may want to know */
static inline void hvmon_pv_steal_request(struct hvmon_vcpu *vcpu)
{
	if (vcpu->pv.steal_msr)
		hvmon_request(vcpu, HVMON_REQ_STEAL);
}

/* hvmon_pv_mark_preempted(), of a guest that asked for it */
void hvmon_pv_tell_preempted(struct hvmon_vcpu *vcpu);

/**
 * hvmon_pv_mark_preempted() - the vCPU will not run for a while
 * @vcpu: the caller's; in a stretch or outside, where it may sleep
 */
static inline void hvmon_pv_mark_preempted(struct hvmon_vcpu *vcpu)
{
	if (vcpu->pv.steal_msr)
		hvmon_pv_tell_preempted(vcpu);
}

void hvmon_pv_eoi_offer(struct hvmon_vcpu *vcpu);
bool hvmon_pv_eoi_take_back(struct hvmon_vcpu *vcpu);

/**
 * hvmon_pv_eoi_set() - let the guest skip its next EOI
 * @vcpu: the caller's, before an entry; in a section or outside
 *
 * Not where the processor takes EOIs: nothing is saved.
 */
static inline void hvmon_pv_eoi_set(struct hvmon_vcpu *vcpu)
{
	if (vcpu->pv.eoi_msr && vcpu->lapic && !vcpu->virt_intr && !vcpu->pv.eoi_pending)
		hvmon_pv_eoi_offer(vcpu);
}

/**
 * hvmon_pv_eoi_sync() - take the flag back, and do the EOI if the guest did
 * @vcpu: the caller's, before anything looks at the LAPIC after an exit
 *
 * Return: true if the LAPIC is up to date. False in a section whose memory is
 * not at hand: the section will end (HVMON_REQ_KICK), and no interrupt may be injected,
 * because the one in service may be done with.
 */
static inline bool hvmon_pv_eoi_sync(struct hvmon_vcpu *vcpu)
{
	return !vcpu->pv.eoi_pending || hvmon_pv_eoi_take_back(vcpu);
}

static inline bool hvmon_pv_unhalted(struct hvmon_vcpu *vcpu)
{
	return READ_ONCE(vcpu->pv.unhalted);
}

static inline void hvmon_pv_clear_unhalted(struct hvmon_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->pv.unhalted, false);
}

/* Hypercalls: kick a vCPU, send IPIs */
int hvmon_exit_hypercall(struct hvmon_vcpu *vcpu);

/* ------------------------------------------------------------------ */
/* stats.c */

void hvmon_debugfs_init(void);
void hvmon_debugfs_exit(void);
void hvmon_debugfs_add_vm(struct hvmon_vm *vm);
void hvmon_debugfs_remove_vm(struct hvmon_vm *vm);
void hvmon_debugfs_add_vcpu(struct hvmon_vcpu *vcpu);
void hvmon_vm_stats_get(struct hvmon_vm *vm, struct hvmon_vm_stats *arg);
void hvmon_vcpu_stats_get(struct hvmon_vcpu *vcpu, struct hvmon_vcpu_stats *arg);

#endif /* _HVMON_H */
