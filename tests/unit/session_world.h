/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world in which the session machine runs alone: real registry, session manager, wheel and blocks; doubles of the dialog and media layers behind
 * struct rln_layers. What the machine publishes stands in `out`; events toward it wait in three queues (its own, the dialogs', the workers'), each in
 * order, and pump() lets them in. The doubles keep what the real layers promise: one last report per dialog, one per leg, answers to every command.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "session/actions.h"
#include "session/placement.h"
#include "sip/message.h"

#define UNUSED     __attribute__((unused))
#define SESSIONS   8
#define OUT_MAX    512
#define QUEUE_MAX  256
#define SDP_PEER   "v=0\r\no=- 7 7 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n"
#define SDP_MOVED  "v=0\r\no=- 7 8 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4400 RTP/AVP 0 8\r\n"
#define SDP_HELD                                                                                                               \
	"v=0\r\no=- 7 9 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"
#define SDP_USELESS "v=0\r\no=- 7 7 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"

enum source { FROM_SELF, FROM_DIALOG, FROM_MEDIA, SOURCES };

struct fake_dialog {
	uint64_t id;
	enum rln_dialog_state state;
	bool is_uas, invite_open, cancelled, ack_pending, theirs_open, bye_out, reported, released, ended;
	bool can_retry, answered, answer_owed, refuses_info, refer_out, refer_open;
	uint16_t last_response, last_offer_response, last_refer_response, last_notify;
	uint64_t replaces; /* of the last TRANSFER_CALL */
	char last_sdp[1024], last_extra[64];
};

struct queue {
	struct rln_event ev[QUEUE_MAX];
	unsigned head, tail;
};

/* What a dialog was told to do; for a test that plays the wire between two of them. */
enum order { ORDER_INVITE, ORDER_REINVITE, ORDER_RESPOND, ORDER_RESPOND_OFFER, ORDER_TERMINATE };

struct world {
	struct rln_layers layers;
	struct rln_placement *placement;
	struct rln_registry *registry;
	struct rln_session_manager *sessions;
	struct rln_machine *machine;
	struct rln_wheel *wheel;
	uint64_t now;
	struct queue queue[SOURCES];
	struct rln_event out[OUT_MAX];
	unsigned out_n;
	struct fake_dialog dialogs[SESSIONS];
	uint32_t dialog_generation;
	uint64_t legs[SESSIONS]; /* live ones */
	uint32_t leg_generation;
	bool allow_transfers;
	unsigned abandoned, infos;
	unsigned updates, invites, responses, acks, channels_ended, ends[SESSIONS]; /* ends: SESSION_TERMINATED per slot */
	uint32_t visited;        /* bit per enum rln_call_state that a call was in */
	int fail_create_leg;     /* enum rln_media_fault + 1, 0 = no failure */
	int fail_dialog, fail_respond, fail_update;
	unsigned fail_publish;   /* so many events of this kind find no room */
	uint16_t fail_publish_kind;
	int64_t replaced;        /* what find_replaced() says: a dialog, 0, or minus a SIP code */
	uint32_t peer_refuses;   /* bit per enum rln_sip_method */
	bool quiet_media;        /* the test plays the worker */
	void (*wire)(struct fake_dialog *d, enum order order, uint16_t code, const char *sdp); /* NULL: nobody listens */
	bool quiet_dialog;       /* the test plays the wire: TERMINATE_SESSION is only noted */
};

static struct world *w;

/* ---- queues ---- */

static void queue_push(enum source source, const struct rln_event *ev)
{
	struct queue *q = &w->queue[source];

	assert_true(q->tail - q->head < QUEUE_MAX);
	q->ev[q->tail++ % QUEUE_MAX] = *ev;
}

static struct rln_session *session_at(struct rln_session_id id, enum rln_call_role role);
static void call_begin(struct rln_session *s, uint64_t other, uint8_t link);

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

static struct rln_event event_text(uint64_t id, enum rln_event_kind kind, const char *sdp, struct rln_slice *at)
{
	struct rln_event ev = {.id = id, .kind = (uint16_t)kind};

	*at = (struct rln_slice){0, 0};
	if (sdp)
		ev.call_established.block = rln_block_from_text(sdp, strlen(sdp), at);
	return ev;
}

/* ---- the dialog layer's double ---- */

