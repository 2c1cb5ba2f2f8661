/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules that join several settings. They look at plain data only; what this machine has is the business of preflight. */
#pragma once

#include "config/config.h"
#include "config/parse.h"

/* Where in the file each value stood: parse.c notes, check.c looks up. Values are named by where they lie in the struct
 * rln_config. */
struct rln_config_mark {
	uint32_t offset, size; /* bytes from the start of the struct */
	uint32_t line, column;
	bool group; /* a mapping or list; the values in it have marks of their own */
};

struct rln_config_marks {
	unsigned n;
	struct rln_config_mark at[8192]; /* a full configuration has some 6,000 values */
};

/* Adds every broken rule to the report, at the key that breaks it. marks NULL: a configuration that came from no file. 0 or
 * -EINVAL. */
int rln_config_check(const struct rln_config *config, const struct rln_config_marks *marks, struct rln_config_report *report);

/* Was this value given in the file? */
bool rln_config_mark_has(const struct rln_config_marks *marks, const struct rln_config *config, const void *value);
/* Its position, else that of the smallest thing around it that was given, else 1:1. */
struct rln_config_mark rln_config_mark_find(
	const struct rln_config_marks *marks, const struct rln_config *config, const void *value);
void rln_config_mark_add(struct rln_config_marks *marks, const struct rln_config_mark *mark);
/* One more fault; kept sorted by position. */
void rln_config_fault(struct rln_config_report *report, unsigned line, unsigned column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Packet buffers that this configuration needs with so many workers, and their memory with all that EAL takes, in MB. */
uint32_t rln_config_mbufs(const struct rln_config *config, unsigned workers);
uint32_t rln_config_memory_need_mb(const struct rln_config *config, unsigned workers);
/* Data room of the packet buffers: the largest mbuf_room; auto: 2048, or the framesz of af_packet. Bytes, headroom not
 * counted. */
uint32_t rln_config_mbuf_room(const struct rln_config *config);
