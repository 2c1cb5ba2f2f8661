/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts events into calls; see trace_calls.h. */
#include "dpdk_app/trace_calls.h"

#include <errno.h>
#include <string.h>

#include "lcore/heap.h"

#define KEYS    (1u << 16) /* ids and Call-IDs, four of them to a place */
#define WAYS    4u
#define SERIALS (1u << 16) /* events that may still be a cause */
#define CALLS   (1u << 14)

struct key { /* an id, or the hash of a Call-ID; 0: free */
	uint64_t v;
	uint32_t call, age;
};

struct past {        /* an event that was seen */
	uint64_t id; /* of one that belonged to no call yet */
	uint32_t serial, call, step;
	uint16_t kind;
};

struct call {
	uint64_t begin_ns;
	uint32_t number, steps;
	uint16_t sessions, open; /* that it had; that are not closed yet */
	bool has_dialog;
};

struct rln_trace_calls {
	struct key keys[KEYS];
	struct past past[SERIALS];
	struct call calls[CALLS]; /* by number; [0]: what belongs to none */
	uint32_t last, age;
};

int rln_trace_calls_create(struct rln_trace_calls **out)
{
	struct rln_trace_calls *c = rln_zalloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	*out = c;
	return 0;
}

void rln_trace_calls_destroy(struct rln_trace_calls *calls)
{
	rln_free(calls);
}

static uint64_t mix(uint64_t v) /* splitmix64's finaliser */
{
	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

/* The place of a key, or the one to use for it: the oldest of its four. */
static struct key *key_at(struct rln_trace_calls *c, uint64_t v)
{
	struct key *first = &c->keys[mix(v) % (KEYS / WAYS) * WAYS], *oldest = first;

	for (unsigned i = 0; i < WAYS; i++) {
		if (first[i].v == v)
			return &first[i];
		if (c->age - first[i].age > c->age - oldest->age)
			oldest = &first[i];
	}
	return oldest;
}

static struct call *find_call(struct rln_trace_calls *c, uint32_t number)
{
	struct call *call = &c->calls[number % (CALLS - 1) + 1];

	return number && call->number == number ? call : NULL;
}

static uint32_t known(struct rln_trace_calls *c, uint64_t v)
{
	struct key *key = v ? key_at(c, v) : NULL;

	return key && key->v == v && find_call(c, key->call) ? key->call : 0;
}

static void learn(struct rln_trace_calls *c, uint64_t v, uint32_t number)
{
	struct call *call = find_call(c, number);
	struct key *key;

	if (!v || !call || known(c, v) == number)
		return;
	key = key_at(c, v);
	*key = (struct key){v, number, c->age++};
	call->has_dialog |= rln_id_type(v) == RLN_ID_DIALOG;
	if (rln_id_type(v) == RLN_ID_SESSION) {
		call->sessions++;
		call->open++;
	}
}

/* 60 bits: the four of the type stay clear of those that ids use. */
static uint64_t call_id_key(const struct rln_traced *t)
{
	struct rln_trace_text text = rln_trace_header(rln_traced_message(t), "Call-ID", 'i');
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (uint8_t)text.s[i]) * UINT64_C(0x100000001b3);
	return text.len ? h | UINT64_C(0xf) << 60 : 0;
}

static struct past *past_of(struct rln_trace_calls *c, uint32_t serial)
{
	struct past *p = &c->past[mix(serial) % SERIALS];

	return serial && p->serial == serial ? p : NULL;
}

/* May this subject be a further one of the cause's call? Only one session is, unless a call to ourselves came back. */
static bool joins(struct rln_trace_calls *c, uint64_t id, const struct past *cause)
{
	const struct call *call = cause ? find_call(c, cause->call) : NULL;

	return call && (rln_id_type(id) != RLN_ID_SESSION || !call->sessions || cause->kind == RLN_EV_INCOMING_CALL);
}

static uint32_t new_call(struct rln_trace_calls *c, uint64_t at_ns)
{
	uint32_t number = ++c->last;

	c->calls[number % (CALLS - 1) + 1] = (struct call){.begin_ns = at_ns, .number = number};
	return number;
}

static bool begins(const struct rln_event *ev)
{
	return ev->kind == RLN_EV_SIP_MESSAGE_RECEIVED || ev->kind == RLN_EV_SEND_SIP_MESSAGE || ev->kind == RLN_EV_MAKE_CALL ||
	       rln_id_type(ev->id) == RLN_ID_SESSION || rln_id_type(ev->id) == RLN_ID_DIALOG;
}

static uint32_t call_of(struct rln_trace_calls *c, const struct rln_traced *t, uint64_t call_id, const struct past *cause)
{
	uint32_t number = known(c, t->ev->id);

	if (!number)
		number = known(c, call_id);
	if (!number && joins(c, t->ev->id, cause))
		number = cause->call;
	return number ? number : begins(t->ev) ? new_call(c, t->at_ns) : 0;
}

/* Nothing more is expected: the last session was closed; or there was none, and its dialog was let go or its request answered. */
static bool is_end(struct rln_trace_calls *c, struct call *call, const struct rln_event *ev)
{
	if (rln_traced_is_call(ev) && ev->call.category == RLN_CAT_S2A) {
		struct key *key = key_at(c, ev->id);

		if (key->v == ev->id)
			key->v = 0; /* the id's life is over */
		call->open -= call->open > 0;
		return call->open == 0;
	}
	if (call->sessions)
		return false;
	if (rln_traced_is_call(ev))
		return ev->call.name && strcmp(ev->call.name, "release") == 0; /* a name of our own, not a text that came in */
	return ev->kind == RLN_EV_SEND_SIP_RESPONSE && ev->send_sip_response.status_code >= 200 && !call->has_dialog;
}

void rln_trace_calls_place(struct rln_trace_calls *c, const struct rln_traced *t, struct rln_trace_place *out)
{
	const struct rln_event *ev = t->ev;
	struct past *cause = past_of(c, ev->cause), *mine = &c->past[mix(ev->serial) % SERIALS];
	uint64_t call_id = call_id_key(t);
	uint32_t number = call_of(c, t, call_id, cause);
	struct call *call = find_call(c, number);

	*out = (struct rln_trace_place){.call = number};
	if (!call)
		call = &c->calls[0];
	if (!call->begin_ns)
		call->begin_ns = t->at_ns;
	learn(c, ev->id, number);
	learn(c, call_id, number);
	if (ev->kind == RLN_EV_MEDIA_SESSION_CREATED)
		learn(c, ev->media_session_created.media_id, number);
	if (cause && !cause->call)
		learn(c, cause->id, number); /* what led here was this call's, too */
	out->step = ++call->steps;
	out->is_new = number && out->step == 1;
	out->since_ns = t->at_ns > call->begin_ns ? t->at_ns - call->begin_ns : 0;
	if (cause) {
		out->cause_call = cause->call;
		out->cause_step = cause->step;
	}
	out->is_over = number && is_end(c, call, ev);
	*mine = (struct past){number ? 0 : ev->id, ev->serial, number, out->step, ev->kind};
}
