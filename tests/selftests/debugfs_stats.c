// SPDX-License-Identifier: GPL-2.0
/* Another process reads in debugfs what VCPU_STATS and VM_STATS say, until the VM goes. */
#include "hvt.h"

#include <glob.h>

GUEST64(guest,
	"mov $10, %esi\n"
	"1: xor %eax, %eax\n"
	"cpuid\n"
	"dec %esi\n"
	"jnz 1b\n"
	"movl $1, 0x300000\n"
	"hlt\n");

static const char dir[] = "/sys/kernel/debug/hvmon";

/* The value of @name in @file; -1 if there is none */
static long long counter(const char *file, const char *name)
{
	FILE *f = fopen(file, "r");
	long long value;
	char word[64];

	if (!f)
		return -1;
	while (fscanf(f, "%63s %lld", word, &value) == 2) {
		if (!strcmp(word, name)) {
			fclose(f);
			return value;
		}
	}
	fclose(f);
	return -1;
}

int main(void)
{
	HVT_DEFINE_ARG(hvmon_vm_create, create, .name = "debugfs-test");
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_vcpu_stats st;
	struct hvmon_vm_stats vm;
	char file[256], pattern[128];
	glob_t g;
	int fd;

	while (hvt_run(v) != HVMON_EXIT_HLT)
		;
	/* Of this process there is one VM, named after it */
	snprintf(pattern, sizeof(pattern), "%s/*-%.31s", dir, program_invocation_short_name);
	CHECK_EQ(glob(pattern, 0, NULL, &g), 0);
	CHECK_EQ(g.gl_pathc, 1);
	st = hvt_stats(v);
	vm = hvt_vm_stats(v->vm);
	snprintf(file, sizeof(file), "%s/vcpu0", g.gl_pathv[0]);
	CHECK_EQ(counter(file, "cpuid"), 10);
	CHECK_EQ(counter(file, "exits"), (long long)st.exits);
	CHECK_EQ(counter(file, "guest_ns"), (long long)st.guest_ns);
	CHECK_EQ(counter(file, "timer"), (long long)st.timer);
	snprintf(file, sizeof(file), "%s/vm", g.gl_pathv[0]);
	CHECK_EQ(counter(file, "vcpus"), 1);
	CHECK_EQ(counter(file, "table_pages"), (long long)vm.table_pages);

	/* The name that VM_CREATE was given; gone with the VM */
	fd = SYS(ioctl(hvt_dev(), HVMON_VM_CREATE, &create));
	snprintf(pattern, sizeof(pattern), "%s/*-debugfs-test/vm", dir);
	CHECK_EQ(glob(pattern, 0, NULL, &g), 0);
	CHECK_EQ(counter(g.gl_pathv[0], "vcpus"), 0);
	close(fd);
	CHECK_EQ(glob(pattern, 0, NULL, &g), GLOB_NOMATCH);
	return 0;
}
