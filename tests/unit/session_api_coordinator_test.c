/* SPDX-License-Identifier: BSD-3-Clause */
/* The coordinator's part of the public interface: arguments, callbacks, waits by kind and fields, subscriptions, what can be read of the engine. */
#include "session_engine.h"

#include <pthread.h>
#include <sched.h>

#include "rtp/frame_ring.h"
#include "session/api_priv.h"
#include "session/channel.h"

static struct rln_channels *channels;
static struct rln_coordinator *c;
static uint64_t attached;

int rln_runtime_start(const struct rln_runtime_options *options)
{
	(void)options;
	return -ENODEV;
}

void rln_runtime_stop(void)
{
}

static void on_s2m(void *arg, const struct rln_event *ev)
{
	(void)arg;
	if (ev->kind == RLN_EV_ATTACH_CHANNELS)
		attached = ev->attach_channels.channels;
}

/* ---- what its handlers are told ---- */

static struct {
	unsigned incoming, established, ended;
	struct rln_session_id session;
	enum rln_end_reason reason;
	uint16_t code;
	char from[64];
} told;

static void on_incoming(void *arg, struct rln_session_id session, const char *from)
{
	assert_ptr_equal(arg, &told);
	told.incoming++;
	told.session = session;
	snprintf(told.from, sizeof(told.from), "%s", from);
}

static void on_established(void *arg, struct rln_session_id session)
{
	(void)arg;
	assert_int_equal(session.v, told.session.v);
	told.established++;
}

static void on_ended(void *arg, struct rln_session_id session, enum rln_end_reason reason, uint16_t code)
{
	(void)arg;
	assert_int_equal(session.v, told.session.v);
	told.ended++;
	told.reason = reason;
	told.code = code;
}

static const struct rln_call_handler handler = {on_incoming, on_established, on_ended, &told};

static int coordinator_setup(void **state)
{
	struct rln_event_handler observer = {on_s2m, NULL, RLN_ENDPOINT_WORKER0};

	setup(state);
	attached = 0;
	memset(&told, 0, sizeof(told));
	assert_int_equal(rln_bus_subscribe(bus, RLN_CAT_S2M, &observer), 0);
	assert_int_equal(rln_channels_create(&channels, 2), 0);
	assert_int_equal(rln_api_bind(&(struct rln_api){.coord = coord, .channels = channels, .sip_port = 5060}), 0);
	c = rln_coordinator_new(NULL, &handler);
	assert_non_null(c);
	assert_int_equal(rln_coordinator_start(c), 0);
	return 0;
}

static int coordinator_teardown(void **state)
{
	turn();
	coord->is_running = false;
	rln_coordinator_free(c);
	turn();
	rln_channels_ring(channels, 0);
	teardown(state);
	rln_api_bind(NULL);
	rln_channels_destroy(channels);
	return 0;
}

static struct rln_session_id place_call(void)
{
	struct rln_session_id id = rln_make_call(c, "bob@198.18.0.2");

	assert_true(id.v);
	told.session = id;
	turn();
	return id;
}

/* ---- life ---- */

static void before_the_start_nothing_works(void **state)
{
	struct rln_coordinator *other = rln_coordinator_new(&(struct rln_coordinator_options){.name = "x", .port = 5090}, NULL);
	struct rln_transport_event tell = {.kind = RLN_TRANSPORT_RESPONSE, .status = 180};
	struct rln_event ev = {.kind = RLN_EV_SESSION_CREATED};

	(void)state;
	assert_int_equal(rln_coordinator_run(other, 0), -ENOTCONN);
	assert_int_equal(rln_coordinator_wait_for_event_timeout(other, &ev, 0), -ENOTCONN);
	assert_int_equal(rln_coordinator_handle_transport_event(other, &tell), -ENOTCONN);
	assert_int_equal(rln_make_call(other, "bob@198.18.0.2").v, 0);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(rln_coordinator_start(c), -EALREADY);
	rln_coordinator_free(other);
	rln_coordinator_free(NULL);
	coord->is_running = false;
	assert_null(rln_builder_build(rln_builder_with_name(rln_builder_new(), "y", 5060))); /* the port is taken */
	assert_int_equal(errno, EADDRINUSE);
	assert_null(rln_builder_build(NULL));
	assert_int_equal(errno, ENOMEM);
	rln_builder_free(rln_builder_new());
}

