/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands of applications (coordinator.h): each builds one application_to_session event and publishes it. Any thread, the
 * control lcore included; nothing here looks at a session.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lcore/net/net.h"
#include "rtp/dtmf_tx.h"
#include "session/coord_priv.h"
#include "session/session.h"
#include "sip/dialog.h"
#include "sip/message.h"

#define TARGET_SIZE 512 /* of a URI as text */

static int command(struct rln_coord *coord, struct rln_session_id session, enum rln_event_kind kind, uint16_t code)
{
	struct rln_event ev = {.id = session.v, .kind = (uint16_t)kind, .accept_call = {.code = code}};

	return rln_session_hub_publish_event(coord, &ev);
}

struct rln_session_id rln_coord_reserve(struct rln_coord *coord)
{
	if (coord)
		return rln_session_manager_reserve(coord->sessions);
	errno = EPIPE;
	return (struct rln_session_id){0};
}

void rln_coord_unreserve(struct rln_coord *coord, struct rln_session_id session)
{
	rln_session_manager_unreserve(coord->sessions, session);
}

/* The address of record, or "sip:name@our address": the one that the route to `to` uses, or our first one when its host is a name. */
static int default_from(const struct rln_coord *coord, const struct rln_coord_peer *peer, const struct rln_sip_uri *to,
	const char *text, char *out, size_t size)
{
	struct rln_addr remote, local = coord->cfg.net->addrs[0].addr;
	char ip[RLN_ADDR_TEXT], port[8] = "", aor[RLN_PEER_AOR];
	int len;

	rln_peers_from(peer, aor);
	if (aor[0]) { /* registered: that is who it is to the world (RFC 3261 8.1.1.3) */
		len = snprintf(out, size, "%s", aor);
		return len > 0 && (size_t)len < size ? 0 : -EINVAL;
	}
	if (!rln_addr_is_any(&peer->local))
		local = peer->local;
	else if (rln_addr_parse(&remote, text + to->host.off, to->host.len) == 0)
		rln_net_source_for(coord->cfg.net, &remote, &local);
	if (peer->local.port != 5060)
		snprintf(port, sizeof(port), ":%u", peer->local.port);
	len = snprintf(out, size, "sip:%s@%s%s", peer->name, rln_addr_ip_text(&local, true, ip), port);
	return len > 0 && (size_t)len < size ? 0 : -EINVAL;
}

static struct rln_slice put(char *data, size_t *at, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	struct rln_slice slice = {(uint16_t)*at, (uint16_t)len};

	if (len == 0)
		return (struct rln_slice){0, 0};
	memcpy(data + *at, text, len + 1);
	*at += len + 1;
	return slice;
}

