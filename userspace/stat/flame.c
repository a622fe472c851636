// SPDX-License-Identifier: GPL-2.0
/* A picture of a recording: each box is as wide as its share of the exits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stat.h"

#define WIDTH		1200
#define ROW		18
#define MARGIN		10
#define CHAR		7	/* about a character's width */
#define NARROWEST	0.3

struct node {
	char *name;
	uint64_t count;
	size_t nr;
	struct node *child;
};

struct symbol {
	uint64_t address;
	char *name;
};

struct symbols {
	size_t nr;
	struct symbol *symbol;
};

static void *must(void *p)
{
	if (!p) {
		fputs("hvmon-stat: no memory\n", stderr);
		exit(1);
	}
	return p;
}

static struct node *child_of(struct node *n, const char *name)
{
	struct node *c;
	size_t i;

	for (i = 0; i < n->nr; i++)
		if (!strcmp(n->child[i].name, name))
			return &n->child[i];
	n->child = must(realloc(n->child, (n->nr + 1) * sizeof(*c)));
	c = &n->child[n->nr++];
	*c = (struct node){ .name = must(strdup(name)) };
	return c;
}

static void free_node(struct node *n)
{
	size_t i;

	for (i = 0; i < n->nr; i++)
		free_node(&n->child[i]);
	free(n->child);
	free(n->name);
}

/* ---- symbols ---- */

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static void read_symbols(FILE *f, struct symbols *s)
{
	unsigned long long address;
	char type, name[256];

	while (fscanf(f, "%llx %c %255s%*[^\n]", &address, &type, name) == 3) {
		if (!strchr("tTwW", type))
			continue;
		s->symbol = must(realloc(s->symbol, (s->nr + 1) * sizeof(*s->symbol)));
		s->symbol[s->nr++] = (struct symbol){ address, must(strdup(name)) };
	}
	if (s->nr)
		qsort(s->symbol, s->nr, sizeof(*s->symbol), by_address);
}

static void free_symbols(struct symbols *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		free(s->symbol[i].name);
	free(s->symbol);
}

/* The function around the address that @text gives, else @text */
static const char *resolve(const struct symbols *s, const char *text)
{
	uint64_t address = strtoull(text, NULL, 16);
	size_t low = 0, high = s->nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->symbol[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	/* What lies beyond the last symbol is a module's or a process's */
	return low && low < s->nr ? s->symbol[low - 1].name : text;
}

/* ---- reading ---- */

/* "A;B;C COUNT" below @root; false if it is none */
static bool add_line(struct node *root, const struct symbols *s, char *line)
{
	char *space = strrchr(line, ' '), *end, *part, *next;
	struct node *n = root;
	uint64_t count;

	if (!space || space == line)
		return false;
	count = strtoull(space + 1, &end, 10);
	if (end == space + 1 || (*end && *end != '\n') || !count)
		return false;
	*space = 0;
	root->count += count;
	for (part = line; part; part = next) {
		next = strchr(part, ';');
		if (next)
			*next++ = 0;
		n = child_of(n, strncmp(part, "0x", 2) ? part : resolve(s, part));
		n->count += count;
	}
	return true;
}

/* ---- drawing ---- */

static int by_count(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

static int depth_of(const struct node *n)
{
	int most = 0, d;
	size_t i;

	for (i = 0; i < n->nr; i++) {
		d = depth_of(&n->child[i]);
		most = d > most ? d : most;
	}
	return most + 1;
}

static void escaped(FILE *out, const char *text, size_t most)
{
	for (; *text && most; text++, most--) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if ((unsigned char)*text >= ' ')
			fputc(*text, out);
	}
}

/* The same name has the same colour everywhere */
static unsigned int colour(const char *name)
{
	unsigned int h = 5381;

	while (*name)
		h = h * 33 + (unsigned char)*name++;
	return 0xd08040 + (h % 48) + ((h >> 6) % 80 << 8) + ((h >> 13) % 40 << 16);
}

static void draw(FILE *out, struct node *n, uint64_t all, double x, int y)
{
	double width = (double)(WIDTH - 2 * MARGIN) * n->count / all;
	int room = (int)(width - 6) / CHAR;
	size_t i;

	if (width < NARROWEST)
		return;
	fputs("<g><title>", out);
	escaped(out, n->name, 200);
	fprintf(out, ": %llu exits, %.1f %%</title>", (unsigned long long)n->count,
		100.0 * n->count / all);
	fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#%06x\"/>", x,
		y, width > 1 ? width - 0.5 : width, ROW - 1, colour(n->name));
	if (room >= 3) {
		fprintf(out, "<text x=\"%.1f\" y=\"%d\">", x + 3, y + ROW - 5);
		escaped(out, n->name, room);
		fputs("</text>", out);
	}
	fputs("</g>\n", out);
	if (n->nr)
		qsort(n->child, n->nr, sizeof(*n->child), by_count);
	for (i = 0; i < n->nr; i++) {
		draw(out, &n->child[i], all, x, y + ROW);
		x += (double)(WIDTH - 2 * MARGIN) * n->child[i].count / all;
	}
}

int stat_flame(FILE *in, const char *name, FILE *map, const char *map_name, FILE *out)
{
	struct node root = { .name = must(strdup("all exits")) };
	struct symbols symbols = { 0 };
	unsigned long number = 0;
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (map)
		read_symbols(map, &symbols);
	if (map && !symbols.nr) {
		fprintf(stderr, "hvmon-stat: %s: no functions in it: not a System.map\n",
			map_name);
		r = 1;
	}
	while (!r && getline(&line, &size, in) > 0) {
		number++;
		if (!add_line(&root, &symbols, line)) {
			fprintf(stderr, "hvmon-stat: %s: line %lu is none of --record's\n", name,
				number);
			r = 1;
		}
	}
	if (!r && ferror(in)) {
		fprintf(stderr, "hvmon-stat: %s: %s\n", name, strerror(errno));
		r = 1;
	}
	if (!r && !root.count) {
		fprintf(stderr, "hvmon-stat: %s: the recording is empty\n", name);
		r = 1;
	}
	if (!r) {
		fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
			"font-family=\"monospace\" font-size=\"11\">\n", WIDTH,
			depth_of(&root) * ROW + 2 * MARGIN);
		fputs("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n", out);
		draw(out, &root, root.count, MARGIN, MARGIN);
		fputs("</svg>\n", out);
	}
	free(line);
	free_symbols(&symbols);
	free_node(&root);
	return r;
}
