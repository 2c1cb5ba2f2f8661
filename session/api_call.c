/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The call handle (R120-R129): what the application knows of one session, fed by its peer's inbox. Waits look at this picture alone; commands are events
 * to the control lcore. Audio goes by a channel of its own that is taken at the first audio call.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/api_priv.h"
#include "session/channel.h"
#include "session/shard.h"
#include "session/shard.h"
#include "sip/message.h"

#define BIT(state) (1u << (state))
/* States on the way out: what has not been reached by then never will be, unless it is a state of this set. */
#define LEAVING                                                                                                                  \
	(BIT(RLN_STATE_CANCEL_PENDING) | BIT(RLN_STATE_CANCELLED) | BIT(RLN_STATE_TERMINATING) | BIT(RLN_STATE_TERMINATED) |     \
		BIT(RLN_STATE_FAILED))
#define FINAL (BIT(RLN_STATE_CANCELLED) | BIT(RLN_STATE_TERMINATED) | BIT(RLN_STATE_FAILED))
/* States that a call passes on its way up and that a wait may come too late for. */
#define PASSING                                                                                                                  \
	(BIT(RLN_STATE_IDLE) | BIT(RLN_STATE_CALLING) | BIT(RLN_STATE_PROCEEDING) | BIT(RLN_STATE_EARLY_MEDIA) |                 \
		BIT(RLN_STATE_NEGOTIATING))

/* Kinds that come once per call: a wait begun afterwards returns at once. */
static uint64_t latch_of(unsigned kind)
{
	static const uint16_t once[] = {RLN_EV_SESSION_CREATED, RLN_EV_MEDIA_SESSION_READY, RLN_EV_MEDIA_FLOW_ESTABLISHED,
		RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, RLN_EV_AUDIO_CHANNELS_READY, RLN_EV_SESSION_TERMINATED, RLN_EV_INCOMING_CALL};

	for (unsigned i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		if (once[i] == kind)
			return 1ull << i;
	}
	return 0;
}

struct rln_call *rln_call_make(struct rln_peer *peer, struct rln_session_id id)
{
	struct rln_call *call = calloc(1, sizeof(*call));

	if (!call) {
		errno = ENOMEM;
		return NULL;
	}
	call->peer = peer;
	call->id = id;
	call->state = RLN_STATE_IDLE;
	call->states_seen = BIT(RLN_STATE_IDLE);
	call->next = peer->calls;
	peer->calls = call;
	return call;
}

/* A recording that runs when the call ends is still to be closed: its RECORDING_STOPPED, or what failed, comes after SESSION_TERMINATED. */
static void note_recording(struct rln_call *call, const struct rln_event *ev)
{
	if (ev->kind == RLN_EV_RECORDING_STARTED)
		call->is_recording = true;
	else if (ev->kind == RLN_EV_RECORDING_STOPPED || ev->kind == RLN_EV_MEDIA_ERROR)
		call->is_recording = false;
}

/* Events without their blocks: those go back to their pool at once; texts are for subscribers. */
static void keep(struct rln_call *call, const struct rln_event *ev)
{
	struct rln_event *at;

	if (call->count == RLN_CALL_EVENTS) {
		call->first = (uint16_t)((call->first + 1) % RLN_CALL_EVENTS);
		call->count--;
	}
	at = &call->events[(call->first + call->count++) % RLN_CALL_EVENTS];
	*at = *ev;
	if (ev->kind == RLN_EV_MEDIA_EVENT) { /* R102: a media kind in its envelope */
		at->kind = ev->media_event.event;
		memset(at->raw, 0, sizeof(at->raw));
		memcpy(at->raw, ev->media_event.raw, sizeof(ev->media_event.raw));
	}
	if (rln_event_info(rln_event_kind(at))->has_block)
		memset(at->raw, 0, sizeof(rln_block_ref));
	call->latched |= latch_of(at->kind);
	note_recording(call, at);
}

/* The leg's id, for its statistics: the registry knows it while the session lives. */
static void note_media(struct rln_call *call)
{
	struct rln_registry_entry entry;

	if (!call->media.v && call->peer->api->coord &&
		rln_registry_find(rln_coord_registry(call->peer->api->coord), call->id.v, &entry))
		call->media = entry.media;
}

void rln_call_take(struct rln_call *call, const struct rln_event *ev)
{
	if (ev->kind == RLN_EV_MEDIA_SESSION_READY || ev->kind == RLN_EV_MEDIA_NEGOTIATED)
		note_media(call);
	if (ev->kind == RLN_EV_STATE_CHANGED) {
		call->state = ev->state_changed.new_state;
		call->states_seen |= BIT(call->state);
		if (ev->state_changed.reason != RLN_END_NONE) {
			call->reason = ev->state_changed.reason;
			call->code = ev->state_changed.code;
		}
	} else if (ev->kind == RLN_EV_SESSION_TERMINATED) {
		call->ended = true;
		call->reason = ev->session_terminated.reason;
		call->code = ev->session_terminated.code;
	}
	keep(call, ev);
}

