/* SPDX-License-Identifier: BSD-3-Clause */
/* The coordinator, its hub, peers and commands: a call from reserve to cleanup, what goes to whom, drain and stop, memory that runs out. */
#include "session_engine.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "lcore/hist.h"
#include "session/linked.h"
#include "session/tap.h"

static const struct rln_signalling_handler nobody;

static void a_caller_sees_every_event_of_its_call(void **state)
{
	static const enum rln_event_kind order[] = {RLN_EV_SESSION_CREATED, RLN_EV_MEDIA_SESSION_READY, RLN_EV_MEDIA_NEGOTIATED,
		RLN_EV_MEDIA_FLOW_ESTABLISHED, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, RLN_EV_AUDIO_CHANNELS_READY,
		RLN_EV_SESSION_TERMINATED};
	unsigned alice = peer_new("alice", 5070, false, nobody);
	struct rln_session_id id = rln_coord_reserve(coord);
	struct rln_sub *sub = watch(RLN_SUB_SESSION, 0, id);
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2", .headers = "X-Test: 1\r\n"};
	struct rln_registry_entry e;
	struct rln_event ev;

	(void)state;
	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	assert_string_equal(dialogs[0].from, "sip:alice@198.18.0.1:5070");
	assert_string_equal(dialogs[0].to, "bob@198.18.0.2");
	assert_string_equal(dialogs[0].headers, "X-Test: 1\r\n");
	assert_int_equal(dialogs[0].port, 5070);
	assert_non_null(strstr(dialogs[0].sdp, "m=audio 20000 RTP/AVP 0 8 101"));
	assert_true(rln_registry_find(rln_coord_registry(coord), dialogs[0].id, &e));
	assert_int_equal(e.session.v, id.v);
	assert_int_equal(e.state, RLN_STATE_CALLING);
	assert_int_equal(rln_coord_sessions(coord), 1);
	assert_true(rln_coord_busy(coord));
	wire_establishes(&dialogs[0], SDP_PEER);
	worker_says(legs[0], RLN_EV_MEDIA_FLOW_ESTABLISHED);
	worker_says(legs[0], RLN_EV_FIRST_AUDIO_FRAME_RECEIVED);
	wire_byes(&dialogs[0], RLN_END_REMOTE);
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_true(next(sub, order[i], &ev));
	assert_int_equal(ev.session_terminated.reason, RLN_END_REMOTE);
	assert_false(next(sub, RLN_EV_SESSION_TERMINATED, &ev)); /* once */
	assert_int_equal(rln_sub_pop(sub, &ev), -EPIPE);
	assert_false(rln_registry_knows(rln_coord_registry(coord), id.v, &e));
	forget(sub);
}

static uint64_t longest_setup_us(enum rln_call_role role, uint64_t calls)
{
	const struct rln_hist *setup = rln_coord_setup_us(coord, role);
	uint64_t us;

	assert_int_equal(rln_hist_count(setup), calls);
	assert_true(rln_hist_percentile(setup, 100, &us));
	return us;
}

/* From the poll that found the INVITE, or from MAKE_CALL; a call that never is ACTIVE has no such time. */
static void set_up_takes_from_the_invite_to_active(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2"};
	struct rln_session_id placed = rln_coord_reserve(coord), given_up = rln_coord_reserve(coord), taken;
	struct fake_dialog *d;

	(void)state;
	wire_rx_ns = rln_clock_ns() - 70 * RLN_MS; /* it waited for the control lcore */
	d = wire_invites("alice", 5060, SDP_PEER);
	wire_rx_ns = 0;
	taken = rln_registry_session_of_dialog(rln_coord_registry(coord), (struct rln_dialog_id){d->id});
	assert_int_equal(rln_coord_accept(coord, taken), 0);
	turn();
	assert_int_equal(rln_hist_count(rln_coord_setup_us(coord, RLN_ROLE_UAS)), 0); /* until the ACK */
	wire_establishes(d, NULL);
	assert_in_range(longest_setup_us(RLN_ROLE_UAS, 1), 70000, 60000000);
	assert_int_equal(rln_coord_make_call(coord, given_up, &request), 0);
	assert_int_equal(rln_coord_hangup(coord, given_up), 0);
	assert_int_equal(rln_coord_make_call(coord, placed, &request), 0);
	turn();
	assert_int_equal(rln_hist_count(rln_coord_setup_us(coord, RLN_ROLE_UAC)), 0);
	for (unsigned i = 0; i < DIALOGS; i++)
		if (dialogs[i].invite_open && &dialogs[i] != d)
			wire_establishes(&dialogs[i], SDP_PEER);
	assert_in_range(longest_setup_us(RLN_ROLE_UAC, 1), 0, 60000000);
	rln_coord_drain(coord);
	turn();
}

