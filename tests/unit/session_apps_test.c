/* SPDX-License-Identifier: BSD-3-Clause */
/* The built-in applications: each kind of route, from the INVITE to the end of its call. */
#include "session_engine.h"

#include "config/config.h"
#include "session/apps/apps.h"
#include "session/host.h"

static struct rln_config config;
static struct rln_hosts *hosts, *more[8];
static struct rln_apps *apps;
static struct rln_apps_fault fault;
static char played[256], recorded[256];
static unsigned plays, loops, records, channels;

/* What would reach the worker. */
static void on_s2m(void *arg, const struct rln_event *ev)
{
	(void)arg;
	if (ev->kind == RLN_EV_PLAY_AUDIO) {
		plays++;
		loops = ev->play_audio.loop_count;
		snprintf(played, sizeof(played), "%s", rln_slice_text(ev->play_audio.block, ev->play_audio.file_path));
	} else if (ev->kind == RLN_EV_START_RECORDING) {
		records++;
		channels = ev->start_recording.channels;
		snprintf(recorded, sizeof(recorded), "%s",
			rln_slice_text(ev->start_recording.block, ev->start_recording.file_path));
	}
}

static struct rln_config_route *route(const char *match, enum rln_config_app app)
{
	struct rln_config_route *r = &config.routes[config.routes_n++];

	snprintf(r->match, sizeof(r->match), "%s", match);
	r->app = (uint8_t)app;
	return r;
}

static void add_routes(void)
{
	struct rln_config_route *r;

	rln_config_defaults(&config);
	config.routes_n = 0;
	memset(config.routes, 0, sizeof(config.routes));
	config.limits.calls = CALLS;
	config.sip.port = 5060;
	route("echo", RLN_ROUTE_ECHO);
	route("tone", RLN_ROUTE_TONE)->tone_hz = 425;
	route("busy", RLN_ROUTE_REJECT)->code = 486;
	r = route("hello*", RLN_ROUTE_PLAY);
	snprintf(r->file, sizeof(r->file), "hello.wav");
	r->loop = 2;
	r = route("rec-*", RLN_ROUTE_RECORD);
	snprintf(r->record, sizeof(r->record), "{user}-{from}.wav");
	r->stereo = true;
	r = route("bad", RLN_ROUTE_PLAY);
	snprintf(r->file, sizeof(r->file), "{nonsense}.wav");
	route("slow", RLN_ROUTE_ECHO)->ring_ms = 3000;
}

static int begin(void **state)
{
	struct rln_event_handler worker = {on_s2m, NULL, RLN_ENDPOINT_WORKER0};
	struct rln_hosts_cfg host_cfg;

	setup(state);
	plays = records = 0;
	add_routes();
	host_cfg = (struct rln_hosts_cfg){coord, bus, wheel};
	assert_int_equal(rln_bus_subscribe(bus, RLN_CAT_S2M, &worker), 0);
	assert_int_equal(rln_hosts_create(&hosts, &host_cfg), 0);
	assert_int_equal(rln_apps_create(&apps, &(struct rln_apps_cfg){hosts, &config}, &fault), 0);
	return 0;
}

static int end(void **state)
{
	rln_coord_hangup_all(coord, RLN_COORD_PEERS);
	turn();
	rln_hosts_stop(hosts);
	rln_apps_destroy(apps);
	rln_hosts_destroy(hosts);
	teardown(state);
	for (unsigned i = 0; i < 8; i++) {
		rln_hosts_destroy(more[i]);
		more[i] = NULL;
	}
	return 0;
}

static const struct rln_session *only_session(void)
{
	uint32_t cursor = 0;

	return rln_session_manager_next(coord->sessions, &cursor);
}

static struct fake_dialog *answered(const char *user)
{
	struct fake_dialog *d = wire_invites(user, 5060, SDP_PEER);

	assert_int_equal(d->response, 200);
	wire_establishes(d, NULL);
	assert_int_equal(only_session()->state, RLN_STATE_ACTIVE);
	return d;
}

static void the_leg_echoes_or_hums(void **state)
{
	struct fake_dialog *d = answered("echo");

	(void)state;
	assert_int_equal(only_session()->params.app, RLN_LEG_ECHO);
	wire_byes(d, RLN_END_REMOTE);
	d = answered("tone");
	assert_int_equal(only_session()->params.app, RLN_LEG_TONE);
	assert_int_equal(only_session()->params.tone_hz, 425);
	wire_byes(d, RLN_END_REMOTE);
	assert_int_equal(plays + records, 0);
}

