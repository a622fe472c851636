// SPDX-License-Identifier: GPL-2.0
/*
 * A VMXON region or a VMCS whose revision does not fit: RUN and VCPU_CREATE fail
 * with EIO, the kernel's log has a line that says why, the host's registers are as
 * they were; other vCPUs run if it is the VMCS alone; and with the right revision
 * the same vCPU goes on where it was.
 *
 * hvmon_spoil.ko (tests/modules/spoil.c) spoils them in the memory of the module
 * that is under test. It is unloaded, and has put all back, however this ends.
 */
#include "hvt.h"

#include <sys/syscall.h>
#include <sys/utsname.h>

#define PARAMETERS	"/sys/module/hvmon_spoil/parameters/"

GUEST64(guest, "1: inc %eax\n" G_REPORT "jmp 1b\n");

static void spoil(const char *what, u32 mask)
{
	char path[100], val[20];
	int fd;

	snprintf(path, sizeof(path), PARAMETERS "%s", what);
	snprintf(val, sizeof(val), "0x%x", mask);
	fd = SYS(open(path, O_WRONLY));
	SYS(write(fd, val, strlen(val)));
	close(fd);
}

static const char *host(void)
{
	static char text[2][2048];
	static int n;
	int fd = SYS(open(PARAMETERS "host", O_RDONLY));

	n ^= 1;
	text[n][SYS(read(fd, text[n], sizeof(text[n]) - 1))] = 0;
	close(fd);
	return text[n];
}

/* hvmon's lines in the kernel's log since the last call; @line: one of them */
static unsigned int said(char *line, size_t size)
{
	static int fd = -1;
	unsigned int lines = 0;
	char buf[2048];
	ssize_t n;

	if (fd < 0) {
		fd = SYS(open("/dev/kmsg", O_RDONLY | O_NONBLOCK));
		SYS(lseek(fd, 0, SEEK_END));
	}
	for (;;) {
		n = read(fd, buf, sizeof(buf) - 1);
		if (n < 0 && errno == EPIPE)
			continue;	/* the oldest have been overwritten */
		if (n < 0)
			break;
		buf[n] = 0;
		if (!strstr(buf, ";hvmon: "))
			continue;
		buf[strcspn(buf, "\n")] = 0;
		snprintf(line, size, "%s", strstr(buf, ";hvmon: ") + 1);
		lines++;
	}
	return lines;
}

/* The last call has failed */
static void explained(const char *insn, u32 mask, const char *before)
{
	char line[200] = "";
	unsigned int lines = said(line, sizeof(line));
	const char *after = host();

	CHECK(lines == 1, "%s, %#x: %u lines in the log, the last \"%s\"", insn, mask, lines,
	      line);
	CHECK(strstr(line, insn) && strstr(line, "revision"), "\"%s\"", line);
	CHECK(!strcmp(before, after), "%s, %#x: the host had %s now it has %s", insn, mask, before,
	      after);
}

static void test(void)
{
	static const u32 masks[] = { 1, 1u << 30, 1u << 31 };
	struct hvt_vcpu *v, *other;
	char line[200];
	const char *before;
	unsigned int i;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	SYS(sched_setaffinity(0, sizeof(cpu), &cpu));
	other = HVT_BOOT(64, guest);
	v = HVT_BOOT(64, guest);
	CHECK_EQ(EXPECT_REPORT(other), 1);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	said(line, sizeof(line));
	before = host();

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		spoil("region", masks[i]);
		REFUSED(ioctl(v->fd, HVMON_RUN, 0), EIO);
		explained("VMXON", masks[i], before);
		REFUSED(hvt_try_vcpu(v->vm->fd, 1), EIO);
		explained("VMXON", masks[i], before);
		spoil("region", 0);
		CHECK_EQ(EXPECT_REPORT(v), i + 2);
	}
	/* Bit 31 would make it a shadow VMCS, which VMPTRLD takes */
	for (i = 0; i < ARRAY_SIZE(masks) - 1; i++) {
		spoil("vmcs", masks[i]);
		REFUSED(ioctl(v->fd, HVMON_RUN, 0), EIO);
		explained("VMPTRLD", masks[i], before);
		CHECK_EQ(EXPECT_REPORT(other), i + 2);
		REFUSED(ioctl(v->fd, HVMON_RUN, 0), EIO);
		explained("VMPTRLD", masks[i], before);
		spoil("vmcs", 0);
		CHECK_EQ(EXPECT_REPORT(v), i + 2 + ARRAY_SIZE(masks));
	}
	v = HVT_BOOT(64, guest);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(said(line, sizeof(line)), 0);
}

/* Beside the module that is under test: build/mod-RELEASE */
static int open_module(void)
{
	char self[4096], path[4600];
	struct utsname u;
	ssize_t n = SYS(readlink("/proc/self/exe", self, sizeof(self) - 1));
	int fd;

	self[n] = 0;
	*strrchr(self, '/') = 0;
	SYS(uname(&u));
	snprintf(path, sizeof(path), "%s/../mod-%s/hvmon_spoil.ko", self, u.release);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		hvt_skip("%s: %s: 'make lab-module' builds it", path, strerror(errno));
	return fd;
}

int main(void)
{
	int status, fd;
	pid_t pid;

	if (hvt_info().vendor != HVMON_VENDOR_VMX)
		hvt_skip("this processor has no VT-x");
	fd = open_module();
	SYS(syscall(SYS_finit_module, fd, "", 0));
	pid = SYS(fork());
	if (!pid) {
		test();
		_exit(0);
	}
	SYS(waitpid(pid, &status, 0));
	SYS(syscall(SYS_delete_module, "hvmon_spoil", 0));
	if (WIFSIGNALED(status))
		FAIL("the test died of signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}
