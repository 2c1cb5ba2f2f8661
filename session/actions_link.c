/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions between calls: transfer in every role (R176-R178), replacement (RFC 3891), bridge (R179, R182d). Sessions reach one
 * another by events only; what one needs to know of the other it reads as a guard does, on the lcore that owns both.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lcore/clock.h"
#include "session/actions.h"
#include "session/media_ctl.h"
#include "session/offer.h"

static const struct rln_session *other_of(const struct rln_step *st)
{
	return rln_session_manager_get_session(st->layers->sessions, (struct rln_session_id){st->s->other});
}

static int tell(struct rln_step *st, uint64_t session, enum rln_event_kind kind)
{
	struct rln_event ev = {.id = session, .kind = (uint16_t)kind};

	return rln_publish(st, &ev);
}

/* ---- transfer ---- */

static int publish_transfer(struct rln_step *st, const char *target, size_t len, enum rln_transfer_type type, uint64_t replaces)
{
	struct rln_event ev = {.id = st->s->dialog.v, .kind = RLN_EV_TRANSFER_CALL};

	ev.transfer_call.block = rln_block_from_text(target, len, &ev.transfer_call.target);
	if (ev.transfer_call.block == 0)
		return -ENOBUFS;
	ev.transfer_call.type = (uint8_t)type;
	ev.transfer_call.replaces = replaces;
	return rln_publish(st, &ev);
}

int rln_act_TRANSFER(struct rln_step *st)
{
	const struct rln_ev_target *ev = &st->ev->blind_transfer;

	return publish_transfer(st, rln_slice_text(ev->block, ev->target), ev->target.len, RLN_TRANSFER_BLIND, 0);
}

/* RFC 5589 7.3: to the device that we talked to. Its address of record may ring others, who know no such dialog. */
int rln_act_TRANSFER_REPLACES(struct rln_step *st)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;
	const struct rln_session *other = other_of(st);
	const char *target = other ? d->remote_target(d->arg, other->dialog) : NULL;

	if (!target)
		return -ENOTCONN;
	return publish_transfer(st, target, strlen(target), RLN_TRANSFER_ATTENDED, other->dialog.v);
}

int rln_act_ARM_TRANSFER(struct rln_step *st)
{
	rln_session_arm(st->layers, st->s, RLN_TIMER_TRANSFER, st->layers->set.transfer_limit_s * RLN_SEC);
	return 0;
}

int rln_act_STOP_TRANSFER(struct rln_step *st)
{
	rln_wheel_disarm(st->layers->wheel, &st->s->timers[RLN_TIMER_TRANSFER].timer);
	return 0;
}

/* The id was reserved by who asked, so that they know the call before it exists. */
int rln_act_CALL_TARGET(struct rln_step *st)
{
	const struct rln_ev_target *ev = &st->ev->start_consult;
	struct rln_linked_call call = {.to = rln_slice_text(ev->block, ev->target)};
	struct rln_session *s = st->s;
	int rc = st->layers->make_call(st->layers->arg, s, ev->other, &call, &s->other);

	s->link = rc == 0 ? RLN_LINK_CONSULT : RLN_LINK_NONE;
	return rc;
}

int rln_act_ACCEPT_REFER(struct rln_step *st)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return d->respond_refer(d->arg, st->s->dialog, 202);
}

/* "Name: value" at the end of the lines so far; an empty value is no line. 0 or -EMSGSIZE. */
static int add_header(char *lines, size_t size, const char *name, rln_block_ref block, struct rln_slice value)
{
	size_t used = strlen(lines);
	int n = 0;

	if (value.len)
		n = snprintf(lines + used, size - used, "%s: %.*s\r\n", name, (int)value.len, rln_slice_text(block, value));
	return n >= 0 && (size_t)n < size - used ? 0 : -EMSGSIZE;
}

int rln_act_CALL_REFERRED(struct rln_step *st)
{
	const struct rln_ev_transfer_requested *ev = &st->ev->transfer_requested;
	char headers[1024] = "";
	struct rln_linked_call call = {.to = rln_slice_text(ev->block, ev->refer_to), .headers = headers};
	struct rln_session *s = st->s;
	int rc = add_header(headers, sizeof(headers), "Replaces", ev->block, ev->replaces);

	if (rc == 0)
		rc = add_header(headers, sizeof(headers), "Referred-By", ev->block, ev->referred_by);
	if (rc != 0)
		return rc;
	rc = st->layers->make_call(st->layers->arg, s, 0, &call, &s->other);
	s->link = rc == 0 ? RLN_LINK_REFERRED : RLN_LINK_NONE;
	return rc;
}

static int notify(struct rln_step *st, uint16_t status)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return d->notify_transfer(d->arg, st->s->dialog, status);
}

int rln_act_NOTIFY_DONE(struct rln_step *st)
{
	return notify(st, 200);
}

int rln_act_NOTIFY_FAILED(struct rln_step *st)
{
	uint16_t code = st->ev->kind == RLN_EV_OTHER_CALL ? st->ev->other_call.code : 0;

	return notify(st, code >= 300 && code <= 699 ? code : 503);
}