static void routes_refuse(void **state)
{
	(void)state;
	assert_int_equal(wire_invites("busy", 5060, SDP_PEER)->response, 486);
	assert_int_equal(wire_invites("nobody", 5060, SDP_PEER)->response, 404);
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void a_played_file_ends_its_call(void **state)
{
	struct fake_dialog *d = answered("hello-world");

	(void)state;
	assert_int_equal(plays, 1);
	assert_int_equal(loops, 2);
	assert_non_null(strstr(played, "hello.wav"));
	worker_says(legs[0], RLN_EV_AUDIO_PLAYBACK_FINISHED);
	assert_true(d->ended);
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void a_file_that_cannot_be_played_ends_its_call(void **state)
{
	struct fake_dialog *d = answered("hello");
	struct rln_event ev = {
		.id = legs[0], .kind = RLN_EV_MEDIA_ERROR, .media_error = {.error = RLN_MEDIA_FAULT_DISK, .error_code = EIO}};

	(void)state;
	rln_bus_enter(bus, RLN_ENDPOINT_WORKER0);
	rln_bus_publish(bus, &ev);
	turn();
	assert_false(d->ended); /* a recording's disk, perhaps */
	ev.media_error.error = RLN_MEDIA_FAULT_FILE;
	rln_bus_enter(bus, RLN_ENDPOINT_WORKER0);
	rln_bus_publish(bus, &ev);
	turn();
	assert_true(d->ended);
	d = wire_invites("bad", 5060, SDP_PEER); /* no path can be made */
	wire_establishes(d, NULL);
	assert_true(d->ended);
	assert_int_equal(plays, 1);
}

static void a_recording_is_named_by_its_call(void **state)
{
	struct fake_dialog *d = answered("rec-42");

	(void)state;
	assert_int_equal(records, 1);
	assert_int_equal(channels, 2);
	assert_non_null(strstr(recorded, "rec-42-carol.wav"));
	worker_says(legs[0], RLN_EV_AUDIO_PLAYBACK_FINISHED); /* not its business */
	assert_false(d->ended);
	wire_byes(d, RLN_END_REMOTE);
}

static void a_slow_route_rings_first(void **state)
{
	struct fake_dialog *d = wire_invites("slow", 5060, SDP_PEER);

	(void)state;
	assert_int_equal(d->response, 180);
	advance(2900 * RLN_MS);
	assert_int_equal(d->response, 180);
	advance(200 * RLN_MS);
	assert_int_equal(d->response, 200);
	wire_establishes(d, NULL);
	wire_byes(d, RLN_END_REMOTE);
	d = wire_invites("slow", 5060, SDP_PEER);
	wire_byes(d, RLN_END_CANCELLED);
	advance(4 * RLN_SEC); /* the timer went with the call */
	assert_int_equal(d->response, 487);
	wire_invites("slow", 5060, SDP_PEER); /* and with the applications */
}

static void calls_of_others_are_left_alone(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, (struct rln_signalling_handler){0});
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2"};

	(void)state;
	assert_int_equal(rln_coord_make_call(coord, rln_coord_reserve(coord), &request), 0);
	turn();
	wire_establishes(&dialogs[0], SDP_PEER);
	worker_says(legs[0], RLN_EV_AUDIO_PLAYBACK_FINISHED);
	assert_int_equal(rln_coord_sessions(coord), 1);
	assert_int_equal(plays + records, 0);
}

static void memory_that_runs_out_is_told(void **state)
{
	struct rln_hosts_cfg host_cfg = {coord, bus, wheel};
	struct rln_apps *other = NULL;

	(void)state;
	for (unsigned n = 1; n <= 2; n++) {
		rln_heap_fail_nth(n);
		assert_int_equal(rln_hosts_create(&more[0], &host_cfg), -ENOMEM);
		assert_int_equal(rln_heap_fail_nth(0), 1);
	}
	assert_null(more[0]);
	for (unsigned n = 1; n <= 7; n += 2) { /* the table; the bridge, its host and that one's options; the same of routes */
		assert_int_equal(rln_hosts_create(&more[n], &host_cfg), 0);
		rln_heap_fail_nth(n);
		assert_int_equal(rln_apps_create(&other, &(struct rln_apps_cfg){more[n], &config}, &fault), -ENOMEM);
		assert_int_equal(rln_heap_fail_nth(0), 1);
		assert_null(fault.value);
		rln_hosts_stop(more[n]); /* its bus observers stay until the bus goes */
	}
	assert_null(other);
	rln_heap_fail_nth(1); /* the call's own record */
	assert_int_equal(wire_invites("rec-1", 5060, SDP_PEER)->response, 503);
	assert_int_equal(rln_heap_fail_nth(0), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_leg_echoes_or_hums),
		T(routes_refuse),
		T(a_played_file_ends_its_call),
		T(a_file_that_cannot_be_played_ends_its_call),
		T(a_recording_is_named_by_its_call),
		T(a_slow_route_rings_first),
		T(calls_of_others_are_left_alone),
		T(memory_that_runs_out_is_told),
	};

	return cmocka_run_group_tests_name("session_apps", tests, NULL, NULL);
}
