/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules across keys: the numbers (this file), devices and addresses (check_net.c), routes, queues and menus (check_apps.c). Each rule blames the key that the file
 * gave; of two keys that contradict each other, the one that is not a default. A position is found by where the value lies in
 * the struct, so no rule carries marks around.
 */
#include "config/check_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- positions ---- */

void rln_config_mark_add(struct rln_config_marks *marks, const struct rln_config_mark *mark)
{
	if (marks->n < sizeof(marks->at) / sizeof(marks->at[0]))
		marks->at[marks->n++] = *mark;
}

static uint32_t offset_of(const struct rln_config *config, const void *value)
{
	return (uint32_t)((const char *)value - (const char *)config);
}

/* A group starts where its first value does; the smaller one is meant. */
struct rln_config_mark rln_config_mark_find(
	const struct rln_config_marks *marks, const struct rln_config *config, const void *value)
{
	struct rln_config_mark best = {0, UINT32_MAX, 1, 1, true};
	uint32_t offset = offset_of(config, value);

	for (unsigned i = 0; marks && i < marks->n; i++) {
		const struct rln_config_mark *m = &marks->at[i];

		if (m->offset <= offset && offset - m->offset < m->size && m->size <= best.size)
			best = *m;
	}
	return best;
}

bool rln_config_mark_has(const struct rln_config_marks *marks, const struct rln_config *config, const void *value)
{
	struct rln_config_mark m = rln_config_mark_find(marks, config, value);

	return !m.group && m.offset == offset_of(config, value);
}

void rln_config_fault(struct rln_config_report *report, unsigned line, unsigned column, const char *format, ...)
{
	struct rln_config_fault fault = {line, column, ""};
	unsigned at = report->n;
	va_list ap;

	if (report->n == RLN_CONFIG_FAULTS) {
		report->more++;
		return;
	}
	va_start(ap, format);
	vsnprintf(fault.text, sizeof(fault.text), format, ap);
	va_end(ap);
	for (; at > 0; at--) {
		const struct rln_config_fault *before = &report->faults[at - 1];

		if (before->line < line || (before->line == line && before->column <= column))
			break;
	}
	memmove(&report->faults[at + 1], &report->faults[at], sizeof(fault) * (report->n - at));
	report->faults[at] = fault;
	report->n++;
}

void rln_check_blame(struct rln_check *c, const void *value, const char *format, ...)
{
	struct rln_config_mark m = rln_config_mark_find(c->marks, c->config, value);
	char text[sizeof(c->report->faults[0].text)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	rln_config_fault(c->report, m.line, m.column, "%s", text);
}

bool rln_check_given(const struct rln_check *c, const void *value)
{
	return rln_config_mark_has(c->marks, c->config, value);
}

const void *rln_check_either(const struct rln_check *c, const void *first, const void *second)
{
	return rln_check_given(c, first) || !rln_check_given(c, second) ? first : second;
}

/* ---- runtime and idle ---- */

static void check_cpus(struct rln_check *c)
{
	const struct rln_config_runtime *r = &c->config->runtime;
	bool poll = c->config->idle.mode == RLN_IDLE_POLL;

	if (r->workers && r->worker_cpus_n > r->workers)
		rln_check_blame(c, &r->worker_cpus_n,
			"runtime.worker_cpus: found %u CPUs for %u workers, expected at most one for each worker",
			r->worker_cpus_n, r->workers);
	if (!poll)
		return;
	if (r->workers && r->worker_cpus_n && r->workers > r->worker_cpus_n)
		rln_check_blame(c, &r->workers,
			"runtime.workers: found %u workers on %u CPUs with idle.mode poll, expected a CPU for each: lcores that "
			"never sleep starve one another",
			r->workers, r->worker_cpus_n);
	for (unsigned i = 0; i < r->worker_cpus_n; i++)
		if (r->control_cpu == r->worker_cpus[i])
			rln_check_blame(c, &r->worker_cpus[i],
				"runtime.worker_cpus: found CPU %u, which is control_cpu too, with idle.mode poll, expected "
				"a CPU of its own",
				r->worker_cpus[i]);
}

static void check_memory(struct rln_check *c)
{
	const struct rln_config_runtime *r = &c->config->runtime;
	uint32_t need = rln_config_memory_need_mb(c->config, r->workers ? r->workers : 1);

	if (r->memory_mb && r->memory_mb < need)
		rln_check_blame(c, &r->memory_mb,
			"runtime.memory_mb: found %u, expected at least %u for limits.calls %u, or auto", r->memory_mb, need,
			c->config->limits.calls);
}

static void check_prefix(struct rln_check *c)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *prefix = c->config->runtime.prefix;

	if (prefix[strspn(prefix, plain)] || prefix[0] == '.')
		rln_check_blame(c, prefix,
			"runtime.prefix: found '%s', expected letters, digits, '.', '_' and '-': it names files", prefix);
}