static void wire(struct fake_dialog *d, enum order order, uint16_t code, const char *sdp)
{
	if (w->wire)
		w->wire(d, order, code, sdp ? sdp : "");
}

static struct fake_dialog *dialog_of(uint64_t id)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		if (w->dialogs[i].id == id && id)
			return &w->dialogs[i];
	}
	return NULL;
}

static struct fake_dialog *dialog_new(bool is_uas)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct fake_dialog *d = &w->dialogs[i];

		if (d->id == 0) {
			memset(d, 0, sizeof(*d));
			d->id = rln_id_make(RLN_ID_DIALOG, 0, i, ++w->dialog_generation);
			d->is_uas = is_uas;
			return d;
		}
	}
	return NULL;
}

static void dialog_emit(struct fake_dialog *d, struct rln_event *ev)
{
	ev->id = d->id;
	if (d->released || d->ended)
		rln_block_release(rln_event_block(ev));
	else
		queue_push(FROM_DIALOG, ev);
}

static UNUSED void dialog_moves(struct fake_dialog *d, enum rln_dialog_state to)
{
	struct rln_event ev = {.kind = RLN_EV_DIALOG_STATE_CHANGED,
		.dialog_state_changed = {.old_state = (uint8_t)d->state, .new_state = (uint8_t)to}};

	if (d->state == to || d->state == RLN_DIALOG_TERMINATED)
		return;
	d->state = to;
	dialog_emit(d, &ev);
	if (to == RLN_DIALOG_TERMINATED) {
		d->ended = true;
		d->invite_open = d->ack_pending = d->theirs_open = false;
	}
}

static UNUSED void dialog_says(struct fake_dialog *d, enum rln_call_progress value, uint16_t status, const char *sdp)
{
	struct rln_slice at;
	struct rln_event ev = event_text(0, RLN_EV_CALL_STATE_CHANGED, sdp, &at);

	ev.call_state_changed.sdp = at;
	ev.call_state_changed.status = status;
	ev.call_state_changed.new_state = (uint8_t)value;
	dialog_emit(d, &ev);
}

static UNUSED void dialog_sdp(struct fake_dialog *d, enum rln_event_kind kind, const char *sdp)
{
	struct rln_slice at;
	struct rln_event ev = event_text(0, kind, sdp, &at);

	ev.call_established.sdp = at;
	dialog_emit(d, &ev);
}

static UNUSED void dialog_reinvited(struct fake_dialog *d, const char *sdp, enum rln_sip_method method)
{
	struct rln_slice at;
	struct rln_event ev = event_text(0, RLN_EV_REINVITE_RECEIVED, sdp, &at);

	ev.reinvite_received.sdp = at;
	ev.reinvite_received.method = (uint8_t)method;
	d->theirs_open = true;
	dialog_emit(d, &ev);
}

/* The peer's REFER. */
static UNUSED void dialog_referred(struct fake_dialog *d, const char *replaces)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "sip:carol@198.18.0.3%s", replaces ? replaces : "");
	struct rln_slice at;
	struct rln_event ev = event_text(0, RLN_EV_TRANSFER_REQUESTED, text, &at);

	ev.transfer_requested.refer_to = (struct rln_slice){at.off, at.len ? 20 : 0};
	if (replaces && at.len) {
		ev.transfer_requested.replaces = (struct rln_slice){(uint16_t)(at.off + 20), (uint16_t)(len - 20)};
		ev.transfer_requested.type = RLN_TRANSFER_ATTENDED;
	}
	d->refer_open = true;
	dialog_emit(d, &ev);
}

static UNUSED void dialog_over(struct fake_dialog *d, enum rln_end_reason reason, uint16_t code)
{
	struct rln_event ev = {.kind = RLN_EV_CALL_TERMINATED, .call_terminated = {.reason = (uint8_t)reason, .code = code}};

	if (!d->reported)
		dialog_emit(d, &ev);
	d->reported = true;
}

/* The wire's answers to an INVITE of ours. */
static UNUSED void dialog_answers(struct fake_dialog *d, const char *sdp)
{
	d->invite_open = false;
	dialog_moves(d, RLN_DIALOG_CONFIRMED);
	if (d->cancelled)
		dialog_says(d, RLN_CALL_LATE_ANSWER, 200, sdp);
	else
		dialog_sdp(d, RLN_EV_CALL_ESTABLISHED, sdp);
}

