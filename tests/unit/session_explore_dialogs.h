/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The model of session_explore_test.c: two user agents, each the part of sip/dialog.h that a machine relies on, and the letters on the way between them.
 * ordered() is what a machine tells its dialog, receive() what arrives; which letter arrives, when, or never, is the explorer's to choose. A third call
 * (a consultation's, a REFER's, the other leg of a bridge) has a peer that only the explorer plays: nothing that it says is ever on the way.
 */
#pragma once

#include "session_world.h"

#define CHANNEL_MAX 12

enum message {
	M_INVITE,
	M_RINGING,
	M_PROGRESS,
	M_PRACK,
	M_OK,
	M_REFUSED,
	M_ACK,
	M_CANCEL,
	M_REINVITE,
	M_REOK,
	M_REREFUSED,
	M_REACK,
	M_UPDATE, /* with an offer that the sender's session knows nothing of, or without (a session timer's, RFC 4028) */
	M_UPDATED,
	M_REFER,
	M_REFERRED,
	M_UNREFERRED,
	M_NOTIFY,
	M_BYE,
	M_BYE_OK,
};

struct letter {
	uint8_t message; /* enum message */
	uint16_t code;
	char sdp[400];
};

enum invite { NONE, CALLING, PROCEEDING, CANCEL_WAITS, CANCELLED, REINVITING };

struct side { /* one user agent; the dialog layer's part of it */
	struct rln_session_id session;
	struct fake_dialog *d; /* NULL: never made, or given back */
	uint8_t invite;        /* enum invite, ours */
	bool asked;            /* their first INVITE waits for our final response */
	bool offered;          /* so does their re-INVITE or UPDATE */
	bool by_update;        /* it is an UPDATE */
	bool update_out;       /* ours waits for its response */
	bool is_refresh;       /* our re-INVITE is a session timer's: the session knows nothing of it (RFC 4028) */
	uint8_t refer;         /* ours: 1 waits for its response, 2 for its last NOTIFY */
	uint8_t ack;           /* our 2xx waits for its ACK: 1 of the first INVITE, 2 of a re-INVITE */
	bool bye_waits, bye_out;
	bool begun;                      /* there was a call */
	struct letter mail[CHANNEL_MAX]; /* on the way to it, oldest first */
	unsigned mail_n;
};

#define SIDES 3
#define THIRD (&side[2])

static struct side side[SIDES]; /* the caller, the callee, the third call */
static bool is_reliable;        /* a 183 is acknowledged (RFC 3262): offer and answer are exchanged with it */

static struct side *side_of(const struct fake_dialog *d)
{
	for (unsigned i = 0; i < SIDES; i++) {
		if (side[i].d == d)
			return &side[i];
	}
	return NULL;
}

static struct side *peer_of(const struct side *s)
{
	return s == &side[0] ? &side[1] : &side[0];
}

static void post(const struct side *from, enum message message, uint16_t code, const char *sdp)
{
	struct side *to = peer_of(from);
	struct letter *l = &to->mail[to->mail_n];

	if (from == THIRD)
		return; /* its peer knows by `from` what it was sent */
	assert_true(to->mail_n++ < CHANNEL_MAX);
	l->message = (uint8_t)message;
	l->code = code;
	snprintf(l->sdp, sizeof(l->sdp), "%s", sdp ? sdp : "");
}

static void send_bye(struct side *s)
{
	s->bye_waits = false;
	s->bye_out = true;
	post(s, M_BYE, 0, NULL);
}

static void terminate(struct side *s, struct fake_dialog *d, uint16_t code)
{
	if (d->ended)
		return;
	if (d->state == RLN_DIALOG_CONFIRMED) {
		d->bye_out = true;
		if (s->ack == 1)
			s->bye_waits = true;
		else if (!s->bye_out)
			send_bye(s);
	} else if (s->asked) {
		s->asked = false;
		post(s, M_REFUSED, code ? code : 480, NULL);
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	} else if (s->invite == CALLING) {
		s->invite = CANCEL_WAITS;
		d->cancelled = true;
	} else if (s->invite == PROCEEDING) {
		s->invite = CANCELLED;
		d->cancelled = true;
		post(s, M_CANCEL, 0, NULL);
	} else if (s->invite == NONE) {
		dialog_over(d, RLN_END_NORMAL, 0);
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	}
}

/* The next call that begins. */
static struct side *side_for(struct fake_dialog *d)
{
	struct side *s = side[0].begun ? THIRD : &side[0];
	struct rln_registry_entry e;

	if (side_of(d))
		return side_of(d); /* its INVITE goes out again */
	assert_false(s->begun);
	s->begun = true;
	s->d = d;
	if (rln_registry_knows(w->registry, d->id, &e))
		s->session = e.session;
	return s;
}

