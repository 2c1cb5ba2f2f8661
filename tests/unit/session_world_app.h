/* SPDX-License-Identifier: BSD-3-Clause */
/* The application's side of session_world.h, with what interceptor and factory do for it: calls that begin, events let in, commands, what was told. */
#pragma once

#include "session_world_bus.h"

/* ---- sessions ---- */

static UNUSED struct rln_session *session_of(struct rln_session_id id)
{
	return rln_session_manager_get_session(w->sessions, id);
}

static UNUSED enum rln_call_state state_of(struct rln_session_id id)
{
	const struct rln_session *s = session_of(id);

	return s ? (enum rln_call_state)s->state : RLN_STATE_COUNT;
}

static struct rln_session *session_at(struct rln_session_id id, enum rln_call_role role)
{
	struct rln_session *s = rln_session_manager_create_session(w->sessions, id);

	assert_non_null(s);
	s->role = (uint8_t)role;
	s->wanted = s->asked = s->aim = RLN_MEDIA_BIDIRECTIONAL;
	assert_int_equal(rln_session_manager_register_session(w->sessions, s), 0);
	return s;
}

static struct rln_session *session_new(enum rln_call_role role)
{
	struct rln_session_id id;

	rln_session_manager_refill(w->sessions);
	id = rln_session_manager_reserve(w->sessions);
	return session_at(id, role);
}

/* What the factory does with MAKE_CALL. */
static void call_begin(struct rln_session *s, uint64_t other, uint8_t link)
{
	static const char texts[] = "sip:alice@198.18.0.1\0sip:bob@198.18.0.2";
	struct rln_event ev = {.id = s->id.v, .kind = RLN_EV_MAKE_CALL};

	s->other = other;
	s->link = link;
	s->request = rln_block_from_text(texts, sizeof(texts), &s->from);
	s->from = (struct rln_slice){0, s->request ? 20 : 0}; /* the pool may be empty */
	s->to = (struct rln_slice){21, s->request ? 18 : 0};
	rln_machine_process_event(w->machine, s->id, &ev);
}

/* ---- events let in ---- */

static void deliver(struct rln_event *ev)
{
	struct rln_registry_entry e;
	struct rln_session_id id = {ev->id};

	if (rln_id_type(ev->id) != RLN_ID_SESSION)
		id = rln_registry_knows(w->registry, ev->id, &e) ? e.session : (struct rln_session_id){0};
	if (ev->kind == RLN_EV_MAKE_CALL && !rln_session_manager_get_session(w->sessions, id))
		call_begin(session_at(id, RLN_ROLE_UAC), ev->make_call.other, ev->make_call.link);
	else
		rln_machine_process_event(w->machine, id, ev);
	rln_block_release(rln_event_block(ev));
}

static UNUSED bool pump_one(enum source source)
{
	struct queue *q = &w->queue[source];
	struct rln_event ev;

	if (q->head == q->tail)
		return false;
	ev = q->ev[q->head++ % QUEUE_MAX];
	deliver(&ev);
	return true;
}

/* Own events first, as the bus does; then the layers in turn. */
static UNUSED void pump(void)
{
	while (pump_one(FROM_SELF) || pump_one(FROM_DIALOG) || pump_one(FROM_MEDIA))
		;
}

/* ---- calls and commands ---- */

static UNUSED struct rln_session_id call_new(unsigned policy)
{
	struct rln_session *s = session_new(RLN_ROLE_UAC);
	struct rln_session_id id = s->id;

	s->policy = (uint8_t)policy;
	call_begin(s, 0, RLN_LINK_NONE);
	return id;
}

/* What interceptor and factory do with an INVITE. */
static UNUSED struct rln_session_id invite_new(const char *sdp, unsigned policy)
{
	struct fake_dialog *d = dialog_new(true);
	struct rln_session *s = session_new(RLN_ROLE_UAS);
	struct rln_session_id id = s->id;
	struct rln_slice at;
	struct rln_event ev = event_text(d->id, RLN_EV_INCOMING_CALL, sdp, &at);

	ev.incoming_call.sdp_offer = at;
	ev.incoming_call.call_id = (struct rln_slice){0, 0};
	s->policy = (uint8_t)policy;
	s->dialog.v = d->id;
	s->dialog_hold = RLN_HOLD_RUNNING;
	assert_int_equal(rln_registry_map_dialog(w->registry, id, s->dialog), 0);
	deliver(&ev);
	return id;
}

static UNUSED struct fake_dialog *dialog_for(struct rln_session_id id)
{
	const struct rln_session *s = session_of(id);

	return s ? dialog_of(s->dialog.v) : NULL;
}

static UNUSED void command(struct rln_session_id id, enum rln_event_kind kind, uint16_t code)
{
	struct rln_event ev = {.id = id.v, .kind = (uint16_t)kind, .accept_call = {.code = code}};

	deliver(&ev);
}

/* BLIND_TRANSFER, START_CONSULT: a target, and for a consultation the id that its call is to have. */
static UNUSED uint64_t command_target(struct rln_session_id id, enum rln_event_kind kind)
{
	struct rln_slice at;
	struct rln_event ev = event_text(id.v, kind, "sip:carol@198.18.0.3", &at);
	uint64_t other = 0;

	if (kind == RLN_EV_START_CONSULT) {
		rln_session_manager_refill(w->sessions);
		other = rln_session_manager_reserve(w->sessions).v;
	}
	ev.start_consult.target = at;
	ev.start_consult.other = other;
	deliver(&ev);
	return other;
}

static UNUSED void command_other(struct rln_session_id id, enum rln_event_kind kind, struct rln_session_id other)
{
	struct rln_event ev = {.id = id.v, .kind = (uint16_t)kind, .bridge_calls = {.other = other.v}};

	deliver(&ev);
}

static UNUSED void say_media(struct rln_session_id id, enum rln_event_kind kind)
{
	const struct rln_session *s = session_of(id);

	assert_non_null(s);
	media_says(s->media.v, kind);
}

/* ---- what was published ---- */

static UNUSED unsigned told(enum rln_event_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->out_n; i++)
		n += w->out[i].kind == kind;
	return n;
}

/* The last event of a kind; NULL when there was none. */
static UNUSED const struct rln_event *last(enum rln_event_kind kind)
{
	for (unsigned i = w->out_n; i > 0; i--) {
		if (w->out[i - 1].kind == kind)
			return &w->out[i - 1];
	}
	return NULL;
}

/* Position of the first event of a kind, for orders. */
static UNUSED int first(enum rln_event_kind kind)
{
	for (unsigned i = 0; i < w->out_n; i++) {
		if (w->out[i].kind == kind)
			return (int)i;
	}
	return -1;
}

static UNUSED void forget(void)
{
	w->out_n = 0;
}