static UNUSED void dialog_refuses(struct fake_dialog *d, uint16_t status)
{
	d->invite_open = false;
	dialog_says(d, status == 408 ? RLN_CALL_TIMED_OUT : RLN_CALL_REFUSED, status, NULL);
	dialog_moves(d, RLN_DIALOG_TERMINATED);
}

static UNUSED void dialog_byes(struct fake_dialog *d)
{
	dialog_over(d, RLN_END_REMOTE, 0);
	dialog_moves(d, RLN_DIALOG_TERMINATED);
}

/* What the real layer does with TERMINATE_SESSION. */
static void dialog_terminate(struct fake_dialog *d, uint16_t code)
{
	wire(d, ORDER_TERMINATE, code, NULL);
	if (d->ended || w->quiet_dialog)
		return;
	if (d->state == RLN_DIALOG_CONFIRMED) {
		d->bye_out = true;
		if (!d->ack_pending) {
			dialog_over(d, RLN_END_NORMAL, 200);
			dialog_moves(d, RLN_DIALOG_TERMINATED);
		}
	} else if (d->is_uas) {
		d->last_response = code ? code : 480;
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	} else if (d->invite_open) {
		d->cancelled = true;
	} else {
		dialog_over(d, RLN_END_NORMAL, 0);
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	}
}

static struct rln_dialog_id fake_create(void *arg, const char *from, const char *to)
{
	struct fake_dialog *d = w->fail_dialog ? NULL : dialog_new(false);

	(void)arg;
	assert_true(!from[0] || strcmp(from, "sip:alice@198.18.0.1") == 0);
	assert_true(!to[0] || strcmp(to, "sip:bob@198.18.0.2") == 0);
	errno = w->fail_dialog ? w->fail_dialog : ENOMEM;
	return (struct rln_dialog_id){d ? d->id : 0};
}

static int fake_set_local_port(void *arg, struct rln_dialog_id id, uint16_t port)
{
	(void)arg;
	(void)port;
	return dialog_of(id.v) ? 0 : -ENOENT;
}

static int fake_send_response(void *arg, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (!d || d->ended || w->fail_respond)
		return -ENOTCONN;
	w->responses++;
	d->last_response = code;
	snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", sdp ? sdp : "");
	snprintf(d->last_extra, sizeof(d->last_extra), "%s", extra ? extra : "");
	if (d->state == RLN_DIALOG_CONFIRMED)
		return -ENOTCONN;
	if (code < 200) {
		dialog_moves(d, RLN_DIALOG_EARLY);
	} else if (code < 300) {
		d->ack_pending = true;
		dialog_moves(d, RLN_DIALOG_CONFIRMED);
	} else {
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	}
	wire(d, ORDER_RESPOND, code, sdp);
	return 0;
}

/* The re-INVITE, UPDATE or PRACK that dialog_reinvited() told of. */
static int fake_respond_offer(void *arg, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (!d || d->ended || w->fail_respond)
		return -ENOTCONN;
	if (!d->theirs_open)
		return 0; /* cancelled meanwhile */
	w->responses++;
	d->last_response = d->last_offer_response = code;
	snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", sdp ? sdp : "");
	snprintf(d->last_extra, sizeof(d->last_extra), "%s", extra ? extra : "");
	d->theirs_open = code < 200;
	wire(d, ORDER_RESPOND_OFFER, code, sdp);
	return 0;
}

static bool fake_can_retry(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->can_retry;
}

static bool fake_is_answered(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->answered;
}

static bool fake_is_answer_owed(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->answer_owed;
}

static bool fake_peer_allows(const void *arg, struct rln_dialog_id id, enum rln_sip_method method)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && !(method == RLN_SIP_INFO && d->refuses_info);
}

static int fake_respond_refer(void *arg, struct rln_dialog_id id, uint16_t code)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (!d || d->ended || !d->refer_open)
		return -ENOTCONN;
	d->last_refer_response = code;
	d->refer_open = code < 300;
	return 0;
}

static int fake_notify_transfer(void *arg, struct rln_dialog_id id, uint16_t status)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (!d || !d->refer_open)
		return -ENOTCONN;
	d->last_notify = status;
	d->refer_open = status < 200;
	return 0;
}

static const char *fake_remote_uri(const void *arg, struct rln_dialog_id id)
{
	(void)arg;
	return dialog_of(id.v) ? "sip:bob@198.18.0.2" : NULL;
}

