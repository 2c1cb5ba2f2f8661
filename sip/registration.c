/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registration machine (registration.h): a table of state and input, beside what a REGISTER looks like and what its
 * answers mean. What is wanted (registered or not) may change while a request is open; RFC 3261 10.2 lets only one be
 * open at a time, so the new wish is carried out when the answer is here.
 */
#include "sip/registration.h"

#include <errno.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "lcore/secure.h"
#include "sip/dialog_api.h"
#include "sip/dialog_priv.h"
#include "sip/message_priv.h"

#define TEXT_MAX     1024 /* of a URI or Contact that we are given */
#define EXPIRES_S    3600 /* asked for when nobody says (10.2.1.1) */
#define BRIEFS       2    /* 423 responses that we give in to, in a row */
#define RETRY_S      30   /* after a failure, doubled by each further one ... */
#define RETRY_MOST_S 600  /* ... up to this */
#define REFRESH_S    5    /* at least so long before it expires, or a tenth of its time */

enum input { WANTED, UNWANTED, ACCEPTED, REFUSED, INPUTS };

struct registration {
	struct rln_timer timer; /* the refresh, or the next try */
	struct rln_registrations *all;
	uint64_t id, txn;
	char *texts; /* the address of record first; the others by offset */
	uint16_t registrar, contact, call_id, tag;
	struct rln_addr hop, local;
	uint16_t peer;
	uint8_t state;              /* enum rln_registration_state */
	bool is_wanted, is_changed; /* changed: ordered anew while a request was open */
	uint8_t briefs, failures;
	uint16_t code; /* of the last answer; 408, 503: none came (8.1.3.1) */
	uint32_t cseq;
	uint32_t asked_s, granted_s, retry_s, retry_after_s;
	struct rln_auth *auth;
	struct rln_auth_tries tries;
};

struct rln_registrations { /* owner: control lcore */
	struct rln_dialogs *dialogs;
	struct rln_slots *slots;
};

static void step(struct registration *r, enum input input);

static const char *text_of(const struct registration *r, uint16_t offset)
{
	return r->texts + offset;
}

static struct rln_wheel *wheel(const struct registration *r)
{
	return r->all->dialogs->cfg.wheel;
}

/* ---- a REGISTER ---- */

static void write_register(struct rln_text *t, const struct registration *r, const char *branch, uint32_t expires)
{
	const struct rln_dialogs *dialogs = r->all->dialogs;
	char ip[RLN_ADDR_TEXT];

	rln_text_init(t, r->all->dialogs->scratch, sizeof(dialogs->scratch));
	rln_text_printf(t, "REGISTER %s SIP/2.0\r\n", text_of(r, r->registrar));
	rln_text_printf(
		t, "Via: SIP/2.0/UDP %s:%u;rport;branch=%s\r\n", rln_addr_ip_text(&r->local, true, ip), r->local.port, branch);
	rln_text_printf(t, "Max-Forwards: 70\r\nFrom: <%s>;tag=%s\r\nTo: <%s>\r\nCall-ID: %s\r\nCSeq: %u REGISTER\r\n", r->texts,
		text_of(r, r->tag), r->texts, text_of(r, r->call_id), r->cseq);
	rln_text_printf(t, "Contact: <%s>;expires=%u\r\nExpires: %u\r\n", text_of(r, r->contact), expires, expires);
	rln_policy_write_abilities(t, false);
	if (dialogs->cfg.user_agent)
		rln_text_printf(t, "User-Agent: %s\r\n", dialogs->cfg.user_agent);
	rln_auth_write(r->auth, t, "REGISTER", rln_span_of(text_of(r, r->registrar)), rln_span_of(NULL));
	rln_build_body(t, NULL, NULL, 0);
}