static struct rln_decision refuse(void *arg, const struct rln_invite_details *invite)
{
	(void)invite;
	(*(unsigned *)arg)++;
	return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 404};
}

static void a_builder_makes_it_in_steps(void **state)
{
	unsigned asked = 0;
	struct rln_signalling_handler decides = {.on_incoming_invite = refuse, .arg = &asked};
	struct rln_builder *b = rln_builder_new();
	struct rln_coordinator *built;
	struct fake_dialog *d;

	(void)state;
	coord->is_running = false;
	b = rln_builder_with_name(rln_builder_with_call_handler(rln_builder_with_handler(b, &decides), &handler), "desk", 5090);
	built = rln_builder_build(b);
	assert_non_null(built);
	d = wire_invites("anybody", 5090, SDP_PEER);
	assert_int_equal(asked, 1);
	assert_int_equal(d->response, 404);
	coord->is_running = false;
	rln_coordinator_free(built);
}

/* ---- calls and callbacks ---- */

static void callbacks_come_in_order_inside_run(void **state)
{
	struct fake_dialog *d = wire_invites("anybody", 5060, SDP_PEER);

	(void)state;
	assert_int_equal(told.incoming, 0);
	assert_int_equal(rln_coordinator_run(c, 0), 1);
	assert_int_equal(told.incoming, 1);
	assert_string_equal(told.from, "sip:carol@198.18.0.2");
	assert_int_equal(rln_coordinator_run(c, 10), 0);
	assert_int_equal(rln_accept_call(c, told.session), 0);
	turn();
	wire_establishes(d, NULL);
	wire_byes(d, RLN_END_REMOTE);
	assert_int_equal(rln_coordinator_run(c, 0), 2);
	assert_int_equal(told.established, 1);
	assert_int_equal(told.ended, 1);
	assert_int_equal(told.reason, RLN_END_REMOTE);
}

static void an_incoming_call_is_refused_with_the_given_code(void **state)
{
	struct fake_dialog *d = wire_invites("anybody", 5060, SDP_PEER);

	(void)state;
	rln_coordinator_run(c, 0);
	assert_int_equal(rln_reject_call(c, told.session, 399), -EINVAL);
	assert_int_equal(rln_reject_call(c, told.session, 486), 0);
	turn();
	assert_int_equal(d->response, 486);
	assert_int_equal(rln_coordinator_run(c, 0), 1);
	assert_int_equal(told.reason, RLN_END_REJECTED);
	assert_int_equal(told.code, 486);
}

static struct rln_decision defer(void *arg, const struct rln_invite_details *invite)
{
	(void)arg;
	(void)invite;
	return (struct rln_decision){.kind = RLN_DECISION_DEFER};
}

static void a_deferred_call_waits_for_its_decision(void **state)
{
	struct rln_signalling_handler decides = {.on_incoming_invite = defer};
	struct rln_coordinator_options options = {.name = "queue", .port = 5090};
	struct rln_coordinator *q = rln_coordinator_with_handler(&options, &decides);
	struct fake_dialog *first, *second;
	struct rln_event ev = {.kind = RLN_EV_INCOMING_CALL};

	(void)state;
	coord->is_running = false;
	assert_int_equal(rln_coordinator_start(q), 0);
	first = wire_invites("queue", 5090, SDP_PEER);
	assert_int_equal(first->response, 182);
	assert_int_equal(rln_coordinator_wait_for_event_timeout(q, &ev, 0), 0);
	assert_int_equal(rln_deferred_reject(q, (struct rln_session_id){ev.id}, 100), -EINVAL);
	assert_int_equal(rln_deferred_accept(q, (struct rln_session_id){ev.id}), 0);
	turn();
	assert_int_equal(first->response, 200);
	wire_establishes(first, NULL);
	second = wire_invites("queue", 5090, SDP_PEER);
	ev = (struct rln_event){.kind = RLN_EV_INCOMING_CALL};
	assert_int_equal(rln_coordinator_wait_for_event_timeout(q, &ev, 0), 0);
	assert_int_equal(rln_deferred_reject(q, (struct rln_session_id){ev.id}, 603), 0);
	turn();
	assert_int_equal(second->response, 603);
	wire_byes(first, RLN_END_REMOTE);
	coord->is_running = false;
	rln_coordinator_free(q);
}

