// SPDX-License-Identifier: GPL-2.0
/* The keeper, asked by a launcher, which is this process or a child of it */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "keeper.h"
#include "unit.h"

static char dir[32] = "/tmp/hvmon-keeper.XXXXXX", path[64], own[64];
static char *const program[] = { "sh", "-c", "echo $$; exec sleep 1000", NULL };
static char *const none[] = { "/nonexistent", NULL };

static int listen_at(const char *at)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sa.sun_path, at);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 1))
		exit(1);
	return fd;
}

/* The PID that the program has written there, within a second or two; or 0 */
static int told(int messages)
{
	char text[32] = "";

	for (int i = 0; i < 200 && !strchr(text, '\n'); i++) {
		usleep(10000);
		(void)!pread(messages, text, sizeof(text) - 1, 0);
	}
	return atoi(text);
}

/* Whether it is; a zombie that nobody has waited for is not */
static bool runs(int pid)
{
	char name[32], text[256] = "", *state;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	fd = open(name, O_RDONLY);
	if (fd < 0)
		return false;
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	state = strrchr(text, ')');
	return state && state[2] != 'Z' && state[2] != 'X';
}

static bool goes(int pid)
{
	for (int i = 0; i < 300 && runs(pid); i++)
		usleep(10000);
	return !runs(pid);
}

/* Of this process, which has one */
static pid_t child(void)
{
	char name[64], text[32] = "";
	int fd;

	snprintf(name, sizeof(name), "/proc/self/task/%d/children", getpid());
	fd = open(name, O_RDONLY);
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return atoi(text);
}

static void test_list(void)
{
	static const int unknown;

	claim("keeper: only what is in the list is done, and only what it is there for");
	expect(keeper_connect(&unknown, NULL) == -EINVAL);
	expect(keeper_connect(own, NULL) == -EINVAL);
	keeper_remove(path);
	expect(!access(path, F_OK));
}

static void test_socket(int listener)
{
	int fd = keeper_connect(path, NULL), other;
	struct timeval timeout = { 0 };
	socklen_t len = sizeof(timeout);
	char byte = 0;

	claim("keeper: a connection comes back, which waits for nobody without end");
	expect(fd >= 0);
	other = accept(listener, NULL, NULL);
	expect(send(fd, "x", 1, 0) == 1 && recv(other, &byte, 1, 0) == 1 && byte == 'x');
	expect(!getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &len) && timeout.tv_sec == 10);
	expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(other);
	close(fd);

	claim("keeper: if nobody listens, that is the answer");
	close(listener);
	expect(keeper_connect(path, NULL) == -ECONNREFUSED);
	unlink(path);
	expect(keeper_connect(path, NULL) == -ENOENT);
}

static void test_own_socket(void)
{
	claim("keeper: it removes a socket, and nothing else that has its name");
	close(listen_at(own));
	keeper_remove(own);
	expect(access(own, F_OK));
	close(open(own, O_CREAT | O_WRONLY, 0600));
	keeper_remove(own);
	expect(!access(own, F_OK));
	unlink(own);
}

static void test_program(void)
{
	int messages, again, fd = keeper_connect(program, &messages), fd2, pid, pid2;
	char byte, said[10] = "";

	claim("keeper: a program is started, and a new one in the place of an old one");
	expect(fd >= 0 && messages >= 0);
	pid = told(messages);
	expect(pid > 0 && runs(pid));
	fd2 = keeper_connect(program, &again);
	expect(fd2 >= 0 && !runs(pid));
	/* It had not accepted the connection: that is a reset */
	expect(recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET);
	pid2 = told(again);
	expect(pid2 > 0 && pid2 != pid && runs(pid2));

	claim("keeper: a program is ended");
	keeper_end(program);
	expect(!runs(pid2));
	close(fd);
	close(fd2);
	close(messages);
	close(again);

	claim("keeper: a program that cannot be run says so, and its connection ends");
	fd = keeper_connect(none, &messages);
	expect(fd >= 0 && recv(fd, &byte, 1, 0) <= 0);
	keeper_end(none);
	expect(pread(messages, said, 9, 0) == 9 && !strcmp(said, "No such f"));
	close(fd);
	close(messages);
}

static void test_launcher_dies(void)
{
	int ends[2], pid = 0, messages;
	pid_t launcher;

	claim("keeper: it goes when the launcher is killed, and what it has started, too");
	if (pipe(ends))
		exit(1);
	launcher = fork();
	if (!launcher) {
		if (keeper_start() || keeper_connect(program, &messages) < 0)
			_exit(1);
		pid = told(messages);
		(void)!write(ends[1], &pid, sizeof(pid));
		pid = child();
		(void)!write(ends[1], &pid, sizeof(pid));
		pause();
	}
	expect(read(ends[0], &pid, sizeof(pid)) == sizeof(pid) && runs(pid));
	expect(read(ends[0], &messages, sizeof(messages)) == sizeof(messages) && runs(messages));
	kill(launcher, SIGKILL);
	waitpid(launcher, NULL, 0);
	expect(goes(pid) && goes(messages));
	close(ends[0]);
	close(ends[1]);
}

static void test_keeper_dies(void)
{
	int messages, pid;
	pid_t keeper = child();

	claim("keeper: when it is killed, what it has started goes, and requests fail");
	expect(keeper_connect(program, &messages) >= 0);
	pid = told(messages);
	expect(keeper > 0 && runs(keeper) && runs(pid));
	kill(keeper, SIGTERM);
	usleep(100000);
	expect(runs(keeper));
	kill(keeper, SIGKILL);
	expect(goes(pid));
	expect(keeper_connect(program, NULL) == -EPIPE);
	expect(keeper_connect(program, NULL) == -EPIPE);
	keeper_end(program);
}

int main(void)
{
	int listener;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(60);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(own, sizeof(own), "%s/own", dir);
	keeper_add_socket(path, path);
	keeper_add_own_socket(own, own);
	keeper_add_program(program, program);
	keeper_add_program(none, none);
	listener = listen_at(path);
	test_launcher_dies();
	if (keeper_start())
		return 1;
	test_list();
	test_socket(listener);
	test_own_socket();
	test_program();
	test_keeper_dies();
	rmdir(dir);
	return unit_finish();
}
