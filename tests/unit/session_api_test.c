/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The public interface, function by function: arguments, errors, and for each wait an event that came before, comes during it, or never comes.
 * The engine is turned by the test; "during" is a thread that turns it while the test waits.
 */
#include "session_engine.h"

#include <pthread.h>
#include <sched.h>

#include "rtp/frame_ring.h"
#include "session/api_priv.h"
#include "session/channel.h"

static struct rln_channels *channels;
static bool has_devices;
static unsigned stops;

/* No devices here: the runtime's start fails, unless a test has some, and what stands behind it is not linked. */
int rln_runtime_start(const struct rln_runtime_options *options)
{
	assert_null(options);
	return has_devices ? rln_api_bind(&(struct rln_api){.coord = coord, .channels = channels, .sip_port = 5060}) : -ENODEV;
}

void rln_runtime_stop(void)
{
	stops++;
	assert_int_equal(rln_api_bind(NULL), 0);
}

static uint64_t attached; /* handle of the last ATTACH_CHANNELS */

static void on_s2m(void *arg, const struct rln_event *ev)
{
	(void)arg;
	if (ev->kind == RLN_EV_ATTACH_CHANNELS && ev->attach_channels.attach)
		attached = ev->attach_channels.channels;
}

static int api_setup(void **state)
{
	struct rln_event_handler observer = {on_s2m, NULL, RLN_ENDPOINT_WORKER0};

	setup(state);
	attached = stops = 0;
	has_devices = false;
	assert_int_equal(rln_bus_subscribe(bus, RLN_CAT_S2M, &observer), 0);
	assert_int_equal(rln_channels_create(&channels, 4), 0);
	assert_int_equal(rln_api_bind(&(struct rln_api){.coord = coord, .channels = channels, .sip_port = 5060}), 0);
	return 0;
}

static int api_teardown(void **state)
{
	rln_channels_ring(channels, 0);
	assert_int_equal(rln_channels_in_use(channels), 0);
	teardown(state);
	rln_api_bind(NULL);
	rln_channels_destroy(channels);
	return 0;
}

static struct rln_peer *peer_open(const char *name, uint16_t port)
{
	coord->is_running = false; /* orders to control are carried out at once */
	return rln_peer_new(name, port);
}

static void peer_close(struct rln_peer *peer)
{
	coord->is_running = false;
	rln_peer_free(peer);
	turn();
}

/* ---- what a wait waits for: done by a thread while the test waits, or before ---- */

struct doing {
	pthread_t thread;
	void (*what)(void *arg);
	void *arg;
};

static void *do_it(void *arg)
{
	struct doing *d = arg;

	d->what(d->arg);
	return NULL;
}

static void meanwhile(struct doing *d, void (*what)(void *arg), void *arg)
{
	*d = (struct doing){.what = what, .arg = arg};
	assert_int_equal(pthread_create(&d->thread, NULL, do_it, d), 0);
}

static void answer(void *arg)
{
	wire_establishes(arg, SDP_PEER);
}

static void bye(void *arg)
{
	wire_byes(arg, RLN_END_REMOTE);
}

static void flow(void *arg)
{
	worker_says(*(uint64_t *)arg, RLN_EV_MEDIA_FLOW_ESTABLISHED);
	worker_says(*(uint64_t *)arg, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED);
}

static void invite(void *arg)
{
	wire_invites(arg, 5060, SDP_PEER);
}

static uint32_t listeners; /* when the order for the peer came */

static void take_order_and_invite(void *arg)
{
	while (!__atomic_load_n(&coord->orders, __ATOMIC_ACQUIRE))
		sched_yield();
	rln_subs_link(rln_coord_subs(coord));
	listeners = rln_subs_in_use(rln_coord_subs(coord));
	turn();
	wire_invites(arg, 5060, SDP_PEER);
}

static struct rln_call *calling(struct rln_peer *peer)
{
	struct rln_call *call = rln_peer_call(peer, "bob@198.18.0.2");

	assert_non_null(call);
	turn();
	return call;
}

static struct rln_call *up(struct rln_peer *peer, struct fake_dialog **dialog)
{
	struct rln_call *call = calling(peer);

