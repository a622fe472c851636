// SPDX-License-Identifier: GPL-2.0
/* The keeper, asked by a launcher, which is this process or a child of it */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "keeper.h"
#include "program.h"
#include "unit.h"

static char dir[32] = "/tmp/hvmon-keeper.XXXXXX", path[64], own[64];
static char *const program[] = { "sh", "-c", "echo words; exec sleep 1000", NULL };
static struct options options;
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

/* ---- a program */

static const char *prepared(const void *arg)
{
	errno = EPERM;
	return arg;
}

static const char *speaks(const void *arg)
{
	char byte = 'x';

	(void)!send(PROGRAM_FD, &byte, 1, 0);
	dprintf(STDERR_FILENO, "%s\n", (const char *)arg);
	recv(PROGRAM_FD, &byte, 1, 0);
	_exit(5);
}

/* What it said, or how it ended, if it was started */
static const char *end_of(char *const argv[], int fd, const char *(*prepare)(const void *arg),
			  const void *arg, unsigned int patience_ms, bool said)
{
	static char how[PROGRAM_HOW];
	static struct program p;

	if (program_start(&p, argv, fd, prepare, arg))
		return "not started";
	program_end(&p, patience_ms, how);
	expect(!p.pid && p.messages == -1);
	expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	return said ? p.words : how;
}

static void test_program(void)
{
	char *const fails[] = { "sh", "-c", "echo one; echo t\033wo >&2; echo; exit 3", NULL };
	char *const talks[] = { "sh", "-c", "yes | head -c 1000000", NULL };
	char *const listens[] = { "sh", "-c", "[ -S /proc/self/fd/3 ] && [ ! -e /proc/self/fd/4 ] "
				  "&& echo a socket", NULL };
	char *const waits[] = { "sleep", "100", NULL };
	char *const long_line[] = { "sh", "-c", "printf '%0300d: cause\\n' 0", NULL };
	int fd = open("/", O_PATH), pair[2];
	char how[PROGRAM_HOW];
	const char *words;
	struct program p;

	claim("program: how it ended, and what it said last, on either stream");
	expect(!strcmp(end_of(fails, -1, NULL, NULL, 5000, true), "t?wo"));
	expect(!strcmp(end_of(fails, -1, NULL, NULL, 5000, false), "ended with status 3"));
	expect(!strcmp(end_of(talks, -1, NULL, NULL, 5000, false), "ended with status 0"));

	claim("program: of a long line the end, where the cause is");
	words = end_of(long_line, -1, NULL, NULL, 5000, true);
	expect(strlen(words) == PROGRAM_WORDS - 1 && !strncmp(words, "...000", 6) &&
	       !strcmp(words + strlen(words) - 9, "00: cause"));

	claim("program: it has one file beside its streams");
	if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		exit(1);
	expect(!strcmp(end_of(listens, pair[0], NULL, NULL, 5000, true), "a socket"));
	close(pair[0]);
	close(pair[1]);
	close(fd);

	claim("program: one that was killed, and one that we end");
	expect(!program_start(&p, waits, -1, NULL, NULL));
	kill(p.pid, SIGKILL);
	program_end(&p, 5000, how);
	expect(!strcmp(how, "was killed by SIGKILL"));
	expect(!*end_of(waits, -1, NULL, NULL, 0, false));

	claim("program: one that is not there, or cannot be prepared, says so");
	expect(!strcmp(end_of(none, -1, NULL, NULL, 5000, true),
		       "/nonexistent: No such file or directory"));
	expect(!strcmp(end_of(waits, -1, prepared, "preparing", 5000, true),
		       "preparing: Operation not permitted"));
}

/* ---- the keeper */

static void test_list(void)
{
	static const int unknown;

	claim("keeper: only what is in the list is done, and only what it is there for");
	expect(keeper_connect(&unknown) == -EINVAL);
	expect(keeper_connect(own) == -EINVAL);
	keeper_remove(path);
	expect(!access(path, F_OK));
}