void rln_call_free(struct rln_call *call)
{
	struct rln_peer *peer;
	bool last;

	if (!call)
		return;
	peer = call->peer;
	if (call->channel && peer->api->channels) /* the appliance took them back when it stopped */
		rln_channel_leave(peer->api->channels, call->channel);
	pthread_mutex_lock(&peer->inbox.lock);
	if (!call->ended)
		rln_coord_hangup(peer->api->coord, call->id);
	rln_peer_unlink(peer, call);
	last = peer->freed && !peer->calls;
	pthread_mutex_unlock(&peer->inbox.lock);
	free(call);
	if (last)
		rln_peer_release(peer);
}

struct rln_session_id rln_call_session(const struct rln_call *call)
{
	return call->id;
}

enum rln_call_state rln_call_state(struct rln_call *call)
{
	rln_inbox_drain(&call->peer->inbox);
	return (enum rln_call_state)call->state;
}

enum rln_end_reason rln_call_end(struct rln_call *call, uint16_t *code)
{
	rln_inbox_drain(&call->peer->inbox);
	if (code)
		*code = call->code;
	return (enum rln_end_reason)call->reason;
}

const char *rln_call_end_text(struct rln_call *call)
{
	static const char *const words[] = {
		[RLN_END_NONE] = "the call is up",
		[RLN_END_NORMAL] = "we hung up",
		[RLN_END_REMOTE] = "the peer hung up",
		[RLN_END_REJECTED] = "refused by us",
		[RLN_END_REFUSED] = "refused by the peer",
		[RLN_END_CANCELLED] = "cancelled before it was answered",
		[RLN_END_TIMEOUT] = "no answer to a request in time",
		[RLN_END_AUTH] = "credentials refused",
		[RLN_END_NETWORK] = "the network could not reach the peer",
		[RLN_END_NO_ACK] = "the peer never acknowledged our answer",
		[RLN_END_MEDIA] = "no media could be agreed on or set up",
		[RLN_END_MEDIA_LOST] = "the peer's media stopped",
	};
	uint16_t code;
	enum rln_end_reason reason = rln_call_end(call, &code);

	if (code)
		snprintf(call->end_text, sizeof(call->end_text), "%s: %s (%u %s)", rln_end_reason_name(reason), words[reason],
			code, rln_sip_reason_phrase(code));
	else
		snprintf(call->end_text, sizeof(call->end_text), "%s: %s", rln_end_reason_name(reason), words[reason]);
	return call->end_text;
}

/* ---- commands ---- */

int rln_call_hangup(struct rln_call *call)
{
	return rln_coord_hangup(call->peer->api->coord, call->id);
}

int rln_call_mute(struct rln_call *call, bool on)
{
	return rln_coord_mute(call->peer->api->coord, call->id, on);
}

int rln_call_play(struct rln_call *call, const char *path, unsigned loop_count)
{
	return rln_coord_play(call->peer->api->coord, call->id, path, loop_count);
}

int rln_call_stop_audio(struct rln_call *call)
{
	return rln_coord_stop_play(call->peer->api->coord, call->id);
}

int rln_call_start_recording(struct rln_call *call, const char *path, enum rln_file_format format, unsigned channels)
{
	if (format != RLN_FORMAT_WAV)
		return -ENOTSUP;
	if (channels != 1 && channels != 2)
		return -EINVAL;
	return rln_coord_record(call->peer->api->coord, call->id, path, (uint8_t)format, (uint8_t)channels);
}

int rln_call_stop_recording(struct rln_call *call)
{
	return rln_coord_stop_record(call->peer->api->coord, call->id);
}

int rln_call_statistics(struct rln_call *call, struct rln_call_statistics *out)
{
	const struct rln_api *api = call->peer->api;
	struct rln_leg_stats s;
	unsigned worker;

	rln_inbox_drain(&call->peer->inbox);
	worker = rln_id_shard(call->media.v);
	if (!call->media.v || worker >= api->workers || rln_shard_leg_stats(api->shards[worker], call->media.v, &s))
		return -ENOENT;
	*out = (struct rln_call_statistics){
		.packets_sent = s.packets_sent,
		.octets_sent = s.octets_sent,
		.packets_received = s.packets_received,
		.octets_received = s.octets_received,
		.lost = s.lost,
		.reordered = s.reordered,
		.duplicate = s.duplicate,
		.late = s.late,
		.jitter_ms = (float)s.jitter_us / 1000,
		.round_trip_ms = s.rtt_us ? (float)s.rtt_us / 1000 : -1,
		.peer_lost = s.peer_lost,
		.peer_jitter_ms = (float)s.peer_jitter_us / 1000,
		.codec = (enum rln_codec)s.codec,
		.local = s.local,
		.remote = s.remote,
	};
	return 0;
}

/* ---- waits ---- */

struct state_wait {
	const struct rln_call *call;
	uint32_t want;
	int rc;
};