	*dialog = &dialogs[0];
	for (unsigned i = 0; i < DIALOGS; i++) {
		if (dialogs[i].invite_open)
			*dialog = &dialogs[i];
	}
	wire_establishes(*dialog, SDP_PEER);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 0), 0);
	return call;
}

/* ---- errors in words ---- */

static void every_code_has_words(void **state)
{
	const int codes[] = {0, RLN_ETIMEDOUT, RLN_ECALLFAILED, RLN_EENDED, RLN_EREFUSED, -EINVAL, -ENOBUFS, -99999};

	(void)state;
	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_true(strlen(rln_error_text(codes[i])) > 3);
	assert_string_equal(rln_error_text(RLN_EREFUSED), "the peer refused");
	assert_string_equal(rln_error_text(-EINVAL), strerror(EINVAL));
}

/* ---- the peer ---- */

static void a_peer_needs_a_name_and_a_port(void **state)
{
	const struct rln_peer_options bad[] = {{.port = 5060}, {.name = "", .port = 5060}, {.name = "a"},
		{.name = "0123456789012345678901234567890123456789012345678901234567890123", .port = 5060},
		{.name = "a", .port = 5060, .local_address = "nowhere"}};
	struct rln_peer *peer, *other;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		coord->is_running = false;
		errno = 0;
		assert_null(rln_peer_new_with(&bad[i]));
		assert_int_equal(errno, EINVAL);
	}
	peer = peer_open("alice", 5060);
	assert_non_null(peer);
	assert_null(peer_open("alice", 5060));
	assert_int_equal(errno, EADDRINUSE);
	other = peer_open("bob", 5060);
	assert_non_null(other);
	peer_close(other);
	peer_close(peer);
	rln_peer_free(NULL);
}

/* Short programs check once, at their end. */
static void nothing_comes_of_nothing(void **state)
{
	struct rln_handler handler = {.abi = RLN_HANDLER_ABI};
	struct rln_app_options options = {.name = "x"};

	(void)state;
	errno = EADDRINUSE;
	assert_null(rln_peer_call(NULL, "bob@198.18.0.2"));
	assert_null(rln_incoming_accept(rln_peer_get_incoming_call(NULL, RLN_FOREVER)));
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(rln_call_wait_for_state(NULL, RLN_STATE_ACTIVE, RLN_FOREVER), -EINVAL);
	assert_int_equal(rln_call_wait_for_event(NULL, RLN_EV_DTMF_DETECTED, RLN_FOREVER, NULL), -EINVAL);
	assert_int_equal(rln_call_play(NULL, "a.wav", 1), -EINVAL);
	assert_int_equal(rln_call_hangup(NULL), -EINVAL);
	assert_null(rln_app_start(NULL, &handler));
	assert_int_equal(errno, EINVAL);
	assert_null(rln_app_start(&options, NULL));
	assert_int_equal(errno, EINVAL);
}

static void a_call_may_offer_nothing(void **state)
{
	struct rln_call_options late = {.late_offer = true}, plain = {.late_offer = false};
	const struct rln_call_options *const options[] = {&late, &plain, NULL};
	struct rln_peer *peer = peer_open("alice", 5060);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct rln_call *call = rln_peer_call_with(peer, "bob@198.18.0.2", options[i]);
		struct fake_dialog *d = &dialogs[0];

		assert_non_null(call);
		turn();
		while (!d->invite_open)
			assert_true(++d < dialogs + DIALOGS);
		assert_int_equal(d->sdp[0] == '\0', i == 0);
		wire_establishes(d, SDP_PEER);
		assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 0), 0);
		rln_call_free(call);
		turn();
	}
	assert_null(rln_peer_call_with(NULL, "bob@198.18.0.2", &late));
	assert_null(rln_peer_call_with(peer, "", &late));
	assert_int_equal(errno, EINVAL);
	peer_close(peer);
}

