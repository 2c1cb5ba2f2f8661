/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Refusals that can be met: a challenge (RFC 3261 22), a session interval that is too small (RFC 4028 7.3), a redirection
 * (RFC 3261 8.1.3.4). Whether the first INVITE goes out again is the session's decision; what it then looks like is ours.
 *
 * Redirections: all contacts of all 3xx are one list; the one with the highest q that was not tried goes next, so that a
 * target that redirects again does not make us forget the others. What we cannot reach does not come into the list. Whatever
 * fails at one contact, silence and the network's word included, sends us to the next one; but a 6xx knows that nobody else
 * will answer (21.6).
 */
#include <errno.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "sip/dialog_priv.h"

#define URI_MAX   1024
#define TARGETS   16
#define HOPS      5 /* redirections that we follow */
#define INTERVALS 2 /* 422 responses that we give in to */
#define Q_MOST    1000

struct target {
	uint16_t offset; /* of its URI in the texts; 0 = free */
	uint16_t q;      /* thousandths */
	bool is_tried;
};

struct rln_redirect {
	uint8_t hops, targets_n;
	struct target target[TARGETS]; /* the first is where we began */
	uint16_t used;
	char text[4096]; /* URIs, each with its NUL */
};

/* ---- challenges ---- */

/* The URI in our From. */
static void write_local_uri(const struct rln_dialog *d, char *out, size_t size)
{
	const char *value = rln_dialog_text(d, d->local_value);
	struct rln_sip_uri uri;

	if (rln_sip_uri_parse(&uri, value, strlen(value)) != 0)
		uri.text = (struct rln_slice){0, 0};
	snprintf(out, size, "%.*s", uri.text.len, value + uri.text.off);
}

bool rln_retry_learn(struct rln_dialog *d, struct rln_auth_tries *tries, const struct rln_sip_msg *msg)
{
	char uri[URI_MAX];
	struct rln_auth_source source = {
		.find = d->all->cfg.credentials, .arg = d->all->cfg.credentials_arg, .local = &d->local, .local_uri = uri};
	int rc;

	if (msg->status != 401 && msg->status != 407)
		return false;
	write_local_uri(d, uri, sizeof(uri));
	rc = rln_auth_learn(&d->auth, tries, msg, &source);
	if (rc == -EACCES)
		rln_log(RLN_LOG_WARNING, d->self, "our credentials were refused (%u)", msg->status);
	else if (rc != 0)
		rln_log(RLN_LOG_INFO, d->self, "challenged (%u) and no answer to it: %s", msg->status, strerror(-rc));
	return rc == 0;
}

/* ---- intervals ---- */

/* "Min-SE: 120;param"; 0 = none, or no number. */
static uint32_t min_se_of(const struct rln_sip_msg *msg)
{
	const char *s = rln_sip_text(msg, msg->min_se);
	uint64_t n = 0;

	for (unsigned i = 0; i < msg->min_se.len && s[i] >= '0' && s[i] <= '9' && n <= INT32_MAX; i++)
		n = n * 10 + (unsigned)(s[i] - '0');
	return n <= INT32_MAX ? (uint32_t)n : 0;
}

/* The same demand again means that they do not take what they asked for. */
static bool learn_interval(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	uint32_t min = min_se_of(msg);

	if (min <= d->min_se_s || ++d->again.intervals > INTERVALS)
		return false;
	d->min_se_s = min;
	if (d->session_interval_s < min)
		d->session_interval_s = min;
	return true;
}

/* ---- redirections ---- */

static struct rln_span uri_of(const struct rln_redirect *r, const struct target *target)
{
	return rln_span_of(r->text + target->offset);
}

static bool is_known(const struct rln_redirect *r, struct rln_span uri)
{
	for (unsigned i = 0; i < r->targets_n; i++) {
		if (rln_sip_uri_is_same(uri_of(r, &r->target[i]), uri))
			return true;
	}
	return false;
}

static void add_target(struct rln_redirect *r, struct rln_span uri, uint16_t q, bool is_tried)
{
	if (r->targets_n == TARGETS || uri.len >= sizeof(r->text) - r->used)
		return;
	r->target[r->targets_n++] = (struct target){r->used, q, is_tried};
	memcpy(r->text + r->used, uri.s, uri.len);
	r->text[r->used + uri.len] = '\0';
	r->used = (uint16_t)(r->used + uri.len + 1);
}

