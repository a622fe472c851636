// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets to the host, for the guest of ./vsock.sh; busybox has none of that family.
 * Usage: vsock connect CID PORT	sends standard input, prints what comes back
 *        vsock serve PORT COMMAND...	for each who connects, on it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int copy(int from, int to)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		for (ssize_t done = 0, m; done < n; done += m) {
			m = write(to, buf + done, n - done);
			if (m < 0)
				return -1;
		}
	return n;
}

static int talk(int fd, const struct sockaddr_vm *to)
{
	if (connect(fd, (const void *)to, sizeof(*to)))
		return fail("connect");
	if (copy(STDIN_FILENO, fd) || shutdown(fd, SHUT_WR))
		return fail("send");
	return copy(fd, STDOUT_FILENO) ? fail("receive") : 0;
}

static int serve(int fd, const struct sockaddr_vm *at, char **command)
{
	if (bind(fd, (const void *)at, sizeof(*at)) || listen(fd, 8))
		return fail("listen");
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			return fail("accept");
		if (!fork()) {
			signal(SIGCHLD, SIG_DFL);
			dup2(peer, STDIN_FILENO);
			dup2(peer, STDOUT_FILENO);
			close(peer);
			execvp(command[0], command);
			exit(fail(command[0]));
		}
		close(peer);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_vm addr = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail("socket");
	if (argc == 4 && !strcmp(argv[1], "connect")) {
		addr.svm_cid = strtoul(argv[2], NULL, 0);
		addr.svm_port = strtoul(argv[3], NULL, 0);
		return talk(fd, &addr);
	}
	if (argc >= 4 && !strcmp(argv[1], "serve")) {
		addr.svm_port = strtoul(argv[2], NULL, 0);
		return serve(fd, &addr, argv + 3);
	}
	fputs("usage: vsock connect CID PORT | serve PORT COMMAND...\n", stderr);
	return 2;
}
