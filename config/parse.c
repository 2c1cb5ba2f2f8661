/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * YAML to struct rln_config along schema.def; the one includer of libyaml. The document is read whole (1 MB at most) and
 * walked from the schema's side, so depth and work are bounded by the schema and not by the file. Faults are collected; the walk
 * goes on after each, and the caller's struct is written only when there was none.
 */
#include "config/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "config/check.h"
#include "config/schema.h"

struct walk { /* one reading of one document */
	yaml_document_t doc;
	struct rln_config config;
	struct rln_config_marks marks;
	struct rln_config_report *report;
};

struct place { /* one mapping that is being filled */
	enum rln_group group;
	char *base;
	char path[2 * RLN_SETTING_PATH]; /* "ports[1]", for messages */
	uint64_t settings, groups;       /* given already: bit by row number in its group, bit by group */
};

_Static_assert(RLN_GROUP_COUNT <= 64, "a bit per group");

#define FAULT(w, mark, ...) rln_config_fault((w)->report, (unsigned)(mark).line + 1, (unsigned)(mark).column + 1, __VA_ARGS__)

static void note(struct walk *w, const void *value, size_t size, const yaml_node_t *node, bool group)
{
	const struct rln_config_mark mark = {
		.offset = (uint32_t)((const char *)value - (const char *)&w->config),
		.size = (uint32_t)size,
		.line = (uint32_t)node->start_mark.line + 1,
		.column = (uint32_t)node->start_mark.column + 1,
		.group = group,
	};

	rln_config_mark_add(&w->marks, &mark);
}

/* What was found, for messages: the kind of thing, or the text of a scalar cut to a readable length. */
static const char *found(const yaml_node_t *node, char buf[64])
{
	if (node->type == YAML_MAPPING_NODE)
		return "a mapping (key: value)";
	if (node->type == YAML_SEQUENCE_NODE)
		return node->data.sequence.items.start == node->data.sequence.items.top ? "an empty list" : "a list";
	if (node->data.scalar.length == 0)
		return "nothing";
	if (node->data.scalar.length > 40)
		snprintf(buf, 64, "'%.37s...'", (const char *)node->data.scalar.value);
	else
		snprintf(buf, 64, "'%s'", (const char *)node->data.scalar.value);
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return buf;
}

/* A key with no value behind it, or null: not a text of length 0 in quotes. */
static bool is_nothing(const yaml_node_t *node)
{
	const char *v = (const char *)node->data.scalar.value;

	return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (node->data.scalar.length == 0 || strcmp(v, "~") == 0 || strcasecmp(v, "null") == 0);
}

static void wrong_value(struct walk *w, const struct place *in, const struct rln_setting *s, const yaml_node_t *node, bool item)
{
	char expected[RLN_SETTING_EXPECT], what[64];
	const char *guess = NULL;

	if (node->type == YAML_SCALAR_NODE && s->choices && item == rln_setting_is_list(s))
		guess = rln_setting_nearest_choice(s, (const char *)node->data.scalar.value);
	FAULT(w, node->start_mark, "%s%s%s: found %s, expected %s%s%s%s", in->path, *in->path ? "." : "", s->key,
		s->type == RLN_SET_SECRET ? "what is no password" : found(node, what), rln_setting_expected(s, item, expected),
		guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
}

/* One scalar into a setting; `item` says which of a list. */
static void take_scalar(struct walk *w, struct place *in, const struct rln_setting *s, yaml_node_t *node)
{
	unsigned before = rln_setting_is_list(s) ? *(uint16_t *)(in->base + s->count_offset) : 0;
	char what[64];
	int rc = -EINVAL;

	if (node->type == YAML_SCALAR_NODE && is_nothing(node) && s->type == RLN_SET_FLAG)
		rc = rln_setting_put(s, in->base, "on", 2);
	else if (node->type == YAML_SCALAR_NODE && !is_nothing(node) &&
		 node->data.scalar.length == strlen((char *)node->data.scalar.value))
		rc = rln_setting_put(s, in->base, (const char *)node->data.scalar.value, node->data.scalar.length);
	if (rc == -EEXIST)
		FAULT(w, node->start_mark, "%s.%s: %s stands in the list already, expected each once", in->path, s->key,
			found(node, what));
	else if (rc == -ENOSPC)
		FAULT(w, node->start_mark, "%s.%s: found more than %u items, expected at most %u", in->path, s->key, s->items,
			s->items);
	else if (rc)
		wrong_value(w, in, s, node, rln_setting_is_list(s));
	else
		note(w, in->base + s->offset + (size_t)before * s->size, s->size, node, false);
}

static void take_setting(struct walk *w, struct place *in, const struct rln_setting *s, yaml_node_t *node)
{
	if (!rln_setting_is_list(s)) {
		take_scalar(w, in, s, node);
		return;
	}
	rln_setting_clear(s, in->base);
	note(w, in->base + s->count_offset, sizeof(uint16_t), node, false);
	if (node->type == YAML_SCALAR_NODE && (s->type == RLN_SET_CPUS || s->type == RLN_SET_TEXTS)) {
		take_scalar(w, in, s, node); /* "auto" or "2-5"; a single text */
		return;
	}
	if (node->type == YAML_SEQUENCE_NODE && s->type == RLN_SET_TEXTS && s->fallback &&
		node->data.sequence.items.start == node->data.sequence.items.top)
		return; /* none, as by default */
	if (node->type != YAML_SEQUENCE_NODE || node->data.sequence.items.start == node->data.sequence.items.top) {
		wrong_value(w, in, s, node, false);
		return;
	}
	for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++)
		take_scalar(w, in, s, yaml_document_get_node(&w->doc, *i));
}