static void a_call_without_an_offer(void **state)
{
	struct rln_session_id id = rln_coordinator_create_outgoing_call(c, NULL, "bob@198.18.0.2", "");

	(void)state;
	assert_int_not_equal(id.v, 0);
	told.session = id;
	turn();
	assert_string_equal(dialogs[0].sdp, "");
	assert_true(dialogs[0].invite_open);
	wire_establishes(&dialogs[0], SDP_PEER); /* the 200 offers, the ACK answers */
	assert_int_equal(rln_session_manager_get_session(coord->sessions, id)->state, RLN_STATE_ACTIVE);
	assert_int_equal(rln_coordinator_terminate_session(c, id), 0);
	turn();
}

static void operations_check_their_arguments(void **state)
{
	struct rln_session_id id = place_call(), none = {0};

	(void)state;
	assert_int_equal(rln_make_call(c, "").v, 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(rln_coordinator_consult(c, id, "").v, 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(rln_transfer_call(c, id, ""), -EINVAL);
	assert_int_equal(rln_bridge_calls(c, id, none), -EINVAL);
	assert_int_equal(rln_bridge_calls(c, id, id), -EINVAL);
	assert_int_equal(rln_send_dtmf(c, id, "z"), -EINVAL);
	assert_int_equal(rln_coordinator_play(c, id, NULL, 1), -EINVAL);
	assert_int_equal(rln_coordinator_start_recording(c, id, "x", RLN_FORMAT_MP3, 1), -ENOTSUP);
	assert_int_equal(rln_coordinator_start_recording(c, id, "x", RLN_FORMAT_WAV, 3), -EINVAL);
	assert_int_equal(rln_coordinator_update(c, id, (enum rln_media_direction)4), -EINVAL);
	assert_int_equal(rln_coordinator_update(c, id, (enum rln_media_direction)256), -EINVAL);
	assert_int_equal(rln_coordinator_update(c, id, RLN_MEDIA_INBOUND), 0);
	assert_int_equal(rln_coordinator_mute(c, id, true), 0);
	assert_int_equal(rln_coordinator_stop_audio(c, id), 0);
	assert_int_equal(rln_coordinator_stop_recording(c, id), 0);
	assert_int_equal(rln_coordinator_complete_transfer(c, id), 0); /* queued; that it means nothing here is told by event */
	assert_int_equal(rln_coordinator_unbridge(c, id), 0);
	assert_int_equal(rln_hold_call(c, id), 0);
	assert_int_equal(rln_resume_call(c, id), 0);
	assert_int_equal(rln_hangup_call(c, id), 0);
	turn();
}

/* ---- waits ---- */

struct later {
	pthread_t thread;
	struct fake_dialog *d;
};

static void *answer_later(void *arg)
{
	wire_establishes(((struct later *)arg)->d, SDP_PEER);
	return NULL;
}

static void an_event_is_waited_for_by_kind_and_fields(void **state)
{
	struct rln_session_id id = place_call();
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_STATE_CHANGED, .state_changed = {.new_state = RLN_STATE_ACTIVE}};
	struct later l = {.d = &dialogs[0]};

	(void)state;
	assert_int_equal(rln_coordinator_wait_for_event_timeout(c, &ev, 0), RLN_ETIMEDOUT);
	assert_int_equal(rln_coordinator_wait_for_event_timeout(c, &ev, 20), RLN_ETIMEDOUT);
	assert_int_equal(pthread_create(&l.thread, NULL, answer_later, &l), 0);
	assert_int_equal(rln_coordinator_wait_for_event_timeout(c, &ev, RLN_TIMEOUT_DEFAULT), 0);
	pthread_join(l.thread, NULL);
	assert_int_equal(ev.state_changed.old_state, RLN_STATE_NEGOTIATING);
	assert_int_equal(ev.state_changed.by, RLN_EV_MEDIA_STREAM_STARTED);
	wire_byes(&dialogs[0], RLN_END_REMOTE);
	ev = (struct rln_event){.kind = RLN_EV_SESSION_TERMINATED, .session_terminated = {.reason = RLN_END_MEDIA}};
	assert_int_equal(rln_coordinator_wait_for_event_timeout(c, &ev, 0), RLN_ETIMEDOUT); /* another reason */
	assert_int_equal(told.ended, 1);                                                    /* told all the same */
}

static bool is_role(void *arg, const struct rln_event *ev)
{
	return ev->kind == RLN_EV_SESSION_CREATED && ev->session_created.role == *(enum rln_call_role *)arg;
}

static void an_event_is_waited_for_by_a_question(void **state)
{
	enum rln_call_role uac = RLN_ROLE_UAC, uas = RLN_ROLE_UAS;
	struct rln_session_id id = place_call();
	struct rln_event ev;

	(void)state;
	assert_int_equal(rln_coordinator_wait_for_event_where(c, is_role, &uac, &ev, 0), 0); /* 0 is a value like any other */
	assert_int_equal(ev.id, id.v);
	assert_int_equal(rln_coordinator_wait_for_event_where(c, is_role, &uas, &ev, 0), RLN_ETIMEDOUT);
	assert_int_equal(rln_hangup_call(c, id), 0);
	turn();
}

static unsigned busy_calls;

/* Takes longer than its caller waits, and brings the next callback. */
static void on_busy(void *arg, struct rln_session_id session, const char *from)
{
	uint64_t end = rln_clock_ns() + 2 * RLN_MS;

	(void)arg;
	(void)from;
	while (rln_clock_ns() < end)
		;
	rln_reject_call(c, session, 486);
	if (++busy_calls < 4)
		wire_invites("another", 5060, SDP_PEER);
	turn();
}

static void callbacks_take_of_the_time_of_a_wait(void **state)
{
	struct rln_event ev = {.kind = RLN_EV_DTMF_DETECTED};

	(void)state;
	busy_calls = 0;
	c->handler = (struct rln_call_handler){.on_incoming_call = on_busy};
	wire_invites("someone", 5060, SDP_PEER);
	assert_int_equal(rln_coordinator_wait_for_event_timeout(c, &ev, 1), RLN_ETIMEDOUT);
	assert_true(busy_calls <= 2); /* with a last look once the time is up */
	busy_calls = 4;
	rln_coordinator_run(c, 0);
}

/* Their BYE is answered later. */
static void *turn_until_alone(void *arg)
{
	while (!__atomic_load_n(&coord->orders, __ATOMIC_ACQUIRE))
		sched_yield();
	turn();
	wire_byes(arg, RLN_END_NORMAL);
	return NULL;
}

static void who_stops_with_calls_is_told_their_ends(void **state)
{
	pthread_t thread;

	(void)state;
	place_call();
	wire_establishes(&dialogs[0], SDP_PEER);
	assert_int_equal(pthread_create(&thread, NULL, turn_until_alone, &dialogs[0]), 0);
	rln_coordinator_stop(c);
	pthread_join(thread, NULL);
	assert_int_equal(told.ended, 1);
	assert_int_equal(told.reason, RLN_END_NORMAL);
}

/* The runtime ends before its coordinator: nobody tells the end of what it still has. */
static void ends_that_nobody_tells_are_told_by_the_stop(void **state)
{
	(void)state;
	told.session = rln_make_call(c, "bob@198.18.0.2");
	c->inbox.ended = true; /* as after rln_subs_destroy() */
	coord->is_running = false;
	rln_coordinator_stop(c);
	assert_int_equal(told.ended, 1);
	assert_int_equal(told.reason, RLN_END_NETWORK);
}

/* ---- subscriptions ---- */

static void a_subscriber_has_a_ring_of_its_own(void **state)
{
	struct rln_session_id id = place_call();
	struct rln_subscriber *s = rln_coordinator_subscribe_to_session_events(c, id);
	struct later l = {.d = &dialogs[0]};
	struct rln_event ev;
	size_t len;
	int rc;

	(void)state;
	assert_non_null(s);
	assert_int_equal(rln_subscriber_next(s, &ev, 0), RLN_ETIMEDOUT);
	assert_int_equal(rln_subscriber_next(s, &ev, 10), RLN_ETIMEDOUT);
	assert_true(rln_subscriber_fd(s) >= 0);
	assert_int_equal(pthread_create(&l.thread, NULL, answer_later, &l), 0);
	assert_int_equal(rln_subscriber_next(s, &ev, 5000), 0);
	pthread_join(l.thread, NULL);
	rln_subscriber_release(s, &ev);
	wire_byes(&dialogs[0], RLN_END_REMOTE);
	while ((rc = rln_subscriber_next(s, &ev, 0)) == 0) {
		if (ev.kind == RLN_EV_SDP_EVENT)
			assert_non_null(rln_subscriber_text(s, &ev, ev.sdp_event.sdp, &len));
		rln_subscriber_release(s, &ev);
	}
	assert_int_equal(rc, RLN_EENDED);
	assert_int_equal(rln_subscriber_lost(s), 0);
	rln_subscriber_free(s);
	rln_subscriber_free(NULL);
}

static void audio_is_subscribed_to_by_session(void **state)
{
	struct rln_session_id id = place_call();
	struct rln_audio_frame frame;
	struct rln_frame_ring *in, *out;
	struct rln_audio_rx *rx;

	(void)state;
	wire_establishes(&dialogs[0], SDP_PEER);
	rx = rln_media_subscribe_to_audio_frames(c, id);
	assert_non_null(rx);
	turn();
	assert_int_equal(rln_channel_join(channels, attached, &in, &out), 0);
	assert_int_equal(rln_audio_recv(rx, &frame, 10), RLN_ETIMEDOUT);
	rln_frame_ring_slot(in)->samples_n = RLN_FRAME_SAMPLES;
	rln_frame_ring_commit(in);
	assert_int_equal(rln_audio_recv(rx, &frame, 0), 0);
	rln_channel_part(channels, attached);
	assert_int_equal(rln_audio_recv(rx, &frame, RLN_FOREVER), RLN_EENDED);
	rln_audio_unsubscribe(rx);
	rln_audio_unsubscribe(NULL);
	rx = rln_media_subscribe_to_audio_frames(c, (struct rln_session_id){0}); /* nobody's: ends at once */
	assert_non_null(rx);
	turn();
	rln_channels_ring(channels, 0);
	assert_int_equal(rln_audio_recv(rx, &frame, RLN_FOREVER), RLN_EENDED);
	rln_audio_unsubscribe(rx);
	wire_byes(&dialogs[0], RLN_END_REMOTE);
}

/* ---- what can be read ---- */

static void the_registry_can_be_read(void **state)
{
	const struct rln_registry *registry = rln_coordinator_registry(c);
	struct rln_session_id a = place_call(), b = place_call();
	struct rln_call_info info, all[CALLS];

	(void)state;
	assert_int_equal(rln_coordinator_sessions(c), 2);
	assert_int_equal(rln_registry_list(registry, all, CALLS), 2);
	assert_int_equal(rln_registry_list(registry, all, 1), 1);
	assert_int_equal(rln_registry_lookup(registry, a.v, &info), 0);
	assert_int_equal(info.state, RLN_STATE_CALLING);
	assert_int_equal(info.role, RLN_ROLE_UAC);
	assert_int_equal(info.dialog.v, dialogs[0].id);
	assert_int_equal(rln_registry_lookup(registry, info.dialog.v, &info), 0);
	assert_int_equal(info.session.v, a.v);
	assert_int_equal(rln_registry_lookup(registry, info.media.v, &info), 0);
	assert_int_equal(info.session.v, a.v);
	assert_int_equal(rln_registry_lookup(registry, 0, &info), -ENOENT);
	assert_int_equal(rln_registry_lookup(NULL, a.v, &info), -ENOENT);
	rln_hangup_call(c, a);
	told.session = b;
	rln_hangup_call(c, b);
	turn();
	assert_int_equal(rln_registry_lookup(registry, a.v, &info), -ENOENT);
	assert_int_equal(rln_registry_list(registry, all, CALLS), 0);
	c->handler = (struct rln_call_handler){0}; /* two calls: not what the callbacks here are for */
}

static void the_state_table_can_be_read(void **state)
{
	const struct rln_machine *machine = rln_coordinator_machine(c);
	struct rln_event hangup = {.kind = RLN_EV_HANGUP_CALL}, packet = {.kind = RLN_EV_START_RTP_STREAM};
	struct rln_event ringing = {.kind = RLN_EV_CALL_STATE_CHANGED, .call_state_changed = {.new_state = RLN_CALL_RINGING}};
	struct rln_machine_row rows[8];
	size_t n;

	(void)state;
	n = rln_machine_rows(machine, RLN_STATE_ACTIVE, RLN_ROLE_UAC, &hangup, rows, 8);
	assert_true(n >= 1 && n <= 8);
	assert_int_equal(rows[n - 1].verdict, RLN_VERDICT_GO);
	assert_string_equal(rows[n - 1].guard, ""); /* the last row of a cell holds always */
	assert_int_equal(rows[n - 1].next, RLN_STATE_TERMINATING);
	assert_non_null(rows[n - 1].actions[0]);
	n = rln_machine_rows(machine, RLN_STATE_TERMINATED, RLN_ROLE_UAS, &ringing, rows, 8);
	assert_true(n >= 1);
	assert_int_not_equal(rows[n - 1].verdict, RLN_VERDICT_GO);
	assert_true(strlen(rows[n - 1].why) > 0);
	assert_int_equal(rln_machine_rows(machine, RLN_STATE_ACTIVE, RLN_ROLE_UAC, &packet, rows, 8), 0);
	assert_int_equal(rln_machine_rows(machine, RLN_STATE_COUNT, RLN_ROLE_UAC, &hangup, rows, 8), 0);
	assert_int_equal(rln_machine_rows(NULL, RLN_STATE_ACTIVE, RLN_ROLE_UAC, &hangup, rows, 8), 0);
	assert_true(rln_machine_rows(machine, RLN_STATE_ACTIVE, RLN_ROLE_UAC, &hangup, rows, 0) >= 1);
}

/* ---- a transport of the application's own (R134) ---- */

static void an_own_transport_tells_invites_and_responses(void **state)
{
	struct fake_dialog *d = dialog_new(true), *called;
	struct rln_transport_event ev = {.kind = RLN_TRANSPORT_INCOMING_INVITE,
		.dialog = {d->id},
		.from = "sip:dave@198.18.0.7",
		.to = "sip:desk@198.18.0.1",
		.sdp = SDP_PEER};
	struct rln_session_id id;

	(void)state;
	assert_int_equal(rln_coordinator_handle_transport_event(c, &ev), 0);
	turn();
	assert_int_equal(rln_coordinator_run(c, 0), 1);
	assert_string_equal(told.from, "sip:dave@198.18.0.7");
	assert_int_equal(d->response, 180);
	rln_reject_call(c, told.session, 486);
	turn();
	rln_coordinator_run(c, 0);
	id = place_call();
	called = dialogs;
	while (!called->invite_open)
		called++;
	ev = (struct rln_transport_event){.kind = RLN_TRANSPORT_RESPONSE, .dialog = {called->id}, .status = 183, .sdp = SDP_PEER};
	assert_int_equal(rln_coordinator_handle_transport_event(c, &ev), 0);
	turn();
	assert_int_equal(rln_session_manager_get_session(coord->sessions, id)->state, RLN_STATE_EARLY_MEDIA);
	ev.status = 200;
	assert_int_equal(rln_coordinator_handle_transport_event(c, &ev), 0);
	turn();
	assert_int_equal(rln_session_manager_get_session(coord->sessions, id)->state, RLN_STATE_ACTIVE);
	called->state = RLN_DIALOG_CONFIRMED;
	wire_byes(called, RLN_END_REMOTE);
	ev.status = 99;
	assert_int_equal(rln_coordinator_handle_transport_event(c, &ev), -EINVAL);
	ev.status = 180;
	ev.dialog.v = id.v;
	assert_int_equal(rln_coordinator_handle_transport_event(c, &ev), -EINVAL);
	ev = (struct rln_transport_event){.kind = RLN_TRANSPORT_INCOMING_INVITE, .dialog = {d->id}};
	assert_int_equal(rln_coordinator_handle_transport_event(c, &ev), -EINVAL);
	ev.from = ev.to = "no uri";
	assert_int_equal(rln_coordinator_handle_transport_event(c, &ev), -EINVAL);
	turn();
}

#define T(name) cmocka_unit_test_setup_teardown(name, coordinator_setup, coordinator_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(before_the_start_nothing_works),
		T(a_builder_makes_it_in_steps),
		T(callbacks_come_in_order_inside_run),
		T(an_incoming_call_is_refused_with_the_given_code),
		T(a_deferred_call_waits_for_its_decision),
		T(a_call_without_an_offer),
		T(operations_check_their_arguments),
		T(an_event_is_waited_for_by_kind_and_fields),
		T(an_event_is_waited_for_by_a_question),
		T(callbacks_take_of_the_time_of_a_wait),
		T(who_stops_with_calls_is_told_their_ends),
		T(ends_that_nobody_tells_are_told_by_the_stop),
		T(a_subscriber_has_a_ring_of_its_own),
		T(audio_is_subscribed_to_by_session),
		T(the_registry_can_be_read),
		T(the_state_table_can_be_read),
		T(an_own_transport_tells_invites_and_responses),
	};

	return cmocka_run_group_tests_name("session/api coordinator", tests, NULL, NULL);
}
