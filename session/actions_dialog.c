/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions toward the dialog layer. Intents of the call (start it, end it) are events; what the protocol then asks for is a
 * direct call (R5).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "session/actions.h"
#include "session/media_ctl.h"
#include "session/offer.h"

static const struct rln_dialog_commands *dialog_of(const struct rln_step *st)
{
	return &st->layers->dialog;
}

int rln_act_CREATE_DIALOG(struct rln_step *st)
{
	const struct rln_dialog_commands *d = dialog_of(st);
	struct rln_session *s = st->s;
	uint16_t port = st->layers->peer_port(st->layers->arg, s->peer);
	int rc;

	s->dialog = d->create(d->arg, rln_slice_text(s->request, s->from), rln_slice_text(s->request, s->to));
	if (s->dialog.v == 0)
		return errno ? -errno : -EINVAL;
	s->dialog_hold = RLN_HOLD_READY;
	rc = rln_registry_map_dialog(rln_session_manager_registry(st->layers->sessions), s->id, s->dialog);
	if (rc == 0 && port)
		rc = d->set_local_port(d->arg, s->dialog, port);
	return rc;
}

/* The offer of our INVITE: the application's own, ours, or none. */
static int prepare_offer(struct rln_step *st)
{
	struct rln_session *s = st->s;
	struct rln_sdp sdp;

	if (s->policy & RLN_CALL_LATE_OFFER)
		return 0;
	s->is_offering = true;
	if (s->own_sdp.len && s->local_sdp)
		return 0; /* the INVITE goes out again, with the same */
	if (s->own_sdp.len == 0)
		return rln_media_write_offer(st->layers, s, s->wanted);
	if (rln_sdp_parse(&sdp, rln_slice_text(s->request, s->own_sdp), s->own_sdp.len) != 0 || sdp.media_n == 0)
		return -EINVAL;
	s->local_sdp = rln_strndup(rln_slice_text(s->request, s->own_sdp), s->own_sdp.len);
	s->local_sdp_len = s->own_sdp.len;
	s->sdp_lines = sdp.media_n;
	while (s->sdp_index + 1 < sdp.media_n && !sdp.media[s->sdp_index].is_audio)
		s->sdp_index++;
	s->asked = s->aim = s->wanted;
	return s->local_sdp ? 0 : -ENOMEM;
}

/* Copies a text into the block of the event and moves on. */
static struct rln_slice put(char *data, size_t *at, const char *text, size_t len)
{
	struct rln_slice slice = {(uint16_t)*at, (uint16_t)len};

	if (len == 0)
		return (struct rln_slice){0, 0};
	memcpy(data + *at, text, len);
	data[*at + len] = '\0';
	*at += len + 1;
	return slice;
}

int rln_act_SEND_INVITE(struct rln_step *st)
{
	struct rln_session *s = st->s;
	struct rln_event ev = {.id = s->dialog.v, .kind = RLN_EV_INITIATE_CALL};
	struct rln_ev_initiate_call *call = &ev.initiate_call;
	int rc = prepare_offer(st);
	size_t at = 0;
	char *data;

	if (rc != 0)
		return rc;
	call->block = rln_block_alloc(s->from.len + s->to.len + s->headers.len + s->local_sdp_len + 4u);
	data = rln_block_data(call->block);
	if (!data)
		return -ENOBUFS;
	call->from = put(data, &at, rln_slice_text(s->request, s->from), s->from.len);
	call->to = put(data, &at, rln_slice_text(s->request, s->to), s->to.len);
	call->headers = put(data, &at, rln_slice_text(s->request, s->headers), s->headers.len);
	call->sdp_offer = put(data, &at, s->local_sdp, s->local_sdp_len);
	rc = rln_publish(st, &ev);
	if (rc != 0)
		return rc;
	s->dialog_hold = RLN_HOLD_RUNNING;
	return 0;
}

int rln_act_TERMINATE(struct rln_step *st)
{
	struct rln_session *s = st->s;
	struct rln_event ev = {.id = s->dialog.v, .kind = RLN_EV_TERMINATE_SESSION};

	if (s->dialog_hold != RLN_HOLD_RUNNING)
		return 0; /* nothing went out, or it has ended: there is nothing to end */
	ev.terminate_session =
		(struct rln_ev_terminate_session){.reason = s->reason, .code = s->role == RLN_ROLE_UAS ? s->code : 0};
	return rln_publish(st, &ev);
}

/* ---- responses ---- */

