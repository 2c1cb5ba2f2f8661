/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * echo, play, record, tone, reject by route. What a leg does by itself (echo, tone) goes into the decision; files begin when
 * the call is up; a played-out file ends the call. What must be remembered of a call stands in a table by session slot, checked
 * by generation.
 */
#include "session/apps/apps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/route.h"
#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "lcore/media.h"
#include "session/coordinator.h"
#include "session/registry.h"
#include "sip/message.h"

#define USER_MAX    64
#define ADD_PEER_MS 5000

struct app_call {         /* one slot per session slot */
	uint64_t session; /* 0 = not ours */
	const struct rln_config_route *route;
	struct rln_apps *apps;
	struct rln_timer ring;
	char user[USER_MAX], from[USER_MAX]; /* for names of files; only kept when the route has any */
};

struct rln_apps {
	struct rln_apps_cfg cfg;
	uint32_t calls_n;
	struct app_call **calls; /* by session slot; made on first use */
	unsigned peer;
};

static struct app_call *find(struct rln_apps *apps, uint64_t session)
{
	uint32_t slot = rln_id_slot(session);
	struct app_call *call = slot < apps->calls_n ? apps->calls[slot] : NULL;

	return call && call->session == session ? call : NULL;
}

static void user_of(char out[USER_MAX], const char *uri)
{
	struct rln_sip_uri parts;
	size_t len;

	out[0] = '\0';
	if (rln_sip_uri_parse(&parts, uri, strlen(uri)) != 0)
		return;
	len = parts.user.len < USER_MAX - 1 ? parts.user.len : USER_MAX - 1;
	memcpy(out, uri + parts.user.off, len);
	out[len] = '\0';
}

/* ---- deciding ---- */

static bool has_work(const struct rln_config_route *route)
{
	return route->ring_ms || route->record[0] || route->app == RLN_ROUTE_PLAY;
}

static void answer_now(struct rln_timer *timer, uint64_t now_ns)
{
	struct app_call *call = (struct app_call *)((char *)timer - offsetof(struct app_call, ring));

	(void)now_ns;
	rln_coord_accept(call->apps->cfg.coord, (struct rln_session_id){call->session});
}

/* Remembers a call whose route has something to do later. False: no memory, or more sessions than slots. */
static bool remember(struct rln_apps *apps, const struct rln_invite_details *invite, const struct rln_config_route *route)
{
	uint32_t slot = rln_id_slot(invite->session.v);
	struct app_call *call;

	if (slot >= apps->calls_n)
		return false;
	if (!apps->calls[slot])
		apps->calls[slot] = rln_zalloc(sizeof(**apps->calls));
	call = apps->calls[slot];
	if (!call)
		return false;
	rln_wheel_disarm(apps->cfg.wheel, &call->ring);
	call->session = invite->session.v;
	call->route = route;
	call->apps = apps;
	call->ring.fire = answer_now;
	user_of(call->user, invite->request_uri);
	user_of(call->from, invite->from);
	if (route->ring_ms)
		rln_wheel_arm(apps->cfg.wheel, &call->ring, rln_wheel_now(apps->cfg.wheel) + route->ring_ms * RLN_MS);
	return true;
}

static struct rln_decision on_invite(void *arg, const struct rln_invite_details *invite)
{
	struct rln_apps *apps = arg;
	const struct rln_config_route *route;
	char user[USER_MAX];

	user_of(user, invite->request_uri);
	route = rln_config_route_find(apps->cfg.config, user);
	if (!route)
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 404};
	if (route->app == RLN_ROUTE_REJECT)
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = route->code};
	if (has_work(route) && !remember(apps, invite, route))
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 503};
	return (struct rln_decision){.kind = RLN_DECISION_ACCEPT,
		.auto_answer = route->ring_ms == 0,
		.leg_app = route->app == RLN_ROUTE_ECHO   ? RLN_LEG_ECHO
			   : route->app == RLN_ROUTE_TONE ? RLN_LEG_TONE
							  : RLN_LEG_PLAIN,
		.tone_hz = route->tone_hz};
}

/* ---- acting ---- */