static void a_call_needs_a_target(void **state)
{
	struct rln_peer *peer = peer_open("alice", 5060);
	struct rln_call *calls[CALLS];
	char huge[700];

	(void)state;
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	for (unsigned i = 0; i < 2 * CALLS; i++) { /* none of them keeps an id */
		assert_null(rln_peer_call(peer, ""));
		assert_int_equal(errno, EINVAL);
		assert_null(rln_peer_call(peer, NULL));
		assert_int_equal(errno, EINVAL);
		assert_null(rln_peer_call(peer, huge));
		assert_int_equal(errno, EINVAL);
		turn();
	}
	for (unsigned i = 0; i < CALLS; i++)
		calls[i] = calling(peer);
	assert_null(rln_peer_call(peer, "bob@198.18.0.2"));
	assert_int_equal(errno, ENOSPC);
	for (unsigned i = 0; i < CALLS; i++)
		rln_call_free(calls[i]);
	turn();
	peer_close(peer);
}

static void an_incoming_call_comes_before_during_or_never(void **state)
{
	struct rln_peer *peer = peer_open("bob", 5060);
	struct rln_incoming *in;
	struct rln_call *call;
	struct doing d;

	(void)state;
	assert_null(rln_peer_get_incoming_call(peer, 0));
	assert_int_equal(errno, ETIMEDOUT);
	assert_null(rln_peer_get_incoming_call(peer, 20));
	assert_null(rln_incoming_accept(rln_peer_get_incoming_call(peer, 0)));
	assert_int_equal(errno, ETIMEDOUT); /* of the wait */
	wire_invites("bob", 5060, SDP_PEER);
	in = rln_peer_get_incoming_call(peer, 0);
	assert_non_null(in);
	assert_string_equal(rln_incoming_from(in), "sip:carol@198.18.0.2");
	assert_int_equal(rln_incoming_reject(in, 200), -EINVAL); /* and it is still there */
	assert_int_equal(rln_incoming_reject(in, 399), -EINVAL);
	assert_int_equal(rln_incoming_reject(in, 700), -EINVAL);
	assert_int_equal(rln_incoming_reject(in, 603), 0);
	turn();
	assert_int_equal(dialogs[0].response, 603);
	meanwhile(&d, invite, "bob");
	in = rln_peer_get_incoming_call(peer, 5000);
	pthread_join(d.thread, NULL);
	assert_non_null(in);
	assert_int_not_equal(rln_incoming_session(in).v, 0);
	call = rln_incoming_accept(in);
	assert_non_null(call);
	turn();
	rln_call_hangup(call);
	turn();
	rln_call_free(call);
	peer_close(peer);
}

static void who_gives_up_before_the_answer_is_told(void **state)
{
	struct rln_peer *peer = peer_open("bob", 5060);
	struct fake_dialog *d = wire_invites("bob", 5060, SDP_PEER);
	struct rln_incoming *in = rln_peer_get_incoming_call(peer, 0);

	(void)state;
	assert_non_null(in);
	wire_byes(d, RLN_END_CANCELLED);
	turn();
	assert_null(rln_incoming_accept(in));
	assert_int_equal(errno, ECANCELED);
	d = wire_invites("bob", 5060, SDP_PEER);
	in = rln_peer_get_incoming_call(peer, 0);
	assert_non_null(in);
	wire_byes(d, RLN_END_CANCELLED);
	turn();
	assert_int_equal(rln_incoming_reject(in, 486), -ECANCELED);
	peer_close(peer);
}

static unsigned rung;

/* The peer takes INVITEs as soon as control has it, whether or not the thread that asked for it has woken up. */
static void the_first_invite_may_come_at_once(void **state)
{
	struct rln_peer *peer;
	struct rln_incoming *in;
	struct doing d;

	(void)state;
	turn(); /* control runs */
	meanwhile(&d, take_order_and_invite, "alice");
	peer = rln_peer_new("alice", 5060);
	pthread_join(d.thread, NULL);
	assert_int_equal(listeners, 1); /* who wins the race must not matter */
	in = rln_peer_get_incoming_call(peer, 0);
	assert_non_null(in);
	rln_incoming_reject(in, 486);
	turn();
	peer_close(peer);
}

static void ring(void *arg, struct rln_incoming *in)
{
	assert_ptr_equal(arg, &rung);
	rung++;
	assert_int_equal(rln_incoming_reject(in, 486), 0);
}