static int publish_register(struct registration *r, const struct rln_text *t, uint64_t txn)
{
	struct rln_event ev = {.kind = RLN_EV_SEND_SIP_MESSAGE, .id = r->id};
	struct rln_ev_send_sip_message *send = &ev.send_sip_message;

	send->block = rln_build_block(t, NULL, &send->headers, &send->body);
	if (!send->block)
		return -ENOBUFS;
	send->destination = r->hop;
	send->method = RLN_SIP_REGISTER;
	send->transaction_id = txn;
	return rln_dialog_hub_publish_event(r->all->dialogs, &ev);
}

static int send_register(struct registration *r)
{
	struct rln_txns *txns = r->all->dialogs->txns;
	char branch[RLN_BRANCH_MAX];
	struct rln_txn_id txn = rln_txn_new_client(txns, RLN_SIP_REGISTER, branch);
	struct rln_text t;
	int rc;

	if (!txn.v)
		return -ENOBUFS;
	rln_txn_set_owner(txns, txn, r->id);
	rln_txn_set_local(txns, txn, &r->local);
	r->cseq++;
	write_register(&t, r, branch, r->state == RLN_REGISTRATION_UNREGISTERING ? 0 : r->asked_s);
	rc = publish_register(r, &t, txn.v);
	if (rc != 0)
		rln_txn_drop(txns, txn);
	r->txn = rc == 0 ? txn.v : 0;
	return rc;
}

/* ---- what becomes of one ---- */

static void fail(struct registration *r, uint16_t code)
{
	r->txn = 0;
	r->code = code;
	step(r, REFUSED);
}

static void begin(struct registration *r)
{
	r->tries = (struct rln_auth_tries){{0}};
	r->is_changed = false;
	r->briefs = 0;
	r->retry_after_s = 0;
	if (send_register(r) != 0)
		fail(r, 503);
}

static void forget(struct registration *r)
{
	rln_wheel_disarm(wheel(r), &r->timer);
	rln_auth_destroy(r->auth);
	rln_free(r->texts);
	rln_slots_del(r->all->slots, r->id);
}

static void arm(struct registration *r, uint64_t after_ms)
{
	rln_wheel_arm(wheel(r), &r->timer, rln_wheel_now(wheel(r)) + after_ms * RLN_MS);
}

/* Time is left for a lost REGISTER or two before the binding goes. */
static void wait_for_refresh(struct registration *r)
{
	uint32_t ahead = r->granted_s / 10 > REFRESH_S ? r->granted_s / 10 : REFRESH_S;

	r->failures = 0;
	if (!r->is_wanted)
		step(r, UNWANTED);
	else if (r->is_changed)
		step(r, WANTED);
	else
		arm(r, r->granted_s > 2 * ahead ? (r->granted_s - ahead) * UINT64_C(1000) : r->granted_s * UINT64_C(500));
}

/* The retry time was chosen before the step was told. */
static void wait_for_retry(struct registration *r)
{
	if (r->is_wanted)
		arm(r, r->retry_s * UINT64_C(1000));
	else
		forget(r);
}

static void leave(struct registration *r)
{
	if (r->is_wanted)
		step(r, WANTED);
	else
		forget(r);
}

/* Up to a quarter less than the doubled time, so that not everybody whose registrar went comes back at once; never before the
 * time that the registrar itself names. */
static uint32_t choose_retry(struct registration *r)
{
	uint32_t delay = RETRY_MOST_S;

	if (r->failures < 5 && (RETRY_S << r->failures) < RETRY_MOST_S)
		delay = RETRY_S << r->failures;
	r->failures += r->failures < 5;
	delay -= rln_random_u32() % (delay / 4);
	return delay > r->retry_after_s ? delay : r->retry_after_s;
}

/* ---- the machine ---- */

/* next state, and what is done in it; NULL: the input changes nothing now. */
struct cell {
	uint8_t next;
	void (*act)(struct registration *r);
};