static int path_of(const struct app_call *call, const char *pattern, char *out, size_t size)
{
	char id[RLN_ID_TEXT], when[32];
	struct rln_route_names names = {.user = call->user, .from = call->from, .call = id, .time = when};
	time_t now = (time_t)(rln_clock_utc_ns(rln_clock_ns()) / RLN_SEC);
	struct tm utc;
	int rc;

	snprintf(id, sizeof(id), "%u-%u-%u", rln_id_shard(call->session), rln_id_slot(call->session),
		rln_id_generation(call->session));
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
	rc = rln_config_route_path(out, size, "", pattern, &names); /* the file thread knows the folders */
	if (rc != 0)
		rln_log(RLN_LOG_WARNING, call->session, "route %s: file name '%s': %s", call->route->match, pattern,
			strerror(-rc));
	return rc;
}

static void begin(struct rln_apps *apps, const struct app_call *call)
{
	const struct rln_config_route *route = call->route;
	struct rln_session_id id = {call->session};
	char path[RLN_CONFIG_PATH];

	if (route->record[0] && path_of(call, route->record, path, sizeof(path)) == 0)
		rln_coord_record(apps->cfg.coord, id, path, RLN_FORMAT_WAV, route->stereo ? 2 : 1);
	if (route->app != RLN_ROUTE_PLAY)
		return;
	if (path_of(call, route->file, path, sizeof(path)) != 0 || rln_coord_play(apps->cfg.coord, id, path, route->loop) != 0)
		rln_coord_hangup(apps->cfg.coord, id);
}

/* A played-out file ends its call, and so does one that cannot be played: silence would help nobody. */
static void on_media(struct rln_apps *apps, const struct app_call *call, const struct rln_ev_media_event *ev)
{
	bool is_file_fault =
		ev->event == RLN_EV_MEDIA_ERROR && (ev->raw[0] == RLN_MEDIA_FAULT_FILE || ev->raw[0] == RLN_MEDIA_FAULT_FORMAT);

	if (call->route->app == RLN_ROUTE_PLAY && (is_file_fault || ev->event == RLN_EV_AUDIO_PLAYBACK_FINISHED))
		rln_coord_hangup(apps->cfg.coord, (struct rln_session_id){call->session});
}

static void on_event(void *arg, const struct rln_event *ev)
{
	struct rln_apps *apps = arg;
	struct app_call *call = find(apps, ev->id);

	if (!call)
		return;
	if (ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.new_state == RLN_STATE_ACTIVE &&
		ev->state_changed.old_state == RLN_STATE_NEGOTIATING) {
		begin(apps, call);
	} else if (ev->kind == RLN_EV_MEDIA_EVENT) {
		on_media(apps, call, &ev->media_event);
	} else if (ev->kind == RLN_EV_SESSION_TERMINATED) {
		rln_wheel_disarm(apps->cfg.wheel, &call->ring);
		call->session = 0;
	}
}

/* ---- life ---- */

int rln_apps_create(struct rln_apps **out, const struct rln_apps_cfg *cfg)
{
	struct rln_coord_peer_cfg peer = {.name = cfg->config->sip.name, .port = cfg->config->sip.port, .any_user = true};
	struct rln_apps *apps = rln_zalloc(sizeof(*apps));
	int rc = -ENOMEM;

	if (!apps)
		return -ENOMEM;
	apps->cfg = *cfg;
	apps->calls_n = RLN_ID_SLOT_MAX;
	if (cfg->config->limits.calls < apps->calls_n)
		apps->calls_n = cfg->config->limits.calls + 1;
	apps->calls = rln_zalloc(apps->calls_n * sizeof(*apps->calls));
	if (!apps->calls)
		goto out;
	peer.handler = (struct rln_signalling_handler){on_invite, apps};
	rc = rln_bus_subscribe(cfg->bus, RLN_CAT_S2A, &(struct rln_event_handler){on_event, apps, RLN_ENDPOINT_CONTROL});
	if (rc == 0)
		rc = rln_coord_add_peer(cfg->coord, &peer, &apps->peer, ADD_PEER_MS);
out:
	if (rc != 0) {
		rln_apps_destroy(apps);
		return rc;
	}
	*out = apps;
	return 0;
}

void rln_apps_destroy(struct rln_apps *apps)
{
	if (!apps)
		return;
	for (uint32_t i = 0; apps->calls && i < apps->calls_n; i++) {
		if (apps->calls[i])
			rln_wheel_disarm(apps->cfg.wheel, &apps->calls[i]->ring);
		rln_free(apps->calls[i]);
	}
	rln_free(apps->calls);
	rln_free(apps);
}
