// SPDX-License-Identifier: GPL-2.0
/* Forks and executes itself N times on all CPUs and checks every status. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1000, at_once = 4, running = 0, sum = 0, want = 0, i;

	if (argc > 2)
		return atoi(argv[2]) * 7 % 64;
	for (i = 0; i < n || running; ) {
		int status;

		if (i < n && running < at_once) {
			char num[16];
			pid_t pid;

			snprintf(num, sizeof(num), "%d", i % 1000);
			pid = fork();
			if (pid < 0) {
				perror("fork");
				return 1;
			}
			if (!pid) {
				execl("/proc/self/exe", "forks", "0", num, NULL);
				_exit(127);
			}
			want += i % 1000 * 7 % 64;
			running++;
			i++;
			continue;
		}
		if (wait(&status) < 0 || !WIFEXITED(status)) {
			printf("a child ended with status %#x\n", status);
			return 1;
		}
		sum += WEXITSTATUS(status);
		running--;
	}
	if (sum != want) {
		printf("forks: the statuses sum to %d, not %d\n", sum, want);
		return 1;
	}
	printf("forks: %d ok\n", n);
	return 0;
}
