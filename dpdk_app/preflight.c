/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame of preflight: who is asked in which order, reading of kernel files, and the printed list. */
#include "dpdk_app/preflight_priv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void rln_look_say(struct rln_look *look, enum rln_finding_level level, const char *subject, const char *format, ...)
{
	struct rln_preflight *p = look->out;
	struct rln_finding *f = &p->at[p->n < RLN_FINDINGS ? p->n : RLN_FINDINGS - 1];
	va_list ap;

	p->n += p->n < RLN_FINDINGS;
	p->warnings += level == RLN_FINDING_WARN;
	p->failures += level == RLN_FINDING_FAIL;
	f->level = level;
	f->mend[0] = 0;
	snprintf(f->subject, sizeof(f->subject), "%s", subject);
	va_start(ap, format);
	vsnprintf(f->text, sizeof(f->text), format, ap);
	va_end(ap);
}

void rln_look_mend(struct rln_look *look, const char *format, ...)
{
	struct rln_finding *f = &look->out->at[look->out->n - 1];
	va_list ap;

	va_start(ap, format);
	vsnprintf(f->mend, sizeof(f->mend), format, ap);
	va_end(ap);
}

static void path_of(const struct rln_look *look, char *path, size_t size, const char *format, va_list ap)
{
	int used = snprintf(path, size, "%s", look->root);

	if (used >= 0 && (size_t)used < size)
		vsnprintf(path + used, size - (size_t)used, format, ap);
}

bool rln_look_exists(const struct rln_look *look, const char *format, ...)
{
	char path[512];
	va_list ap;

	va_start(ap, format);
	path_of(look, path, sizeof(path), format, ap);
	va_end(ap);
	return access(path, F_OK) == 0;
}

static bool read_file(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t len;

	buf[0] = 0;
	if (!file)
		return false;
	len = fread(buf, 1, size - 1, file);
	buf[len] = 0;
	fclose(file);
	if (len && buf[len - 1] == '\n')
		buf[len - 1] = 0;
	return true;
}

bool rln_look_read(const struct rln_look *look, char *buf, size_t size, const char *format, ...)
{
	char path[512];
	va_list ap;

	va_start(ap, format);
	path_of(look, path, sizeof(path), format, ap);
	va_end(ap);
	return read_file(path, buf, size);
}

long rln_look_number(const struct rln_look *look, long otherwise, const char *format, ...)
{
	char path[512], text[64], *end;
	va_list ap;
	long v;

	va_start(ap, format);
	path_of(look, path, sizeof(path), format, ap);
	va_end(ap);
	if (!read_file(path, text, sizeof(text)))
		return otherwise;
	v = strtol(text, &end, 10);
	return end == text ? otherwise : v;
}

long rln_look_field(const struct rln_look *look, const char *path, const char *key)
{
	char text[8192];
	size_t len = strlen(key);

	if (!rln_look_read(look, text, sizeof(text), "%s", path))
		return -1;
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			return strtol(line + len + 1, NULL, 0);
	}
	return -1;
}

bool rln_look_in_list(const char *list, unsigned cpu)
{
	for (const char *p = list; *p;) {
		char *end;
		unsigned long from = strtoul(p, &end, 10), to = from;

		if (end == p)
			return false;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (cpu >= from && cpu <= to)
			return true;
		p = end + (*end == ',');
	}
	return false;
}

bool rln_look_capable(const struct rln_look *look, unsigned capability)
{
	return look->capabilities >> capability & 1;
}

/* Effective capabilities and the user namespace, from /proc. */
static void who_are_we(struct rln_look *look)
{
	char text[8192], *line;
	unsigned long inside, outside, count;

	if (rln_look_read(look, text, sizeof(text), "/proc/self/status")) {
		line = strstr(text, "\nCapEff:");
		if (line)
			look->capabilities = strtoull(line + 8, NULL, 16);
	}
	if (rln_look_read(look, text, sizeof(text), "/proc/self/uid_map") &&
		sscanf(text, "%lu %lu %lu", &inside, &outside, &count) == 3)
		look->user_namespace = outside != 0 || count < UINT32_MAX;
}

void rln_preflight_run(struct rln_preflight *out, const struct rln_config *config, const char *root)
{
	struct rln_look look = {.out = out, .config = config, .root = root, .real = !*root};

	memset(out, 0, sizeof(*out));
	who_are_we(&look);
	rln_look_cpus(&look);
	rln_look_memory(&look);
	rln_look_devices(&look);
	rln_look_files(&look);
}

void rln_preflight_print(FILE *to, const struct rln_preflight *preflight, bool all, bool colour)
{
	static const struct {
		const char *word, *colour;
	} levels[] = {[RLN_FINDING_OK] = {"ok", "\033[32m"},
		[RLN_FINDING_WARN] = {"warn", "\033[33m"},
		[RLN_FINDING_FAIL] = {"FAIL", "\033[31m"}};

	for (unsigned i = 0; i < preflight->n; i++) {
		const struct rln_finding *f = &preflight->at[i];

		if (f->level == RLN_FINDING_OK && !all)
			continue;
		fprintf(to, "%s%-4s%s  %-14s %s\n", colour ? levels[f->level].colour : "", levels[f->level].word,
			colour ? "\033[0m" : "", f->subject, f->text);
		if (*f->mend)
			fprintf(to, "      %-14s mend: %s\n", "", f->mend);
	}
}
