/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of preflight share: how to look into the tree and how to say what was found. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dpdk_app/preflight.h"

struct rln_look { /* one run */
	struct rln_preflight *out;
	const struct rln_config *config;
	const char *root;
	bool real;             /* root is "": system calls tell the truth about this tree */
	uint64_t capabilities; /* effective, bits of linux/capability.h */
	bool user_namespace;   /* not the initial one */
};

/* One finding; mend NULL or a format of its own follows by rln_look_mend(). */
void rln_look_say(struct rln_look *look, enum rln_finding_level level, const char *subject, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The mend of the finding said last. */
void rln_look_mend(struct rln_look *look, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Files below root. The path is a format. */
bool rln_look_exists(const struct rln_look *look, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The file's first `size - 1` bytes without the last newline; false when it cannot be read. */
bool rln_look_read(const struct rln_look *look, char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The number that a file starts with, else `otherwise`. */
long rln_look_number(const struct rln_look *look, long otherwise, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The value of "Key:   123 kB" in a file of such lines, else -1. */
long rln_look_field(const struct rln_look *look, const char *path, const char *key);
/* Is `cpu` in a kernel list like "0-3,8"? */
bool rln_look_in_list(const char *list, unsigned cpu);
bool rln_look_capable(const struct rln_look *look, unsigned capability);

/* preflight_cpu.c, preflight_dev.c, preflight_files.c */
void rln_look_cpus(struct rln_look *look);
void rln_look_memory(struct rln_look *look);
void rln_look_devices(struct rln_look *look);
void rln_look_files(struct rln_look *look);
