// SPDX-License-Identifier: GPL-2.0
/*
 * Beside a monitor in the lab host: what had been counted when its guest wrote a line.
 *
 *	count PATTERN[:WORD]... <CONSOLE
 *	count
 *
 * At each line "MARK NAME" of the guest's console insns.c notes the instructions so
 * far. The line is copied with, for each PATTERN, a glob(7) pattern, the sum of the
 * numbers that stand in such files; with WORD, of those that follow it there. Other
 * lines are copied after "SAID ". Without arguments insns.c does so once, and that is all.
 */
#define _GNU_SOURCE
#include <glob.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mark.h"

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
	/* Above the guest, which does not go on before its line is dealt with */
	struct sched_param param = { .sched_priority = 1 };
	char line[1024];
	int i;

	if (argc == 1) {
		mark();
		return 0;
	}
	if (sched_setscheduler(0, SCHED_FIFO, &param)) {
		perror("count: sched_setscheduler");
		return 1;
	}
	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\r\n")] = 0;
		if (strncmp(line, "MARK ", 5)) {
			printf("SAID %s\n", line);
			continue;
		}
		mark();
		fputs(line, stdout);
		for (i = 1; i < argc; i++)
			printf(" %" PRIu64, sum(argv[i]));
		putchar('\n');
	}
	return 0;
}
