/* SPDX-License-Identifier: BSD-3-Clause */
/* The pages for people that schema.def writes: a configuration as a file, the reference, the groups in --help. */
#include <string.h>

#include "config/schema.h"

#define WIDTH 120

/* `text` in lines of at most WIDTH, each begun with `start`. */
static void wrapped(FILE *out, const char *start, const char *text)
{
	size_t room = WIDTH - strlen(start);

	while (*text) {
		size_t len = strlen(text);

		if (len > room) {
			len = room;
			while (len > 0 && text[len] != ' ')
				len--;
			len = len ? len : room;
		}
		fprintf(out, "%s%.*s\n", start, (int)len, text);
		text += len + (text[len] == ' ');
	}
}

static bool is_default(const struct rln_setting *s, const void *base, const void *defaults)
{
	char now[RLN_SETTING_VALUE], then[RLN_SETTING_VALUE];

	if (!s->fallback)
		return false;
	rln_setting_print(s, base, now, sizeof(now));
	rln_setting_print(s, defaults, then, sizeof(then));
	return strcmp(now, then) == 0;
}

struct page { /* one file being written */
	FILE *out;
	bool comments;
};

static void comment(const struct page *p, const char *indent, const char *help, const char *expected)
{
	char start[32], text[512];

	if (!p->comments)
		return;
	snprintf(start, sizeof(start), "%.24s# ", indent);
	snprintf(text, sizeof(text), "%s%s%s%s", help, expected ? " [" : "", expected ? expected : "", expected ? "]" : "");
	wrapped(p->out, start, text);
}

/* One key of a group. `lead` stands where the key begins: the indent, or "  - " for an item's first key. */
static void write_setting(
	const struct page *p, const struct rln_setting *s, const void *base, const char *indent, const char *lead, bool off)
{
	char value[RLN_SETTING_VALUE], expected[RLN_SETTING_EXPECT];

	comment(p, indent, s->help,
		s->type == RLN_SET_TEXT || s->type == RLN_SET_SECRET ? NULL : rln_setting_expected(s, false, expected));
	rln_setting_print(s, base, value, sizeof(value));
	fprintf(p->out, "%s%s%s: %s\n", lead, off ? "# " : "", s->key, value);
}

static void write_group(const struct page *p, enum rln_group group, const void *parent, const char *indent);

static void write_children(const struct page *p, enum rln_group group, const void *base, const char *indent)
{
	for (unsigned g = 1; g < RLN_GROUP_COUNT; g++)
		if (rln_groups[g].parent == group)
			write_group(p, (enum rln_group)g, base, indent);
}

/* The key of an item that stands in a mapping. */
static void write_key(FILE *out, const struct rln_setting *s, const void *base, const char *indent)
{
	char key[RLN_SETTING_VALUE];

	rln_setting_print(s, base, key, sizeof(key));
	fprintf(out, "%s  %s:\n", indent, key);
}

/* An item of a list: what differs from its defaults; in a page with comments the first item shows the other keys too,
 * switched off. */
static void write_item(const struct page *p, enum rln_group group, const void *base, const char *indent, bool first)
{
	union {
		struct rln_config_port port;
		struct rln_config_route route;
		struct rln_config_host host;
		struct rln_config_registration registration;
		struct rln_config_net_route net_route;
		struct rln_config_queue queue;
		struct rln_config_menu menu;
		struct rln_config_action action;
	} fallback;
	const struct page quiet = {p->out, p->comments && first};
	char inner[32], dash[32];
	bool begun = false;

	memset(&fallback, 0, sizeof(fallback));
	rln_group_defaults(group, &fallback);
	snprintf(inner, sizeof(inner), "%.20s    ", indent);
	snprintf(dash, sizeof(dash), "%.20s  - ", indent);
	for (unsigned i = 0; i < rln_settings_n; i++) {
		const struct rln_setting *s = &rln_settings[i];
		bool off;

		if (s->group != group)
			continue;
		if (rln_groups[group].table && !begun) {
			write_key(p->out, s, base, indent);
			begun = true;
			continue;
		}
		off = is_default(s, base, &fallback);
		if (!off || quiet.comments)
			write_setting(&quiet, s, base, inner, begun ? inner : dash, off);
		begun = true; /* the first key of each group is a required one */
	}
	write_children(&quiet, group, base, inner);
}