static void take_map(struct walk *w, struct place *in, yaml_node_t *node);

/* The items of a list of mappings, e.g. ports. They replace the default ones. */
static void take_list(struct walk *w, struct place *in, enum rln_group group, yaml_node_t *node)
{
	const struct rln_group_info *g = &rln_groups[group];
	uint16_t *n = (uint16_t *)(in->base + g->count_offset);
	char *items = in->base + g->offset, what[64];

	memset(items, 0, g->size * g->items);
	*n = 0;
	note(w, items, g->size * g->items, node, true);
	if (node->type != YAML_SEQUENCE_NODE) {
		FAULT(w, node->start_mark, "%s%s%s: found %s, expected a list ('- ' before each item; [] for none)", in->path,
			*in->path ? "." : "", g->key, found(node, what));
		return;
	}
	for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
		struct place item = {.group = group, .base = items + g->size * *n};
		yaml_node_t *at = yaml_document_get_node(&w->doc, *i);

		snprintf(item.path, sizeof(item.path), "%.60s%s%.20s[%u]", in->path, *in->path ? "." : "", g->key, (unsigned)*n);
		if (*n == g->items) {
			FAULT(w, at->start_mark, "%s: found more than %u items, expected at most %u", item.path, g->items,
				g->items);
			return;
		}
		++*n;
		note(w, item.base, g->size, at, true);
		rln_group_defaults(group, item.base);
		take_map(w, &item, at);
	}
}

/* The pairs of a mapping whose keys are the user's, e.g. a menu's digits: each an item, the key its first setting. */
static void take_table(struct walk *w, struct place *in, enum rln_group group, yaml_node_t *node)
{
	const struct rln_group_info *g = &rln_groups[group];
	uint16_t *n = (uint16_t *)(in->base + g->count_offset);
	const struct rln_setting *key = rln_settings;
	char what[64];

	while (key->group != group)
		key++;
	note(w, in->base + g->offset, g->size * g->items, node, true);
	if (node->type != YAML_MAPPING_NODE) {
		FAULT(w, node->start_mark, "%s.%s: found %s, expected a mapping (key: {...})", in->path, g->key,
			found(node, what));
		return;
	}
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
		struct place item = {.group = group, .base = in->base + g->offset + g->size * *n, .settings = 1};
		yaml_node_t *name = yaml_document_get_node(&w->doc, p->key), *at = yaml_document_get_node(&w->doc, p->value);

		snprintf(item.path, sizeof(item.path), "%.60s.%.20s[%u]", in->path, g->key, (unsigned)*n);
		if (*n == g->items) {
			FAULT(w, name->start_mark, "%s: found more than %u items, expected at most %u", item.path, g->items,
				g->items);
			return;
		}
		++*n;
		note(w, item.base, g->size, at, true);
		rln_group_defaults(group, item.base);
		take_scalar(w, &item, key, name);
		take_map(w, &item, at);
	}
}

/* A key that its mapping does not have: the nearest one there, or where else it stands. */
static void unknown_key(struct walk *w, const struct place *in, const yaml_node_t *key, const char *name)
{
	const char *guess = rln_setting_nearest(in->group, name);
	char what[64], path[RLN_SETTING_PATH], hint[128] = "";

	if (guess)
		snprintf(hint, sizeof(hint), "; did you mean '%s'?", guess);
	for (unsigned g = 0; g < RLN_GROUP_COUNT && !*hint; g++)
		if (rln_setting_find((enum rln_group)g, name))
			snprintf(hint, sizeof(hint), "; that key stands at %s",
				rln_setting_path((enum rln_group)g, rln_setting_find((enum rln_group)g, name), path));
	FAULT(w, key->start_mark, "found unknown key %s, expected a key of %s%s", found(key, what),
		*in->path ? in->path : "the top level", hint);
}

