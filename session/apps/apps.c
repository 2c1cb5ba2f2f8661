/* SPDX-License-Identifier: BSD-3-Clause */
/* The built-in applications; apps.h says what they stand on. One small record per session slot, written when its INVITE was taken. */
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
#include "sip/message.h"

#define USER_MAX 64

struct call { /* session 0: not ours */
	uint64_t session;
	const struct rln_config_route *route;
	char user[USER_MAX], from[USER_MAX];
};

struct rln_apps {
	struct rln_coord *coord;
	const struct rln_config *config;
	struct call *calls; /* by session slot */
	uint32_t calls_n;
};

static struct call *call_of(struct rln_apps *apps, uint64_t session)
{
	uint32_t slot = rln_id_slot(session);

	return slot < apps->calls_n ? &apps->calls[slot] : NULL;
}

/* User part of a URI, cut to fit. */
static void user_of(char out[USER_MAX], const char *text)
{
	struct rln_sip_uri uri;

	out[0] = '\0';
	if (text && rln_sip_uri_parse(&uri, text, strlen(text)) == 0)
		snprintf(out, USER_MAX, "%.*s", uri.user.len, text + uri.user.off);
}

static struct rln_decision decide(const struct rln_config_route *route)
{
	struct rln_decision d = {.kind = RLN_DECISION_ACCEPT, .auto_answer = true};

	switch ((enum rln_config_app)route->app) {
	case RLN_ROUTE_ECHO:
		d.leg_app = RLN_LEG_ECHO;
		break;
	case RLN_ROUTE_TONE:
		d.leg_app = RLN_LEG_TONE;
		d.tone_hz = route->tone_hz;
		break;
	case RLN_ROUTE_REJECT:
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = route->code};
	case RLN_ROUTE_PLAY:
	case RLN_ROUTE_RECORD:
		break;
	}
	return d;
}

static struct rln_decision on_invite(void *arg, const struct rln_invite_details *invite)
{
	struct rln_apps *apps = arg;
	struct call *call = call_of(apps, invite->session.v), made = {.session = invite->session.v};
	struct rln_decision d;

	user_of(made.user, invite->request_uri);
	user_of(made.from, invite->from);
	made.route = rln_config_route_find(apps->config, made.user);
	if (!made.route || !call)
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 404};
	d = decide(made.route);
	if (d.kind != RLN_DECISION_REJECT)
		*call = made;
	return d;
}

/* A path of the route with its {names} filled in; false when it cannot be. */
static bool path_of(const struct call *call, const char *folder, const char *pattern, char *out, size_t size)
{
	char id[48], utc[32];
	time_t now = (time_t)(rln_clock_utc_ns(rln_clock_ns()) / RLN_SEC);
	struct rln_route_names names = {.user = call->user, .from = call->from, .call = id, .time = utc};
	struct tm tm;
	int rc;

	snprintf(id, sizeof(id), "%u-%u-%u", rln_id_shard(call->session), rln_id_slot(call->session),
		rln_id_generation(call->session));
	gmtime_r(&now, &tm);
	strftime(utc, sizeof(utc), "%Y%m%dT%H%M%SZ", &tm);
	rc = rln_config_route_path(out, size, folder, pattern, &names);
	if (rc != 0)
		rln_log(RLN_LOG_ERROR, call->session, "route %s: no path from \"%s\": %d", call->route->match, pattern, rc);
	return rc == 0;
}

/* The call is up: files begin. */
static void begin(struct rln_apps *apps, const struct call *call)
{
	const struct rln_config_route *route = call->route;
	const struct rln_config_media *media = &apps->config->media;
	struct rln_session_id session = {call->session};
	char path[2 * RLN_CONFIG_PATH];

	if (route->record[0] && path_of(call, media->recordings, route->record, path, sizeof(path)))
		rln_coord_record(apps->coord, session, path, RLN_FORMAT_WAV, route->stereo ? 2 : 1);
	if (route->app != RLN_ROUTE_PLAY)
		return;
	if (!path_of(call, media->prompts, route->file, path, sizeof(path)) ||
		rln_coord_play(apps->coord, session, path, route->loop) != 0)
		rln_coord_hangup(apps->coord, session);
}

/* The last loop was played, or there is nothing that could be. */
static void on_media(struct rln_apps *apps, const struct call *call, const struct rln_ev_media_event *ev)
{
	if (call->route->app != RLN_ROUTE_PLAY)
		return;
	if (ev->event == RLN_EV_AUDIO_PLAYBACK_FINISHED ||
		(ev->event == RLN_EV_MEDIA_ERROR && ev->raw[0] == RLN_MEDIA_FAULT_FILE))
		rln_coord_hangup(apps->coord, (struct rln_session_id){call->session});
}

static void on_event(void *arg, const struct rln_event *ev)
{
	struct rln_apps *apps = arg;
	struct call *call = rln_id_type(ev->id) == RLN_ID_SESSION ? call_of(apps, ev->id) : NULL;

	if (!call || call->session != ev->id)
		return;
	if (ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.new_state == RLN_STATE_ACTIVE &&
		ev->state_changed.old_state == RLN_STATE_NEGOTIATING)
		begin(apps, call);
	else if (ev->kind == RLN_EV_MEDIA_EVENT)
		on_media(apps, call, &ev->media_event);
	else if (ev->kind == RLN_EV_SESSION_TERMINATED)
		call->session = 0;
}

int rln_apps_create(struct rln_apps **out, struct rln_coord *coord, const struct rln_config *config)
{
	struct rln_apps *apps = rln_zalloc(sizeof(*apps));
	struct rln_event_handler observer = {.handle = on_event, .endpoint = RLN_ENDPOINT_CONTROL};
	struct rln_coord_peer_cfg peer = {.name = config->sip.name,
		.port = config->sip.port,
		.any_user = true,
		.handler = {.on_incoming_invite = on_invite}};
	unsigned number;
	int rc = -ENOMEM;

	if (!apps)
		return rc;
	apps->coord = coord;
	apps->config = config;
	apps->calls_n = rln_coord_capacity(coord);
	apps->calls = rln_zalloc(sizeof(*apps->calls) * apps->calls_n);
	if (!apps->calls)
		goto out;
	observer.arg = peer.handler.arg = apps;
	rc = rln_coord_add_peer(coord, &peer, &number, 0);
	if (rc == 0)
		rc = rln_bus_subscribe(rln_coord_bus(coord), RLN_CAT_S2A, &observer);
	if (rc != 0)
		goto out;
	*out = apps;
	return 0;
out:
	rln_apps_destroy(apps);
	return rc;
}

void rln_apps_destroy(struct rln_apps *apps)
{
	if (!apps)
		return;
	rln_free(apps->calls);
	rln_free(apps);
}