/* ---- linked calls: what the coordinator does ---- */

static int fake_make_call(
	void *arg, const struct rln_session *cause, uint64_t id, const struct rln_linked_call *call, uint64_t *made)
{
	struct rln_event ev = {.kind = RLN_EV_MAKE_CALL, .make_call = {.other = cause->id.v, .link = RLN_LINK_CAUSE}};
	struct rln_session_id session = {id};

	(void)arg;
	if (w->fail_dialog) {
		w->abandoned += id != 0;
		rln_session_manager_unreserve(w->sessions, session);
		return -w->fail_dialog;
	}
	assert_non_null(call->to);
	rln_session_manager_refill(w->sessions);
	if (id == 0)
		session = rln_session_manager_reserve_near(w->sessions, rln_id_shard(cause->id.v));
	if (session.v == 0)
		return -ENOSPC;
	ev.id = *made = session.v;
	queue_push(FROM_SELF, &ev);
	return 0;
}

static void fake_abandon(void *arg, const struct rln_session *cause, uint64_t id)
{
	(void)arg;
	(void)cause;
	w->abandoned++;
	rln_session_manager_unreserve(w->sessions, (struct rln_session_id){id});
}

static bool fake_allows_transfer(void *arg, const struct rln_session *s, const char *refer_to)
{
	(void)arg;
	(void)refer_to;
	(void)s;
	return w->allow_transfers;
}

static int fake_send_update(void *arg, struct rln_dialog_id id, const char *sdp)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (w->fail_update)
		return w->fail_update;
	if (!d || d->ended || d->state != RLN_DIALOG_CONFIRMED)
		return -ENOTCONN;
	if (d->invite_open || d->theirs_open || d->ack_pending)
		return -EINPROGRESS;
	d->invite_open = true;
	snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", sdp);
	w->updates++;
	wire(d, ORDER_REINVITE, 0, sdp);
	return 0;
}

static int fake_send_ack(void *arg, struct rln_dialog_id id, const char *sdp)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	w->acks++;
	if (d)
		snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", sdp ? sdp : "");
	return d && !d->ended ? 0 : -ENOTCONN;
}

/* w->replaced: the dialog that an INVITE's Replaces names, or minus the refusal. */
static int fake_find_replaced(const void *arg, const struct rln_sip_msg *invite, struct rln_dialog_id *out)
{
	(void)arg;
	(void)invite;
	out->v = w->replaced > 0 ? (uint64_t)w->replaced : 0;
	return w->replaced < 0 ? (int)w->replaced : 0;
}

static void fake_release(void *arg, struct rln_dialog_id id)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	assert_non_null(d);
	d->id = 0;
}

static enum rln_dialog_state fake_get_state(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d ? d->state : RLN_DIALOG_TERMINATED;
}

static bool fake_is_invite_open(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->invite_open;
}

static bool fake_is_ack_pending(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->ack_pending;
}

static int fake_local_addr(const void *arg, struct rln_dialog_id id, struct rln_addr *addr)
{
	(void)arg;
	assert_int_equal(rln_addr_parse(addr, "198.18.0.1", 10), 0);
	return dialog_of(id.v) ? 0 : -ENOENT;
}

/* ---- the media layer's double ---- */

static UNUSED void media_says(uint64_t id, enum rln_event_kind kind)
{
	struct rln_event ev = {.id = id, .kind = (uint16_t)kind};

	queue_push(FROM_MEDIA, &ev);
}

static UNUSED void media_fails(uint64_t id, enum rln_media_fault fault)
{
	struct rln_event ev = {.id = id, .kind = RLN_EV_MEDIA_ERROR, .media_error = {.error = (uint8_t)fault, .error_code = ENOSPC}};

	queue_push(FROM_MEDIA, &ev);
}

static void media_create(uint64_t session)
{
	struct rln_event ev = {.id = session, .kind = RLN_EV_MEDIA_SESSION_CREATED};

	if (w->fail_create_leg) {
		media_fails(session, (enum rln_media_fault)(w->fail_create_leg - 1));
		return;
	}
	for (unsigned i = 0; i < SESSIONS; i++) {
		if (w->legs[i])
			continue;
		w->legs[i] = rln_id_make(RLN_ID_MEDIA, 0, i, ++w->leg_generation);
		ev.media_session_created.media_id = w->legs[i];
		assert_int_equal(rln_addr_parse(&ev.media_session_created.local_addr, "198.18.0.1", 10), 0);
		ev.media_session_created.local_addr.port = (uint16_t)(20000 + 2 * i);
		queue_push(FROM_MEDIA, &ev);
		return;
	}
	media_fails(session, RLN_MEDIA_FAULT_NO_PORT);
}