/* The application's own offer goes out as it is; without any, the peer's 2xx makes it. */
static void the_offer_is_the_callers_choice(void **state)
{
	static const char own[] = "v=0\r\no=me 1 1 IN IP4 198.18.0.1\r\ns=-\r\nc=IN IP4 198.18.0.1\r\nt=0 0\r\n"
				  "m=video 0 RTP/AVP 31\r\nm=audio 20000 RTP/AVP 0\r\n";
	static const char answer[] = "v=0\r\no=- 7 7 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\n"
				     "m=video 0 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0\r\n";
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2", .sdp = own};
	struct rln_session_id id = rln_coord_reserve(coord);

	(void)state;
	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	assert_string_equal(dialogs[0].sdp, own);
	wire_establishes(&dialogs[0], answer);
	assert_int_equal(rln_session_manager_get_session(coord->sessions, id)->state, RLN_STATE_ACTIVE);
	assert_int_equal(rln_session_manager_get_session(coord->sessions, id)->params.remote.port, 4000);
	wire_byes(&dialogs[0], RLN_END_REMOTE);
	request.sdp = "no description";
	assert_int_equal(rln_coord_make_call(coord, rln_coord_reserve(coord), &request), 0);
	turn();
	assert_int_equal(rln_coord_sessions(coord), 0); /* told as a failed call */
	request.sdp = NULL;
	request.late_offer = true;
	id = rln_coord_reserve(coord);
	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	for (unsigned i = 0; i < DIALOGS; i++) {
		if (dialogs[i].invite_open) {
			assert_string_equal(dialogs[i].sdp, "");
			wire_establishes(&dialogs[i], SDP_PEER);
		}
	}
	assert_int_equal(rln_session_manager_get_session(coord->sessions, id)->state, RLN_STATE_ACTIVE);
	rln_coord_hangup(coord, id);
	turn();
}

static void requests_that_cannot_be_are_refused_at_once(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request bad[] = {{.peer = alice}, {.peer = alice, .to = ""}, {.peer = alice, .to = "sip:"},
		{.peer = alice + 1, .to = "bob@198.18.0.2"}, {.peer = 999, .to = "b@h"}};
	struct rln_session_id id = {0};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rln_coord_make_call(coord, rln_coord_reserve(coord), &bad[i]), -EINVAL);
	assert_int_equal(rln_coord_make_call(coord, id, &bad[0]), -EINVAL);
	id = rln_coord_reserve(coord);
	assert_int_equal(rln_coord_reject(coord, id, 200), -EINVAL);
	assert_int_equal(rln_coord_deferred_reject(coord, id, 700), -EINVAL);
	assert_int_equal(rln_coord_update(coord, id, 4), -EINVAL);
	assert_int_equal(rln_coord_play(coord, id, "", 1), -EINVAL);
	assert_int_equal(rln_coord_play(coord, id, NULL, 1), -EINVAL);
	assert_int_equal(rln_coord_record(coord, id, "a.wav", RLN_FORMAT_WAV, 3), -EINVAL);
	rln_coord_unreserve(coord, id);
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void a_target_that_nobody_knows_fails_by_event(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {.peer = alice, .to = "sip:bob@nowhere"};
	struct rln_session_id id = rln_coord_reserve(coord);
	struct rln_sub *sub = watch(RLN_SUB_SESSION, 0, id);
	struct rln_event ev;

	(void)state;
	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	assert_true(next_state(sub, RLN_STATE_FAILED));
	assert_true(next(sub, RLN_EV_SESSION_TERMINATED, &ev));
	assert_int_equal(ev.session_terminated.reason, RLN_END_NETWORK);
	assert_int_equal(rln_sub_pop(sub, &ev), -EPIPE);
	forget(sub);
}