static bool state_is_settled(void *arg)
{
	struct state_wait *w = arg;
	uint32_t now = BIT(w->call->state), seen = w->call->states_seen;

	w->rc = 0;
	if ((now & w->want) || (w->want & PASSING & seen))
		return true;
	w->rc = RLN_ECALLFAILED;
	if (now & FINAL)
		return true;
	return (now & LEAVING) && !(w->want & LEAVING);
}

static int wait_and_call_back(struct rln_call *call, bool (*ready)(void *arg), void *arg, int timeout_ms)
{
	int rc = rln_inbox_wait(&call->peer->inbox, ready, arg, timeout_ms);

	rln_peer_callbacks(call->peer);
	return rc;
}

int rln_call_wait_for_state(struct rln_call *call, enum rln_call_state state, int timeout_ms)
{
	struct state_wait w = {.call = call, .want = BIT(state)};
	int rc = wait_and_call_back(call, state_is_settled, &w, timeout_ms);

	return rc == 0 ? w.rc : rc;
}

struct event_wait {
	struct rln_call *call;
	enum rln_event_kind kind;
	struct rln_event *out;
	int rc;
};

/* Index of the oldest kept event of a kind, -1 when there is none. */
static int find_event(const struct rln_call *call, enum rln_event_kind kind)
{
	for (unsigned i = 0; i < call->count; i++) {
		if (call->events[(call->first + i) % RLN_CALL_EVENTS].kind == kind)
			return (int)i;
	}
	return -1;
}

static bool event_is_there(void *arg)
{
	struct event_wait *w = arg;
	struct rln_call *call = w->call;
	int at = find_event(call, w->kind);

	w->rc = 0;
	if (at >= 0) {
		if (w->out)
			*w->out = call->events[(call->first + at) % RLN_CALL_EVENTS];
		if (!latch_of(w->kind)) { /* read once: the others close up */
			for (unsigned i = (unsigned)at; i + 1 < call->count; i++)
				call->events[(call->first + i) % RLN_CALL_EVENTS] =
					call->events[(call->first + i + 1) % RLN_CALL_EVENTS];
			call->count--;
		}
		return true;
	}
	if (latch_of(w->kind) & call->latched) { /* came, and was pushed out by later ones */
		if (w->out)
			*w->out = (struct rln_event){.id = call->id.v, .kind = (uint16_t)w->kind};
		return true;
	}
	w->rc = RLN_ECALLFAILED;
	return call->ended && !(w->kind == RLN_EV_RECORDING_STOPPED && call->is_recording);
}

int rln_call_wait_for_event(struct rln_call *call, enum rln_event_kind kind, int timeout_ms, struct rln_event *event)
{
	struct event_wait w = {.call = call, .kind = kind, .out = event};
	int rc = wait_and_call_back(call, event_is_there, &w, timeout_ms);

	return rc == 0 ? w.rc : rc;
}

static bool media_is_settled(void *arg)
{
	struct state_wait *w = arg;
	const uint64_t both = latch_of(RLN_EV_MEDIA_SESSION_READY) | latch_of(RLN_EV_MEDIA_FLOW_ESTABLISHED);

	w->rc = 0;
	if ((w->call->latched & both) == both)
		return true;
	w->rc = RLN_ECALLFAILED;
	return BIT(w->call->state) & LEAVING;
}

int rln_call_wait_for_media(struct rln_call *call, int timeout_ms)
{
	struct state_wait w = {.call = call};
	int rc = wait_and_call_back(call, media_is_settled, &w, timeout_ms);

	return rc == 0 ? w.rc : rc;
}

bool rln_call_is_media_ready(struct rln_call *call)
{
	struct state_wait w = {.call = call};

	rln_inbox_drain(&call->peer->inbox);
	return media_is_settled(&w) && w.rc == 0;
}

/* ---- audio ---- */

/* Takes the channel on first use (R39). 0 or a negative code. */
static int take_channel(struct rln_call *call)
{
	const struct rln_api *api = call->peer->api;
	int rc;

	if (!api->channels)
		return RLN_EENDED;
	if (call->channel)
		return 0;
	rc = rln_channel_open(api->channels, &call->channel, &call->channel_handle);
	if (rc != 0)
		return rc;
	rc = rln_coord_attach_channels(api->coord, call->id, call->channel_handle, true);
	if (rc != 0) {
		rln_channel_leave(api->channels, call->channel);
		call->channel = NULL;
	}
	return rc;
}

int rln_call_send_audio(struct rln_call *call, const struct rln_audio_frame *frame)
{
	int rc = take_channel(call);

	return rc == 0 ? rln_channel_send(call->channel, frame) : rc;
}

int rln_call_wait_can_send(struct rln_call *call, unsigned frames, int timeout_ms)
{
	int rc = take_channel(call);

	return rc == 0 ? rln_channel_wait_can_send(call->channel, frames, timeout_ms) : rc;
}

int rln_call_recv_audio(struct rln_call *call, struct rln_audio_frame *frame, int timeout_ms)
{
	int rc = take_channel(call);

	return rc == 0 ? rln_channel_recv(call->channel, frame, timeout_ms) : rc;
}