/* "0.75" in thousandths; absent or no number: as good as any (20.10 leaves it open). */
static uint16_t q_of(struct rln_span params)
{
	struct rln_span q;
	unsigned n = 0, unit = Q_MOST;

	if (!rln_sip_param(params, "q", &q) || q.len == 0)
		return Q_MOST;
	for (size_t i = 0; i < q.len && unit; i++) {
		if (q.s[i] == '.' && i == 1)
			continue;
		if (q.s[i] < '0' || q.s[i] > '9')
			return Q_MOST;
		n += (unsigned)(q.s[i] - '0') * unit;
		unit /= 10;
	}
	return n < Q_MOST ? (uint16_t)n : Q_MOST;
}

/* The URI without the '?' headers that it may carry (19.1.1): those of our INVITE are ours. */
static struct rln_span target_of(const struct rln_sip_msg *msg, const struct rln_sip_uri *contact)
{
	struct rln_span uri = rln_span_in(msg, contact->text);
	const char *headers = uri.len ? memchr(uri.s, '?', uri.len) : NULL;
	const char *sign = uri.len ? memchr(uri.s, '@', uri.len) : NULL;

	if (headers && sign && headers < sign) /* a '?' in the user part is part of it */
		headers = memchr(sign, '?', (size_t)(uri.s + uri.len - sign));
	if (headers)
		uri.len = (size_t)(headers - uri.s);
	return uri;
}

static struct target *best_target(struct rln_redirect *r)
{
	struct target *best = NULL;

	for (unsigned i = 0; r && i < r->targets_n; i++) {
		struct target *t = &r->target[i];

		if (!t->is_tried && (!best || t->q > best->q))
			best = t;
	}
	return best;
}

static bool is_reachable(const struct rln_dialogs *all, struct rln_span uri)
{
	struct rln_addr hop, local;

	return rln_dialogs_resolve(all, uri, &hop) == 0 && rln_transport_local_for(all->cfg.transport, &hop, &local) == 0;
}

static void learn_contacts(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	struct rln_redirect *r = d->again.redirect;

	if (!r) {
		r = d->again.redirect = rln_zalloc(sizeof(*r));
		if (!r)
			return;
		add_target(r, rln_dialog_request_uri(d->remote), Q_MOST, true);
	}
	for (unsigned i = 0; i < msg->contacts_n; i++) {
		struct rln_span uri = target_of(msg, &msg->contact[i]);

		if (!is_known(r, uri) && is_reachable(d->all, uri))
			add_target(r, uri, q_of(rln_span_in(msg, msg->contact_params[i])), false);
	}
}

/* ---- the first INVITE ---- */

bool rln_retry_elsewhere(struct rln_dialog *d)
{
	struct rln_redirect *r = d->again.redirect;

	d->again.allowed = d->again.is_redirected = r && r->hops < HOPS && best_target(r);
	return d->again.allowed;
}

void rln_retry_on_refusal(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	if (msg->status / 100 == 3)
		learn_contacts(d, msg);
	d->again.is_redirected = false;
	d->again.allowed = msg->status == 422 ? learn_interval(d, msg) : rln_retry_learn(d, &d->ours.tries, msg);
	if (!d->again.allowed && msg->status < 600)
		rln_retry_elsewhere(d);
}

int rln_retry_prepare(struct rln_dialog *d)
{
	struct rln_dialog_remote_parts parts = {.value = rln_span_of(d->remote->text + d->remote->value)};
	struct target *next = d->again.is_redirected ? best_target(d->again.redirect) : NULL;
	struct rln_dialog_remote *remote;
	struct rln_addr local;

	d->again.allowed = d->again.is_redirected = false;
	if (!next)
		return 0;
	parts.target = uri_of(d->again.redirect, next);
	remote = rln_dialog_remote_new(d->all, &parts);
	if (!remote)
		return -ENOMEM;
	rln_free(d->remote);
	d->remote = remote;
	next->is_tried = true;
	d->again.redirect->hops++;
	d->ours.tries = (struct rln_auth_tries){{0}}; /* who refused our credentials was somebody else */
	if (rln_transport_local_for(d->all->cfg.transport, &remote->hop, &local) != 0)
		return -ENETUNREACH;
	local.port = d->local.port;
	d->local = local;
	return 0;
}