/* First use of a key in its mapping? Otherwise a fault. */
static bool first_use(struct walk *w, const struct place *in, uint64_t *seen, unsigned bit, const yaml_node_t *key)
{
	char what[64];

	if (*seen >> bit & 1) {
		FAULT(w, key->start_mark, "%s%sfound key %s a second time, expected each key once", in->path,
			*in->path ? ": " : "", found(key, what));
		return false;
	}
	*seen |= UINT64_C(1) << bit;
	return true;
}

static void take_pair(struct walk *w, struct place *in, yaml_node_t *key, yaml_node_t *value)
{
	const char *name = (const char *)key->data.scalar.value; /* read only once the type is known */
	const struct rln_setting *s;
	enum rln_group group;
	char what[64];

	if (key->type != YAML_SCALAR_NODE || strlen(name) != key->data.scalar.length) {
		FAULT(w, key->start_mark, "found %s, expected the name of a key", found(key, what));
		return;
	}
	s = rln_setting_find(in->group, name);
	if (s) {
		unsigned bit = 0;

		for (const struct rln_setting *p = rln_settings; p < s; p++)
			bit += p->group == s->group;
		if (first_use(w, in, &in->settings, bit, key))
			take_setting(w, in, s, value);
		return;
	}
	group = rln_group_find(in->group, name);
	if (group == RLN_GROUP_COUNT) {
		unknown_key(w, in, key, name);
	} else if (first_use(w, in, &in->groups, group, key)) {
		if (rln_groups[group].table) {
			take_table(w, in, group, value);
		} else if (rln_groups[group].items) {
			take_list(w, in, group, value);
		} else if (!is_nothing(value)) { /* "sip:" with all its keys commented out */
			struct place child = {.group = group, .base = in->base + rln_groups[group].offset};

			snprintf(child.path, sizeof(child.path), "%.40s%s%.20s", in->path, *in->path ? "." : "", name);
			note(w, child.base, rln_groups[group].size, value, true);
			take_map(w, &child, value);
		}
	}
}

static void take_map(struct walk *w, struct place *in, yaml_node_t *node)
{
	char what[64], expected[RLN_SETTING_EXPECT];
	unsigned bit = 0;

	if (node->type != YAML_MAPPING_NODE) {
		FAULT(w, node->start_mark, "%s: found %s, expected a mapping (key: value)", *in->path ? in->path : "file",
			found(node, what));
		return;
	}
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++)
		take_pair(w, in, yaml_document_get_node(&w->doc, p->key), yaml_document_get_node(&w->doc, p->value));
	for (unsigned i = 0; i < rln_settings_n; i++) {
		const struct rln_setting *s = &rln_settings[i];

		if (s->group != in->group)
			continue;
		if (!s->fallback && !(in->settings >> bit & 1))
			FAULT(w, node->start_mark, "%s: found no key '%s', expected %s", in->path, s->key,
				rln_setting_expected(s, false, expected));
		bit++;
	}
}

/* The default lists of schema.def (ports, routes) as one flow mapping: "{ports: [...], routes: [...]}". */
static void default_lists(char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "{");

	for (unsigned g = 1; g < RLN_GROUP_COUNT; g++)
		if (rln_groups[g].fallback && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s: %s, ", rln_groups[g].key, rln_groups[g].fallback);
	if (used < size)
		snprintf(buf + used, size - used, "}");
}

static void syntax_fault(struct rln_config_report *report, const yaml_parser_t *p)
{
	if (p->error == YAML_READER_ERROR)
		rln_config_fault(report, 1, 1, "found %s at byte %zu, expected UTF-8 text", p->problem ? p->problem : "bad text",
			p->problem_offset);
	else
		rln_config_fault(report, (unsigned)p->problem_mark.line + 1, (unsigned)p->problem_mark.column + 1,
			"found text that is not YAML (%s%s%s), expected key: value", p->problem ? p->problem : "?",
			p->context ? " " : "", p->context ? p->context : "");
}

/* The first document of the text; refuses a second one. Caller deletes w->doc when true. */
static bool read_document(struct walk *w, const char *text, size_t len)
{
	yaml_document_t more;
	yaml_parser_t parser;
	bool ok = false;

	if (!yaml_parser_initialize(&parser)) {
		rln_config_fault(w->report, 1, 1, "no memory to read the file");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &w->doc)) {
		syntax_fault(w->report, &parser);
		goto out;
	}
	ok = true;
	if (!yaml_document_get_root_node(&w->doc))
		goto out; /* an empty file: all defaults */
	if (!yaml_parser_load(&parser, &more)) {
		syntax_fault(w->report, &parser);
		goto out;
	}
	if (yaml_document_get_root_node(&more))
		FAULT(w, more.start_mark, "found a second document, expected the end of the file");
	yaml_document_delete(&more);
