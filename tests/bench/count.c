// SPDX-License-Identifier: GPL-2.0
/*
 * Beside a monitor in the lab host: what had been counted when its guest wrote a line.
 *
 *	count PATTERN[:WORD]... <CONSOLE
 *
 * Copies the lines "MARK NAME" of the guest's console, each with the instructions so
 * far, less those of idling, and for each PATTERN, a glob(7) pattern, the sum of the
 * numbers that stand in such files; with WORD, of those that follow it there. Other
 * lines are copied after "SAID ".
 */
#define _GNU_SOURCE
#include <glob.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

static volatile uint64_t spun;

static void policy(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, policy, &param)) {
		perror("count: sched_setscheduler");
		exit(1);
	}
}

/*
 * Runs where the processor would be idle, as in bench.c: the emulator's TSC jumps over
 * idle time, but counts this, which can be subtracted.
 */
static void *spinner(void *arg)
{
	(void)arg;
	policy(SCHED_IDLE, 0);
	asm volatile("1: addq $2, %0\n\tjmp 1b" : "+m"(spun));
	return NULL;
}

static uint64_t number(const char *path, const char *word)
{
	FILE *f = fopen(path, "r");
	char line[256];
	uint64_t n = 0;
	size_t len = strlen(word);

	while (f && fgets(line, sizeof(line), f))
		if (!len || (!strncmp(line, word, len) && line[len] == ' ')) {
			n = strtoull(line + len, NULL, 10);
			break;
		}
	if (f)
		fclose(f);
	return n;
}

static uint64_t sum(const char *source)
{
	char *pattern = strdup(source), *word;
	uint64_t n = 0;
	glob_t found;
	size_t i;

	if (!pattern)
		exit(1);
	word = strrchr(pattern, ':');
	if (word)
		*word++ = 0;
	if (glob(pattern, 0, NULL, &found)) {
		fprintf(stderr, "count: there is no %s\n", pattern);
		exit(1);
	}
	for (i = 0; i < found.gl_pathc; i++)
		n += number(found.gl_pathv[i], word ? word : "");
	globfree(&found);
	free(pattern);
	return n;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char line[1024];
	int i;

	if (pthread_create(&thread, NULL, spinner, NULL)) {
		fputs("count: no thread\n", stderr);
		return 1;
	}
	/* Above the guest, which does not go on before its line is dealt with */
	policy(SCHED_FIFO, 1);
	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t tsc = __rdtsc(), idle = spun;

		line[strcspn(line, "\r\n")] = 0;
		if (strncmp(line, "MARK ", 5)) {
			printf("SAID %s\n", line);
			continue;
		}
		printf("%s %" PRIu64, line, tsc - idle);
		for (i = 1; i < argc; i++)
			printf(" %" PRIu64, sum(argv[i]));
		putchar('\n');
	}
	return 0;
}