static void callbacks_run_inside_waits(void **state)
{
	struct rln_peer *peer = peer_open("bob", 5060);
	struct doing d;

	(void)state;
	rung = 0;
	rln_peer_on_incoming_call(peer, ring, &rung);
	assert_int_equal(rln_peer_run(peer, 10), 0);
	assert_int_equal(rung, 0);
	wire_invites("bob", 5060, SDP_PEER);
	assert_int_equal(rln_peer_run(peer, 0), 0);
	assert_int_equal(rung, 1);
	turn();
	meanwhile(&d, invite, "bob");
	assert_int_equal(rln_peer_run(peer, 5000), 0);
	pthread_join(d.thread, NULL);
	assert_int_equal(rung, 2);
	turn();
	rln_peer_on_incoming_call(peer, NULL, NULL);
	peer_close(peer);
}

/* ---- waits of a call ---- */

static void a_state_comes_before_during_or_never(void **state)
{
	struct rln_peer *peer = peer_open("alice", 5060);
	struct rln_call *call = calling(peer);
	struct doing d;

	(void)state;
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_CALLING, 0), 0);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 0), RLN_ETIMEDOUT);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 20), RLN_ETIMEDOUT);
	meanwhile(&d, answer, &dialogs[0]);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, RLN_TIMEOUT_DEFAULT), 0);
	pthread_join(d.thread, NULL);
	assert_int_equal(rln_call_state(call), RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_end(call, NULL), RLN_END_NONE);
	meanwhile(&d, bye, &dialogs[0]);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ON_HOLD, RLN_FOREVER), RLN_ECALLFAILED);
	pthread_join(d.thread, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, 0), 0);
	assert_string_equal(rln_call_end_text(call), "REMOTE: the peer hung up, by CALL_TERMINATED");
	rln_call_free(call);
	peer_close(peer);
}

static void an_event_comes_before_during_or_never(void **state)
{
	struct rln_peer *peer = peer_open("alice", 5060);
	struct fake_dialog *dialog;
	struct rln_call *call = up(peer, &dialog);
	struct rln_event ev;
	struct doing d;

	(void)state;
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_CREATED, 0, &ev), 0); /* latched */
	assert_int_equal(ev.session_created.role, RLN_ROLE_UAC);
	assert_int_equal(ev.session_created.from_session, 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_CREATED, 0, NULL), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_FLOW_ESTABLISHED, 20, &ev), RLN_ETIMEDOUT);
	assert_false(rln_call_is_media_ready(call));
	assert_int_equal(rln_call_wait_for_media(call, 20), RLN_ETIMEDOUT);
	meanwhile(&d, flow, &legs[0]);
	assert_int_equal(rln_call_wait_for_media(call, 5000), 0);
	pthread_join(d.thread, NULL);
	assert_true(rln_call_is_media_ready(call));
	assert_int_equal(rln_call_wait_for_media(call, 0), 0);
	meanwhile(&d, bye, dialog);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_DTMF_DETECTED, RLN_FOREVER, &ev), RLN_ECALLFAILED);
	pthread_join(d.thread, NULL);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, 0, &ev), 0);
	assert_int_equal(ev.session_terminated.reason, RLN_END_REMOTE);
	rln_call_free(call);
	peer_close(peer);
}

static void a_call_that_fails_ends_the_wait_for_media(void **state)
{
	struct rln_peer *peer = peer_open("alice", 5060);
	struct rln_call *call = rln_peer_call(peer, "bob@nowhere");

	(void)state;
	turn();
	assert_int_equal(rln_call_wait_for_media(call, RLN_FOREVER), RLN_ECALLFAILED);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, RLN_FOREVER), RLN_ECALLFAILED);
	assert_non_null(strstr(rln_call_end_text(call), "NETWORK: the network could not reach the peer, by "));
	assert_null(rln_call_transferred(call, RLN_FOREVER));
	assert_int_equal(errno, ECANCELED);
	assert_null(rln_call_consult(call, "carol@198.18.0.3"));
	assert_int_equal(errno, EPIPE);
	assert_int_equal(rln_call_complete_transfer(call), -ENOENT);
	rln_call_free(call);
	peer_close(peer);
}