static void check_idle(struct rln_check *c)
{
	const struct rln_config_idle *i = &c->config->idle;

	if (i->sleep_min_us > i->sleep_max_us)
		rln_check_blame(c, rln_check_either(c, &i->sleep_min_us, &i->sleep_max_us),
			"idle: found sleep_min_us %u above sleep_max_us %u, expected it at or below", i->sleep_min_us,
			i->sleep_max_us);
	if (i->sleep_max_us > i->sleep_quiet_us)
		rln_check_blame(c, rln_check_either(c, &i->sleep_quiet_us, &i->sleep_max_us),
			"idle: found sleep_quiet_us %u below sleep_max_us %u, expected it at or above", i->sleep_quiet_us,
			i->sleep_max_us);
}

/* ---- sip ---- */

static bool is_host_name(const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";

	return name[0] != '-' && name[0] != '.' && name[strspn(name, plain)] == 0;
}

static void check_hosts(struct rln_check *c)
{
	const struct rln_config_sip *s = &c->config->sip;
	struct rln_config_ip ip;

	for (unsigned i = 0; i < s->hosts_n; i++) {
		const char *name = s->hosts[i].name;

		if (rln_config_ip_parse(&ip, name, strlen(name)) == 0 || !is_host_name(name))
			rln_check_blame(
				c, name, "sip.hosts[%u].name: found '%s', expected a host name, e.g. pbx.example", i, name);
		for (unsigned k = 0; k < i; k++)
			if (strcasecmp(name, s->hosts[k].name) == 0)
				rln_check_blame(c, name,
					"sip.hosts[%u].name: '%s' is sip.hosts[%u] already, expected each name once", i, name, k);
	}
}

/* The table must hold what RFC 3261 makes it keep at the admitted rate: per call one INVITE and one BYE for 64*T1. */
static void check_transactions(struct rln_check *c)
{
	const struct rln_config_sip *s = &c->config->sip;
	const struct rln_config_limits *l = &c->config->limits;
	uint64_t need = (uint64_t)l->calls_per_second * 2 * 64 * s->t1_ms / 1000;

	if (s->max_transactions < need)
		rln_check_blame(c, rln_check_either(c, &l->calls_per_second, &s->max_transactions),
			"limits.calls_per_second: %u calls/s keep %lu transactions (two a call for 64 times T1), expected "
			"sip.max_transactions of at least that, "
			"found %u",
			l->calls_per_second, (unsigned long)need, s->max_transactions);
	if (s->max_dialogs < l->calls)
		rln_check_blame(c, rln_check_either(c, &s->max_dialogs, &l->calls),
			"sip.max_dialogs: found %u, expected at least limits.calls, %u", s->max_dialogs, l->calls);
}