static void commands_reach_the_call(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {
		.peer = alice, .to = "bob@198.18.0.2", .from = "sip:me@example.org", .leg_app = RLN_LEG_ECHO};
	struct rln_session_id id = rln_coord_reserve(coord);
	struct rln_sub *sub = watch(RLN_SUB_PEER, alice, id);
	struct rln_bus_figures n;

	(void)state;
	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	assert_string_equal(dialogs[0].from, "sip:me@example.org");
	assert_int_equal(rln_session_manager_get_session(coord->sessions, id)->params.app, RLN_LEG_ECHO);
	wire_establishes(&dialogs[0], SDP_PEER);
	assert_int_equal(rln_coord_play(coord, id, "a.wav", 2), 0);
	assert_int_equal(rln_coord_stop_play(coord, id), 0);
	assert_int_equal(rln_coord_record(coord, id, "b.wav", RLN_FORMAT_WAV, 2), 0);
	assert_int_equal(rln_coord_stop_record(coord, id), 0);
	assert_int_equal(rln_coord_mute(coord, id, true), 0);
	assert_int_equal(rln_coord_update(coord, id, RLN_MEDIA_OUTBOUND), 0);
	assert_int_equal(rln_coord_attach_channels(coord, id, 5, RLN_CHANNELS_JOIN), 0);
	turn();
	rln_bus_figures(bus, RLN_EV_PLAY_AUDIO, &n);
	assert_int_equal(n.delivered, 1);
	rln_bus_figures(bus, RLN_EV_STOP_AUDIO, &n);
	assert_int_equal(n.delivered, 1);
	rln_bus_figures(bus, RLN_EV_START_RECORDING, &n);
	assert_int_equal(n.delivered, 1);
	rln_bus_figures(bus, RLN_EV_STOP_RECORDING, &n);
	assert_int_equal(n.delivered, 1);
	rln_bus_figures(bus, RLN_EV_ATTACH_CHANNELS, &n);
	assert_int_equal(n.delivered, 1);
	assert_int_equal(rln_coord_hangup(coord, id), 0);
	turn();
	assert_true(next_state(sub, RLN_STATE_TERMINATED));
	forget(sub);
}

