/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a state of session_explore_test.c is: all that rows, guards and actions may ask, and all that is on the way; no ids, no times, no versions, for two
 * worlds that differ in these alone behave alike. A session is named by its side, a timer by whether it runs (each may fire at any time: explorer), a
 * description by its text without the o= line, which nothing reads.
 */
#pragma once

#include "session_explore_dialogs.h"

static uint64_t mixed(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static uint64_t hash_text(uint64_t h, const char *text, size_t len)
{
	bool is_origin = false;

	for (size_t i = 0; i < len; i++) {
		if (i == 0 || text[i - 1] == '\n')
			is_origin = text[i] == 'o';
		h = is_origin ? h : mixed(h, (uint8_t)text[i]);
	}
	return mixed(h, len != 0);
}

/* Number of the side whose session this is, 4: nobody's. */
static unsigned name_of(uint64_t session)
{
	for (unsigned i = 0; i < SIDES; i++) {
		if (session && side[i].session.v == session)
			return i;
	}
	return session ? 4 : 3;
}

static uint64_t hash_event(uint64_t h, const struct rln_event *ev)
{
	uint64_t other = 3;

	h = mixed(h, ev->kind);
	if (ev->kind == RLN_EV_OTHER_CALL)
		other = name_of(ev->other_call.other) | (uint64_t)ev->other_call.new_state << 8 |
			(uint64_t)ev->other_call.old_state << 16 | (uint64_t)ev->other_call.parted << 24 |
			(uint64_t)ev->other_call.reason << 32;
	else if (ev->kind == RLN_EV_BRIDGE_CALLS)
		other = name_of(ev->bridge_calls.other);
	else if (ev->kind == RLN_EV_BRIDGE_ANSWER)
		other = (uint64_t)ev->bridge_answer.code << 8 | ev->bridge_answer.direction;
	else if (ev->kind == RLN_EV_MEDIA_ERROR)
		other = ev->media_error.error;
	return mixed(h, other);
}

static uint64_t hash_media(uint64_t h, const struct rln_session *c)
{
	const struct rln_leg_params *p = &c->params;

	h = mixed(h, (uint64_t)p->direction | (uint64_t)p->config.codec << 8 | (uint64_t)p->remote.port << 16 |
			     (uint64_t)p->early << 32 | (uint64_t)p->telephone_event_tx << 40 | (uint64_t)p->muted << 48 |
			     (uint64_t)p->payload_type << 56);
	for (unsigned i = 0; i < RLN_LEG_PAYLOADS; i++)
		h = mixed(h, p->rx[i].codec);
	return mixed(h, (uint64_t)c->told.codec | (uint64_t)c->told.direction << 8 | (uint64_t)c->told.payload_type << 16 |
				(uint64_t)c->told.remote_addr.port << 32);
}

static uint64_t hash_session(uint64_t h, const struct rln_session *c)
{
	uint64_t armed = 0;

	for (unsigned i = 0; i < RLN_TIMER_COUNT; i++)
		armed |= (uint64_t)rln_timer_is_armed(&c->timers[i].timer) << i;
	h = mixed(h, (uint64_t)c->state | (uint64_t)c->saved << 8 | (uint64_t)c->dialog_hold << 16 | (uint64_t)c->leg_hold << 20 |
			     (uint64_t)c->is_offering << 24 | (uint64_t)c->is_leaving << 25 | (uint64_t)c->wanted << 26 |
			     (uint64_t)c->asked << 28 | (uint64_t)c->aim << 30 | (uint64_t)c->reason << 32 |
			     (uint64_t)c->said << 40 | (uint64_t)c->policy << 48 | armed << 56);
	h = mixed(h, (uint64_t)c->code | (uint64_t)c->prefer << 16 | (uint64_t)c->link << 24 | (uint64_t)name_of(c->other) << 32 |
			     (uint64_t)name_of(c->asker) << 36 | (uint64_t)(c->request != 0) << 40 |
			     (uint64_t)(c->media.v != 0) << 41);
	h = hash_text(h, c->local_sdp ? c->local_sdp : "", c->local_sdp_len);
	h = hash_text(h, c->offer_sdp.len ? rln_slice_text(c->offer, c->offer_sdp) : "", c->offer_sdp.len);
	for (const struct rln_deferred *d = c->deferred; d; d = d->next)
		h = hash_event(h, &d->ev);
	return hash_media(h, c);
}

static uint64_t hash_dialog(uint64_t h, const struct fake_dialog *d)
{
	return mixed(h, (uint64_t)d->state | (uint64_t)d->ended << 4 | (uint64_t)d->invite_open << 5 |
				(uint64_t)d->cancelled << 6 | (uint64_t)d->ack_pending << 7 | (uint64_t)d->theirs_open << 8 |
				(uint64_t)d->bye_out << 9 | (uint64_t)d->reported << 10 | (uint64_t)d->can_retry << 11 |
				(uint64_t)d->answered << 12 | (uint64_t)d->answer_owed << 13 | (uint64_t)d->refer_out << 14 |
				(uint64_t)d->refer_open << 15);
}

static uint64_t hash_side(uint64_t h, const struct side *s)
{
	const struct rln_session *c = s->session.v ? session_of(s->session) : NULL;

	h = mixed(h, (uint64_t)s->invite | (uint64_t)s->asked << 8 | (uint64_t)s->offered << 9 | (uint64_t)s->ack << 10 |
			     (uint64_t)s->bye_waits << 12 | (uint64_t)s->bye_out << 13 | (uint64_t)(s->d != NULL) << 14 |
			     (uint64_t)s->begun << 15 | (uint64_t)s->by_update << 16 | (uint64_t)s->update_out << 17 |
			     (uint64_t)s->refer << 18 | (uint64_t)s->is_refresh << 21 | (uint64_t)(c != NULL) << 20);
	if (c)
		h = hash_session(h, c);
	if (s->d)
		h = hash_dialog(h, s->d);
	for (unsigned i = 0; i < s->mail_n; i++) {
		h = mixed(h, (uint64_t)s->mail[i].message << 16 | s->mail[i].code);
		h = hash_text(h, s->mail[i].sdp, strlen(s->mail[i].sdp));
	}
	return h;
}

/* The legs that live, and what the worker has yet to tell. */
static uint64_t hash_reports(uint64_t h)
{
	const struct queue *q = &w->queue[FROM_MEDIA];

	for (unsigned i = q->head; i != q->tail; i++) {
		const struct rln_event *ev = &q->ev[i % QUEUE_MAX];
		unsigned whose = 8;

		for (unsigned k = 0; k < SIDES; k++) {
			const struct rln_session *c = side[k].session.v ? session_of(side[k].session) : NULL;

			if (c && (c->media.v == ev->id || c->id.v == ev->id))
				whose = k;
		}
		h = hash_event(mixed(h, whose), ev);
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		h = mixed(h, w->legs[i] != 0);
	return h;
}
