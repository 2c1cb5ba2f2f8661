/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions of a call that is up on its own offers: hold, resume, codec switch (R168-R174), and the answers to the peer's
 * (R172). What an offer asks for becomes what we want only with its 2xx (APPLY_ANSWER): until then `asked` and `aim` keep it.
 */
#include <errno.h>

#include "lcore/heap.h"
#include "session/actions.h"
#include "session/media_ctl.h"
#include "session/offer.h"

/* ---- answers to the peer's offers ---- */

static int respond_offer(struct rln_step *st, uint16_t code, const char *sdp)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return d->respond_offer(d->arg, st->s->dialog, code, sdp, NULL);
}

void rln_offer_drop_kept(struct rln_session *s)
{
	rln_block_release(s->offer);
	s->offer = 0;
	s->offer_sdp.len = 0;
}

int rln_act_RESPOND_200(struct rln_step *st)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;

	return d->respond_update(d->arg, st->s->dialog, 200, NULL);
}

int rln_offer_refuse(const struct rln_dialog_commands *d, struct rln_dialog_id dialog, const struct rln_event *ev, uint16_t code,
	const char *extra)
{
	if (rln_event_is_plain_update(ev))
		return d->respond_update(d->arg, dialog, code, extra);
	return d->respond_offer(d->arg, dialog, code, NULL, extra);
}

/* The answer that MAKE_ANSWER wrote; the offer is done with, whatever becomes of the response. */
int rln_act_ANSWER_OFFER(struct rln_step *st)
{
	rln_offer_drop_kept(st->s);
	return respond_offer(st, 200, st->s->local_sdp);
}

int rln_act_OFFER_IN_ANSWER(struct rln_step *st)
{
	int rc = rln_media_write_offer(st->layers, st->s, st->s->wanted);

	if (rc == 0)
		rc = respond_offer(st, 200, st->s->local_sdp);
	st->s->is_offering = rc == 0;
	return rc;
}

/* The other leg's peer takes `direction` of what ours offered: no more than that can be answered. */
int rln_act_ANSWER_AS_OTHER(struct rln_step *st)
{
	struct rln_session *s = st->s;
	uint8_t wanted = s->wanted;
	int rc;

	s->wanted = st->ev->bridge_answer.direction;
	rc = rln_act_MAKE_ANSWER(st);
	s->wanted = wanted;
	return rc;
}

int rln_act_REFUSE_AS_OTHER(struct rln_step *st)
{
	uint16_t code = st->ev->bridge_answer.code;

	rln_offer_drop_kept(st->s);
	return respond_offer(st, code >= 300 && code <= 699 ? code : 488, NULL);
}

/* ---- our offers ---- */

/* HOLD_SESSION or RESUME_SESSION with our offer for `direction`; the dialog layer sends the re-INVITE. */
static int publish_offer(struct rln_step *st, enum rln_event_kind kind, uint8_t direction, uint8_t aim)
{
	struct rln_session *s = st->s;
	struct rln_event ev = {.id = s->dialog.v, .kind = (uint16_t)kind};
	int rc = rln_media_write_offer(st->layers, s, direction);

	if (rc != 0)
		return rc;
	ev.hold_session.block = rln_block_from_text(s->local_sdp, s->local_sdp_len, &ev.hold_session.sdp);
	if (ev.hold_session.block == 0)
		return -ENOBUFS;
	rc = rln_publish(st, &ev);
	s->aim = aim;
	s->is_offering = rc == 0;
	return rc;
}

/* R46: a peer that holds already sends nothing that we could stop. */
int rln_act_HOLD(struct rln_step *st)
{
	bool peer_holds = !(st->s->params.direction & RLN_MEDIA_OUTBOUND);

	return publish_offer(st, RLN_EV_HOLD_SESSION, peer_holds ? RLN_MEDIA_INACTIVE : RLN_MEDIA_OUTBOUND, RLN_MEDIA_OUTBOUND);
}

int rln_act_RESUME(struct rln_step *st)
{
	return publish_offer(st, RLN_EV_RESUME_SESSION, RLN_MEDIA_BIDIRECTIONAL, RLN_MEDIA_BIDIRECTIONAL);
}

int rln_act_REINVITE(struct rln_step *st)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;
	struct rln_session *s = st->s;
	int rc = rln_media_write_offer(st->layers, s, s->asked);

	if (rc == 0)
		rc = d->send_update(d->arg, s->dialog, s->local_sdp);
	if (rc == -EINPROGRESS)
		return rln_act_ARM_REINVITE(st); /* an INVITE of the peer is open: once it is done */
	s->is_offering = rc == 0;
	return rc;
}

int rln_act_WANT_DIRECTION(struct rln_step *st)
{
	st->s->asked = st->s->aim = st->ev->update_request.direction & RLN_MEDIA_BIDIRECTIONAL;
	return 0;
}

/* What was agreed before stays, its codec included. */
int rln_act_DROP_OFFER(struct rln_step *st)
{
	struct rln_session *s = st->s;

	s->is_offering = false;
	s->asked = s->aim = s->wanted;
	rln_media_set_codec(s, RLN_CODEC_NONE);
	return 0;
}

/* ---- quality (R173, R174) ---- */

static float loss_of(const struct rln_event *ev)
{
	switch ((int)ev->kind) {
	case RLN_EV_PACKET_LOSS_DETECTED:
	case RLN_EV_PACKET_LOSS_THRESHOLD_EXCEEDED:
		return ev->packet_loss_detected.loss_percentage;
	default:
		return ev->media_quality_degraded.metrics.packet_loss;
	}
}

/* A codec that both sides negotiated and that is not in use; NONE when there is none. */
static uint8_t other_codec(const struct rln_session *s)
{
	for (unsigned i = 0; i < RLN_LEG_PAYLOADS; i++) {
		uint8_t codec = s->params.rx[i].codec;

		if (codec != RLN_CODEC_NONE && codec != s->params.config.codec)
			return codec;
	}
	return RLN_CODEC_NONE;
}

/* Jitter and mild loss are the jitter buffer's business; another codec may help where loss passed the limit, and only when no
 * other offer is open. */
int rln_act_ANALYZE_METRICS(struct rln_step *st)
{
	const struct rln_dialog_commands *d = &st->layers->dialog;
	const struct rln_session *s = st->s;
	bool is_free = !s->is_offering && !d->is_invite_open(d->arg, s->dialog);
	bool should = loss_of(st->ev) > st->layers->set.loss_limit_pct && other_codec(s) != RLN_CODEC_NONE && is_free;
	struct rln_event ev = {.id = s->id.v,
		.kind = RLN_EV_EVALUATED,
		.evaluated = {.decision = should ? RLN_EVALUATED_SWITCH : RLN_EVALUATED_KEEP}};

	return rln_publish(st, &ev);
}

int rln_act_SWITCH_CODEC(struct rln_step *st)
{
	rln_media_set_codec(st->s, other_codec(st->s));
	st->s->asked = st->s->aim = st->s->wanted;
	return rln_act_REINVITE(st);
}