static void the_call_limit_is_kept(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2"};

	(void)state;
	for (unsigned i = 0; i < CALLS; i++) {
		assert_int_equal(rln_coord_make_call(coord, rln_coord_reserve(coord), &request), 0);
		turn();
	}
	assert_int_equal(rln_coord_reserve(coord).v, 0);
	assert_int_equal(errno, ENOSPC);
	rln_coord_drain(coord);
	turn();
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void a_drain_hangs_up_and_takes_no_more(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2"};
	struct rln_session_id id = rln_coord_reserve(coord);
	struct fake_dialog *d;

	(void)state;
	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	wire_establishes(&dialogs[0], SDP_PEER);
	d = wire_invites("alice", 5060, SDP_PEER);
	assert_int_equal(d->response, 180);
	rln_coord_drain(coord);
	turn();
	assert_int_equal(rln_coord_sessions(coord), 0);
	assert_int_equal(d->response, 486);
	d = wire_invites("alice", 5060, SDP_PEER);
	assert_int_equal(d->response, 503);
	assert_string_equal(d->extra, "Retry-After: 9\r\n");
	assert_int_equal(rln_coord_make_call(coord, rln_coord_reserve(coord), &request), 0); /* told as an ended call */
	turn();
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void the_end_of_the_coordinator_tells_everybody(void **state)
{
	struct rln_coord_cfg cfg = engine_cfg();
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2"};
	struct rln_session_id id = rln_coord_reserve(coord);
	struct rln_sub *sub = watch(RLN_SUB_SESSION, 0, id);
	struct rln_event ev;

	(void)state;
	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	wire_establishes(&dialogs[0], SDP_PEER);
	rln_coord_destroy(coord);
	assert_true(next(sub, RLN_EV_SESSION_TERMINATED, &ev));
	assert_int_equal(ev.session_terminated.reason, RLN_END_NETWORK);
	assert_int_equal(rln_sub_pop(sub, &ev), -EPIPE);
	rln_sub_destroy(sub);
	memset(legs, 0, sizeof(legs));
	layers_end(); /* a bus has one handler per category: the next coordinator needs a new one */
	layers_begin();
	cfg.bus = bus;
	cfg.wheel = wheel;
	cfg.placement = placement;
	assert_int_equal(rln_coord_create(&coord, &cfg), 0);
}

/* ---- peers ---- */

static void peers_have_their_own_calls(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody), bob = peer_new("bob", 5060, false, nobody);
	struct rln_sub *of_alice = watch(RLN_SUB_PEER, alice, (struct rln_session_id){0});
	struct rln_sub *of_bob = watch(RLN_SUB_PEER, bob, (struct rln_session_id){0});
	struct fake_dialog *d = wire_invites("BOB", 5060, SDP_PEER);
	struct rln_event ev;

	(void)state;
	assert_int_equal(d->response, 180);
	assert_true(next(of_bob, RLN_EV_INCOMING_CALL, &ev));
	assert_string_equal(rln_sub_text(&ev, ev.incoming_call.from, NULL), "sip:carol@198.18.0.2");
	rln_sub_give_back(of_bob, &ev);
	assert_int_equal(rln_sub_pop(of_alice, &ev), 0);
	assert_int_equal(rln_coord_reject(coord, (struct rln_session_id){ev.id ? ev.id : 0}, 486), 0);
	turn();
	rln_coord_drain(coord);
	turn();
	forget(of_alice);
	forget(of_bob);
}

static void names_and_ports_are_given_once(void **state)
{
	struct rln_coord_peer_cfg cfg = {.name = "Alice", .port = 5060},
				  server = {.name = "server", .port = 5060, .any_user = true};
	unsigned alice = peer_new("alice", 5060, false, nobody), peer;

	(void)state;
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 0), -EADDRINUSE);
	cfg.port = 5061;
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 0), 0);
	assert_int_equal(rln_coord_add_peer(coord, &server, &peer, 0), 0);
	server.name = "other";
	assert_int_equal(rln_coord_add_peer(coord, &server, &peer, 0), -EADDRINUSE);
	cfg = (struct rln_coord_peer_cfg){.name = "", .port = 5060};
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 0), -EINVAL);
	cfg = (struct rln_coord_peer_cfg){.name = "x", .port = 0};
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 0), -EINVAL);
	cfg = (struct rln_coord_peer_cfg){.name = "x", .port = 5062, .local_address = "not an address"};
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 0), -EINVAL);
	assert_int_equal(rln_placement_owner_of(placement, &(struct rln_addr){.port = 5061}), RLN_NET_CONTROL);
	assert_int_equal(rln_coord_del_peer(coord, alice, 0), 0);
	assert_int_equal(rln_coord_del_peer(coord, alice, 0), -ENOENT);
	assert_int_equal(rln_coord_del_peer(coord, RLN_COORD_PEERS, 0), -EINVAL);
	assert_int_equal(peer_new("alice", 5060, false, nobody), alice);
	for (uint16_t port = 6000; port < 6000 + 2 * RLN_COORD_PEERS; port++) { /* ports that come and go use nothing up */
		cfg = (struct rln_coord_peer_cfg){.name = "x", .port = port};
		assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 0), 0);
		assert_int_equal(rln_coord_del_peer(coord, peer, 0), 0);
	}
}

static void a_peer_that_goes_takes_its_calls_along(void **state)
{
	unsigned alice = peer_new("alice", 5070, false, nobody), bob = peer_new("bob", 5071, false, nobody);
	struct fake_dialog *to_alice = wire_invites("alice", 5070, SDP_PEER), *to_bob = wire_invites("bob", 5071, SDP_PEER);

	(void)state;
	assert_int_equal(rln_coord_sessions(coord), 2);
	coord->is_running = false;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	assert_int_equal(rln_coord_del_peer(coord, alice, 0), 0);
	assert_true(coord->peers[alice].in_use); /* until its calls are gone */
	turn();
	assert_false(coord->peers[alice].in_use);
	assert_int_equal(rln_placement_owner_of(placement, &(struct rln_addr){.port = 5070}), RLN_NET_NOBODY);
	assert_int_equal(to_alice->response, 486);
	assert_int_equal(to_bob->response, 180);
	assert_int_equal(wire_invites("alice", 5070, SDP_PEER)->response, 404);
	coord->is_running = false;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	assert_int_equal(rln_coord_del_peer(coord, bob, 0), 0);
	turn();
}

static void *add_from_a_thread(void *arg)
{
	struct rln_coord_peer_cfg cfg = {.name = "carol", .port = 5080};
	unsigned peer = RLN_COORD_PEERS;
	int rc = rln_coord_add_peer(coord, &cfg, &peer, 20000);

	*(int *)arg = rc;
	return (void *)(uintptr_t)peer;
}