/* ---- links ---- */

static int part_media(struct rln_step *st)
{
	const struct rln_media_id nobody = {0};

	if (st->s->link != RLN_LINK_BRIDGE || st->s->media.v == 0)
		return 0;
	st->s->wanted = st->s->asked = st->s->aim = RLN_MEDIA_BIDIRECTIONAL; /* what the other leg's peer had held is over */
	return rln_media_bridge(st->layers, st->s, nobody);
}

int rln_act_UNLINK(struct rln_step *st)
{
	int rc = part_media(st);

	st->s->other = st->s->asker = 0;
	st->s->link = RLN_LINK_NONE;
	return rc;
}

int rln_act_END_OTHER(struct rln_step *st)
{
	return st->s->link == RLN_LINK_CONSULT ? tell(st, st->s->other, RLN_EV_HANGUP_CALL) : 0;
}

int rln_act_END_REPLACED(struct rln_step *st)
{
	int rc;

	if (st->s->link != RLN_LINK_REPLACED)
		return 0;
	rc = tell(st, st->s->other, RLN_EV_HANGUP_CALL);
	st->s->other = 0;
	st->s->link = RLN_LINK_NONE;
	return rc;
}

/* ---- bridge ---- */

int rln_act_LINK_BRIDGE(struct rln_step *st)
{
	st->s->other = st->ev->bridge_calls.other;
	st->s->link = RLN_LINK_BRIDGE;
	return 0;
}

int rln_act_JOIN(struct rln_step *st)
{
	const struct rln_session *other = other_of(st);

	if (!other || other->media.v == 0)
		return -ENOTCONN;
	return rln_media_bridge(st->layers, st->s, other->media);
}

int rln_act_ASK_OTHER(struct rln_step *st)
{
	struct rln_event ev = {.id = st->s->other, .kind = RLN_EV_BRIDGE_CALLS, .bridge_calls = {.other = st->s->id.v}};

	return rln_publish(st, &ev);
}

int rln_act_SEND_AWAY(struct rln_step *st)
{
	return tell(st, st->ev->bridge_calls.other, RLN_EV_UNBRIDGE_CALLS);
}

static int offer_to_other(struct rln_step *st, uint8_t direction)
{
	struct rln_event ev = {
		.id = st->s->other, .kind = RLN_EV_BRIDGE_OFFER, .bridge_offer = {.other = st->s->id.v, .direction = direction}};

	return rln_publish(st, &ev);
}

int rln_act_PASS_OFFER(struct rln_step *st)
{
	struct rln_sdp_agreed agreed;
	size_t len;
	const char *sdp = rln_event_sdp(st->ev, &len);
	int rc = rln_media_try_offer(st->layers, st->s, sdp, len, &agreed);

	return rc == 0 ? offer_to_other(st, rln_sdp_mirrored(agreed.direction)) : rc;
}

int rln_act_PASS_HOLD(struct rln_step *st)
{
	return offer_to_other(st, RLN_MEDIA_OUTBOUND);
}

int rln_act_PASS_RESUME(struct rln_step *st)
{
	return offer_to_other(st, RLN_MEDIA_BIDIRECTIONAL);
}

int rln_act_TAKE_BRIDGE_OFFER(struct rln_step *st)
{
	struct rln_session *s = st->s;

	s->asker = st->ev->bridge_offer.other;
	s->asked = s->aim = st->ev->bridge_offer.direction & RLN_MEDIA_BIDIRECTIONAL;
	return 0;
}

static int answer_to(struct rln_step *st, uint64_t session, uint16_t code)
{
	struct rln_event ev = {.id = session,
		.kind = RLN_EV_BRIDGE_ANSWER,
		.bridge_answer = {.other = st->s->id.v, .direction = rln_sdp_mirrored(st->s->params.direction), .code = code}};

	return session ? rln_publish(st, &ev) : 0;
}

int rln_act_REFUSE_BRIDGE_OFFER(struct rln_step *st)
{
	return answer_to(st, st->ev->bridge_offer.other, 491);
}

static int pass(struct rln_step *st, uint16_t code)
{
	uint64_t asker = st->s->asker;

	st->s->asker = 0;
	return answer_to(st, asker, code);
}

int rln_act_PASS_ANSWER(struct rln_step *st)
{
	return pass(st, 200);
}

int rln_act_PASS_REFUSAL(struct rln_step *st)
{
	uint16_t code = rln_event_code(st->ev);

	return pass(st, code >= 300 ? code : 488);
}

int rln_act_PASS_DTMF(struct rln_step *st)
{
	struct rln_event ev = {.id = st->s->other, .kind = RLN_EV_DTMF_REQUEST};

	if (st->ev->kind == RLN_EV_DTMF_RECEIVED) {
		ev.dtmf_request = st->ev->dtmf_received;
	} else {
		ev.dtmf_request.tones[0] = st->ev->dtmf_detected.digit;
		ev.dtmf_request.duration_ms = st->ev->dtmf_detected.duration_ms;
	}
	return rln_publish(st, &ev);
}
