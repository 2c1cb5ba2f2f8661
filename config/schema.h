/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The settings as a table (schema.def): what a key is, how its text becomes a value and how a value is printed. Knows nothing of
 * YAML; parse.c walks a document with it, and the pages for people are written from it.
 */
#pragma once

#include <stdio.h>

#include "config/config.h"

enum rln_setting_type {
	RLN_SET_UINT,
	RLN_SET_AUTO_UINT,
	RLN_SET_BOOL,
	RLN_SET_ENUM,
	RLN_SET_TEXT,
	RLN_SET_SECRET, /* text that no message shows */
	RLN_SET_CPU,
	RLN_SET_IP,
	RLN_SET_PREFIX,
	RLN_SET_MAC,
	RLN_SET_FLAG,
	RLN_SET_CPUS, /* from here on lists */
	RLN_SET_PREFIXES,
	RLN_SET_ENUMS,
	RLN_SET_TEXTS,
};

enum rln_group {
	RLN_GROUP_ROOT,
#define MAP(group, ...)  RLN_GROUP_##group,
#define LIST(group, ...) RLN_GROUP_##group,
#define TABLE(group, ...) RLN_GROUP_##group,
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
	RLN_GROUP_COUNT
};

struct rln_setting {
	const char *key, *choices, *fallback, *help; /* fallback: default text, NULL = required */
	uint64_t min, max;
	size_t offset, count_offset; /* in the group's struct */
	uint16_t size;               /* bytes of one value */
	uint16_t items;              /* lists: how many fit */
	uint8_t type;                /* enum rln_setting_type */
	uint8_t group;               /* enum rln_group */
	bool live;
};

struct rln_group_info {
	const char *key, *fallback, *help;
	size_t offset, count_offset, size; /* offsets in the parent's struct; size of one item */
	uint16_t items;                    /* lists: how many fit; 0 = a mapping */
	uint8_t parent;
	bool table; /* a list that is written as a mapping: the first setting of its items is the key */
};

extern const struct rln_setting rln_settings[];
extern const unsigned rln_settings_n;
extern const struct rln_group_info rln_groups[RLN_GROUP_COUNT];

static inline bool rln_setting_is_list(const struct rln_setting *s)
{
	return s->type >= RLN_SET_CPUS;
}

/* "ports[].addresses"; the group's own path when setting is NULL. Returns buf. */
#define RLN_SETTING_PATH 64
const char *rln_setting_path(enum rln_group group, const struct rln_setting *s, char buf[RLN_SETTING_PATH]);
const struct rln_setting *rln_setting_find(enum rln_group group, const char *key);
/* The child group with that key, RLN_GROUP_COUNT when there is none. */
enum rln_group rln_group_find(enum rln_group parent, const char *key);
/* The key of `group` that somebody may have meant by `text`, or NULL. */
const char *rln_setting_nearest(enum rln_group group, const char *text);
/* Choice number n of an ENUM and its length (0: a number that stands for nothing); NULL beyond the last. */
const char *rln_setting_choice(const struct rln_setting *s, unsigned n, size_t *len);
/* The choice of an ENUM that somebody may have meant, or NULL; valid until the next call. */
const char *rln_setting_nearest_choice(const struct rln_setting *s, const char *text);

/*
 * Text to value, written into the group's struct at `base`; lists take one item per call, appended. 0; -EINVAL: not of this
 * type or out of bounds; -ENOSPC: the list is full; -EEXIST: the item stands there already.
 */
int rln_setting_put(const struct rln_setting *s, void *base, const char *text, size_t len);
/* Empties a list setting before its first item. */
void rln_setting_clear(const struct rln_setting *s, void *base);
/* What a value must be, in words: "a number from 1 to 65535"; `item`: one item of a list. Returns buf. */
#define RLN_SETTING_EXPECT 192
const char *rln_setting_expected(const struct rln_setting *s, bool item, char buf[RLN_SETTING_EXPECT]);
/* The value as YAML. Returns the length (as snprintf). */
#define RLN_SETTING_VALUE 10240 /* RLN_CONFIG_AGENTS texts, each character doubled */
int rln_setting_print(const struct rln_setting *s, const void *base, char *buf, size_t size);
/* Every setting of a group to its default (required ones: zero), those of the mappings in it included. */
void rln_group_defaults(enum rln_group group, void *base);
/* Is `word` near enough to what somebody wrote to be worth a question, and nearer than *best (start: UINT_MAX)? */
bool rln_config_nearer(const char *text, const char *word, unsigned *best);

/* Address texts of this room: "198.18.0.1" and "2001:db8::1/64". 0 or -EINVAL. */
int rln_config_ip_parse(struct rln_config_ip *out, const char *text, size_t len);
int rln_config_prefix_parse(struct rln_config_prefix *out, const char *text, size_t len);
#define RLN_CONFIG_IP_TEXT 56
const char *rln_config_ip_text(const struct rln_config_ip *ip, char buf[RLN_CONFIG_IP_TEXT]);
const char *rln_config_prefix_text(const struct rln_config_prefix *p, char buf[RLN_CONFIG_IP_TEXT]);
bool rln_config_ip_same(const struct rln_config_ip *a, const struct rln_config_ip *b);
/* Does the net of `p` hold `ip`? */
bool rln_config_prefix_holds(const struct rln_config_prefix *p, const struct rln_config_ip *ip);

/* ---- pages written from the table (pages.c) ---- */

/* A configuration as a file: with its comments, or the bare values. */
void rln_config_write(FILE *out, const struct rln_config *config, bool comments);
/* docs/config.md. */
void rln_config_write_reference(FILE *out);
/* The part of --help that names the groups, a line each. */
void rln_config_write_help(FILE *out);
