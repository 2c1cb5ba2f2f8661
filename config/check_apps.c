/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of what answers calls: routes, and the queues and menus that they and one another name. */
#include "config/check_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/route.h"

#define WHERE 64 /* bytes of "menus[3].digits[11].play" */

/* A set "[...]" that is never closed would match itself literally: not what was meant. */
static bool is_pattern(const char *p)
{
	for (; *p; p++) {
		if (*p == ']' || (unsigned char)*p <= ' ')
			return false;
		if (*p == '\\' && !*++p)
			return false;
		if (*p == '[') {
			p += 1 + (p[1] == '!' || p[1] == '^');
			p += *p == ']';
			p = strchr(p, ']');
			if (!p)
				return false;
		}
	}
	return true;
}

/* A key that belongs to other applications than this route's. */
static void check_stray(struct rln_check *c, unsigned i, const void *value, const char *key, bool wanted, const char *where)
{
	if (!wanted && rln_check_given(c, value))
		rln_check_blame(c, value, "routes[%u].%s: found it in a route whose app is another, expected it only with app %s",
			i, key, where);
}

/* A WAV file; `where` names the setting. "" is none. */
static void check_file_name(struct rln_check *c, const char *where, const char *name, bool names_allowed)
{
	const struct rln_route_names none = {0};
	char path[2 * RLN_CONFIG_PATH];
	size_t len = strlen(name);

	if (len == 0)
		return;
	if (len < 5 || strcasecmp(name + len - 4, ".wav") != 0)
		rln_check_blame(c, name, "%s: found '%s', expected a file name that ends in .wav", where, name);
	else if (names_allowed && rln_config_route_path(path, sizeof(path), "", name, &none) == -EINVAL)
		rln_check_blame(
			c, name, "%s: found '%s', expected no other names in it than {user} {from} {call} {time}", where, name);
	else if (strstr(name, "../"))
		rln_check_blame(c, name, "%s: found '%s', expected a name without '../'", where, name);
}

/* Whom to call: a SIP URI, with the names that a route's target may have. "" is none. */
static void check_target(struct rln_check *c, const char *where, const char *uri, bool names_allowed)
{
	const struct rln_route_names none = {.user = "user", .from = "from"};
	char text[2 * RLN_CONFIG_TEXT];

	if (!*uri)
		return;
	if (names_allowed && rln_config_route_target(text, sizeof(text), uri, &none) != 0)
		rln_check_blame(c, uri, "%s: found '%s', expected no other names in it than {user} {from}", where, uri);
	else if (strncasecmp(uri, "sip:", 4) != 0 || uri[4] == 0 || uri[strcspn(uri, " <>\"")])
		rln_check_blame(c, uri, "%s: found '%s', expected a SIP URI, e.g. sip:alice@198.18.0.2", where, uri);
}

/* The name of one of a list's items, each `size` bytes with its name in front. */
static void check_name(
	struct rln_check *c, const char *where, const char *name, const char *list, const void *items, unsigned n, size_t size)
{
	const char *guess = NULL;
	unsigned best = UINT_MAX;