static void an_application_thread_waits_for_control(void **state)
{
	struct rln_coord_peer_cfg cfg = {.name = "dave", .port = 5081};
	unsigned peer;
	pthread_t thread;
	void *got;
	int rc = -1;

	(void)state;
	turn(); /* control runs */
	assert_int_equal(
		rln_coord_add_peer(coord, &cfg, &peer, 0), -ETIMEDOUT); /* nobody turns meanwhile; the order is given up */
	assert_int_equal(pthread_create(&thread, NULL, add_from_a_thread, &rc), 0);
	while (!coord->peers[0].in_use)
		turn();
	pthread_join(thread, &got);
	assert_int_equal(rc, 0);
	assert_string_equal(coord->peers[(uintptr_t)got].name, "carol");
	for (unsigned i = 0; i < RLN_COORD_PEERS; i++)
		assert_string_not_equal(coord->peers[i].name, "dave");
}

static pthread_t waiting;
static bool interrupted;

static void on_signal(int number)
{
	(void)number;
	__atomic_store_n(&interrupted, true, __ATOMIC_RELEASE);
}

static void *interrupt_then_turn(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&coord->orders, __ATOMIC_ACQUIRE))
		sched_yield();
	for (unsigned i = 0; i < 100; i++) {
		__atomic_store_n(&interrupted, false, __ATOMIC_RELEASE);
		pthread_kill(waiting, SIGUSR1);
		while (!__atomic_load_n(&interrupted, __ATOMIC_ACQUIRE))
			sched_yield();
	}
	turn();
	return NULL;
}

static void a_signal_does_not_end_the_wait_for_control(void **state)
{
	struct rln_coord_peer_cfg cfg = {.name = "erin", .port = 5082};
	struct sigaction action = {.sa_handler = on_signal}, old;
	unsigned peer;
	pthread_t thread;

	(void)state;
	turn(); /* control runs */
	waiting = pthread_self();
	assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
	assert_int_equal(pthread_create(&thread, NULL, interrupt_then_turn, NULL), 0);
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 20000), 0);
	pthread_join(thread, NULL);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

static void a_removal_that_nobody_waits_for_is_carried_out(void **state)
{
	unsigned peer = peer_new("frank", 5083, false, nobody);

	(void)state;
	turn(); /* control runs */
	assert_int_equal(rln_coord_del_peer(coord, peer, 0), -ETIMEDOUT);
	turn();
	assert_false(coord->peers[peer].in_use);
}

/* ---- the hub ---- */

static void strangers_are_counted_and_answered(void **state)
{
	struct rln_event bye = {.kind = RLN_EV_CALL_TERMINATED}, update = {.kind = RLN_EV_REINVITE_RECEIVED};
	struct fake_dialog *d = dialog_new(true);
	uint64_t before = rln_count_total(RLN_C_EVENT_ENDED_SESSION);

	(void)state;
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	emit(d, &bye);
	turn();
	assert_int_equal(rln_count_total(RLN_C_EVENT_ENDED_SESSION), before + 1);
	assert_int_equal(d->response, 0);
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	emit(d, &update);
	turn();
	assert_int_equal(d->response, 481);
	assert_true(d->released);
	worker_says(rln_id_make(RLN_ID_MEDIA, 0, 3, 99), RLN_EV_RTP_TIMEOUT);
	worker_says(rln_id_make(RLN_ID_MEDIA, 0, 3, 99), RLN_EV_MEDIA_FLOW_ESTABLISHED);
	rln_coord_hangup(coord, (struct rln_session_id){rln_id_make(RLN_ID_SESSION, 0, 3, 99)});
	rln_coord_attach_channels(coord, (struct rln_session_id){rln_id_make(RLN_ID_SESSION, 0, 3, 99)}, 7, RLN_CHANNELS_JOIN);
	turn();
	assert_int_equal(rln_count_total(RLN_C_EVENT_ENDED_SESSION), before + 6);
}

static void an_id_that_nobody_reserved_makes_no_call(void **state)
{
	struct rln_event ev = {.id = rln_id_make(RLN_ID_SESSION, 0, 3, 99), .kind = RLN_EV_MAKE_CALL};
	uint64_t before = rln_count_total(RLN_C_EVENT_ENDED_SESSION);

	(void)state;
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	turn();
	assert_int_equal(rln_count_total(RLN_C_EVENT_ENDED_SESSION), before + 1);
	assert_int_equal(rln_coord_sessions(coord), 0);
}

