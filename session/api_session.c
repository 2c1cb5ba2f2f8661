/* SPDX-License-Identifier: BSD-3-Clause */
/* One function for each operation on a session (R131, R136), and the simple ones (R137): commands to the control lcore. */
#include <errno.h>

#include "session/api_priv.h"

struct rln_session_id rln_coordinator_create_outgoing_call(
	struct rln_coordinator *c, const char *from, const char *to, const char *sdp)
{
	bool late_offer = sdp && !sdp[0];
	struct rln_call_request request = {
		.peer = c->number, .from = from, .to = to, .sdp = late_offer ? NULL : sdp, .late_offer = late_offer};
	struct rln_session_id id;
	int rc;

	if (!c->started) {
		errno = ENOTCONN;
		return (struct rln_session_id){0};
	}
	id = rln_coord_reserve(c->api->coord);
	if (!id.v)
		return id;
	rln_coordinator_expect(c, id);
	rc = rln_coord_make_call(c->api->coord, id, &request);
	if (rc == 0)
		return id;
	rln_coordinator_forget(c, id);
	rln_set_errno(rc);
	return (struct rln_session_id){0};
}

int rln_coordinator_terminate_session(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coord_hangup(c->api->coord, id);
}

int rln_coordinator_accept(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coord_accept(c->api->coord, id);
}

int rln_coordinator_reject(struct rln_coordinator *c, struct rln_session_id id, uint16_t code)
{
	return rln_coord_reject(c->api->coord, id, code);
}

int rln_deferred_accept(struct rln_coordinator *c, struct rln_session_id deferred)
{
	return rln_coord_deferred_accept(c->api->coord, deferred);
}

int rln_deferred_reject(struct rln_coordinator *c, struct rln_session_id deferred, uint16_t code)
{
	return rln_coord_deferred_reject(c->api->coord, deferred, code);
}

int rln_coordinator_hold(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coord_hold(c->api->coord, id);
}

int rln_coordinator_resume(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coord_resume(c->api->coord, id);
}

int rln_coordinator_update(struct rln_coordinator *c, struct rln_session_id id, enum rln_media_direction direction)
{
	if ((unsigned)direction > RLN_MEDIA_BIDIRECTIONAL)
		return -EINVAL;
	return rln_coord_update(c->api->coord, id, (uint8_t)direction);
}

int rln_coordinator_mute(struct rln_coordinator *c, struct rln_session_id id, bool on)
{
	return rln_coord_mute(c->api->coord, id, on);
}

int rln_coordinator_blind_transfer(struct rln_coordinator *c, struct rln_session_id id, const char *target)
{
	return rln_coord_blind_transfer(c->api->coord, id, target);
}

struct rln_session_id rln_coordinator_consult(struct rln_coordinator *c, struct rln_session_id id, const char *target)
{
	struct rln_session_id other = rln_coord_reserve(c->api->coord);
	int rc = -errno;

	if (other.v) {
		rln_coordinator_expect(c, other);
		rc = rln_coord_consult(c->api->coord, id, target, other);
	}
	if (rc == 0)
		return other;
	rln_coordinator_forget(c, other);
	rln_set_errno(rc);
	return (struct rln_session_id){0};
}

int rln_coordinator_complete_transfer(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coord_complete_transfer(c->api->coord, id);
}

int rln_coordinator_bridge(struct rln_coordinator *c, struct rln_session_id a, struct rln_session_id b)
{
	return rln_coord_bridge(c->api->coord, a, b);
}

int rln_coordinator_unbridge(struct rln_coordinator *c, struct rln_session_id a)
{
	return rln_coord_unbridge(c->api->coord, a);
}

int rln_coordinator_send_dtmf(struct rln_coordinator *c, struct rln_session_id id, const char *tones)
{
	return rln_coord_send_dtmf(c->api->coord, id, tones, 0);
}

int rln_coordinator_play(struct rln_coordinator *c, struct rln_session_id id, const char *path, unsigned loop_count)
{
	return rln_coord_play(c->api->coord, id, path, loop_count);
}

int rln_coordinator_stop_audio(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coord_stop_play(c->api->coord, id);
}

int rln_coordinator_start_recording(
	struct rln_coordinator *c, struct rln_session_id id, const char *path, enum rln_file_format format, unsigned channels)
{
	if (format != RLN_FORMAT_WAV)
		return -ENOTSUP;
	if (channels != 1 && channels != 2)
		return -EINVAL;
	return rln_coord_record(c->api->coord, id, path, (uint8_t)format, (uint8_t)channels);
}

int rln_coordinator_stop_recording(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coord_stop_record(c->api->coord, id);
}

/* ---- simple functions ---- */

struct rln_session_id rln_make_call(struct rln_coordinator *c, const char *to)
{
	return rln_coordinator_create_outgoing_call(c, NULL, to, NULL);
}

int rln_accept_call(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coordinator_accept(c, id);
}

int rln_reject_call(struct rln_coordinator *c, struct rln_session_id id, uint16_t code)
{
	return rln_coordinator_reject(c, id, code);
}

int rln_hangup_call(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coordinator_terminate_session(c, id);
}

int rln_hold_call(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coordinator_hold(c, id);
}

int rln_resume_call(struct rln_coordinator *c, struct rln_session_id id)
{
	return rln_coordinator_resume(c, id);
}

int rln_transfer_call(struct rln_coordinator *c, struct rln_session_id id, const char *target)
{
	return rln_coordinator_blind_transfer(c, id, target);
}

int rln_bridge_calls(struct rln_coordinator *c, struct rln_session_id a, struct rln_session_id b)
{
	return rln_coordinator_bridge(c, a, b);
}

int rln_send_dtmf(struct rln_coordinator *c, struct rln_session_id id, const char *tones)
{
	return rln_coordinator_send_dtmf(c, id, tones);
}