static void arguments_of_a_call_are_checked(void **state)
{
	struct rln_peer *peer = peer_open("alice", 5060);
	struct fake_dialog *dialog;
	struct rln_call *call = up(peer, &dialog);
	struct rln_call_statistics statistics;

	(void)state;
	assert_int_equal(rln_call_play(call, "", 1), -EINVAL);
	assert_int_equal(rln_call_play(call, NULL, 1), -EINVAL);
	assert_int_equal(rln_call_start_recording(call, "a.flac", RLN_FORMAT_FLAC, 1), -ENOTSUP);
	assert_int_equal(rln_call_start_recording(call, "a.wav", RLN_FORMAT_WAV, 0), -EINVAL);
	assert_int_equal(rln_call_start_recording(call, "", RLN_FORMAT_WAV, 1), -EINVAL);
	assert_int_equal(rln_call_send_dtmf(call, ""), -EINVAL);
	assert_int_equal(rln_call_send_dtmf(call, "x"), -EINVAL);
	assert_int_equal(rln_call_transfer(call, "", RLN_TRANSFER_BLIND), -EINVAL);
	assert_int_equal(rln_call_transfer(call, "", RLN_TRANSFER_ATTENDED), -EINVAL);
	assert_int_equal(rln_call_transfer(call, "carol@198.18.0.3", (enum rln_transfer_type)7), -EINVAL);
	assert_null(rln_call_consult(call, NULL));
	assert_int_equal(errno, EINVAL);
	assert_null(rln_call_transferred(call, 10));
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(rln_call_complete_transfer(call), -ENOENT);
	assert_int_equal(rln_call_statistics(call, &statistics), -ENOENT); /* this engine has no shard */
	assert_int_equal(rln_call_refusal(call), 0);
	assert_int_equal(rln_call_mute(call, true), 0);
	assert_int_equal(rln_call_stop_audio(call), 0);
	assert_int_equal(rln_call_stop_recording(call), 0);
	assert_int_equal(rln_call_hangup(call), 0);
	turn();
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, 0), 0);
	rln_call_free(call);
	rln_call_free(NULL);
	peer_close(peer);
}

/* ---- audio ---- */

static void hear(void *arg)
{
	struct rln_frame_ring *in = arg;
	struct rln_frame *slot = rln_frame_ring_slot(in);

	slot->timestamp = 160;
	slot->samples_n = RLN_FRAME_SAMPLES;
	slot->flags = 0;
	rln_frame_ring_commit(in);
	rln_frame_ring_wake(in, rln_frame_ring_count(in));
	rln_channels_ring(channels, 0);
}

static void end_audio(void *arg)
{
	rln_channel_part(channels, *(uint64_t *)arg);
	rln_channels_ring(channels, 0);
}

static void audio_comes_before_during_or_never(void **state)
{
	struct rln_peer *peer = peer_open("alice", 5060);
	struct rln_frame_ring *in, *out;
	struct fake_dialog *dialog;
	struct rln_call *call = up(peer, &dialog);
	struct rln_audio_frame frame = {.samples_n = RLN_FRAME_SAMPLES};
	struct rln_audio_figures figures;
	struct rln_audio_tx *tx;
	struct rln_audio_rx *rx;
	struct doing d;

	(void)state;
	assert_int_equal(rln_call_audio_channels_when_ready(call, 20, &tx, &rx), RLN_ETIMEDOUT);
	rln_call_audio_figures(call, &figures);
	assert_int_equal(figures.sent, 0);
	meanwhile(&d, flow, &legs[0]);
	assert_int_equal(rln_call_audio_channels(call, &tx, &rx), 0);
	pthread_join(d.thread, NULL);
	turn();
	assert_int_equal(rln_channel_join(channels, attached, &in, &out), 0);
	assert_int_equal(rln_audio_recv(rx, &frame, 0), RLN_ETIMEDOUT);
	assert_int_equal(rln_audio_recv(rx, &frame, 20), RLN_ETIMEDOUT);
	hear(in);
	assert_int_equal(rln_call_recv_audio(call, &frame, 0), 0); /* the same channel */
	assert_int_equal(frame.timestamp, 160);
	meanwhile(&d, hear, in);
	assert_int_equal(rln_audio_recv(rx, &frame, 5000), 0);
	pthread_join(d.thread, NULL);
	assert_true(rln_audio_fd(rx) >= 0);
	assert_int_equal(rln_audio_send(tx, &frame), 0);
	assert_int_equal(rln_audio_wait_can_send(tx, 1000, 0), RLN_ETIMEDOUT);
	assert_int_equal(rln_audio_wait_can_send(tx, 999, 0), 0);
	rln_call_audio_figures(call, &figures);
	assert_int_equal(figures.received, 2);
	meanwhile(&d, end_audio, &attached);
	assert_int_equal(rln_call_recv_audio(call, &frame, RLN_FOREVER), RLN_EENDED);
	pthread_join(d.thread, NULL);
	assert_int_equal(rln_call_send_audio(call, &frame), RLN_EENDED);
	assert_int_equal(rln_call_wait_can_send(call, 1, 0), RLN_EENDED);
	bye(dialog);
	rln_call_free(call);
	peer_close(peer);
}

