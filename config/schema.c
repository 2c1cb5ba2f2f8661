/* SPDX-License-Identifier: BSD-3-Clause */
/* schema.def made into constant tables, and the search for a key in them, near misses included. */
#include "config/schema.h"

#include <string.h>
#include <strings.h>

#define MEMBER(tag, field) (((struct tag *)0)->field)

/* Lists count their items in field_n; other types have no counter. */
#define COUNT_UINT(tag, field)      0
#define COUNT_AUTO_UINT(tag, field) 0
#define COUNT_BOOL(tag, field)      0
#define COUNT_ENUM(tag, field)      0
#define COUNT_TEXT(tag, field)      0
#define COUNT_SECRET(tag, field)    0
#define COUNT_CPU(tag, field)       0
#define COUNT_IP(tag, field)        0
#define COUNT_PREFIX(tag, field)    0
#define COUNT_MAC(tag, field)       0
#define COUNT_FLAG(tag, field)      0
#define COUNT_TEXTS(tag, field)     offsetof(struct tag, field##_n)
#define COUNT_CPUS(tag, field)      offsetof(struct tag, field##_n)
#define COUNT_PREFIXES(tag, field)  offsetof(struct tag, field##_n)
#define COUNT_ENUMS(tag, field)     offsetof(struct tag, field##_n)

#define SIZE_UINT(tag, field)      sizeof(MEMBER(tag, field)), 0
#define SIZE_AUTO_UINT(tag, field) sizeof(MEMBER(tag, field)), 0
#define SIZE_BOOL(tag, field)      sizeof(MEMBER(tag, field)), 0
#define SIZE_ENUM(tag, field)      sizeof(MEMBER(tag, field)), 0
#define SIZE_TEXT(tag, field)      sizeof(MEMBER(tag, field)), 0
#define SIZE_SECRET(tag, field)    sizeof(MEMBER(tag, field)), 0
#define SIZE_CPU(tag, field)       sizeof(MEMBER(tag, field)), 0
#define SIZE_IP(tag, field)        sizeof(MEMBER(tag, field)), 0
#define SIZE_PREFIX(tag, field)    sizeof(MEMBER(tag, field)), 0
#define SIZE_FLAG(tag, field)      sizeof(MEMBER(tag, field)), 0
#define SIZE_MAC(tag, field)       7, 0
#define SIZE_LIST(tag, field)      sizeof(MEMBER(tag, field[0])), sizeof(MEMBER(tag, field)) / sizeof(MEMBER(tag, field[0]))
#define SIZE_CPUS                  SIZE_LIST
#define SIZE_PREFIXES              SIZE_LIST
#define SIZE_ENUMS                 SIZE_LIST
#define SIZE_TEXTS                 SIZE_LIST

