/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * echo, play, record, tone, reject by route. What a leg does by itself (echo, tone) goes into the decision; files begin when
 * the call is up; a played-out file ends the call. Nothing is remembered of a call but its timer.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/route.h"
#include "lcore/clock.h"
#include "lcore/media.h"
#include "session/apps/handlers.h"

#define USER_MAX   64
#define TIMER_RING 0

/* ---- deciding ---- */

static struct rln_decision on_invite(void *arg, struct rln_host *host, const struct rln_invite_details *invite)
{
	const struct rln_config_route *route = arg;

	if (route->app == RLN_ROUTE_REJECT)
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = route->code};
	if (route->ring_ms)
		host->ops->start_timer(host, invite->session, TIMER_RING, route->ring_ms);
	return (struct rln_decision){.kind = RLN_DECISION_ACCEPT,
		.auto_answer = route->ring_ms == 0,
		.leg_app = route->app == RLN_ROUTE_ECHO   ? RLN_LEG_ECHO
			   : route->app == RLN_ROUTE_TONE ? RLN_LEG_TONE
							  : RLN_LEG_PLAIN,
		.tone_hz = route->tone_hz};
}

static void on_timer(void *arg, struct rln_host *host, struct rln_session_id call, unsigned number)
{
	(void)arg;
	(void)number;
	host->ops->accept(host, call);
}

/* ---- acting ---- */

static int path_of(struct rln_host *host, struct rln_session_id call, const char *pattern, char *out, size_t size)
{
	char id[RLN_ID_TEXT], when[32], user[USER_MAX], from[USER_MAX], line[RLN_CONFIG_PATH + 64];
	struct rln_route_names names = {.user = user, .from = from, .call = id, .time = when};
	time_t now = (time_t)(rln_clock_utc_ns(rln_clock_ns()) / RLN_SEC);
	struct tm utc;
	int rc;

	rln_config_uri_user(host->ops->called(host, call), user, sizeof(user));
	rln_config_uri_user(host->ops->caller(host, call), from, sizeof(from));
	snprintf(id, sizeof(id), "%u-%u-%u", rln_id_shard(call.v), rln_id_slot(call.v), rln_id_generation(call.v));
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
	rc = rln_config_route_path(out, size, "", pattern, &names); /* the file thread knows the folders */
	if (rc != 0) {
		snprintf(line, sizeof(line), "file name '%s': %s", pattern, strerror(-rc));
		host->ops->log(host, call, RLN_HOST_WARNING, line);
	}
	return rc;
}

static void begin(const struct rln_config_route *route, struct rln_host *host, struct rln_session_id call)
{
	char path[RLN_CONFIG_PATH];

	if (route->record[0] && path_of(host, call, route->record, path, sizeof(path)) == 0)
		host->ops->record(host, call, path, route->stereo ? 2 : 1);
	if (route->app != RLN_ROUTE_PLAY)
		return;
	if (path_of(host, call, route->file, path, sizeof(path)) != 0 || host->ops->play(host, call, path, route->loop) != 0)
		host->ops->hangup(host, call);
}

/* A played-out file ends its call, and so does one that cannot be played: silence would help nobody. */
static void on_media(const struct rln_config_route *route, struct rln_host *host, const struct rln_event *ev)
{
	const struct rln_ev_media_event *media = &ev->media_event;
	bool is_file_fault = media->event == RLN_EV_MEDIA_ERROR &&
			     (media->raw[0] == RLN_MEDIA_FAULT_FILE || media->raw[0] == RLN_MEDIA_FAULT_FORMAT);

	if (route->app == RLN_ROUTE_PLAY && (is_file_fault || media->event == RLN_EV_AUDIO_PLAYBACK_FINISHED))
		host->ops->hangup(host, (struct rln_session_id){ev->id});
}

static void on_event(void *arg, struct rln_host *host, const struct rln_event *ev)
{
	if (ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.new_state == RLN_STATE_ACTIVE &&
		ev->state_changed.old_state == RLN_STATE_NEGOTIATING)
		begin(arg, host, (struct rln_session_id){ev->id});
	else if (ev->kind == RLN_EV_MEDIA_EVENT)
		on_media(arg, host, ev);
}

bool rln_app_is_answered(enum rln_call_state state)
{
	switch (state) {
	case RLN_STATE_ACTIVE:
	case RLN_STATE_HOLD_PENDING:
	case RLN_STATE_ON_HOLD:
	case RLN_STATE_RESUME_PENDING:
	case RLN_STATE_EVALUATING:
	case RLN_STATE_RECOVERING:
	case RLN_STATE_TRANSFERRING:
	case RLN_STATE_CONSULTING:
	case RLN_STATE_BRIDGED:
		return true;
	case RLN_STATE_IDLE:
	case RLN_STATE_CALLING:
	case RLN_STATE_PROCEEDING:
	case RLN_STATE_EARLY_MEDIA:
	case RLN_STATE_NEGOTIATING:
	case RLN_STATE_CANCEL_PENDING:
	case RLN_STATE_CANCELLED:
	case RLN_STATE_TERMINATING:
	case RLN_STATE_TERMINATED:
	case RLN_STATE_FAILED:
	case RLN_STATE_COUNT:
		break;
	}
	return false;
}

void rln_route_app(struct rln_handler *out, const struct rln_config_route *route)
{
	*out = (struct rln_handler){.abi = RLN_HANDLER_ABI,
		.arg = (void *)(uintptr_t)route,
		.on_incoming_invite = on_invite,
		.on_event = on_event,
		.on_timer = on_timer};
}