static int respond(struct rln_step *st, uint16_t code, const char *sdp, const char *extra)
{
	const struct rln_dialog_commands *d = dialog_of(st);

	return d->send_response(d->arg, st->s->dialog, code, sdp, extra);
}

int rln_act_SEND_RINGING(struct rln_step *st)
{
	return respond(st, st->s->policy & RLN_CALL_QUEUED ? 182 : 180, NULL, NULL);
}

int rln_act_RING(struct rln_step *st)
{
	st->s->policy &= (uint8_t)~RLN_CALL_QUEUED;
	return rln_act_SEND_RINGING(st);
}

/* The answer that MAKE_ANSWER wrote; the offer is done with, whatever becomes of the response. */
int rln_act_SEND_ANSWER(struct rln_step *st)
{
	rln_offer_drop_kept(st->s);
	return respond(st, 200, st->s->local_sdp, NULL);
}

/* The same answer goes into the 200 once more; the offer stays kept until then. */
int rln_act_SEND_PROGRESS(struct rln_step *st)
{
	return respond(st, 183, st->s->local_sdp, NULL);
}

int rln_act_SEND_OFFER(struct rln_step *st)
{
	int rc = rln_media_write_offer(st->layers, st->s, st->s->wanted);

	if (rc == 0)
		rc = respond(st, 200, st->s->local_sdp, NULL);
	st->s->is_offering = rc == 0;
	return rc;
}

/* A final refusal ends the call whether or not it can be sent: the dialog reports its end in any case. */
static int refuse(struct rln_step *st, enum rln_end_reason reason, uint16_t code, const char *extra)
{
	int rc = respond(st, code, NULL, extra);

	if (rc != 0)
		rln_log(RLN_LOG_WARNING, st->s->id.v, "refusal %u could not be sent: %d", code, rc);
	if (st->s->reason == RLN_END_NONE) {
		st->s->reason = (uint8_t)reason;
		st->s->code = code;
	}
	return 0;
}

int rln_act_REFUSE_CODE(struct rln_step *st)
{
	uint16_t code = rln_event_code(st->ev);

	return refuse(st, RLN_END_REJECTED, code >= 300 && code <= 699 ? code : 603, NULL);
}

int rln_act_REFUSE_480(struct rln_step *st)
{
	return refuse(st, RLN_END_REJECTED, 480, NULL);
}

int rln_act_REFUSE_486(struct rln_step *st)
{
	return refuse(st, RLN_END_REJECTED, 486, NULL);
}

int rln_act_CONFIRM_CANCEL(struct rln_step *st)
{
	return refuse(st, RLN_END_CANCELLED, 487, NULL);
}

int rln_act_FAIL_488(struct rln_step *st)
{
	return refuse(st, RLN_END_MEDIA, 488, NULL);
}

int rln_act_FAIL_500(struct rln_step *st)
{
	return refuse(st, RLN_END_MEDIA, 500, NULL);
}

int rln_act_FAIL_504(struct rln_step *st)
{
	return refuse(st, RLN_END_NETWORK, 504, NULL);
}

int rln_act_FAIL_503(struct rln_step *st)
{
	char extra[40];

	snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", st->layers->set.retry_after_s);
	return refuse(st, RLN_END_MEDIA, 503, extra);
}

/* SIP INFO (R49). */
int rln_act_SEND_INFO(struct rln_step *st)
{
	struct rln_event ev = {.id = st->s->dialog.v, .kind = RLN_EV_SEND_DTMF, .send_dtmf = st->ev->dtmf_request};

	return rln_publish(st, &ev);
}

int rln_act_RAISE_ACCEPT(struct rln_step *st)
{
	struct rln_event ev = {.id = st->s->id.v, .kind = RLN_EV_ACCEPT_CALL};

	return rln_publish(st, &ev);
}

/* ---- our ACK ---- */

int rln_act_ANSWER_IN_ACK(struct rln_step *st)
{
	const struct rln_dialog_commands *d = dialog_of(st);
	rln_offer_drop_kept(st->s);
	return d->send_ack(d->arg, st->s->dialog, st->s->local_sdp);
}

int rln_act_EMPTY_ACK(struct rln_step *st)
{
	const struct rln_dialog_commands *d = dialog_of(st);
	int rc = d->send_ack(d->arg, st->s->dialog, NULL);

	return rc == -ENOTCONN ? 0 : rc; /* a 2xx without description: the dialog has sent it */
}