#define WHEN_START false
#define WHEN_LIVE  true
#define ROW(group, tag, key, field, type, min, max, choices, fallback, when, help)                                               \
	{key, choices, fallback, help, min, max, offsetof(struct tag, field), COUNT_##type(tag, field), SIZE_##type(tag, field), \
		RLN_SET_##type, RLN_GROUP_##group, WHEN_##when},

const struct rln_setting rln_settings[] = {
#define MAP(...)
#define LIST(...)
#define TABLE(...)
#define SET(group, tag, field, type, min, max, fallback, when, help)                                                             \
	ROW(group, tag, #field, field, type, min, max, NULL, fallback, when, help)
#define ENUMERATED(group, tag, field, type, choices, fallback, when, help)                                                       \
	ROW(group, tag, #field, field, type, 0, 0, choices, fallback, when, help)
#define KEYED(group, tag, key, field, type, min, max, fallback, when, help)                                                      \
	ROW(group, tag, key, field, type, min, max, NULL, fallback, when, help)
#include "config/schema.def"
#undef MAP
#undef LIST
#undef TABLE
#undef SET
#undef ENUMERATED
#undef KEYED
};
const unsigned rln_settings_n = sizeof(rln_settings) / sizeof(rln_settings[0]);

const struct rln_group_info rln_groups[RLN_GROUP_COUNT] = {
	[RLN_GROUP_ROOT] = {"", NULL, "", 0, 0, sizeof(struct rln_config), 0, RLN_GROUP_COUNT, false},
#define MAP(group, parent, tag, field, help)                                                                                     \
	[RLN_GROUP_##group] = {                                                                                                  \
		#field, NULL, help, offsetof(struct tag, field), 0, sizeof(MEMBER(tag, field)), 0, RLN_GROUP_##parent, false},
#define LIST(group, parent, tag, field, max, fallback, help)                                                                     \
	[RLN_GROUP_##group] = {#field, fallback, help, offsetof(struct tag, field), offsetof(struct tag, field##_n),             \
		sizeof(MEMBER(tag, field[0])), max, RLN_GROUP_##parent, false},
#define TABLE(group, parent, tag, field, max, help)                                                                              \
	[RLN_GROUP_##group] = {#field, NULL, help, offsetof(struct tag, field), offsetof(struct tag, field##_n),                 \
		sizeof(MEMBER(tag, field[0])), max, RLN_GROUP_##parent, true},
#define SET(...)
#define ENUMERATED(...)
#define KEYED(...)
#include "config/schema.def"
#undef MAP
#undef LIST
#undef TABLE
#undef SET
#undef ENUMERATED
#undef KEYED
};

/* MAC's storage is the flag and, right behind it, the six bytes. */
_Static_assert(offsetof(struct rln_config_port, mac) == offsetof(struct rln_config_port, mac_set) + 1, "mac follows mac_set");

/* ---- finding ---- */

const char *rln_setting_path(enum rln_group group, const struct rln_setting *s, char buf[RLN_SETTING_PATH])
{
	char head[RLN_SETTING_PATH] = "", part[RLN_SETTING_PATH];

	for (enum rln_group g = group; g != RLN_GROUP_ROOT && g < RLN_GROUP_COUNT; g = (enum rln_group)rln_groups[g].parent) {
		snprintf(part, sizeof(part), "%.24s%s%s%.36s", rln_groups[g].key, rln_groups[g].items ? "[]" : "",
			*head ? "." : "", head);
		memcpy(head, part, sizeof(head));
	}
	snprintf(buf, RLN_SETTING_PATH, "%.40s%s%.22s", head, *head && s ? "." : "", s ? s->key : "");
	return buf;
}

const struct rln_setting *rln_setting_find(enum rln_group group, const char *key)
{
	for (unsigned i = 0; i < rln_settings_n; i++)
		if (rln_settings[i].group == group && strcmp(rln_settings[i].key, key) == 0)
			return &rln_settings[i];
	return NULL;
}

enum rln_group rln_group_find(enum rln_group parent, const char *key)
{
	for (unsigned g = RLN_GROUP_ROOT + 1; g < RLN_GROUP_COUNT; g++)
		if (rln_groups[g].parent == parent && strcmp(rln_groups[g].key, key) == 0)
			return (enum rln_group)g;
	return RLN_GROUP_COUNT;
}

/* Edit distance with neighbours swapped counting one (optimal string alignment), over texts of up to WORD bytes. */
#define WORD 32
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned d[3][WORD + 1];

	if (la > WORD || lb > WORD)
		return WORD;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = d[i % 3], *up = d[(i - 1) % 3], *up2 = d[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);

			best = up[j] + 1 < best ? up[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			row[j] = best;
		}
	}
	return d[la % 3][lb];
}

bool rln_config_nearer(const char *text, const char *word, unsigned *best)
{
	size_t len = strlen(text);
	unsigned bound = len < 4 ? 1 : len < 9 ? 2 : 3, d = distance(text, word);

	if (len >= 3 && (strncasecmp(text, word, len) == 0 || strncasecmp(text, word, strlen(word)) == 0) && d > bound)
		d = bound; /* an abbreviation, or a word with something behind it */
	if (d > bound || d >= *best)
		return false;
	*best = d;
	return true;
}

const char *rln_setting_nearest(enum rln_group group, const char *text)
{
	unsigned best = WORD;
	const char *found = NULL;

	for (unsigned i = 0; i < rln_settings_n; i++)
		if (rln_settings[i].group == group && rln_config_nearer(text, rln_settings[i].key, &best))
			found = rln_settings[i].key;
	for (unsigned g = 1; g < RLN_GROUP_COUNT; g++)
		if (rln_groups[g].parent == group && rln_config_nearer(text, rln_groups[g].key, &best))
			found = rln_groups[g].key;
	return found;
}

const char *rln_setting_choice(const struct rln_setting *s, unsigned n, size_t *len)
{
	const char *p = s->choices;

	while (n--) {
		p = strchr(p, '|');
		if (!p++)
			return NULL;
	}
	*len = strcspn(p, "|");
	return p;
}

const char *rln_setting_nearest_choice(const struct rln_setting *s, const char *text)
{
	static _Thread_local char word[WORD + 1];
	char found[WORD + 1] = "";
	unsigned best = WORD;
	const char *p;
	size_t len;

	for (unsigned n = 0; s->choices && (p = rln_setting_choice(s, n, &len)); n++) {
		snprintf(word, sizeof(word), "%.*s", (int)len, p);
		if (len && strcasecmp(word, text) == 0)
			best = 0; /* nothing is nearer */
		else if (!len || !rln_config_nearer(text, word, &best))
			continue;
		memcpy(found, word, sizeof(found));
	}
	memcpy(word, found, sizeof(word));
	return *word ? word : NULL;
}
