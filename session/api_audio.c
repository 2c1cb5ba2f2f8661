/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Audio of a call as an application hears and speaks it (R120, R128, R129): the two ends of one audio channel (channel.h), taken at the first
 * audio call, and the health check of the receiver.
 */
#include <errno.h>
#include <stdlib.h>

#include "lcore/clock.h"
#include "lcore/log.h"
#include "session/api_priv.h"
#include "session/channel.h"

/* ---- the channels ---- */

/* Opens a channel and joins it to the session's leg. 0 or a negative code. */
static int open_channel(
	struct rln_audio_rx *rx, const struct rln_api *api, struct rln_session_id id, enum rln_channels_attach how)
{
	struct rln_channel *channel;
	int rc;

	if (!api->channels)
		return RLN_EENDED;
	rc = rln_channel_open(api->channels, &channel, &rx->handle);
	if (rc != 0)
		return rc;
	rc = rln_coord_attach_channels(api->coord, id, rx->handle, how);
	if (rc != 0) {
		rln_channel_leave(api->channels, channel);
		return rc;
	}
	rx->api = api;
	rx->channel = channel;
	rx->session = id.v;
	rx->health_ms = RLN_AUDIO_HEALTH_MS;
	return 0;
}

void rln_audio_leave(struct rln_audio_rx *rx)
{
	if (rx->channel && rx->api->channels) /* the appliance took them back when it stopped */
		rln_channel_leave(rx->api->channels, rx->channel);
}

int rln_audio_take(struct rln_call *call)
{
	int rc = 0;

	/* The two directions may be two threads' own. */
	pthread_mutex_lock(&call->peer->inbox.lock);
	if (!call->peer->api->channels)
		rc = RLN_EENDED;
	else if (!call->rx.channel)
		rc = open_channel(&call->rx, call->peer->api, call->id, RLN_CHANNELS_JOIN);
	if (rc == 0) {
		call->rx.call = call;
		call->tx = (struct rln_audio_tx){call->rx.api, call->rx.channel};
	}
	pthread_mutex_unlock(&call->peer->inbox.lock);
	return rc;
}

int rln_call_audio_channels_when_ready(struct rln_call *call, int timeout_ms, struct rln_audio_tx **tx, struct rln_audio_rx **rx)
{
	int rc = rln_call_wait_for_event(call, RLN_EV_AUDIO_CHANNELS_READY, timeout_ms, NULL);

	if (rc == 0)
		rc = rln_audio_take(call);
	if (rc != 0)
		return rc;
	if (tx)
		*tx = &call->tx;
	if (rx)
		*rx = &call->rx;
	return 0;
}

int rln_call_audio_channels(struct rln_call *call, struct rln_audio_tx **tx, struct rln_audio_rx **rx)
{
	return rln_call_audio_channels_when_ready(call, RLN_TIMEOUT_DEFAULT, tx, rx);
}

/* ---- sending ---- */

int rln_audio_send(struct rln_audio_tx *tx, const struct rln_audio_frame *frame)
{
	return tx->api->channels ? rln_channel_send(tx->channel, frame) : RLN_EENDED;
}

int rln_audio_wait_can_send(struct rln_audio_tx *tx, unsigned frames, int timeout_ms)
{
	return tx->api->channels ? rln_channel_wait_can_send(tx->channel, frames, timeout_ms) : RLN_EENDED;
}

/* ---- receiving ---- */

/* From when on frames are due: a call's from its MEDIA_NEGOTIATED, and not before it asked for them. */
static uint64_t due_since(struct rln_audio_rx *rx, uint64_t now)
{
	if (rx->since_ns)
		return rx->since_ns;
	if (rx->call) {
		rln_inbox_drain(&rx->call->peer->inbox);
		if (!__atomic_load_n(&rx->call->media_ns, __ATOMIC_ACQUIRE))
			return 0;
	}
	rx->since_ns = now;
	return now;
}

/* Milliseconds until the health check, at least 1; 0: it is due and nothing was ever heard. */
static uint32_t until_check(struct rln_audio_rx *rx, uint64_t now)
{
	uint64_t since = due_since(rx, now), limit = since + rx->health_ms * (uint64_t)RLN_MS;

	if (!since)
		return rx->health_ms;
	return now >= limit ? 0 : (uint32_t)((limit - now + RLN_MS - 1) / RLN_MS);
}