	if (!*name)
		return;
	for (unsigned i = 0; i < n; i++) {
		const char *is = (const char *)items + i * size;

		if (strcmp(is, name) == 0)
			return;
		if (rln_config_nearer(name, is, &best))
			guess = is;
	}
	rln_check_blame(c, name, "%s: found '%s', expected the name of one of %s%s%s%s", where, name, list,
		guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
}

static void check_queue_name(struct rln_check *c, const char *where, const char *name)
{
	check_name(c, where, name, "queues", c->config->queues, c->config->queues_n, sizeof(c->config->queues[0]));
}

static void check_menu_name(struct rln_check *c, const char *where, const char *name)
{
	check_name(c, where, name, "menus", c->config->menus, c->config->menus_n, sizeof(c->config->menus[0]));
}

_Static_assert(offsetof(struct rln_config_queue, name) == 0 && offsetof(struct rln_config_menu, name) == 0, "names in front");

/* ---- routes ---- */

static void check_match(struct rln_check *c, unsigned i)
{
	const struct rln_config_route *r = &c->config->routes[i];

	if (!is_pattern(r->match))
		rln_check_blame(c, r->match,
			"routes[%u].match: found '%s', expected a pattern with *, ? and closed sets [...], without blanks", i,
			r->match);
	for (unsigned k = 0; k < i; k++) {
		const char *before = c->config->routes[k].match;

		if (strcmp(before, r->match) && (strcmp(before, "*") || i > k + 1)) /* behind "*" one fault is enough */
			continue;
		rln_check_blame(c, r->match,
			"routes[%u].match: '%s' can never be reached behind routes[%u] '%s', expected it before that one", i,
			r->match, k, before);
		break;
	}
}

static bool has_own_audio(enum rln_config_app app)
{
	return app == RLN_ROUTE_ECHO || app == RLN_ROUTE_PLAY || app == RLN_ROUTE_RECORD || app == RLN_ROUTE_TONE;
}

static void check_strays(struct rln_check *c, unsigned i)
{
	const struct rln_config_route *r = &c->config->routes[i];
	enum rln_config_app app = r->app;

	check_stray(c, i, r->file, "file", app == RLN_ROUTE_PLAY || app == RLN_ROUTE_PLUGIN, "play or plugin");
	check_stray(c, i, &r->loop, "loop", app == RLN_ROUTE_PLAY, "play");
	check_stray(c, i, &r->tone_hz, "tone_hz", app == RLN_ROUTE_TONE, "tone");
	check_stray(c, i, &r->code, "code", app == RLN_ROUTE_REJECT, "reject");
	check_stray(c, i, r->record, "record", has_own_audio(app), "record, echo, play or tone");
	check_stray(c, i, &r->ring_ms, "ring_ms", has_own_audio(app), "echo, play, record or tone");
	check_stray(c, i, &r->to_n, "to", app == RLN_ROUTE_BRIDGE, "bridge");
	check_stray(c, i, &r->to_ring_s, "to_ring_s", app == RLN_ROUTE_BRIDGE, "bridge");
	check_stray(c, i, &r->keep_from, "keep_from", app == RLN_ROUTE_BRIDGE, "bridge");
	check_stray(c, i, r->queue, "queue", app == RLN_ROUTE_QUEUE, "queue");
	check_stray(c, i, r->menu, "menu", app == RLN_ROUTE_MENU, "menu");
	check_stray(c, i, r->options, "options", app == RLN_ROUTE_PLUGIN, "plugin");
}

/* A key that the route's application cannot do without. */
static void check_needed(struct rln_check *c, unsigned i, bool missing, const char *app, const char *key, const char *what)
{
	if (missing)
		rln_check_blame(
			c, &c->config->routes[i].app, "routes[%u].app: found %s without '%s', expected %s", i, app, key, what);
}

static void check_route(struct rln_check *c, unsigned i)
{
	const struct rln_config_route *r = &c->config->routes[i];
	char where[WHERE];

	check_match(c, i);
	check_strays(c, i);
	check_needed(c, i, r->app == RLN_ROUTE_PLAY && !*r->file, "play", "file", "the WAV file to play");
	check_needed(c, i, r->app == RLN_ROUTE_RECORD && !*r->record, "record", "record", "the WAV file to write");
	check_needed(c, i, r->app == RLN_ROUTE_BRIDGE && !r->to_n, "bridge", "to", "the SIP URI to call");
	check_needed(c, i, r->app == RLN_ROUTE_QUEUE && !*r->queue, "queue", "queue", "the name of one of queues");
	check_needed(c, i, r->app == RLN_ROUTE_MENU && !*r->menu, "menu", "menu", "the name of one of menus");
	check_needed(c, i, r->app == RLN_ROUTE_PLUGIN && !*r->file, "plugin", "file", "the shared object to load");
	if (r->stereo && !*r->record)
		rln_check_blame(c, &r->stereo, "routes[%u].stereo: found it without 'record', expected the WAV file to write", i);
	snprintf(where, sizeof(where), "routes[%u].file", i);
	if (r->app != RLN_ROUTE_PLUGIN)
		check_file_name(c, where, r->file, false);
	snprintf(where, sizeof(where), "routes[%u].record", i);
	check_file_name(c, where, r->record, true);
	snprintf(where, sizeof(where), "routes[%u].queue", i);
	check_queue_name(c, where, r->queue);
	snprintf(where, sizeof(where), "routes[%u].menu", i);
	check_menu_name(c, where, r->menu);
	snprintf(where, sizeof(where), "routes[%u].to", i);
	for (unsigned k = 0; k < r->to_n; k++)
		check_target(c, where, r->to[k], true);
}

/* ---- queues and menus ---- */

/* A name that routes can write, once in its list. */
static void check_own_name(struct rln_check *c, const char *list, unsigned i, const void *items, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *name = (const char *)items + i * size;

	if (name[strspn(name, plain)])
		rln_check_blame(c, name, "%s[%u].name: found '%s', expected letters, digits, '.', '_' and '-'", list, i, name);
	for (unsigned k = 0; k < i; k++)
		if (strcmp(name, (const char *)items + k * size) == 0)
			rln_check_blame(
				c, name, "%s[%u].name: '%s' is %s[%u] already, expected each name once", list, i, name, list, k);
}

static void check_queue(struct rln_check *c, unsigned i)
{
	const struct rln_config_queue *q = &c->config->queues[i];
	char where[WHERE];

	check_own_name(c, "queues", i, c->config->queues, sizeof(*q));
	snprintf(where, sizeof(where), "queues[%u].agents", i);
	for (unsigned k = 0; k < q->agents_n; k++)
		check_target(c, where, q->agents[k], false);
	snprintf(where, sizeof(where), "queues[%u].music", i);
	check_file_name(c, where, q->music, false);
	snprintf(where, sizeof(where), "queues[%u].announce", i);
	for (unsigned k = 0; k < q->announce_n; k++)
		check_file_name(c, where, q->announce[k], false);
	snprintf(where, sizeof(where), "queues[%u].fallback", i);
	check_target(c, where, q->fallback, false);
	if (*q->fallback && q->timeout_s == 0)
		rln_check_blame(
			c, q->fallback, "queues[%u].fallback: found it with timeout_s 0, expected a time to wait before", i);
}

static void check_action(struct rln_check *c, const char *at, const struct rln_config_action *a)
{
	unsigned away = !!*a->queue + !!*a->menu + !!*a->bridge + !!*a->transfer + a->hangup;
	char where[WHERE + 16];

	if (away > 1)
		rln_check_blame(c, a, "%s: found %u actions, expected one of queue, menu, bridge, transfer and hangup", at, away);
	snprintf(where, sizeof(where), "%s.play", at);
	check_file_name(c, where, a->play, false);
	snprintf(where, sizeof(where), "%s.queue", at);
	check_queue_name(c, where, a->queue);
	snprintf(where, sizeof(where), "%s.menu", at);
	check_menu_name(c, where, a->menu);
	snprintf(where, sizeof(where), "%s.bridge", at);
	check_target(c, where, a->bridge, false);
	snprintf(where, sizeof(where), "%s.transfer", at);
	check_target(c, where, a->transfer, false);
}

static bool is_action(const struct rln_config_action *a)
{
	return *a->play || *a->queue || *a->menu || *a->bridge || *a->transfer || a->hangup;
}

static void check_key(struct rln_check *c, unsigned i, unsigned k)
{
	const struct rln_config_menu *m = &c->config->menus[i];
	const struct rln_config_action *a = &m->digits[k];
	char where[WHERE];

	snprintf(where, sizeof(where), "menus[%u].digits[%u]", i, k);
	if (a->digits[strspn(a->digits, "0123456789*#ABCD")])
		rln_check_blame(
			c, a->digits, "%s: found the key '%s', expected digits of 0 to 9, *, # and A to D", where, a->digits);
	if (m->max_digits && strlen(a->digits) > m->max_digits)
		rln_check_blame(
			c, a->digits, "%s: found the key '%s', expected at most max_digits, %u", where, a->digits, m->max_digits);
	for (unsigned before = 0; before < k; before++)
		if (strcmp(a->digits, m->digits[before].digits) == 0)
			rln_check_blame(
				c, a->digits, "%s: found the key '%s' a second time, expected each key once", where, a->digits);
	if (!is_action(a))
		rln_check_blame(c, a->digits,
			"%s: found nothing to do for the key '%s', expected play, queue, menu, bridge, "
			"transfer or hangup",
			where, a->digits);
	check_action(c, where, a);
}

static void check_menu(struct rln_check *c, unsigned i)
{
	const struct rln_config_menu *m = &c->config->menus[i];
	char where[WHERE];

	check_own_name(c, "menus", i, c->config->menus, sizeof(*m));
	snprintf(where, sizeof(where), "menus[%u].prompt", i);
	check_file_name(c, where, m->prompt, false);
	snprintf(where, sizeof(where), "menus[%u].invalid", i);
	check_file_name(c, where, m->invalid, false);
	for (unsigned k = 0; k < m->digits_n; k++)
		check_key(c, i, k);
	snprintf(where, sizeof(where), "menus[%u].on_timeout", i);
	check_action(c, where, &m->on_timeout);
}

void rln_check_apps(struct rln_check *c)
{
	const struct rln_config_handler *h = &c->config->handler;

	for (unsigned i = 0; i < c->config->routes_n; i++)
		check_route(c, i);
	for (unsigned i = 0; i < c->config->queues_n; i++)
		check_queue(c, i);
	for (unsigned i = 0; i < c->config->menus_n; i++)
		check_menu(c, i);
	if (*h->options && !*h->plugin)
		rln_check_blame(c, h->options, "handler.options: found it without 'plugin', expected the shared object to load");
}
