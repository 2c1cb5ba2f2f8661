/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The media controller on the control lcore (media_ctl.h). A description of ours is kept as it was sent: a later one that says
 * the same keeps its version (RFC 3264 8), and a new offer keeps its m-lines.
 */
#include "session/media_ctl.h"

#include <errno.h>
#include <string.h>

#include "lcore/heap.h"

/* ---- negotiation ---- */

/* This codec first, the others behind it in their order. */
static void prefer(struct rln_sdp_local *local, uint8_t codec)
{
	unsigned at = 0;

	while (at < local->codecs_n && local->codec[at] != codec)
		at++;
	if (at == local->codecs_n)
		return;
	memmove(&local->codec[1], &local->codec[0], at);
	local->codec[0] = codec;
}

static struct rln_sdp_local local_of(const struct rln_layers *layers, const struct rln_session *s, uint8_t direction)
{
	struct rln_sdp_local local = {
		.rtp = s->local_rtp,
		.origin_id = s->id.v,
		.origin_version = s->sdp_version + 1ull,
		.codecs_n = layers->set.codecs_n,
		.telephone_event = layers->set.telephone_event,
		.ptime_ms = layers->set.ptime_ms,
		.direction = direction,
		.media_n = s->sdp_lines,
		.index = s->sdp_index,
	};

	for (unsigned i = 0; i < local.codecs_n; i++)
		local.codec[i] = layers->set.codecs[i];
	prefer(&local, s->prefer);
	return local;
}

/* A new description replaces the last one, unless it says the same. */
static int keep_local(struct rln_session *s, const char *text, size_t len)
{
	char *copy;

	if (s->local_sdp && rln_sdp_is_same(s->local_sdp, s->local_sdp_len, text, len))
		return 0;
	copy = rln_strndup(text, len);
	if (!copy)
		return -ENOMEM;
	rln_free(s->local_sdp);
	s->local_sdp = copy;
	s->local_sdp_len = (uint16_t)len;
	s->sdp_version++;
	return 0;
}

int rln_media_try_offer(const struct rln_layers *layers, const struct rln_session *s, const char *offer, size_t len,
	struct rln_sdp_agreed *agreed)
{
	struct rln_sdp_local local = local_of(layers, s, s->wanted);
	struct rln_sdp sdp;
	char buf[RLN_SDP_TEXT];
	int rc = rln_sdp_parse(&sdp, offer, len);

	if (rc == 0)
		rc = rln_sdp_answer(buf, sizeof(buf), &local, &sdp, agreed);
	return rc < 0 ? rc : 0;
}

int rln_media_try_answer(const struct rln_layers *layers, const struct rln_session *s, const char *answer, size_t len,
	struct rln_sdp_agreed *agreed)
{
	struct rln_sdp_local local = local_of(layers, s, s->asked);
	struct rln_sdp sdp;
	int rc = rln_sdp_parse(&sdp, answer, len);

	return rc == 0 ? rln_sdp_accept(&local, &sdp, agreed) : rc;
}

int rln_media_write_answer(const struct rln_layers *layers, struct rln_session *s, struct rln_sdp_agreed *agreed)
{
	struct rln_sdp_local local = local_of(layers, s, s->wanted);
	struct rln_sdp sdp;
	char buf[RLN_SDP_TEXT];
	int len = rln_sdp_parse(&sdp, rln_slice_text(s->offer, s->offer_sdp), s->offer_sdp.len);

	if (len == 0)
		len = rln_sdp_answer(buf, sizeof(buf), &local, &sdp, agreed);
	if (len < 0)
		return len;
	s->sdp_lines = sdp.media_n;
	s->sdp_index = agreed->index;
	return keep_local(s, buf, (size_t)len);
}

int rln_media_write_offer(const struct rln_layers *layers, struct rln_session *s, uint8_t direction)
{
	struct rln_sdp_local local = local_of(layers, s, direction);
	char buf[RLN_SDP_TEXT];
	int len = s->local_sdp ? rln_sdp_reoffer(buf, sizeof(buf), &local, s->local_sdp, s->local_sdp_len)
			       : rln_sdp_offer(buf, sizeof(buf), &local);

	if (len < 0)
		return len;
	s->sdp_lines = local.media_n;
	s->sdp_index = local.index;
	s->asked = s->aim = direction;
	return keep_local(s, buf, (size_t)len);
}

static struct rln_leg_payload payload_of(const struct rln_sdp_payload *p)
{
	return (struct rln_leg_payload){
		.payload_type = p->payload_type, .codec = p->codec, .clock_rate_khz = (uint16_t)(p->clock_rate / 1000)};
}

void rln_media_set_params(struct rln_session *s, const struct rln_sdp_agreed *agreed)
{
	struct rln_leg_params *p = &s->params;

	p->remote = agreed->remote;
	p->remote_rtcp = agreed->remote_rtcp;
	memset(p->rx, 0, sizeof(p->rx));
	for (unsigned i = 0; i < agreed->codecs_n && i < RLN_LEG_PAYLOADS; i++)
		p->rx[i] = payload_of(&agreed->rx[i]);
	p->config = (struct rln_media_config){.codec = agreed->codec, .channels = 1, .sample_rate = 8000};
	p->payload_type = agreed->payload_type;
	p->ptime_ms = agreed->ptime_ms;
	p->telephone_event_rx = agreed->telephone_event_rx;
	p->telephone_event_tx = agreed->telephone_event_tx;
	p->direction = agreed->direction;
	p->early = 0;
}