static int heard(struct rln_audio_rx *rx, const struct rln_audio_frame *frame)
{
	rx->heard = true;
	rln_log(RLN_LOG_INFO, rx->session, "first audio frame received, timestamp %u", frame->timestamp);
	return 0;
}

static int silent(struct rln_audio_rx *rx)
{
	rx->stopped = true;
	rln_log(RLN_LOG_WARNING, rx->session, "no audio frame in %u ms: the receiver stops", rx->health_ms);
	return RLN_EENDED;
}

/* The first frame: waits in steps, so that the health check has its turn. */
static int first_frame(struct rln_audio_rx *rx, struct rln_audio_frame *frame, int timeout_ms)
{
	uint64_t now = rln_clock_ns(), end = rln_clock_end_ns(timeout_ms);

	for (;;) {
		uint32_t check = until_check(rx, now);
		int left = rln_clock_left_ms(end);
		int rc = rln_channel_recv(rx->channel, frame, left < 0 || (uint32_t)left > check ? (int)check : left);

		if (rc == 0)
			return heard(rx, frame);
		if (rc != RLN_ETIMEDOUT)
			return rc;
		if (check == 0)
			return silent(rx);
		now = rln_clock_ns();
		if (now >= end && until_check(rx, now))
			return RLN_ETIMEDOUT;
	}
}

int rln_audio_recv(struct rln_audio_rx *rx, struct rln_audio_frame *frame, int timeout_ms)
{
	if (rx->stopped || !rx->api->channels)
		return RLN_EENDED;
	return rx->heard ? rln_channel_recv(rx->channel, frame, timeout_ms) : first_frame(rx, frame, timeout_ms);
}

int rln_audio_fd(struct rln_audio_rx *rx)
{
	return rx->api->channels ? rln_channel_fd(rx->channel) : RLN_EENDED;
}

/* ---- the call's own ---- */

int rln_call_send_audio(struct rln_call *call, const struct rln_audio_frame *frame)
{
	int rc = rln_audio_take(call);

	return rc == 0 ? rln_audio_send(&call->tx, frame) : rc;
}

int rln_call_wait_can_send(struct rln_call *call, unsigned frames, int timeout_ms)
{
	int rc = rln_audio_take(call);

	return rc == 0 ? rln_audio_wait_can_send(&call->tx, frames, timeout_ms) : rc;
}

int rln_call_recv_audio(struct rln_call *call, struct rln_audio_frame *frame, int timeout_ms)
{
	int rc = rln_audio_take(call);

	return rc == 0 ? rln_audio_recv(&call->rx, frame, timeout_ms) : rc;
}

void rln_call_audio_figures(const struct rln_call *call, struct rln_audio_figures *out)
{
	struct rln_channel_figures figures;
	struct rln_channel *channel;

	*out = (struct rln_audio_figures){0};
	pthread_mutex_lock(&call->peer->inbox.lock);
	channel = call->rx.channel;
	pthread_mutex_unlock(&call->peer->inbox.lock);
	if (!channel || !call->peer->api->channels)
		return;
	rln_channel_figures(channel, &figures);
	*out = (struct rln_audio_figures){
		.received = figures.received, .received_dropped = figures.received_dropped, .sent = figures.sent};
}

/* ---- a subscriber's own ---- */

struct rln_audio_rx *rln_media_subscribe_to_audio_frames(struct rln_coordinator *c, struct rln_session_id id)
{
	struct rln_audio_rx *rx = calloc(1, sizeof(*rx));
	int rc = rx ? open_channel(rx, c->api, id, RLN_CHANNELS_LISTEN) : -ENOMEM;

	if (rc == 0) {
		rln_api_hold(c->api);
		return rx;
	}
	free(rx);
	rln_set_errno(rc);
	return NULL;
}

void rln_audio_unsubscribe(struct rln_audio_rx *rx)
{
	if (!rx)
		return;
	rln_audio_leave(rx);
	rln_api_drop(rx->api);
	free(rx);
}