static void test_socket(int listener)
{
	int fd = keeper_connect(path), other;
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
	expect(keeper_connect(path) == -ECONNREFUSED);
	unlink(path);
	expect(keeper_connect(path) == -ENOENT);
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

static void test_programs(void)
{
	pid_t keeper = child_of(getpid()), pid, pid2;
	int fd = keeper_connect(program), fd2;
	struct keeper_end end;
	char byte;

	claim("keeper: a program is started, and a new one in the place of an old one");
	expect(fd >= 0);
	pid = child_of(keeper);
	expect(pid > 0 && runs(pid));
	fd2 = keeper_connect(program);
	expect(fd2 >= 0 && !runs(pid));
	/* It had not accepted the connection: that is a reset */
	expect(recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET);
	pid2 = child_of(keeper);
	expect(pid2 > 0 && pid2 != pid && runs(pid2));

	claim("keeper: a program is ended");
	usleep(200000);
	keeper_end(program, 0, &end);
	expect(!runs(pid2) && !*end.how && !strcmp(end.words, "words"));
	close(fd);
	close(fd2);

	claim("keeper: a program that cannot be run says so, and its connection ends");
	fd = keeper_connect(none);
	expect(fd >= 0 && recv(fd, &byte, 1, 0) <= 0);
	keeper_end(none, 1000, &end);
	expect(!strcmp(end.how, "ended with status 127"));
	expect(!strcmp(end.words, "/nonexistent: No such file or directory"));
	close(fd);

	claim("keeper: a process that is no program, and how it ended");
	fd = keeper_connect(speaks);
	expect(fd >= 0 && recv(fd, &byte, 1, 0) == 1 && byte == 'x');
	close(fd);
	keeper_end(speaks, 1000, &end);
	expect(!strcmp(end.how, "ended with status 5") && !strcmp(end.words, "it speaks"));
}

static void test_launcher_dies(void)
{
	pid_t launcher, pid[2] = { 0 };
	int ends[2];

	claim("keeper: it goes when the launcher is killed, and what it has started, too");
	if (pipe(ends))
		exit(1);
	launcher = fork();
	if (!launcher) {
		if (keeper_start(&options) || keeper_connect(program) < 0)
			_exit(1);
		pid[0] = child_of(getpid());
		pid[1] = child_of(pid[0]);
		(void)!write(ends[1], pid, sizeof(pid));
		pause();
	}
	expect(read(ends[0], pid, sizeof(pid)) == sizeof(pid) && runs(pid[0]) && runs(pid[1]));
	kill(launcher, SIGKILL);
	waitpid(launcher, NULL, 0);
	expect(goes(pid[0]) && goes(pid[1]));
	close(ends[0]);
	close(ends[1]);
}

static void test_keeper_dies(void)
{
	pid_t keeper = child_of(getpid()), pid;

	claim("keeper: when it is killed, what it has started goes, and requests fail");
	expect(keeper_connect(program) >= 0);
	pid = child_of(keeper);
	expect(keeper > 0 && runs(keeper) && pid > 0 && runs(pid));
	kill(keeper, SIGTERM);
	usleep(100000);
	expect(runs(keeper));
	kill(keeper, SIGKILL);
	expect(goes(pid));
	expect(keeper_connect(program) == -EPIPE);
	expect(keeper_connect(program) == -EPIPE);
	keeper_end(program, 0, NULL);
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
	if (keeper_add_program(program, program, NULL, NULL) ||
	    keeper_add_program(none, none, NULL, NULL))
		return 1;
	keeper_add_process(speaks, speaks, "it speaks");
	listener = listen_at(path);
	test_program();
	test_launcher_dies();
	if (keeper_start(&options))
		return 1;
	test_list();
	test_socket(listener);
	test_own_socket();
	test_programs();
	test_keeper_dies();
	rmdir(dir);
	return unit_finish();
}