static void respond_offer(struct side *s, uint16_t code, const char *sdp)
{
	s->offered = false;
	if (s->by_update) {
		post(s, M_UPDATED, code, NULL);
		return;
	}
	s->ack = code / 100 == 2 ? 2 : s->ack;
	post(s, code < 300 ? M_REOK : M_REREFUSED, code, sdp);
}

static void respond(struct side *s, uint16_t code, const char *sdp)
{
	s->asked = code < 200;
	s->ack = code / 100 == 2 ? 1 : s->ack;
	post(s, code >= 300 ? M_REFUSED : code >= 200 ? M_OK : sdp[0] ? M_PROGRESS : M_RINGING, code, sdp);
}

static void ordered(struct fake_dialog *d, enum order order, uint16_t code, const char *sdp)
{
	struct side *s = order == ORDER_INVITE ? side_for(d) : side_of(d);

	assert_non_null(s);
	switch (order) {
	case ORDER_INVITE:
		s->invite = CALLING;
		post(s, M_INVITE, 0, sdp);
		break;
	case ORDER_REINVITE:
		s->invite = REINVITING;
		post(s, M_REINVITE, 0, sdp);
		break;
	case ORDER_RESPOND:
		respond(s, code, sdp);
		break;
	case ORDER_RESPOND_OFFER:
		respond_offer(s, code, sdp);
		break;
	case ORDER_TERMINATE:
		terminate(s, d, code);
		break;
	case ORDER_REFER:
		s->refer = 1;
		post(s, M_REFER, 0, NULL);
		break;
	case ORDER_RESPOND_REFER:
		post(s, code < 300 ? M_REFERRED : M_UNREFERRED, code, NULL);
		break;
	case ORDER_NOTIFY:
		post(s, M_NOTIFY, code, NULL);
		break;
	}
}

static bool is_live(const struct side *s)
{
	return s->d && s->d->id && !s->d->ended;
}

static void acknowledged(struct side *s)
{
	bool first = s->ack == 1;

	s->ack = 0;
	if (!is_live(s))
		return;
	s->d->ack_pending = false;
	if (first)
		dialog_sdp(s->d, RLN_EV_CALL_ESTABLISHED, NULL);
	if (s->bye_waits)
		send_bye(s);
}

static void on_invite(struct side *s, const char *sdp)
{
	struct fake_dialog *d;

	s->asked = s->begun = true;
	w->wire = NULL; /* until we know whose dialog it is */
	s->session = invite_new(sdp, 0);
	d = dialog_for(s->session);
	w->wire = ordered;
	s->d = d;
	if (d && d->last_response)
		ordered(d, ORDER_RESPOND, d->last_response, "");
}

static void on_answered(struct side *s, const char *sdp)
{
	bool is_open = s->invite == CALLING || s->invite == PROCEEDING || s->invite == CANCEL_WAITS || s->invite == CANCELLED;

	if (!is_open)
		return;
	s->invite = NONE;
	post(s, M_ACK, 0, NULL);
	if (is_live(s))
		dialog_answers(s->d, sdp);
	else
		send_bye(s); /* nobody wants it any more (13.2.2.4) */
}

static void on_refused(struct side *s, uint16_t code)
{
	if (s->invite == NONE || s->invite == REINVITING)
		return;
	s->invite = NONE;
	if (is_live(s))
		dialog_refuses(s->d, code);
}

static void on_reinvite(struct side *s, const char *sdp)
{
	if (s->ack)
		acknowledged(s); /* it shows that our 2xx came (RFC 5407 3.1.4) */
	if (!is_live(s) || s->d->state != RLN_DIALOG_CONFIRMED) {
		post(s, M_REREFUSED, 481, NULL);
	} else if (s->offered) {
		post(s, M_REREFUSED, 500, NULL);
	} else {
		s->offered = true;
		s->by_update = false;
		dialog_reinvited(s->d, sdp, RLN_SIP_INVITE);
	}
}

static void on_reinvite_ended(struct side *s, uint16_t code, const char *sdp)
{
	bool is_refresh = s->is_refresh;

	if (s->invite != REINVITING)
		return;
	s->invite = NONE;
	s->is_refresh = false;
	if (!is_live(s))
		return;
	s->d->invite_open = false;
	if (is_refresh && code >= 300)
		return; /* it tries again, later */
	if (code < 300)
		dialog_sdp(s->d, RLN_EV_REINVITE_ACKED, sdp);
	else
		dialog_says(s->d, code == 491 ? RLN_CALL_GLARE : RLN_CALL_REFUSED, code, NULL);
}

static void on_progress(struct side *s, uint16_t code, const char *sdp)
{
	if (s->invite == CANCEL_WAITS) {
		s->invite = CANCELLED;
		post(s, M_CANCEL, 0, NULL);
	} else if (s->invite == CALLING) {
		s->invite = PROCEEDING;
	}
	if (!is_live(s) || s->invite == NONE || s->invite == REINVITING)
		return;
	dialog_moves(s->d, RLN_DIALOG_EARLY);
	if (sdp[0] && is_reliable && !s->d->answered) {
		s->d->answered = true;
		post(s, M_PRACK, 0, NULL);
	}
	dialog_says(s->d, sdp[0] ? RLN_CALL_PROGRESS : RLN_CALL_RINGING, code, sdp[0] ? sdp : NULL);
}