static void media_command(const struct rln_event *ev)
{
	bool is_live = false;

	for (unsigned i = 0; i < SESSIONS; i++)
		is_live |= w->legs[i] == ev->id && ev->id;
	if (ev->kind == RLN_EV_CREATE_MEDIA_SESSION)
		media_create(ev->id);
	else if (!is_live)
		return;
	else if (ev->kind == RLN_EV_START_MEDIA_STREAM)
		media_says(ev->id, RLN_EV_MEDIA_STREAM_STARTED);
	else if (ev->kind == RLN_EV_UPDATE_MEDIA_STREAM || ev->kind == RLN_EV_HOLD_MEDIA || ev->kind == RLN_EV_RESUME_MEDIA)
		media_says(ev->id, RLN_EV_MEDIA_STREAM_STATE_CHANGED);
	else if (ev->kind == RLN_EV_STOP_MEDIA_STREAM) {
		for (unsigned i = 0; i < SESSIONS; i++)
			w->legs[i] = w->legs[i] == ev->id ? 0 : w->legs[i];
		media_says(ev->id, RLN_EV_MEDIA_STREAM_STOPPED);
	}
}

/* ---- the bus's double ---- */

/* HOLD_SESSION, RESUME_SESSION: what cannot be sent is told (dialog.h). */
static void dialog_offers(struct fake_dialog *d, const char *sdp)
{
	int rc = fake_send_update(NULL, (struct rln_dialog_id){d->id}, sdp);

	if (rc == -EINPROGRESS)
		dialog_says(d, RLN_CALL_GLARE, 491, NULL);
	else if (rc != 0)
		dialog_says(d, RLN_CALL_REFUSED, 503, NULL);
}

static int fake_publish(void *arg, struct rln_event *ev)
{
	enum rln_category category = (enum rln_category)rln_event_info(rln_event_kind(ev))->category;
	struct fake_dialog *d = dialog_of(ev->id);

	(void)arg;
	if (w->fail_publish && w->fail_publish_kind == ev->kind) {
		w->fail_publish--;
		rln_block_release(rln_event_block(ev));
		return -ENOBUFS;
	}
	if (w->out_n < OUT_MAX)
		w->out[w->out_n++] = *ev; /* its block may be gone when a test looks: only plain fields count */
	if (category == RLN_CAT_A2S) {
		queue_push(FROM_SELF, ev);
		return 0;
	}
	if (category == RLN_CAT_S2M && !w->quiet_media)
		media_command(ev);
	if (ev->kind == RLN_EV_INITIATE_CALL && d) {
		d->invite_open = true;
		w->invites++;
		snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", rln_slice_text(ev->initiate_call.block, ev->initiate_call.sdp_offer));
		wire(d, ORDER_INVITE, 0, d->last_sdp);
	}
	if ((ev->kind == RLN_EV_HOLD_SESSION || ev->kind == RLN_EV_RESUME_SESSION) && d)
		dialog_offers(d, rln_slice_text(ev->hold_session.block, ev->hold_session.sdp));
	if (ev->kind == RLN_EV_TRANSFER_CALL && d) {
		d->refer_out = true;
		d->replaces = ev->transfer_call.replaces;
	}
	if (ev->kind == RLN_EV_SEND_DTMF)
		w->infos++;
	if (ev->kind == RLN_EV_TERMINATE_SESSION && d)
		dialog_terminate(d, ev->terminate_session.code);
	if (ev->kind == RLN_EV_STATE_CHANGED)
		w->visited |= 1u << ev->state_changed.new_state;
	if (ev->kind == RLN_EV_SESSION_TERMINATED)
		w->ends[rln_id_slot(ev->id)]++;
	rln_block_release(rln_event_block(ev));
	return 0;
}

static int fake_address_index(void *arg, const struct rln_addr *addr)
{
	(void)arg;
	(void)addr;
	return 0;
}

static uint16_t fake_peer_port(void *arg, unsigned peer)
{
	(void)arg;
	return peer == 1 ? 5070 : 0;
}