static void a_call_without_a_block_gives_its_id_back(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {.peer = alice, .to = "<sip:bob@198.18.0.2>"};
	rln_block_ref held[300];
	unsigned n = 0;

	(void)state;
	while (n < 300 && (held[n] = rln_block_alloc(1)))
		n++;
	for (unsigned i = 0; i < 3 * CALLS; i++) /* more often than there are ids */
		assert_int_equal(rln_coord_make_call(coord, rln_coord_reserve(coord), &request), -ENOBUFS);
	assert_int_equal(rln_coord_play(coord, rln_coord_reserve(coord), "a.wav", 1), -ENOBUFS);
	while (n)
		rln_block_release(held[--n]);
}

/* The next call's reader must not be told of the end of the one that never was. */
static void assert_a_call_is_heard(unsigned peer)
{
	struct rln_call_request request = {.peer = peer, .to = "bob@198.18.0.2"};
	struct rln_session_id id = rln_coord_reserve(coord);
	struct rln_sub *sub = watch(RLN_SUB_SESSION, 0, id);

	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	assert_true(next_state(sub, RLN_STATE_CALLING));
	rln_coord_hangup(coord, id);
	turn();
	forget(sub);
}

/* Its subscriber heard the end; then the id is gone for good, and its slot is not. */
static void assert_told_once(struct rln_sub *sub, struct rln_session_id other)
{
	struct rln_event ev;

	turn();
	assert_true(next(sub, RLN_EV_SESSION_TERMINATED, &ev));
	assert_int_equal(ev.session_terminated.reason, RLN_END_REJECTED);
	assert_int_equal(ev.id, other.v);
	assert_int_equal(rln_sub_pop(sub, &ev), -EPIPE);
	forget(sub);
}

static void a_refused_consultation_leaves_no_trace(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2"};

	(void)state;
	for (unsigned i = 0; i < 2 * CALLS; i++) {
		struct rln_session_id id = rln_coord_reserve(coord), other = rln_coord_reserve(coord);
		struct rln_sub *sub = watch(RLN_SUB_SESSION, 0, other);

		assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
		assert_int_equal(rln_coord_consult(coord, id, "carol@198.18.0.3", other), 0); /* it is not answered yet */
		assert_told_once(sub, other);
		rln_coord_hangup(coord, id);
		turn();
		assert_a_call_is_heard(alice);
	}
}

/* The peer's BYE and the command may cross. Who reads the whole peer hears of it too, as long as it is known whose call it was. */
static void a_consultation_of_an_ended_call_leaves_no_trace(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	struct rln_call_request request = {.peer = alice, .to = "bob@198.18.0.2"};
	struct rln_session_id ended = rln_coord_reserve(coord), all = {0};
	struct rln_sub *peers = watch(RLN_SUB_PEER, alice, all);
	struct rln_event ev;

	(void)state;
	assert_int_equal(rln_coord_make_call(coord, ended, &request), 0);
	turn();
	rln_coord_hangup(coord, ended);
	turn();
	assert_true(next(peers, RLN_EV_SESSION_TERMINATED, &ev));
	for (unsigned i = 0; i < 2 * CALLS; i++) {
		struct rln_session_id other = rln_coord_reserve(coord);
		struct rln_sub *sub = watch(RLN_SUB_SESSION, 0, other);

		assert_int_equal(rln_coord_consult(coord, ended, "carol@198.18.0.3", other), 0);
		assert_told_once(sub, other);
		if (i == 0)
			assert_true(next(peers, RLN_EV_SESSION_TERMINATED, &ev));
		assert_a_call_is_heard(alice); /* in the end in that call's slot */
	}
	forget(peers);
}

/* It fails before there is a call: told, and then nobody else gets the id. */
static void a_linked_call_that_fails_leaves_no_trace(void **state)
{
	unsigned alice = peer_new("alice", 5060, false, nobody);
	const struct rln_session cause = {.peer = (uint16_t)alice};
	struct rln_session_id other = rln_coord_reserve(coord);
	struct rln_sub *sub = watch(RLN_SUB_SESSION, 0, other);
	uint64_t made = 0;

	(void)state;
	turn();
	assert_int_equal(rln_linked_make_call(coord, &cause, other.v, &(struct rln_linked_call){.to = "sip:"}, &made), -EINVAL);
	rln_linked_abandon(coord, &cause, other.v); /* void by now */
	assert_told_once(sub, other);
	assert_a_call_is_heard(alice);
	assert_int_equal(made, 0);
}

