/* SPDX-License-Identifier: BSD-3-Clause */
/* The media layer of session_world.h: legs that exist or not, and the answer to every command. */
#pragma once

#include "session_world_state.h"

static UNUSED void media_says(uint64_t id, enum rln_event_kind kind)
{
	struct rln_event ev = {.id = id, .kind = (uint16_t)kind};

	queue_push(FROM_MEDIA, &ev);
}

static UNUSED void media_fails(uint64_t id, enum rln_media_fault fault)
{
	struct rln_event ev = {.id = id, .kind = RLN_EV_MEDIA_ERROR, .media_error = {.error = (uint8_t)fault, .error_code = ENOSPC}};

	queue_push(FROM_MEDIA, &ev);
}

static void media_create(uint64_t session)
{
	struct rln_event ev = {.id = session, .kind = RLN_EV_MEDIA_SESSION_CREATED};

	if (w->fail_create_leg) {
		media_fails(session, (enum rln_media_fault)(w->fail_create_leg - 1));
		return;
	}
	for (unsigned i = 0; i < SESSIONS; i++) {
		if (w->legs[i])
			continue;
		w->legs[i] = rln_id_make(RLN_ID_MEDIA, 0, i, ++w->leg_generation);
		ev.media_session_created.media_id = w->legs[i];
		assert_int_equal(rln_addr_parse(&ev.media_session_created.local_addr, "198.18.0.1", 10), 0);
		ev.media_session_created.local_addr.port = (uint16_t)(20000 + 2 * i);
		queue_push(FROM_MEDIA, &ev);
		return;
	}
	media_fails(session, RLN_MEDIA_FAULT_NO_PORT);
}

static void media_command(const struct rln_event *ev)
{
	bool is_live = false;

	for (unsigned i = 0; i < SESSIONS; i++)
		is_live |= w->legs[i] == ev->id && ev->id;
	if (ev->kind == RLN_EV_CREATE_MEDIA_SESSION)
		media_create(ev->id);
	else if (!is_live)
		return;
	else if (ev->kind == RLN_EV_START_MEDIA_STREAM)
		media_says(ev->id, RLN_EV_MEDIA_STREAM_STARTED);
	else if (ev->kind == RLN_EV_UPDATE_MEDIA_STREAM || ev->kind == RLN_EV_HOLD_MEDIA || ev->kind == RLN_EV_RESUME_MEDIA)
		media_says(ev->id, RLN_EV_MEDIA_STREAM_STATE_CHANGED);
	else if (ev->kind == RLN_EV_STOP_MEDIA_STREAM) {
		for (unsigned i = 0; i < SESSIONS; i++)
			w->legs[i] = w->legs[i] == ev->id ? 0 : w->legs[i];
		media_says(ev->id, RLN_EV_MEDIA_STREAM_STOPPED);
	}
}