/* R129: who never hears anything is told, and not kept waiting for ever. */
static void a_receiver_that_never_hears_anything_stops(void **state)
{
	struct rln_peer *peer = peer_open("alice", 5060);
	struct rln_call *call = calling(peer);
	struct rln_audio_frame frame;

	(void)state;
	assert_int_equal(rln_call_recv_audio(call, &frame, 0), RLN_ETIMEDOUT);
	call->rx.health_ms = 30;
	assert_int_equal(rln_call_recv_audio(call, &frame, 60), RLN_ETIMEDOUT); /* it rings: nothing is due yet */
	wire_establishes(&dialogs[0], SDP_PEER);
	assert_int_equal(rln_call_recv_audio(call, &frame, 10), RLN_ETIMEDOUT);
	assert_int_equal(rln_call_recv_audio(call, &frame, RLN_FOREVER), RLN_EENDED);
	assert_int_equal(rln_call_recv_audio(call, &frame, 0), RLN_EENDED);
	bye(&dialogs[0]);
	rln_call_free(call);
	peer_close(peer);
}

/* ---- the runtime is gone, or never came ---- */

static void without_a_runtime_nothing_is_made(void **state)
{
	(void)state;
	rln_api_bind(NULL);
	assert_null(rln_peer_new("alice", 5060));
	assert_int_equal(errno, ENODEV);
	assert_null(rln_coordinator_new(NULL, NULL));
	assert_int_equal(errno, ENODEV);
	assert_null(rln_builder_build(rln_builder_new()));
	assert_int_equal(errno, ENODEV);
}

static void handles_that_are_left_say_so(void **state)
{
	struct rln_api api = {.coord = coord, .channels = channels, .sip_port = 5060};
	struct rln_peer *peer = peer_open("alice", 5060);
	struct fake_dialog *dialog;
	struct rln_call *call = up(peer, &dialog);
	struct rln_audio_frame frame = {0};
	struct fake_dialog *caller = wire_invites("alice", 5060, SDP_PEER);
	struct rln_incoming *in = rln_peer_get_incoming_call(peer, 0);
	unsigned number;

	(void)state;
	assert_non_null(in);
	rln_api_bind(NULL);
	assert_false(rln_runtime_is_running());
	assert_null(rln_incoming_accept(in));
	assert_int_equal(errno, EPIPE);
	assert_int_equal(rln_call_hangup(call), RLN_EENDED);
	assert_int_equal(rln_call_hold(call), RLN_EENDED);
	assert_int_equal(rln_call_transfer(call, "carol@198.18.0.3", RLN_TRANSFER_BLIND), RLN_EENDED);
	assert_int_equal(rln_call_transfer(call, "carol@198.18.0.3", RLN_TRANSFER_ATTENDED), RLN_EENDED);
	assert_int_equal(rln_call_send_audio(call, &frame), RLN_EENDED);
	assert_null(rln_peer_call(peer, "bob@198.18.0.2"));
	assert_int_equal(errno, EPIPE);
	assert_int_equal(rln_api_bind(&api), 0);
	assert_true(rln_runtime_is_running());
	wire_byes(caller, RLN_END_CANCELLED);
	assert_int_equal(rln_call_hangup(call), RLN_EENDED); /* the next run is not theirs */
	bye(dialog);
	rln_call_free(call);
	number = peer->number;
	coord->is_running = false;
	rln_peer_free(peer);
	assert_true(coord->peers[number].in_use && !coord->peers[number].is_dying);
	assert_int_equal(rln_coord_del_peer(coord, number, 0), 0);
	turn();
}