static const struct cell table[RLN_REGISTRATION_STATES][INPUTS] = {
	[RLN_REGISTRATION_UNREGISTERED] =
		{
			[WANTED] = {RLN_REGISTRATION_REGISTERING, begin}, [UNWANTED] = {RLN_REGISTRATION_UNREGISTERED, leave},
			/* ACCEPTED, REFUSED: nothing is open */
		},
	[RLN_REGISTRATION_REGISTERING] =
		{
			[ACCEPTED] = {RLN_REGISTRATION_REGISTERED, wait_for_refresh},
			[REFUSED] = {RLN_REGISTRATION_UNREGISTERED, wait_for_retry},
			/* WANTED, UNWANTED: one request at a time (10.2) */
		},
	[RLN_REGISTRATION_REGISTERED] =
		{
			[WANTED] = {RLN_REGISTRATION_REGISTERING, begin},
			[UNWANTED] = {RLN_REGISTRATION_UNREGISTERING, begin},
		},
	[RLN_REGISTRATION_UNREGISTERING] =
		{
			[ACCEPTED] = {RLN_REGISTRATION_UNREGISTERED, leave},
			[REFUSED] = {RLN_REGISTRATION_UNREGISTERED, leave},
		},
};

static void tell(const struct registration *r)
{
	struct rln_event ev = {.kind = RLN_EV_REGISTRATION_STATUS_UPDATE, .id = r->id};
	struct rln_ev_registration_status *p = &ev.registration_status_update;

	p->block = rln_block_from_text(r->texts, strlen(r->texts), &p->uri);
	p->status = r->state;
	p->expires = r->state == RLN_REGISTRATION_REGISTERED ? r->granted_s : 0;
	p->retry_s = r->retry_s;
	p->code = r->code;
	p->peer = r->peer;
	rln_dialog_hub_publish_event(r->all->dialogs, &ev);
}

/* The registration may be gone afterwards. */
static void step(struct registration *r, enum input input)
{
	const struct cell *cell = &table[r->state][input];

	if (!cell->act)
		return;
	rln_wheel_disarm(wheel(r), &r->timer);
	r->retry_s = r->state == RLN_REGISTRATION_REGISTERING && input == REFUSED && r->is_wanted ? choose_retry(r) : 0;
	r->state = cell->next;
	tell(r);
	cell->act(r);
}

static void on_timer(struct rln_timer *timer, uint64_t now_ns)
{
	struct registration *r = (struct registration *)((char *)timer - offsetof(struct registration, timer));
	struct rln_event ev = {.kind = RLN_EV_REGISTER_ENDPOINT, .id = r->id};

	(void)now_ns;
	if (rln_dialog_hub_publish_event(r->all->dialogs, &ev) != 0)
		arm(r, 1000);
}

/* ---- answers ---- */

static uint32_t seconds(struct rln_span s, uint32_t otherwise)
{
	uint64_t n = 0;

	if (!s.len || s.s[0] < '0' || s.s[0] > '9')
		return otherwise;
	for (size_t i = 0; i < s.len && s.s[i] >= '0' && s.s[i] <= '9' && n <= INT32_MAX; i++)
		n = n * 10 + (unsigned)(s.s[i] - '0');
	return n <= INT32_MAX ? (uint32_t)n : INT32_MAX;
}

/* What the registrar says of our Contact among all that it has, else of all (10.2.4); nothing: what we asked for. */
static uint32_t granted(const struct registration *r, const struct rln_sip_msg *msg)
{
	struct rln_span contact = rln_span_of(text_of(r, r->contact)), expires;
	uint32_t all = msg->expires >= 0 ? (uint32_t)msg->expires : r->asked_s;

	for (unsigned i = 0; i < msg->contacts_n; i++) {
		if (rln_sip_uri_is_same(rln_span_in(msg, msg->contact[i].text), contact))
			return rln_sip_param(rln_span_in(msg, msg->contact_params[i]), "expires", &expires)
				       ? seconds(expires, all)
				       : all;
	}
	return all;
}