static void check_sip(struct rln_check *c)
{
	static const char user[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,;?/"; /* RFC 3261 25.1 */
	const struct rln_config_sip *s = &c->config->sip;
	struct rln_config_ip ip;

	if (s->name[strspn(s->name, user)])
		rln_check_blame(c, s->name, "sip.name: found '%s', expected the user part of a SIP URI", s->name);
	if (*s->domain && rln_config_ip_parse(&ip, s->domain, strlen(s->domain)) && !is_host_name(s->domain))
		rln_check_blame(c, s->domain, "sip.domain: found '%s', expected a host name or an address", s->domain);
	if (s->t1_ms > s->t2_ms)
		rln_check_blame(c, rln_check_either(c, &s->t1_ms, &s->t2_ms),
			"sip: found t1_ms %u above t2_ms %u, expected it at or below", s->t1_ms, s->t2_ms);
	if (s->session_expires_s && s->session_expires_s < s->min_se_s)
		rln_check_blame(c, rln_check_either(c, &s->session_expires_s, &s->min_se_s),
			"sip: found session_expires_s %u below min_se_s %u, expected it at or above, or 0", s->session_expires_s,
			s->min_se_s);
	check_hosts(c);
	check_transactions(c);
}

/* ---- rtp ---- */

static void check_rtp_range(struct rln_check *c)
{
	const struct rln_config_rtp *r = &c->config->rtp;
	const struct rln_config_sip *s = &c->config->sip;
	uint32_t pairs;

	if (r->port_min & 1)
		rln_check_blame(
			c, &r->port_min, "rtp.port_min: found %u, expected an even port (RTP even, RTCP odd)", r->port_min);
	if (!(r->port_max & 1))
		rln_check_blame(c, &r->port_max, "rtp.port_max: found %u, expected an odd port: the RTCP port of the last pair",
			r->port_max);
	if (r->port_max <= r->port_min) {
		rln_check_blame(c, rln_check_either(c, &r->port_max, &r->port_min),
			"rtp: found port_max %u at or below port_min %u, expected it above", r->port_max, r->port_min);
		return;
	}
	pairs = ((uint32_t)r->port_max - r->port_min + 1) / 2;
	if (pairs < c->config->limits.calls)
		rln_check_blame(c,
			rln_check_given(c, &r->port_max) ? (const void *)&r->port_max
							 : rln_check_either(c, &r->port_min, &c->config->limits.calls),
			"rtp: ports %u to %u are %u pairs, expected at least limits.calls, %u", r->port_min, r->port_max, pairs,
			c->config->limits.calls);
	if (s->port >= r->port_min && s->port <= r->port_max)
		rln_check_blame(c,
			rln_check_given(c, &s->port) ? (const void *)&s->port : rln_check_either(c, &r->port_min, &r->port_max),
			"sip.port: %u lies in the RTP range %u to %u, expected it outside", s->port, r->port_min, r->port_max);
}

static void check_rtp(struct rln_check *c)
{
	const struct rln_config_rtp *r = &c->config->rtp;

	check_rtp_range(c);
	if (r->ptime_ms % 10 || r->ptime_ms == 50)
		rln_check_blame(c, &r->ptime_ms, "rtp.ptime_ms: found %u, expected 10, 20, 30, 40 or 60", r->ptime_ms);
	if (r->telephone_event && r->telephone_event < 96)
		rln_check_blame(c, &r->telephone_event,
			"rtp.telephone_event: found %u, expected 0 or a dynamic payload type, 96 to 127", r->telephone_event);
	if (r->rtp_timeout_s && r->rtp_timeout_s * 1000ull < 2ull * r->rtcp_interval_ms)
		rln_check_blame(c, rln_check_either(c, &r->rtp_timeout_s, &r->rtcp_interval_ms),
			"rtp.rtp_timeout_s: found %u, expected 0 or at least two RTCP intervals (%u ms): a silent peer shows "
			"life by RTCP only",
			r->rtp_timeout_s, 2 * r->rtcp_interval_ms);
}

/* ---- sizes ---- */

uint32_t rln_config_mbuf_room(const struct rln_config *config)
{
	uint32_t room = 2048;
	char framesz[16];

	for (unsigned i = 0; i < config->ports_n; i++) {
		const struct rln_config_port *p = &config->ports[i];
		uint32_t need = p->mbuf_room;

		if (!need && rln_device_kind(p->device) == RLN_DEVICE_AF_PACKET &&
			rln_device_arg(p->device, "framesz", framesz, sizeof(framesz)))
			need = (uint32_t)strtoul(framesz, NULL, 10);
		if (need > room)
			room = need < 65535 - 128 ? need : 65535 - 128;
	}
	return room;
}

/* Per queue 1,024 in the receive ring and 1,024 in the send ring and on the way; per call half a packet, as 20 ms hold one
 * and a call is never at two places; a floor for bursts. A power of two less one, as mempools like it. */
uint32_t rln_config_mbufs(const struct rln_config *config, unsigned workers)
{
	uint64_t need = 4096 + (uint64_t)workers * config->ports_n * 2048 + config->limits.calls / 2, n = 8192;

	while (n - 1 < need)
		n *= 2;
	return (uint32_t)(n - 1);
}

uint32_t rln_config_memory_need_mb(const struct rln_config *config, unsigned workers)
{
	/* 128 mbuf + 64 private area + 128 headroom, 64 for the pool's own; EAL, rings and block pools: 64 MB and 4 a worker */
	uint64_t bytes = (uint64_t)rln_config_mbufs(config, workers) * (rln_config_mbuf_room(config) + 128 + 64 + 128 + 64);

	return (uint32_t)(bytes / (1u << 20) + 64 + 4 * workers);
}

int rln_config_check(const struct rln_config *config, const struct rln_config_marks *marks, struct rln_config_report *report)
{
	struct rln_check c = {config, marks, report};

	check_cpus(&c);
	check_prefix(&c);
	check_idle(&c);
	rln_check_net(&c);
	check_memory(&c);
	check_sip(&c);
	check_rtp(&c);
	rln_check_apps(&c);
	rln_check_registrations(&c);
	return report->n ? -EINVAL : 0;
}