static void an_answer_that_comes_too_late_says_so(void **state)
{
	struct rln_peer *peer = peer_open("alice", 5060);
	struct rln_incoming *in;

	(void)state;
	wire_invites("alice", 5060, SDP_PEER);
	in = rln_peer_get_incoming_call(peer, 0);
	assert_non_null(in);
	rln_api_bind(NULL);
	assert_null(rln_incoming_accept(in));
	assert_int_equal(errno, EPIPE);
	coord->is_running = false;
	assert_int_equal(rln_coord_del_peer(coord, peer->number, 0), 0);
	rln_peer_free(peer);
	turn();
}

/* A subscriber and a receiver may be freed after the coordinator that they came from, and after its run. */
static void what_came_of_a_handle_outlives_it(void **state)
{
	struct rln_coordinator *c;
	struct rln_audio_rx *rx;
	struct rln_audio_frame frame;

	(void)state;
	rln_api_bind(NULL);
	has_devices = true;
	c = rln_coordinator_new(NULL, NULL);
	assert_non_null(c);
	rx = rln_media_subscribe_to_audio_frames(c, (struct rln_session_id){rln_id_make(RLN_ID_SESSION, 0, 1, 1)});
	assert_non_null(rx);
	turn();
	rln_coordinator_free(c);
	assert_int_equal(stops, 1);
	rln_channel_leave(channels, rx->channel); /* as the appliance takes it back */
	assert_int_equal(rln_audio_recv(rx, &frame, 0), RLN_EENDED);
	rln_audio_unsubscribe(rx);
}

static void who_frees_last_stops_his_own_run_alone(void **state)
{
	struct rln_peer *old, *peer;

	(void)state;
	rln_api_bind(NULL);
	has_devices = true;
	old = peer_open("alice", 5060);
	assert_non_null(old);
	coord->is_running = false;
	assert_int_equal(rln_coord_del_peer(coord, old->number, 0), 0);
	rln_runtime_stop();
	assert_int_equal(rln_runtime_start(NULL), 0); /* the application's own */
	rln_peer_free(old);
	assert_int_equal(stops, 1);
	assert_true(rln_runtime_is_running());
	peer_close(peer_open("alice", 5060));
	assert_true(rln_runtime_is_running());
	rln_runtime_stop();
	peer = peer_open("alice", 5060); /* starts it again */
	peer_close(peer);
	assert_int_equal(stops, 3);
	assert_false(rln_runtime_is_running());
}

#define T(name) cmocka_unit_test_setup_teardown(name, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_words),
		T(a_peer_needs_a_name_and_a_port),
		T(nothing_comes_of_nothing),
		T(a_call_may_offer_nothing),
		T(a_call_needs_a_target),
		T(an_incoming_call_comes_before_during_or_never),
		T(who_gives_up_before_the_answer_is_told),
		T(the_first_invite_may_come_at_once),
		T(callbacks_run_inside_waits),
		T(a_state_comes_before_during_or_never),
		T(an_event_comes_before_during_or_never),
		T(a_call_that_fails_ends_the_wait_for_media),
		T(arguments_of_a_call_are_checked),
		T(audio_comes_before_during_or_never),
		T(a_receiver_that_never_hears_anything_stops),
		T(without_a_runtime_nothing_is_made),
		T(handles_that_are_left_say_so),
		T(an_answer_that_comes_too_late_says_so),
		T(what_came_of_a_handle_outlives_it),
		T(who_frees_last_stops_his_own_run_alone),
	};

	return cmocka_run_group_tests_name("session/api", tests, NULL, NULL);
}