static void fake_end_channels(void *arg, uint64_t channels)
{
	(void)arg;
	(void)channels;
	w->channels_ended++;
}

static void fake_closed(void *arg, struct rln_session_id id)
{
	(void)arg;
	assert_int_equal(w->ends[rln_id_slot(id.v)], 1); /* told once, before the slot goes */
	w->ends[rln_id_slot(id.v)] = 0;
}

/* ---- life of the world ---- */

static UNUSED void world_begin(void)
{
	struct rln_placement_cfg placement = {1, 20000, 20999, SESSIONS};
	struct rln_registry_cfg registry = {SESSIONS, SESSIONS, SESSIONS, 1};
	struct rln_session_manager_cfg manager = {.sessions = SESSIONS};

	rln_clock_init();
	rln_log_level = RLN_LOG_ERROR;
	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	w->now = RLN_SEC;
	assert_int_equal(rln_blocks_init(256, 4), 0);
	assert_int_equal(rln_wheel_create(&w->wheel, RLN_MS, w->now), 0);
	assert_int_equal(rln_placement_create(&w->placement, &placement), 0);
	assert_int_equal(rln_registry_create(&w->registry, &registry), 0);
	manager.registry = w->registry;
	manager.placement = w->placement;
	assert_int_equal(rln_session_manager_create(&w->sessions, &manager), 0);
	w->layers = (struct rln_layers){
		.dialog = {.create = fake_create,
			.set_local_port = fake_set_local_port,
			.send_response = fake_send_response,
			.respond_offer = fake_respond_offer,
			.send_update = fake_send_update,
			.send_ack = fake_send_ack,
			.respond_refer = fake_respond_refer,
			.notify_transfer = fake_notify_transfer,
			.find_replaced = fake_find_replaced,
			.release = fake_release,
			.get_state = fake_get_state,
			.is_invite_open = fake_is_invite_open,
			.is_ack_pending = fake_is_ack_pending,
			.can_retry = fake_can_retry,
			.is_answered = fake_is_answered,
			.is_answer_owed = fake_is_answer_owed,
			.peer_allows = fake_peer_allows,
			.remote_uri = fake_remote_uri,
			.local_addr = fake_local_addr},
		.wheel = w->wheel,
		.sessions = w->sessions,
		.set = {.ring_limit_s = 60, .retry_after_s = 7, .codecs_n = 2, .codecs = {RLN_CODEC_PCMA, RLN_CODEC_PCMU}, .ptime_ms = 20, .telephone_event = 101,
			.loss_limit_pct = 10, .transfer_limit_s = 180},
		.publish = fake_publish,
		.address_index = fake_address_index,
		.peer_port = fake_peer_port,
		.make_call = fake_make_call,
		.abandon = fake_abandon,
		.allows_transfer = fake_allows_transfer,
		.end_channels = fake_end_channels,
		.closed = fake_closed,
	};
	assert_int_equal(rln_machine_create(&w->machine, rln_table(), w->sessions, &w->layers), 0);
}

static UNUSED void world_end(void)
{
	struct rln_registry_figures left;

	rln_registry_figures(w->registry, &left);
	assert_int_equal(rln_session_manager_in_use(w->sessions), 0);
	assert_int_equal(left.sessions + left.dialogs + left.legs, 0);
	assert_int_equal(rln_wheel_armed(w->wheel), 0);
	assert_int_equal(rln_blocks_in_use(), 0);
	for (unsigned i = 0; i < SESSIONS; i++) {
		assert_int_equal(w->legs[i], 0);
		assert_int_equal(w->dialogs[i].id, 0);
	}
	rln_machine_destroy(w->machine);
	rln_session_manager_destroy(w->sessions);
	rln_registry_destroy(w->registry);
	rln_placement_destroy(w->placement);
	rln_wheel_destroy(w->wheel);
	rln_blocks_fini();
	free(w);
	w = NULL;
}

static UNUSED void advance(uint64_t ns)
{
	w->now += ns;
	while (rln_wheel_advance(w->wheel, w->now, 64))
		;
	pump();
}

/* ---- calls ---- */

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

static UNUSED int setup(void **state)
{
	(void)state;
	world_begin();
	return 0;
}

static UNUSED int teardown(void **state)
{
	(void)state;
	world_end();
	return 0;
}