static void a_tap_of_an_ended_call_ends(void **state)
{
	struct rln_session_id id = rln_coord_reserve(coord);
	struct rln_taps *taps;
	struct rln_tap *tap;
	struct rln_tap_packet packet;
	uint64_t handle;

	(void)state;
	assert_int_equal(rln_taps_create(&taps), 0);
	coord->cfg.taps = taps;
	assert_int_equal(rln_tap_create(taps, 8, &tap, &handle), 0);
	assert_int_equal(rln_coord_tap(coord, id, handle, true), 0); /* the session never was */
	assert_int_equal(rln_tap_read(tap, &packet, 0), RLN_ETIMEDOUT);
	turn();
	assert_int_equal(rln_tap_read(tap, &packet, 0), RLN_EENDED);
	assert_int_equal(rln_taps_ring(taps, 0), 1); /* who sleeps is woken */
	rln_tap_destroy(taps, tap);
	assert_int_equal(rln_coord_tap(coord, id, handle, true), 0); /* stale by now */
	assert_int_equal(rln_coord_tap(coord, id, 0, true), 0);
	turn();
	rln_coord_unreserve(coord, id);
	coord->cfg.taps = NULL;
	rln_taps_destroy(taps);
}

static void digits_reach_the_application_under_the_sessions_id(void **state)
{
	struct rln_coord_peer_cfg cfg = {.name = "alice", .port = 5060, .local_address = "198.18.0.1"};
	struct rln_call_request request = {.to = "bob@198.18.0.2"};
	struct rln_session_id id = rln_coord_reserve(coord);
	struct rln_sub *sub = watch(RLN_SUB_SESSION, 0, id);
	struct rln_event ev;

	(void)state;
	coord->is_running = false;
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &request.peer, 0), 0);
	assert_int_equal(rln_coord_make_call(coord, id, &request), 0);
	turn();
	assert_string_equal(dialogs[0].from, "sip:alice@198.18.0.1");
	wire_establishes(&dialogs[0], SDP_PEER);
	worker_says(legs[0], RLN_EV_DTMF_DETECTED);
	assert_true(next(sub, RLN_EV_DTMF_DETECTED, &ev));
	assert_int_equal(ev.id, id.v);
	wire_byes(&dialogs[0], RLN_END_REMOTE);
	forget(sub);
}

static void a_leg_without_a_session_is_stopped(void **state)
{
	struct rln_event ev = {.id = rln_id_make(RLN_ID_SESSION, 0, 3, 99), .kind = RLN_EV_MEDIA_SESSION_CREATED};
	struct rln_bus_figures n;

	(void)state;
	legs[5] = rln_id_make(RLN_ID_MEDIA, 0, 5, 1);
	ev.media_session_created.media_id = legs[5];
	rln_bus_enter(bus, RLN_ENDPOINT_WORKER0);
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	turn();
	rln_bus_figures(bus, RLN_EV_STOP_MEDIA_STREAM, &n);
	assert_int_equal(n.delivered, 1);
	assert_int_equal(legs[5], 0);
}

static void only_events_of_a_layer_are_sent_to_it(void **state)
{
	struct rln_event ev = {.kind = RLN_EV_STATE_CHANGED};

	(void)state;
	assert_int_equal(rln_session_hub_send_to_dialog(coord, &ev), -EINVAL);
	assert_int_equal(rln_session_hub_send_to_media(coord, &ev), -EINVAL);
}

static void a_coordinator_without_memory_is_refused(void **state)
{
	int64_t before = rln_heap_live_count();
	struct rln_coord_cfg cfg = engine_cfg();
	struct rln_coord *other = NULL;
	int rc = -ENOMEM;

	(void)state;
	for (unsigned n = 1; rc != -EEXIST; n++) {
		rln_heap_fail_nth(n);
		rc = rln_coord_create(&other, &cfg); /* past the memory, the bus's places are taken by the real one */
		assert_true(rc == -ENOMEM || rc == -EEXIST);
		rln_heap_fail_nth(0);
		assert_int_equal(rln_heap_live_count(), before);
		assert_true(n < 40);
	}
	cfg.codecs_n = 0;
	assert_int_equal(rln_coord_create(&other, &cfg), -EINVAL);
	assert_null(other);
	rln_coord_destroy(NULL);
}