out:
	yaml_parser_delete(&parser);
	return ok;
}

/* Defaults and what the text says into w->config. */
static void walk_text(struct walk *w, const char *text, size_t len)
{
	struct place root = {.group = RLN_GROUP_ROOT, .base = (char *)&w->config};
	yaml_node_t *node;

	if (!read_document(w, text, len))
		return;
	node = yaml_document_get_root_node(&w->doc);
	if (node && !is_nothing(node)) {
		note(w, &w->config, sizeof(w->config), node, true);
		take_map(w, &root, node);
	}
	yaml_document_delete(&w->doc);
}

static void set_defaults(struct walk *w)
{
	char lists[4096];

	memset(&w->config, 0, sizeof(w->config));
	rln_group_defaults(RLN_GROUP_ROOT, &w->config);
	default_lists(lists, sizeof(lists));
	walk_text(w, lists, strlen(lists));
	w->marks.n = 0; /* nothing of it stood in a file */
}

/* `at` receives the positions; NULL: nobody asks for them. */
static int parse(
	struct rln_config *out, const char *text, size_t len, struct rln_config_report *report, struct rln_config_marks *at)
{
	struct walk *w = calloc(1, sizeof(*w));
	int rc = 0;

	memset(report, 0, sizeof(*report));
	if (!w)
		return -ENOMEM;
	w->report = report;
	if (len > RLN_CONFIG_FILE_MAX) {
		rln_config_fault(report, 1, 1, "found %zu bytes, expected at most %u", len, RLN_CONFIG_FILE_MAX);
	} else {
		set_defaults(w);
		walk_text(w, text, len);
		if (report->n == 0)
			(void)rln_config_check(&w->config, &w->marks, report);
	}
	if (report->n)
		rc = -EINVAL;
	else
		*out = w->config;
	if (at)
		*at = w->marks;
	free(w);
	return rc;
}

int rln_config_parse(struct rln_config *out, const char *text, size_t len, struct rln_config_report *report)
{
	return parse(out, text, len, report, NULL);
}

static int load(struct rln_config *out, const char *path, struct rln_config_report *report, struct rln_config_marks *at)
{
	FILE *file = NULL;
	char *text = NULL;
	size_t len;
	int rc;

	memset(report, 0, sizeof(*report));
	file = fopen(path, "re");
	if (!file) {
		rc = -errno;
		rln_config_fault(report, 1, 1, "cannot open the file: %s", strerror(-rc));
		goto out;
	}
	text = malloc(RLN_CONFIG_FILE_MAX + 1);
	if (!text) {
		rc = -ENOMEM;
		goto out;
	}
	len = fread(text, 1, RLN_CONFIG_FILE_MAX + 1, file);
	if (ferror(file)) {
		rc = errno ? -errno : -EIO;
		rln_config_fault(report, 1, 1, "cannot read the file: %s", strerror(-rc));
	} else if (len > RLN_CONFIG_FILE_MAX) {
		rc = -EFBIG;
		rln_config_fault(report, 1, 1, "the file is larger than %u bytes", RLN_CONFIG_FILE_MAX);
	} else {
		rc = parse(out, text, len, report, at);
	}
out:
	free(text);
	if (file)
		fclose(file);
	return rc;
}

int rln_config_load(struct rln_config *out, const char *path, struct rln_config_report *report)
{
	return load(out, path, report, NULL);
}

void rln_config_locate(const char *path, const struct rln_config *config, const void *value, unsigned *line, unsigned *column)
{
	struct again {
		struct rln_config config;
		struct rln_config_report report;
		struct rln_config_marks marks;
	} *again = calloc(1, sizeof(*again));
	struct rln_config_mark mark;

	*line = *column = 1;
	if (again && load(&again->config, path, &again->report, &again->marks) == 0) {
		mark = rln_config_mark_find(&again->marks, config, value);
		*line = mark.line;
		*column = mark.column;
	}
	free(again);
}

void rln_config_defaults(struct rln_config *out)
{
	struct rln_config_report report;

	if (rln_config_parse(out, "", 0, &report))
		abort(); /* our own default is wrong (a unit test says where), or there is no memory at all at start */
}

void rln_config_report_print(FILE *to, const char *file, const struct rln_config_report *report)
{
	for (unsigned i = 0; i < report->n; i++)
		fprintf(to, "%s:%u:%u: %s\n", file, report->faults[i].line, report->faults[i].column, report->faults[i].text);
	if (report->more)
		fprintf(to, "%s: and %u more\n", file, report->more);
}
