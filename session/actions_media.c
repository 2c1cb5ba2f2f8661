/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions toward the leg. Each posts one typed command to the worker that owns it, or turns a description into what that
 * command will carry.
 */
#include <errno.h>

#include "session/actions.h"
#include "session/media_ctl.h"

int rln_act_CREATE_MEDIA(struct rln_step *st)
{
	return rln_media_create_session(st->layers, st->s);
}

int rln_act_PREPARE_MEDIA(struct rln_step *st)
{
	return rln_media_prepare(st->layers, st->s);
}

int rln_act_MAKE_ANSWER(struct rln_step *st)
{
	struct rln_sdp_agreed agreed;
	int rc = rln_media_write_answer(st->layers, st->s, &agreed);

	if (rc == 0)
		rln_media_set_params(st->s, &agreed);
	return rc;
}

int rln_act_APPLY_ANSWER(struct rln_step *st)
{
	struct rln_sdp_agreed agreed;
	size_t len;
	const char *sdp = rln_event_sdp(st->ev, &len);
	int rc = rln_media_try_answer(st->layers, st->s, sdp, len, &agreed);

	if (rc != 0)
		return rc;
	rln_media_set_params(st->s, &agreed);
	st->s->is_offering = false;
	st->s->wanted = st->s->aim;
	return 0;
}

int rln_act_ESTABLISH_FLOW(struct rln_step *st)
{
	struct rln_session *s = st->s;
	size_t len = s->offer_sdp.len;
	const char *remote = len ? rln_slice_text(s->offer, s->offer_sdp) : rln_event_sdp(st->ev, &len);

	return rln_media_establish_flow(st->layers, s, remote, len);
}

int rln_act_STOP_MEDIA(struct rln_step *st)
{
	return rln_media_stop_session(st->layers, st->s);
}

static int post_direction(struct rln_step *st, enum rln_event_kind kind, uint8_t direction)
{
	struct rln_event ev = {.id = st->s->media.v, .kind = (uint16_t)kind, .hold_media = {.direction = direction}};

	return st->s->media.v ? rln_publish(st, &ev) : -ENOTCONN;
}

/* Music may go on; nothing more is let in. What was agreed stays noted, for a hold that is refused. */
int rln_act_HOLD_MEDIA(struct rln_step *st)
{
	return post_direction(st, RLN_EV_HOLD_MEDIA, st->s->params.direction & RLN_MEDIA_OUTBOUND);
}

int rln_act_RESUME_MEDIA(struct rln_step *st)
{
	return post_direction(st, RLN_EV_RESUME_MEDIA, st->s->params.direction);
}

/* The application's request becomes the leg's command: the same payload, under the leg's id. */
static int pass(struct rln_step *st, enum rln_event_kind kind)
{
	struct rln_event ev = *st->ev;
	rln_block_ref block = rln_event_block(st->ev);
	struct rln_slice path = {0, 0};

	if (st->s->media.v == 0)
		return -ENOTCONN;
	ev.id = st->s->media.v;
	ev.kind = (uint16_t)kind;
	ev.serial = ev.cause = 0;
	if (block) { /* the worker becomes the one owner of what it gets, and the request's block is not ours to give */
		ev.play_audio.block =
			rln_block_from_text(rln_slice_text(block, ev.play_audio.file_path), ev.play_audio.file_path.len, &path);
		ev.play_audio.file_path = path;
		if (ev.play_audio.block == 0)
			return -ENOBUFS;
	}
	return rln_publish(st, &ev);
}

int rln_act_PLAY(struct rln_step *st)
{
	return pass(st, RLN_EV_PLAY_AUDIO);
}

int rln_act_STOP_PLAY(struct rln_step *st)
{
	return pass(st, RLN_EV_STOP_AUDIO);
}

int rln_act_RECORD(struct rln_step *st)
{
	return pass(st, RLN_EV_START_RECORDING);
}

int rln_act_STOP_RECORD(struct rln_step *st)
{
	return pass(st, RLN_EV_STOP_RECORDING);
}

int rln_act_ATTACH(struct rln_step *st)
{
	return pass(st, RLN_EV_ATTACH_CHANNELS);
}

int rln_act_SEND_TONES(struct rln_step *st)
{
	return pass(st, RLN_EV_SEND_TELEPHONE_EVENTS);
}

int rln_act_TAP(struct rln_step *st)
{
	return pass(st, RLN_EV_TAP_MEDIA);
}

/* Before the stream runs it is only noted: the start carries it. */
int rln_act_MUTE(struct rln_step *st)
{
	struct rln_session *s = st->s;

	s->params.muted = st->ev->mute_request.on != 0;
	if (s->leg_hold != RLN_HOLD_STARTING && s->leg_hold != RLN_HOLD_RUNNING)
		return 0;
	return rln_media_establish_flow(st->layers, s, "", 0);
}