static size_t length(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static int publish_call(
	struct rln_coord *coord, struct rln_session_id session, const struct rln_call_request *r, const char *from)
{
	struct rln_event ev = {.id = session.v, .kind = RLN_EV_MAKE_CALL};
	struct rln_ev_make_call *call = &ev.make_call;
	size_t at = 0, size = length(from) + length(r->to) + length(r->headers) + length(r->sdp);
	char *data;

	if (size > UINT16_MAX)
		return -EINVAL;
	call->block = rln_block_alloc(size);
	data = rln_block_data(call->block);
	if (!data)
		return -ENOBUFS;
	call->from = put(data, &at, from);
	call->to = put(data, &at, r->to);
	call->headers = put(data, &at, r->headers);
	call->sdp_offer = put(data, &at, r->sdp);
	call->peer = (uint16_t)r->peer;
	call->leg_app = r->leg_app;
	call->tone_hz = r->tone_hz;
	call->late_offer = r->late_offer;
	call->other = r->other;
	call->link = r->link;
	return rln_session_hub_publish_event(coord, &ev);
}

/* A target with its scheme, and what it consists of. 0 or -EINVAL. */
static int target_uri(char *text, size_t size, const char *target, struct rln_sip_uri *uri)
{
	int len;

	if (!target)
		return -EINVAL;
	len = snprintf(text, size, "%s%s", strchr(target, '<') || strncasecmp(target, "sip:", 4) == 0 ? "" : "sip:", target);
	if (len >= (int)size || rln_sip_uri_parse(uri, text, (size_t)len) != 0 || uri->host.len == 0)
		return -EINVAL;
	return 0;
}

/* Who asks a peer's request to `target`, unless the application says otherwise. 0 or -EINVAL: no such peer, no such target. */
static int from_for(const struct rln_coord *coord, unsigned peer, const char *target, char *from, size_t size)
{
	char text[TARGET_SIZE];
	struct rln_sip_uri to;

	if (peer >= RLN_COORD_PEERS || !coord->peers[peer].in_use || target_uri(text, sizeof(text), target, &to) != 0)
		return -EINVAL;
	return default_from(coord, &coord->peers[peer], &to, text, from, size);
}

int rln_coord_place_call(struct rln_coord *coord, struct rln_session_id session, const struct rln_call_request *r)
{
	char from[256];
	int rc = from_for(coord, r->peer, r->to, from, sizeof(from));

	return rc == 0 ? publish_call(coord, session, r, r->from ? r->from : from) : rc;
}

int rln_coord_make_call(struct rln_coord *coord, struct rln_session_id session, const struct rln_call_request *request)
{
	int rc = session.v ? rln_coord_place_call(coord, session, request) : -EINVAL;

	if (rc != 0)
		rln_session_manager_unreserve(coord->sessions, session);
	return rc;
}

int rln_coord_options(struct rln_coord *coord, struct rln_session_id asker, unsigned peer, const char *target, uint32_t token)
{
	struct rln_event ev = {.id = asker.v, .kind = RLN_EV_OPTIONS_REQUEST};
	char from[256], *data;
	size_t at = 0;
	int rc = from_for(coord, peer, target, from, sizeof(from));

	if (rc != 0)
		return rc;
	ev.options_request.block = rln_block_alloc(length(from) + length(target));
	data = rln_block_data(ev.options_request.block);
	if (!data)
		return -ENOBUFS;
	ev.options_request.from = put(data, &at, from);
	ev.options_request.target = put(data, &at, target);
	ev.options_request.token = token;
	ev.options_request.port = coord->peers[peer].local.port;
	return rln_session_hub_publish_event(coord, &ev);
}

int rln_coord_accept(struct rln_coord *coord, struct rln_session_id session)
{
	return command(coord, session, RLN_EV_ACCEPT_CALL, 0);
}

int rln_coord_reject(struct rln_coord *coord, struct rln_session_id session, uint16_t code)
{
	return code >= 400 && code <= 699 ? command(coord, session, RLN_EV_REJECT_CALL, code) : -EINVAL;
}

int rln_coord_deferred_accept(struct rln_coord *coord, struct rln_session_id session)
{
	return rln_coord_accept(coord, session);
}

int rln_coord_deferred_reject(struct rln_coord *coord, struct rln_session_id session, uint16_t code)
{
	return rln_coord_reject(coord, session, code);
}

int rln_coord_hangup(struct rln_coord *coord, struct rln_session_id session)
{
	return command(coord, session, RLN_EV_HANGUP_CALL, 0);
}

int rln_coord_hold(struct rln_coord *coord, struct rln_session_id session)
{
	return command(coord, session, RLN_EV_HOLD_CALL, 0);
}

int rln_coord_resume(struct rln_coord *coord, struct rln_session_id session)
{
	return command(coord, session, RLN_EV_RESUME_CALL, 0);
}

int rln_coord_complete_transfer(struct rln_coord *coord, struct rln_session_id session)
{
	return command(coord, session, RLN_EV_COMPLETE_TRANSFER, 0);
}

int rln_coord_unbridge(struct rln_coord *coord, struct rln_session_id session)
{
	return command(coord, session, RLN_EV_UNBRIDGE_CALLS, 0);
}

int rln_coord_stop_play(struct rln_coord *coord, struct rln_session_id session)
{
	return command(coord, session, RLN_EV_STOP_PLAY_REQUEST, 0);
}

int rln_coord_stop_record(struct rln_coord *coord, struct rln_session_id session)
{
	return command(coord, session, RLN_EV_STOP_RECORD_REQUEST, 0);
}

int rln_coord_update(struct rln_coord *coord, struct rln_session_id session, uint8_t direction)
{
	struct rln_event ev = {.id = session.v, .kind = RLN_EV_UPDATE_REQUEST, .update_request = {.direction = direction}};

	return direction <= RLN_MEDIA_BIDIRECTIONAL ? rln_session_hub_publish_event(coord, &ev) : -EINVAL;
}

int rln_coord_mute(struct rln_coord *coord, struct rln_session_id session, bool on)
{
	struct rln_event ev = {.id = session.v, .kind = RLN_EV_MUTE_REQUEST, .mute_request = {.on = on}};

	return rln_session_hub_publish_event(coord, &ev);
}

/* BLIND_TRANSFER and START_CONSULT: a target, with its scheme, in the event's block. */
static int target_command(struct rln_coord *coord, struct rln_event *ev, const char *target)
{
	char text[TARGET_SIZE];
	struct rln_sip_uri uri;

	if (target_uri(text, sizeof(text), target, &uri) != 0)
		return -EINVAL;
	ev->blind_transfer.block = rln_block_from_text(text, strlen(text), &ev->blind_transfer.target);
	return ev->blind_transfer.block ? rln_session_hub_publish_event(coord, ev) : -ENOBUFS;
}

int rln_coord_blind_transfer(struct rln_coord *coord, struct rln_session_id session, const char *target)
{
	struct rln_event ev = {.id = session.v, .kind = RLN_EV_BLIND_TRANSFER};

	return target_command(coord, &ev, target);
}

int rln_coord_consult(
	struct rln_coord *coord, struct rln_session_id session, const char *target, struct rln_session_id consultation)
{
	struct rln_event ev = {.id = session.v, .kind = RLN_EV_START_CONSULT, .start_consult = {.other = consultation.v}};
	int rc = consultation.v ? target_command(coord, &ev, target) : -EINVAL;

	if (rc != 0 && coord)
		rln_session_manager_unreserve(coord->sessions, consultation);
	return rc;
}

int rln_coord_bridge(struct rln_coord *coord, struct rln_session_id session, struct rln_session_id other)
{
	struct rln_event ev = {.id = session.v, .kind = RLN_EV_BRIDGE_CALLS, .bridge_calls = {.other = other.v}};

	return other.v && other.v != session.v ? rln_session_hub_publish_event(coord, &ev) : -EINVAL;
}

_Static_assert(RLN_COORD_TONES == RLN_DTMF_TX_DIGITS && RLN_COORD_TONES == RLN_INFO_DIGITS &&
		       RLN_COORD_TONE_MIN_MS == RLN_DTMF_TX_MS_MIN && RLN_COORD_TONE_MAX_MS == RLN_DTMF_TX_MS_MAX,
	"what is taken here is taken by the leg and the dialog");

/* Digits in the events' own room: as many events as they need, in order. */
int rln_coord_send_dtmf(struct rln_coord *coord, struct rln_session_id session, const char *tones, uint16_t duration_ms)
{
	const size_t room = sizeof(((struct rln_ev_tones *)NULL)->tones) - 1;
	size_t len = tones ? strlen(tones) : 0;
	int rc = 0;

	if (duration_ms == 0)
		duration_ms = RLN_COORD_TONE_MS;
	if (len == 0 || len > RLN_COORD_TONES || strspn(tones, "0123456789*#ABCD") != len ||
		duration_ms < RLN_COORD_TONE_MIN_MS || duration_ms > RLN_COORD_TONE_MAX_MS)
		return -EINVAL;
	for (size_t at = 0; at < len && rc == 0; at += room) {
		struct rln_event ev = {.id = session.v, .kind = RLN_EV_DTMF_REQUEST};

		ev.dtmf_request.duration_ms = duration_ms;
		memcpy(ev.dtmf_request.tones, tones + at, len - at < room ? len - at : room);
		rc = rln_session_hub_publish_event(coord, &ev);
	}
	return rc;
}

static int file_command(struct rln_coord *coord, struct rln_event *ev, const char *path)
{
	size_t len = path ? strlen(path) : 0;

	if (len == 0 || len > RLN_BLOCK_SMALL - 1)
		return -EINVAL;
	ev->play_request.block = rln_block_from_text(path, len, &ev->play_request.file_path);
	return ev->play_request.block ? rln_session_hub_publish_event(coord, ev) : -ENOBUFS;
}

int rln_coord_play(struct rln_coord *coord, struct rln_session_id session, const char *path, uint32_t loop_count)
{
	struct rln_event ev = {.id = session.v, .kind = RLN_EV_PLAY_REQUEST, .play_request = {.loop_count = loop_count}};

	return file_command(coord, &ev, path);
}

int rln_coord_record(struct rln_coord *coord, struct rln_session_id session, const char *path, uint8_t format, uint8_t channels)
{
	struct rln_event ev = {.id = session.v, .kind = RLN_EV_RECORD_REQUEST};

	if (channels != 1 && channels != 2)
		return -EINVAL;
	ev.record_request.format = format;
	ev.record_request.channels = channels;
	return file_command(coord, &ev, path);
}

int rln_coord_attach_channels(
	struct rln_coord *coord, struct rln_session_id session, uint64_t channels, enum rln_channels_attach how)
{
	struct rln_event ev = {.id = session.v,
		.kind = RLN_EV_CHANNELS_REQUEST,
		.channels_request = {.channels = channels, .attach = (uint8_t)how}};

	return rln_session_hub_publish_event(coord, &ev);
}

int rln_coord_tap(struct rln_coord *coord, struct rln_session_id session, uint64_t tap, bool on)
{
	struct rln_event ev = {.id = session.v, .kind = RLN_EV_TAP_REQUEST, .tap_request = {.tap = tap, .on = on}};

	return rln_session_hub_publish_event(coord, &ev);
}
