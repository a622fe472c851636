/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints. Their formats are documented in Documentation/tracing.rst. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hvmon

#if !defined(_HVMON_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _HVMON_TRACE_H

#include <linux/tracepoint.h>

#include "hvmon.h"

TRACE_EVENT(hvmon_entry,
	TP_PROTO(struct hvmon_vcpu *vcpu),
	TP_ARGS(vcpu),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->rip = vcpu->regs.rip;
	),
	TP_printk("vm %u vcpu %u rip 0x%llx", __entry->vm, __entry->vcpu, __entry->rip)
);

TRACE_EVENT(hvmon_exit,
	TP_PROTO(struct hvmon_vcpu *vcpu),
	TP_ARGS(vcpu),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, rip)
		__field(u64, code)
		__field(u64, info1)
		__field(u64, info2)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->rip = vcpu->regs.rip;
		__entry->code = vcpu->exit.code;
		__entry->info1 = vcpu->exit.info1;
		__entry->info2 = vcpu->exit.info2;
	),
	TP_printk("vm %u vcpu %u rip 0x%llx code 0x%llx info 0x%llx 0x%llx",
		  __entry->vm, __entry->vcpu, __entry->rip, __entry->code,
		  __entry->info1, __entry->info2)
);

TRACE_EVENT(hvmon_fault,
	TP_PROTO(struct hvmon_vcpu *vcpu, u64 gpa, u32 access, int result),
	TP_ARGS(vcpu, gpa, access, result),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, gpa)
		__field(u32, access)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->gpa = gpa;
		__entry->access = access;
		__entry->result = result;
	),
	TP_printk("vm %u vcpu %u gpa 0x%llx %s%s result %d",
		  __entry->vm, __entry->vcpu, __entry->gpa,
		  __entry->access & HVMON_ACCESS_WRITE ? "write" : "read",
		  __entry->access & HVMON_ACCESS_EXEC ? " exec" : "",
		  __entry->result)
);

TRACE_EVENT(hvmon_inject,
	TP_PROTO(struct hvmon_vcpu *vcpu, const struct hvmon_event *ev, bool again),
	TP_ARGS(vcpu, ev, again),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u8, type)
		__field(u8, vector)
		__field(bool, again)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->type = ev->type;
		__entry->vector = ev->vector;
		__entry->again = again;
		__entry->error = ev->has_error ? ev->error : 0;
	),
	TP_printk("vm %u vcpu %u %s vector %u error 0x%x%s",
		  __entry->vm, __entry->vcpu,
		  __print_symbolic(__entry->type,
				   { HVMON_EV_INTR, "interrupt" },
				   { HVMON_EV_NMI, "nmi" },
				   { HVMON_EV_EXCEPTION, "exception" },
				   { HVMON_EV_SOFT_INT, "int-n" },
				   { HVMON_EV_PRIV_SW, "int1" },
				   { HVMON_EV_SW_EXC, "int3" }),
		  __entry->vector, __entry->error, __entry->again ? " again" : "")
);

TRACE_EVENT(hvmon_msr,
	TP_PROTO(struct hvmon_vcpu *vcpu, bool write, u32 msr, u64 value, bool fault),
	TP_ARGS(vcpu, write, msr, value, fault),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u32, msr)
		__field(u64, value)
		__field(bool, write)
		__field(bool, fault)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->msr = msr;
		__entry->value = value;
		__entry->write = write;
		__entry->fault = fault;
	),
	TP_printk("vm %u vcpu %u %s 0x%x value 0x%llx%s",
		  __entry->vm, __entry->vcpu, __entry->write ? "wrmsr" : "rdmsr",
		  __entry->msr, __entry->value, __entry->fault ? " #GP" : "")
);

TRACE_EVENT(hvmon_pio,
	TP_PROTO(struct hvmon_vcpu *vcpu, bool write, u16 port, u8 size, u32 count, u32 value),
	TP_ARGS(vcpu, write, port, size, count, value),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u16, port)
		__field(u8, size)
		__field(bool, write)
		__field(u32, count)
		__field(u32, value)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->port = port;
		__entry->size = size;
		__entry->write = write;
		__entry->count = count;
		__entry->value = value;
	),
	TP_printk("vm %u vcpu %u %s 0x%x size %u count %u value 0x%x",
		  __entry->vm, __entry->vcpu, __entry->write ? "out" : "in",
		  __entry->port, __entry->size, __entry->count, __entry->value)
);

TRACE_EVENT(hvmon_mmio,
	TP_PROTO(struct hvmon_vcpu *vcpu, bool write, u64 gpa, u32 len, u64 value, bool user),
	TP_ARGS(vcpu, write, gpa, len, value, user),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, gpa)
		__field(u32, len)
		__field(u64, value)
		__field(bool, write)
		__field(bool, user)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->gpa = gpa;
		__entry->len = len;
		__entry->value = value;
		__entry->write = write;
		__entry->user = user;
	),
	TP_printk("vm %u vcpu %u %s 0x%llx len %u value 0x%llx%s",
		  __entry->vm, __entry->vcpu, __entry->write ? "write" : "read",
		  __entry->gpa, __entry->len, __entry->value,
		  __entry->user ? " launcher" : "")
);

#endif /* _HVMON_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