static bool is_answered(struct registration *r, const struct rln_sip_msg *msg)
{
	const struct rln_dialogs_cfg *cfg = &r->all->dialogs->cfg;
	struct rln_auth_source source = {
		.find = cfg->credentials, .arg = cfg->credentials_arg, .local = &r->local, .local_uri = r->texts};
	int rc = rln_auth_learn(&r->auth, &r->tries, msg, &source);

	if (rc != 0)
		rln_log(RLN_LOG_DEBUG, r->id, "challenged (%u) and no answer to it: %s", msg->status, strerror(-rc));
	return rc == 0;
}

static bool is_prolonged(struct registration *r, const struct rln_sip_msg *msg)
{
	if (msg->min_expires <= 0 || (uint32_t)msg->min_expires <= r->asked_s || r->briefs == BRIEFS)
		return false;
	r->briefs++;
	r->asked_s = (uint32_t)msg->min_expires;
	return true;
}

/* Does the refusal say how the same REGISTER would be taken? */
static bool is_met(struct registration *r, const struct rln_sip_msg *msg)
{
	if (msg->status == 401 || msg->status == 407)
		return is_answered(r, msg);
	return msg->status == 423 && r->state == RLN_REGISTRATION_REGISTERING && is_prolonged(r, msg);
}

static void on_answer(struct registration *r, const struct rln_sip_msg *msg)
{
	if (msg->status >= 300 && is_met(r, msg)) {
		if (send_register(r) != 0)
			fail(r, 503);
		return;
	}
	r->txn = 0;
	r->code = msg->status;
	r->retry_after_s = msg->status >= 300 ? seconds(rln_span_in(msg, msg->retry_after), 0) : 0;
	if (msg->status < 300)
		r->granted_s = granted(r, msg);
	/* A binding for no time at all is none. */
	step(r, msg->status < 300 && (r->granted_s || r->state == RLN_REGISTRATION_UNREGISTERING) ? ACCEPTED : REFUSED);
}

static struct registration *get(const struct rln_registrations *all, uint64_t id)
{
	return rln_id_type(id) == RLN_ID_REGISTRATION ? rln_slots_get(all->slots, id) : NULL;
}

void rln_registrations_on_response(struct rln_registrations *all, uint64_t id, const struct rln_sip_msg *msg, uint64_t txn)
{
	struct registration *r = get(all, id);

	if (r && r->txn == txn && msg->status >= 200)
		on_answer(r, msg);
}

void rln_registrations_on_fault(struct rln_registrations *all, uint64_t id, uint64_t txn, int error)
{
	struct registration *r = get(all, id);

	if (r && r->txn == txn)
		fail(r, error == ETIMEDOUT ? 408 : 503);
}

/* ---- orders ---- */

struct order { /* what REGISTER_ENDPOINT says, with what it leaves out filled in */
	char uri[TEXT_MAX], registrar[TEXT_MAX], contact[TEXT_MAX];
	struct rln_addr hop, local;
};

static int copy_uri(char out[TEXT_MAX], rln_block_ref block, struct rln_slice s, struct rln_sip_uri *parts)
{
	int len = snprintf(out, TEXT_MAX, "%.*s", s.len, s.len ? rln_slice_text(block, s) : "");

	if (len >= TEXT_MAX || rln_sip_uri_split(parts, out, (size_t)len) != 0)
		return -EINVAL;
	return parts->scheme.len == 3 && parts->host.len ? 0 : -EINVAL;
}

/* 10.2: the registrar's URI has no user part; by default it is the host of the address of record. */
static int fill_registrar(struct order *o, const struct rln_dialogs *dialogs, const struct rln_ev_register_endpoint *ev,
	const struct rln_sip_uri *aor)
{
	struct rln_sip_uri uri;

	if (ev->registrar.len && copy_uri(o->registrar, ev->block, ev->registrar, &uri) != 0)
		return -EINVAL;
	if (!ev->registrar.len && aor->port)
		snprintf(o->registrar, TEXT_MAX, "sip:%.*s:%u", aor->host.len, o->uri + aor->host.off, aor->port);
	else if (!ev->registrar.len)
		snprintf(o->registrar, TEXT_MAX, "sip:%.*s", aor->host.len, o->uri + aor->host.off);
	return rln_dialogs_resolve(dialogs, rln_span_of(o->registrar), &o->hop);
}