/* ---- the typed interface from the dialog layer (R148) ---- */

static struct {
	unsigned incoming, established, terminated;
	uint64_t dialog;
	char to[64], sdp[256];
	uint8_t reason;
} heard;

static void hear_incoming(void *arg, struct rln_dialog_id dialog, const struct rln_event *ev)
{
	assert_ptr_equal(arg, &heard);
	heard.incoming++;
	heard.dialog = dialog.v;
	snprintf(heard.to, sizeof(heard.to), "%s", rln_slice_text(ev->incoming_call.block, ev->incoming_call.to));
}

static void hear_established(void *arg, struct rln_dialog_id dialog, const struct rln_event *ev)
{
	assert_ptr_equal(arg, &heard);
	heard.established++;
	heard.dialog = dialog.v;
	snprintf(heard.sdp, sizeof(heard.sdp), "%s", rln_slice_text(ev->call_established.block, ev->call_established.sdp));
}

static void hear_terminated(void *arg, struct rln_dialog_id dialog, const struct rln_event *ev)
{
	assert_ptr_equal(arg, &heard);
	heard.terminated++;
	heard.dialog = dialog.v;
	heard.reason = ev->call_terminated.reason;
}

/* The three of them and nothing else, off the bus, each once; nobody else hears of them. */
static void the_hub_unpacks_for_the_dialog_event_handler(void **state)
{
	struct rln_event update = {.kind = RLN_EV_REINVITE_RECEIVED};
	struct fake_dialog *d;

	(void)state;
	memset(&heard, 0, sizeof(heard));
	peer_new("alice", 5060, false, nobody);
	coord->from_dialog = (struct rln_dialog_event_handler){hear_incoming, hear_established, hear_terminated, &heard};
	d = wire_invites("alice", 5060, SDP_PEER);
	assert_int_equal(heard.incoming, 1);
	assert_int_equal(heard.dialog, d->id);
	assert_string_equal(heard.to, "sip:alice@198.18.0.1");
	wire_establishes(d, SDP_PEER);
	assert_int_equal(heard.established, 1);
	assert_string_equal(heard.sdp, SDP_PEER);
	wire_byes(d, RLN_END_CANCELLED);
	assert_int_equal(heard.terminated, 1);
	assert_int_equal(heard.reason, RLN_END_CANCELLED);
	assert_int_equal(heard.dialog, d->id);
	assert_int_equal(d->response, 0);
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	emit(d, &update); /* this is none of the three: the hub's own business */
	turn();
	assert_int_equal(d->response, 481);
	assert_int_equal(heard.incoming + heard.established + heard.terminated, 3);
	assert_int_equal(rln_coord_sessions(coord), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_caller_sees_every_event_of_its_call),
		T(set_up_takes_from_the_invite_to_active),
		T(the_offer_is_the_callers_choice),
		T(requests_that_cannot_be_are_refused_at_once),
		T(a_target_that_nobody_knows_fails_by_event),
		T(commands_reach_the_call),
		T(the_call_limit_is_kept),
		T(a_drain_hangs_up_and_takes_no_more),
		T(the_end_of_the_coordinator_tells_everybody),
		T(peers_have_their_own_calls),
		T(names_and_ports_are_given_once),
		T(a_peer_that_goes_takes_its_calls_along),
		T(an_application_thread_waits_for_control),
		T(a_signal_does_not_end_the_wait_for_control),
		T(a_removal_that_nobody_waits_for_is_carried_out),
		T(strangers_are_counted_and_answered),
		T(an_id_that_nobody_reserved_makes_no_call),
		T(a_call_without_a_block_gives_its_id_back),
		T(a_refused_consultation_leaves_no_trace),
		T(a_consultation_of_an_ended_call_leaves_no_trace),
		T(a_linked_call_that_fails_leaves_no_trace),
		T(a_tap_of_an_ended_call_ends),
		T(digits_reach_the_application_under_the_sessions_id),
		T(a_leg_without_a_session_is_stopped),
		T(only_events_of_a_layer_are_sent_to_it),
		T(the_hub_unpacks_for_the_dialog_event_handler),
		T(a_coordinator_without_memory_is_refused),
	};

	return cmocka_run_group_tests_name("session_coordinator", tests, NULL, NULL);
}