static void on_update(struct side *s, const char *sdp)
{
	if (s->ack == 1)
		acknowledged(s);
	if (!is_live(s) || (s->d->state != RLN_DIALOG_CONFIRMED && !s->d->answered)) {
		post(s, M_UPDATED, 481, NULL);
	} else if (s->offered) {
		post(s, M_UPDATED, 500, NULL);
	} else {
		s->offered = s->by_update = true;
		dialog_reinvited(s->d, sdp[0] ? sdp : NULL, RLN_SIP_UPDATE);
	}
}

/* The time of the session is over (RFC 4028 10); so it is when a request in it finds no dialog (RFC 3261 12.2.1.2). */
static void expires(struct side *s)
{
	struct rln_event ev = {.kind = RLN_EV_DIALOG_ERROR, .dialog_error = {RLN_FAULT_SESSION_EXPIRED, 0, 408}};

	s->update_out = false;
	if (is_live(s))
		dialog_emit(s->d, &ev);
}

/* Our REFER: `value` is what is told of it. */
static void on_refer_ended(struct side *s, enum rln_call_progress value, uint16_t code)
{
	s->refer = 0;
	if (is_live(s)) {
		s->d->refer_out = false;
		dialog_says(s->d, value, code, NULL);
	}
}

static void on_refer(struct side *s)
{
	if (!is_live(s) || s->d->state != RLN_DIALOG_CONFIRMED)
		post(s, M_UNREFERRED, 481, NULL);
	else if (s->d->refer_open)
		post(s, M_UNREFERRED, 500, NULL);
	else
		dialog_referred(s->d, NULL);
}

static void on_notify(struct side *s, uint16_t code)
{
	if (s->refer == 0)
		return;
	if (code < 200)
		dialog_says(s->d, RLN_CALL_TRANSFER_TRYING, code, NULL);
	else
		on_refer_ended(s, code < 300 ? RLN_CALL_TRANSFER_DONE : RLN_CALL_TRANSFER_FAILED, code);
}

static void on_bye(struct side *s)
{
	post(s, M_BYE_OK, 200, NULL);
	if (is_live(s))
		dialog_byes(s->d);
}

static void bye_ended(struct side *s, enum rln_end_reason reason, uint16_t code)
{
	s->bye_out = false;
	if (!is_live(s))
		return;
	dialog_over(s->d, reason, code);
	dialog_moves(s->d, RLN_DIALOG_TERMINATED);
}

static void receive(struct side *s, const struct letter *l)
{
	switch ((enum message)l->message) {
	case M_INVITE:
		on_invite(s, l->sdp);
		break;
	case M_RINGING:
	case M_PROGRESS:
		on_progress(s, l->code, l->sdp);
		break;
	case M_PRACK:
		if (is_live(s))
			s->d->answered = true;
		break;
	case M_OK:
		on_answered(s, l->sdp);
		break;
	case M_REFUSED:
		on_refused(s, l->code);
		break;
	case M_ACK:
	case M_REACK:
		if (s->ack == (l->message == M_ACK ? 1 : 2))
			acknowledged(s);
		break;
	case M_CANCEL:
		if (s->asked && is_live(s))
			dialog_over(s->d, RLN_END_CANCELLED, 487);
		break;
	case M_REINVITE:
		on_reinvite(s, l->sdp);
		break;
	case M_REOK:
		post(s, M_REACK, 0, NULL);
		on_reinvite_ended(s, 200, l->sdp);
		break;
	case M_REREFUSED:
		on_reinvite_ended(s, l->code, NULL);
		break;
	case M_UPDATE:
		on_update(s, l->sdp);
		break;
	case M_UPDATED:
		if (s->update_out && l->code == 481)
			expires(s);
		s->update_out = false;
		break;
	case M_REFER:
		on_refer(s);
		break;
	case M_REFERRED:
		s->refer = s->refer ? 2 : 0;
		if (s->refer && is_live(s))
			dialog_says(s->d, RLN_CALL_TRANSFER_TRYING, l->code, NULL);
		break;
	case M_UNREFERRED:
		if (s->refer)
			on_refer_ended(s, l->code == 481 ? RLN_CALL_REFUSED : RLN_CALL_TRANSFER_FAILED, l->code);
		break;
	case M_NOTIFY:
		on_notify(s, l->code);
		break;
	case M_BYE:
		on_bye(s);
		break;
	case M_BYE_OK:
		if (s->bye_out)
			bye_ended(s, RLN_END_NORMAL, 200);
		break;
	}
}