/* Our Contact: a URI as ordered, else the address and port that this registrar sees, with the user part as ordered or that
 * of the address of record. */
static int fill_contact(struct order *o, const struct rln_dialogs *dialogs, const struct rln_ev_register_endpoint *ev,
	const struct rln_sip_uri *aor)
{
	struct rln_span user = {o->uri + aor->user.off, aor->user.len};
	struct rln_sip_uri uri;
	char ip[RLN_ADDR_TEXT];

	if (rln_transport_local_for(dialogs->cfg.transport, &o->hop, &o->local) != 0)
		return -ENETUNREACH;
	if (ev->local_port)
		o->local.port = ev->local_port;
	if (ev->contact.len)
		user = (struct rln_span){rln_slice_text(ev->block, ev->contact), ev->contact.len};
	if (ev->contact.len && memchr(user.s, ':', user.len))
		return copy_uri(o->contact, ev->block, ev->contact, &uri);
	snprintf(o->contact, TEXT_MAX, "sip:%.*s%s%s:%u", (int)user.len, user.s, user.len ? "@" : "",
		rln_addr_ip_text(&o->local, true, ip), o->local.port);
	return rln_sip_uri_split(&uri, o->contact, strlen(o->contact));
}

static int fill_order(struct order *o, const struct rln_dialogs *dialogs, const struct rln_ev_register_endpoint *ev)
{
	struct rln_sip_uri aor;
	int rc = copy_uri(o->uri, ev->block, ev->uri, &aor);

	if (rc == 0)
		rc = fill_registrar(o, dialogs, ev, &aor);
	return rc == 0 ? fill_contact(o, dialogs, ev, &aor) : rc;
}

static uint16_t put(char *texts, size_t *at, const char *text)
{
	uint16_t offset = (uint16_t)*at;

	memcpy(texts + *at, text, strlen(text) + 1);
	*at += strlen(text) + 1;
	return offset;
}

/* Texts, target and peer as ordered; Call-ID and tag stay when there are some. */
static int set_texts(struct registration *r, const struct order *o)
{
	char call_id[20 + 1 + RLN_ADDR_TEXT], tag[RLN_DIALOG_TAG + 1], ip[RLN_ADDR_TEXT], *texts;
	size_t at = 0;

	rln_random_token(tag, RLN_DIALOG_TAG);
	rln_random_token(call_id, 20);
	snprintf(call_id + 20, sizeof(call_id) - 20, "@%s", rln_addr_ip_text(&o->local, true, ip));
	if (r->texts) {
		snprintf(call_id, sizeof(call_id), "%s", text_of(r, r->call_id));
		snprintf(tag, sizeof(tag), "%s", text_of(r, r->tag));
	}
	texts = rln_alloc(strlen(o->uri) + strlen(o->registrar) + strlen(o->contact) + strlen(call_id) + strlen(tag) + 5);
	if (!texts)
		return -ENOMEM;
	put(texts, &at, o->uri);
	r->registrar = put(texts, &at, o->registrar);
	r->contact = put(texts, &at, o->contact);
	r->call_id = put(texts, &at, call_id);
	r->tag = put(texts, &at, tag);
	rln_free(r->texts);
	r->texts = texts;
	r->hop = o->hop;
	r->local = o->local;
	return 0;
}

/* Port 0: on any. */
static struct registration *find(const struct rln_registrations *all, struct rln_span uri, uint16_t port)
{
	struct registration *r;
	uint32_t cursor = 0;
	uint64_t id;

	while ((r = rln_slots_next(all->slots, &cursor, &id))) {
		if ((!port || r->local.port == port) && rln_sip_uri_is_same(rln_span_of(r->texts), uri))
			return r;
	}
	return NULL;
}

static struct registration *add(struct rln_registrations *all)
{
	uint64_t id;
	struct registration *r = rln_slots_add(all->slots, &id);