/* ---- commands to the worker ---- */

static int post(const struct rln_layers *layers, struct rln_event *ev)
{
	return layers->publish(layers->arg, ev);
}

int rln_media_create_session(const struct rln_layers *layers, struct rln_session *s)
{
	struct rln_event ev = {.id = s->id.v, .kind = RLN_EV_CREATE_MEDIA_SESSION};
	struct rln_addr local;
	int rc = layers->dialog.local_addr(layers->dialog.arg, s->dialog, &local), index;

	if (rc != 0)
		return rc;
	index = layers->address_index(layers->arg, &local);
	if (index < 0)
		return -EADDRNOTAVAIL;
	s->local_index = (uint8_t)index;
	ev.create_media_session.local = s->local_index;
	rc = post(layers, &ev);
	if (rc == 0)
		s->leg_hold = RLN_HOLD_ASKED;
	return rc;
}

/* Parameters first, so that they stand aligned, then the two descriptions. */
static int post_stream(const struct rln_layers *layers, const struct rln_session *s, enum rln_event_kind kind,
	const struct rln_leg_params *params, const char *remote, size_t remote_len)
{
	struct rln_event ev = {.id = s->media.v, .kind = (uint16_t)kind};
	struct rln_ev_media_stream *m = &ev.start_media_stream;
	size_t local_len = s->local_sdp_len, at = sizeof(*params);
	char *data;

	m->block = rln_block_alloc(sizeof(*params) + local_len + remote_len + 2);
	data = rln_block_data(m->block);
	if (!data)
		return -ENOBUFS;
	memcpy(data, params, sizeof(*params));
	m->media_config = (struct rln_slice){0, sizeof(*params)};
	if (local_len) {
		memcpy(data + at, s->local_sdp, local_len + 1);
		m->local_sdp = (struct rln_slice){(uint16_t)at, (uint16_t)local_len};
		at += local_len + 1;
	}
	if (remote_len) {
		memcpy(data + at, remote, remote_len);
		data[at + remote_len] = '\0';
		m->remote_sdp = (struct rln_slice){(uint16_t)at, (uint16_t)remote_len};
	}
	return post(layers, &ev);
}

int rln_media_prepare(const struct rln_layers *layers, struct rln_session *s)
{
	struct rln_leg_params p = s->params;

	p.early = 1;
	p.direction = s->wanted;
	p.ptime_ms = layers->set.ptime_ms;
	p.telephone_event_rx = layers->set.telephone_event;
	p.config = (struct rln_media_config){.codec = layers->set.codecs[0], .channels = 1, .sample_rate = 8000};
	for (unsigned i = 0; i < layers->set.codecs_n && i < RLN_LEG_PAYLOADS; i++) {
		uint8_t codec = layers->set.codecs[i];

		/* RFC 3551 6: PCMU 0, PCMA 8 */
		p.rx[i] = (struct rln_leg_payload){
			.payload_type = codec == RLN_CODEC_PCMA ? 8 : 0, .codec = codec, .clock_rate_khz = 8};
	}
	p.payload_type = p.rx[0].payload_type;
	return post_stream(layers, s, RLN_EV_UPDATE_MEDIA_STREAM, &p, NULL, 0);
}

int rln_media_establish_flow(const struct rln_layers *layers, struct rln_session *s, const char *remote, size_t len)
{
	bool is_first = s->leg_hold == RLN_HOLD_READY;
	int rc;

	if (s->leg_hold < RLN_HOLD_READY || s->leg_hold > RLN_HOLD_RUNNING)
		return -ENOTCONN;
	rc = post_stream(layers, s, is_first ? RLN_EV_START_MEDIA_STREAM : RLN_EV_UPDATE_MEDIA_STREAM, &s->params, remote, len);
	if (rc == 0 && is_first)
		s->leg_hold = RLN_HOLD_STARTING;
	return rc;
}

int rln_media_bridge(const struct rln_layers *layers, const struct rln_session *s, struct rln_media_id other)
{
	struct rln_event ev = {.id = s->media.v, .kind = RLN_EV_BRIDGE_MEDIA, .bridge_media = {.other = other.v}};

	return s->media.v ? post(layers, &ev) : -ENOTCONN;
}

void rln_media_set_codec(struct rln_session *s, enum rln_codec codec)
{
	s->prefer = (uint8_t)codec;
}

int rln_media_stop_session(const struct rln_layers *layers, struct rln_session *s)
{
	struct rln_event ev = {.id = s->media.v, .kind = RLN_EV_STOP_MEDIA_STREAM, .stop_media_stream = {.reason = s->reason}};

	if (s->leg_hold < RLN_HOLD_READY || s->leg_hold > RLN_HOLD_RUNNING)
		return 0; /* none yet (its report will find the call over), or stopped already */
	s->leg_hold = RLN_HOLD_ENDING;
	return post(layers, &ev);
}
