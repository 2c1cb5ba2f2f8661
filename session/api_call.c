/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The call handle (R120-R124): what the application knows of one session, fed by its peer's inbox. Waits (api_wait.c) look at this picture alone;
 * commands (api_order.c) are events to the control lcore.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lcore/clock.h"
#include "session/api_priv.h"
#include "session/media_controller.h"
#include "sip/message.h"

#define BIT(state) (1u << (state))

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
	if (ev->kind == RLN_EV_MEDIA_NEGOTIATED && !call->media_ns)
		__atomic_store_n(&call->media_ns, rln_clock_ns(), __ATOMIC_RELEASE);
	if (ev->kind == RLN_EV_STATE_CHANGED) {
		call->state = ev->state_changed.new_state;
		call->states_seen |= BIT(call->state);
		if (ev->state_changed.reason != RLN_END_NONE) {
			if (call->reason == RLN_END_NONE)
				call->ended_by = ev->state_changed.by;
			call->reason = ev->state_changed.reason;
			call->code = ev->state_changed.code;
		}
	} else if (ev->kind == RLN_EV_SESSION_TERMINATED) {
		if (call->state == RLN_STATE_IDLE) { /* reserved, and then not made: no state was ever told */
			call->state = RLN_STATE_FAILED;
			call->states_seen |= BIT(RLN_STATE_FAILED);
		}
		call->ended = true;
		call->reason = ev->session_terminated.reason;
		call->code = ev->session_terminated.code;
	}
	keep(call, ev);
}

bool rln_call_has_latched(const struct rln_call *call, enum rln_event_kind kind)
{
	return (call->latched & latch_of(kind)) != 0;
}

void rln_call_never(struct rln_call *call, enum rln_end_reason reason)
{
	struct rln_event ev = {
		.id = call->id.v, .kind = RLN_EV_SESSION_TERMINATED, .session_terminated = {.reason = (uint8_t)reason}};

	rln_call_take(call, &ev);
}

/* Calls that this one caused and that the application never asked for: those that are over go with it. Under the inbox lock. */
static void drop_unclaimed(struct rln_peer *peer, uint64_t from)
{
	struct rln_call **at = &peer->calls, *call;

	while ((call = *at)) {
		if (call->is_unclaimed && call->from == from && call->ended) {
			*at = call->next;
			free(call);
		} else {
			at = &call->next;
		}
	}
}

void rln_call_free(struct rln_call *call)
{
	struct rln_peer *peer;
	bool last;

	if (!call)
		return;
	peer = call->peer;
	rln_audio_leave(&call->rx);
	pthread_mutex_lock(&peer->inbox.lock);
	if (!call->ended)
		rln_coord_hangup(peer->api->coord, call->id);
	rln_peer_unlink(peer, call);
	drop_unclaimed(peer, call->id.v);
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

/* Takes in what is there and holds the picture still: other threads may be taking in events of this call. */
static void look(struct rln_call *call)
{
	rln_inbox_drain(&call->peer->inbox);
	pthread_mutex_lock(&call->peer->inbox.lock);
}

static void look_away(struct rln_call *call)
{
	pthread_mutex_unlock(&call->peer->inbox.lock);
}

enum rln_call_state rln_call_state(struct rln_call *call)
{
	enum rln_call_state state;

	look(call);
	state = (enum rln_call_state)call->state;
	look_away(call);
	return state;
}

static enum rln_end_reason end_of(struct rln_call *call, uint16_t *code, uint16_t *by)
{
	enum rln_end_reason reason;

	look(call);
	reason = (enum rln_end_reason)call->reason;
	*code = call->code;
	*by = call->ended_by;
	look_away(call);
	return reason;
}

enum rln_end_reason rln_call_end(struct rln_call *call, uint16_t *code)
{
	uint16_t ignored, by;

	return end_of(call, code ? code : &ignored, &by);
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
	uint16_t code, by;
	enum rln_end_reason reason = end_of(call, &code, &by);
	int len;

	len = snprintf(call->end_text, sizeof(call->end_text), "%s: %s", rln_end_reason_name(reason), words[reason]);
	if (code)
		len += snprintf(call->end_text + len, sizeof(call->end_text) - (size_t)len, " (%u %s)", code,
			rln_sip_reason_phrase(code));
	if (by)
		snprintf(call->end_text + len, sizeof(call->end_text) - (size_t)len, ", by %s",
			rln_event_info((enum rln_event_kind)by)->name);
	return call->end_text;
}

uint16_t rln_call_refusal(struct rln_call *call)
{
	uint16_t refusal;

	look(call);
	refusal = call->refusal;
	look_away(call);
	return refusal;
}

/* ---- statistics ---- */

int rln_call_statistics(struct rln_call *call, struct rln_call_statistics *out)
{
	const struct rln_api *api = call->peer->api;
	struct rln_media_id media;
	struct rln_leg_stats s;

	look(call);
	media = call->media;
	look_away(call);
	if (rln_media_get_statistics(api->shards, api->workers, media, &s) != 0)
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
