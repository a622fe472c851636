// SPDX-License-Identifier: GPL-2.0
/*
 * Another process that gets the fds through SCM_RIGHTS can read state but gets
 * EIO from RUN and memory calls.
 */
#include "hvt.h"

GUEST64(guest, "1: inc %eax\n" G_REPORT "jmp 1b\n");

union ctl {
	char buf[CMSG_SPACE(2 * sizeof(int))];
	struct cmsghdr align;
};

static void send_fds(int sock, const int *fds)
{
	union ctl ctl = { 0 };
	struct iovec io = { .iov_base = "x", .iov_len = 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl.buf,
			    .msg_controllen = sizeof(ctl.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
	SYS(sendmsg(sock, &m, 0));
}

static void receive_fds(int sock, int *fds)
{
	union ctl ctl;
	char x;
	struct iovec io = { .iov_base = &x, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl.buf,
			    .msg_controllen = sizeof(ctl.buf) };

	SYS(recvmsg(sock, &m, 0));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), 2 * sizeof(int));
}

int main(void)
{
	int sock[2], fds[2], status;
	pid_t pid;

	SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	/* The child is forked before there is a VM: it shares nothing with it */
	pid = SYS(fork());
	if (pid) {
		struct hvt_vcpu *v = HVT_BOOT(64, guest);

		CHECK_EQ(EXPECT_REPORT(v), 1);
		fds[0] = v->vm->fd;
		fds[1] = v->fd;
		send_fds(sock[0], fds);
		SYS(waitpid(pid, &status, 0));
		CHECK_EQ(status, 0);
		CHECK_EQ(EXPECT_REPORT(v), 2);
		return 0;
	}
	receive_fds(sock[1], fds);
	{
		struct hvt_vm vm = { .fd = fds[0] };
		struct hvt_vcpu v = { .fd = fds[1], .vm = &vm };

		CHECK_EQ(hvt_reg(&v, HVMON_RAX), 1);
		REFUSED(ioctl(fds[1], HVMON_RUN, 0), EIO);
		REFUSED(hvt_try_mem(fds[0], 1, 0, 32 * MiB, 4096, hvt_anon(4096)), EIO);
		/* A vCPU for a VM of another address space would be of no use */
		CHECK_EQ(hvt_vm_stats(&vm).slots, 1);
	}
	return 0;
}