	if (!r)
		return NULL;
	r->all = all;
	r->id = id;
	r->timer.fire = on_timer;
	r->cseq = rln_random_u32() >> 16;
	return r;
}

/* One that never was: its asker hears what is wrong with it. */
static void tell_impossible(struct rln_registrations *all, const struct rln_ev_register_endpoint *ev, int error)
{
	struct rln_event told = {.kind = RLN_EV_REGISTRATION_STATUS_UPDATE};
	struct rln_ev_registration_status *p = &told.registration_status_update;

	rln_log(RLN_LOG_WARNING, 0, "cannot register %.*s: %s", ev->uri.len,
		ev->uri.len ? rln_slice_text(ev->block, ev->uri) : "", strerror(-error));
	p->block = rln_block_from_text(rln_slice_text(ev->block, ev->uri), ev->uri.len, &p->uri);
	p->code = 503;
	p->peer = ev->peer;
	rln_dialog_hub_publish_event(all->dialogs, &told);
}

static void on_register(struct rln_registrations *all, const struct rln_ev_register_endpoint *ev)
{
	struct registration *r;
	struct order o;
	int rc = fill_order(&o, all->dialogs, ev);

	if (rc != 0) {
		tell_impossible(all, ev, rc);
		return;
	}
	r = find(all, rln_span_of(o.uri), o.local.port);
	if (!r)
		r = add(all);
	rc = r ? set_texts(r, &o) : -ENOSPC;
	if (rc != 0) {
		if (r && !r->texts)
			forget(r);
		tell_impossible(all, ev, rc);
		return;
	}
	r->peer = ev->peer;
	r->asked_s = ev->expires ? ev->expires : EXPIRES_S;
	r->is_wanted = r->is_changed = true;
	step(r, WANTED);
}

static void on_unregister(struct rln_registrations *all, const struct rln_ev_register_endpoint *ev)
{
	struct registration *r = NULL;

	if (ev->uri.len)
		r = find(all, (struct rln_span){rln_slice_text(ev->block, ev->uri), ev->uri.len}, ev->local_port);
	if (!r) {
		tell_impossible(all, ev, -ENOENT);
		return;
	}
	r->is_wanted = false;
	step(r, UNWANTED);
}

void rln_registrations_handle(void *registrations, const struct rln_event *ev)
{
	struct rln_registrations *all = registrations;
	struct registration *r = get(all, ev->id);

	if (r && ev->kind == RLN_EV_REGISTER_ENDPOINT)
		step(r, WANTED);
	else if (ev->kind == RLN_EV_REGISTER_ENDPOINT && !ev->id)
		on_register(all, &ev->register_endpoint);
	else if (ev->kind == RLN_EV_UNREGISTER_ENDPOINT)
		on_unregister(all, &ev->unregister_endpoint);
}

/* ---- life ---- */

int rln_registrations_create(struct rln_registrations **out, struct rln_dialogs *dialogs)
{
	struct rln_slots_cfg slots = {
		.type = RLN_ID_REGISTRATION, .capacity = RLN_REGISTRATIONS, .object_size = sizeof(struct registration)};
	struct rln_registrations *all = rln_zalloc(sizeof(*all));
	int rc;

	if (!all)
		return -ENOMEM;
	all->dialogs = dialogs;
	rc = rln_slots_create(&all->slots, &slots);
	if (rc != 0) {
		rln_free(all);
		return rc;
	}
	*out = all;
	return 0;
}

void rln_registrations_destroy(struct rln_registrations *all)
{
	struct registration *r;
	uint32_t cursor = 0;
	uint64_t id;

	if (!all)
		return;
	while ((r = rln_slots_next(all->slots, &cursor, &id)))
		forget(r);
	rln_slots_destroy(all->slots);
	rln_free(all);
}

uint32_t rln_registrations_in_use(const struct rln_registrations *all)
{
	return rln_slots_in_use(all->slots);
}