static void write_group(const struct page *p, enum rln_group group, const void *parent, const char *indent)
{
	const struct rln_group_info *g = &rln_groups[group];
	const char *base = (const char *)parent + g->offset;
	bool top = g->parent == RLN_GROUP_ROOT;
	char inner[32];

	if (top && p->comments)
		fprintf(p->out, "\n");
	if (g->items && *(const uint16_t *)((const char *)parent + g->count_offset) == 0) {
		comment(p, indent, g->help, NULL);
		if (p->comments || top) /* an empty list is the default everywhere but at the top */
			fprintf(p->out, "%s%s%s: []\n", indent, top ? "" : "# ", g->key);
		return;
	}
	comment(p, indent, g->help, NULL);
	fprintf(p->out, "%s%s:\n", indent, g->key);
	if (g->items) {
		unsigned n = *(const uint16_t *)((const char *)parent + g->count_offset);

		for (unsigned i = 0; i < n; i++)
			write_item(p, group, base + i * g->size, indent, i == 0);
		return;
	}
	snprintf(inner, sizeof(inner), "%.20s  ", indent);
	for (unsigned i = 0; i < rln_settings_n; i++)
		if (rln_settings[i].group == group)
			write_setting(p, &rln_settings[i], base, inner, inner, false);
	write_children(p, group, base, inner);
}

void rln_config_write(FILE *out, const struct rln_config *config, bool comments)
{
	const struct page p = {out, comments};

	if (comments)
		fprintf(out, "# ringlane: every setting with its default. Written by `ringlane config default`; a key that is "
			     "left out keeps its\n"
			     "# default, and `ports` and `routes` replace the default lists as a whole. Check: `ringlane config "
			     "check FILE`.\n");
	write_children(&p, RLN_GROUP_ROOT, config, "");
}

/* A text inside a table cell. */
static void cell(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void reference_row(FILE *out, const struct rln_setting *s)
{
	char expected[RLN_SETTING_EXPECT];

	fprintf(out, "| `%s` | ", s->key);
	cell(out, rln_setting_expected(s, false, expected));
	fprintf(out, " | %s%s%s | %s | ", s->fallback ? "`" : "",
		!s->fallback   ? "required"
		: *s->fallback ? s->fallback
			       : "''",
		s->fallback ? "`" : "", s->live ? "live" : "start");
	cell(out, s->help);
	fprintf(out, " |\n");
}

void rln_config_write_reference(FILE *out)
{
	struct rln_config config;
	char path[RLN_SETTING_PATH];

	fprintf(out, "# Configuration reference\n\n"
		     "Written by `ringlane config reference` from `config/schema.def`; `ringlane config default` writes the same "
		     "as a file.\n"
		     "Every wrong key, value or combination is refused before start as `file:line:column: found, expected`.\n"
		     "*start* settings are read at start; *live* ones can also be changed while ringlane runs, by the telemetry "
		     "command named.\n");
	for (unsigned g = 1; g < RLN_GROUP_COUNT; g++) {
		fprintf(out, "\n## %s\n\n%s", rln_setting_path((enum rln_group)g, NULL, path), rln_groups[g].help);
		if (rln_groups[g].items)
			fprintf(out, " A list of at most %u mappings.", rln_groups[g].items);
		fprintf(out, "\n\n| key | value | default | read | meaning |\n|---|---|---|---|---|\n");
		for (unsigned i = 0; i < rln_settings_n; i++)
			if (rln_settings[i].group == g)
				reference_row(out, &rln_settings[i]);
	}
	rln_config_defaults(&config);
	fprintf(out, "\n## The embedded default\n\nWhat holds when there is no file:\n\n```yaml\n");
	rln_config_write(out, &config, false);
	fprintf(out, "```\n");
}

void rln_config_write_help(FILE *out)
{
	for (unsigned g = 1; g < RLN_GROUP_COUNT; g++)
		if (rln_groups[g].parent == RLN_GROUP_ROOT)
			fprintf(out, "  %-9s %s\n", rln_groups[g].key, rln_groups[g].help);
}
