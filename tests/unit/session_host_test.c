/* SPDX-License-Identifier: BSD-3-Clause */
/* A handler of ringlane_app.h on a real coordinator: each way into it, each operation, and the end of everything. */
#include "session_engine.h"

#include <sched.h>

#include "session/host_priv.h"

static struct rln_hosts *hosts;
static struct rln_host *first, *second;
static struct rln_decision decision;
static struct rln_event commands[32];
static unsigned commands_n, stops, timers_fired, given, ends[2], last_timer;
static uint64_t last_call;
static int give_answer;
static enum rln_event_kind last_kind[2];

static void on_a2s(void *arg, const struct rln_event *ev)
{
	(void)arg;
	if (commands_n < 32)
		commands[commands_n++] = *ev;
}

static struct rln_decision on_invite(void *arg, struct rln_host *host, const struct rln_invite_details *invite)
{
	(void)arg;
	last_call = invite->session.v;
	assert_string_equal(host->ops->caller(host, invite->session), "sip:carol@198.18.0.2");
	host->ops->set_data(host, invite->session, &decision);
	return decision;
}

static int on_given(void *arg, struct rln_host *host, struct rln_session_id call, const char *text)
{
	(void)arg;
	assert_string_equal(text, "with care");
	assert_null(host->ops->data(host, call));
	given++;
	if (give_answer != 0) /* its own are not for the giver */
		assert_int_equal(host->ops->start_timer(host, call, 1, 10), 0);
	return give_answer;
}

static void on_event(void *arg, struct rln_host *host, const struct rln_event *ev)
{
	unsigned who = (unsigned)(uintptr_t)arg;

	assert_ptr_equal(host, who == 0 ? first : second);
	last_kind[who] = rln_event_kind(ev);
	ends[who] += ev->kind == RLN_EV_SESSION_TERMINATED;
}

static void on_timer(void *arg, struct rln_host *host, struct rln_session_id call, unsigned number)
{
	(void)arg;
	(void)host;
	timers_fired++;
	last_timer = number;
	last_call = call.v;
}

static void on_stop(void *arg, struct rln_host *host)
{
	(void)arg;
	(void)host;
	stops++;
}

static struct rln_host *choose(void *arg, const struct rln_invite_details *invite)
{
	(void)arg;
	return strstr(invite->request_uri, "nobody") ? NULL : first;
}

static int begin(void **state)
{
	struct rln_handler h = {RLN_HANDLER_ABI, (void *)0, on_invite, NULL, on_event, on_timer, on_stop};
	struct rln_hosts_peer_cfg peer = {.name = "all", .port = 5060, .any_user = true, .choose = choose};
	struct rln_hosts_cfg cfg;

	setup(state);
	commands_n = stops = timers_fired = given = ends[0] = ends[1] = 0;
	give_answer = 0;
	decision = (struct rln_decision){.kind = RLN_DECISION_DEFER};
	cfg = (struct rln_hosts_cfg){coord, bus, wheel};
	assert_int_equal(rln_bus_subscribe(bus, RLN_CAT_A2S, &(struct rln_event_handler){on_a2s, NULL, RLN_ENDPOINT_CONTROL}), 0);
	assert_int_equal(rln_hosts_create(&hosts, &cfg), 0);
	assert_int_equal(rln_hosts_add(hosts, &first, &h, "first", "some text"), 0);
	h.arg = (void *)1;
	h.on_given = on_given;
	assert_int_equal(rln_hosts_add(hosts, &second, &h, "second", NULL), 0);
	assert_int_equal(rln_hosts_add_peer(hosts, &peer), 0);
	return 0;
}

static int end(void **state)
{
	rln_coord_hangup_all(coord, RLN_COORD_PEERS);
	turn();
	rln_hosts_destroy(hosts);
	return teardown(state);
}

static const struct rln_event *commanded(enum rln_event_kind kind)
{
	for (unsigned i = 0; i < commands_n; i++) {
		if (commands[i].kind == kind)
			return &commands[i];
	}
	fail_msg("no %s", rln_event_info(kind)->name);
	return NULL;
}

static struct rln_session_id call_in(void)
{
	wire_invites("someone", 5060, SDP_PEER);
	return (struct rln_session_id){last_call};
}

static void a_deferred_call_rings_when_told(void **state)
{
	struct fake_dialog *d = wire_invites("someone", 5060, SDP_PEER);
	struct rln_session_id call = {last_call};

	(void)state;
	assert_int_equal(d->response, 182);
	assert_int_equal(first->ops->ring(first, call), 0);
	turn();
	assert_int_equal(d->response, 180);
	assert_int_equal(first->ops->reject(first, call, 200), -EINVAL);
	assert_int_equal(first->ops->reject(first, call, 486), 0);
	turn();
	assert_int_equal(d->response, 486);
	assert_int_equal(ends[0], 1);
	assert_null(first->ops->data(first, call)); /* no longer its call */
	assert_int_equal(rln_host_calls(first), 0);
}

static void who_is_not_chosen_is_not_found(void **state)
{
	(void)state;
	assert_int_equal(wire_invites("nobody", 5060, SDP_PEER)->response, 404);
	decision = (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 603};
	assert_int_equal(wire_invites("someone", 5060, SDP_PEER)->response, 603);
	assert_int_equal(rln_host_calls(first), 0);
	assert_int_equal(ends[0], 0);
}

static void operations_are_commands(void **state)
{
	struct rln_session_id call = call_in();
	const struct rln_host_ops *ops = first->ops;

	(void)state;
	assert_int_equal(ops->abi, RLN_HANDLER_ABI);
	assert_int_equal(ops->size, sizeof(*ops));
	assert_int_equal(ops->play(first, call, "", 1), -EINVAL);
	assert_int_equal(ops->play(first, call, "x.wav", 3), 0);
	assert_int_equal(ops->stop_play(first, call), 0);
	assert_int_equal(ops->record(first, call, "y.wav", 3), -EINVAL);
	assert_int_equal(ops->record(first, call, "y.wav", 2), 0);
	assert_int_equal(ops->stop_record(first, call), 0);
	assert_int_equal(ops->send_dtmf(first, call, "12x", 100), -EINVAL);
	assert_int_equal(ops->send_dtmf(first, call, "12#", 39), -EINVAL);
	assert_int_equal(ops->send_dtmf(first, call, "12#", 0), 0);
	assert_int_equal(ops->hold(first, call), 0);
	assert_int_equal(ops->resume(first, call), 0);
	assert_int_equal(ops->transfer(first, call, "sip:x@y"), 0);
	assert_int_equal(ops->bridge(first, call, (struct rln_session_id){77}), 0);
	assert_int_equal(ops->unbridge(first, call), 0);
	assert_int_equal(ops->accept(first, call), 0);
	turn();
	assert_int_equal(commanded(RLN_EV_PLAY_REQUEST)->play_request.loop_count, 3);
	assert_int_equal(commanded(RLN_EV_RECORD_REQUEST)->record_request.channels, 2);
	assert_string_equal(commanded(RLN_EV_DTMF_REQUEST)->dtmf_request.tones, "12#");
	assert_int_equal(commanded(RLN_EV_DTMF_REQUEST)->dtmf_request.duration_ms, 100);
	assert_int_equal(commanded(RLN_EV_BRIDGE_CALLS)->bridge_calls.other, 77);
	commanded(RLN_EV_STOP_PLAY_REQUEST);
	commanded(RLN_EV_STOP_RECORD_REQUEST);
	commanded(RLN_EV_HOLD_CALL);
	commanded(RLN_EV_RESUME_CALL);
	commanded(RLN_EV_BLIND_TRANSFER);
	commanded(RLN_EV_UNBRIDGE_CALLS);
	commanded(RLN_EV_ACCEPT_CALL);
	assert_string_equal(ops->options(first), "some text");
	assert_string_equal(ops->options(second), "");
	assert_string_equal(ops->name(second), "second");
	assert_string_equal(ops->called(first, call), "sip:someone@198.18.0.1");
	assert_string_equal(ops->called(first, (struct rln_session_id){5}), "");
	ops->log(first, call, RLN_HOST_DEBUG, "a line");
}

static void texts_of_events_are_theirs_or_empty(void **state)
{
	struct rln_event ev = {.kind = RLN_EV_SDP_EVENT};

	(void)state;
	ev.sdp_event.block = rln_block_from_text("v=0", 3, &ev.sdp_event.sdp);
	assert_string_equal(first->ops->text(first, &ev, ev.sdp_event.sdp), "v=0");
	rln_block_release(ev.sdp_event.block);
	ev.sdp_event.block = 0; /* none was left for it: nothing stands behind the slice */
	ev.sdp_event.sdp.len = 4000;
	assert_string_equal(first->ops->text(first, &ev, ev.sdp_event.sdp), "");
}

static void a_call_it_makes_is_its_own(void **state)
{
	struct rln_session_id call = first->ops->make_call(first, &(struct rln_host_call){.to = "bob@198.18.0.2"});

	(void)state;
	assert_int_not_equal(call.v, 0);
	turn();
	assert_int_equal(rln_host_calls(first), 1);
	assert_string_equal(first->ops->called(first, call), "bob@198.18.0.2");
	assert_int_not_equal(last_kind[0], RLN_EV_NONE);
	wire_byes(&dialogs[0], RLN_END_REMOTE);
	assert_int_equal(ends[0], 1);
	assert_int_equal(first->ops->make_call(first, &(struct rln_host_call){.to = "<"}).v, 0);
	call = first->ops->make_call(first, &(struct rln_host_call){.to = "bob@nowhere"});
	assert_int_not_equal(call.v, 0);
	turn();
	assert_int_equal(ends[0], 2);
	assert_int_equal(rln_host_calls(first), 0);
}

static void a_call_is_given_or_kept(void **state)
{
	struct rln_session_id call = call_in();

	(void)state;
	assert_int_equal(first->ops->give(first, call, "third", ""), -ENOENT);
	assert_int_equal(second->ops->give(second, call, "first", ""), -ENOENT); /* not its call */
	give_answer = -EBUSY;
	assert_int_equal(first->ops->start_timer(first, call, 2, 100), 0);
	assert_int_equal(first->ops->give(first, call, "second", "with care"), -EBUSY);
	advance(50 * RLN_MS);
	assert_int_equal(timers_fired, 0);
	advance(60 * RLN_MS); /* who keeps a call keeps its timers */
	assert_int_equal(timers_fired, 1);
	assert_int_equal(last_timer, 2);
	assert_ptr_equal(first->ops->data(first, call), &decision);
	give_answer = 0;
	assert_int_equal(first->ops->give(first, call, "second", "with care"), 0);
	assert_int_equal(given, 2);
	assert_int_equal(rln_host_calls(first), 0);
	assert_int_equal(second->ops->give(second, call, "first", ""), -ENOTSUP); /* it takes none */
	second->ops->hangup(second, call);
	turn();
	assert_int_equal(ends[0], 0);
	assert_int_equal(ends[1], 1);
}

static void timers_are_of_a_call_or_of_all(void **state)
{
	struct rln_session_id none = {0}, call = call_in();
	const struct rln_host_ops *ops = first->ops;

	(void)state;
	assert_int_equal(ops->start_timer(first, call, RLN_HANDLER_TIMERS, 1), -EINVAL);
	assert_int_equal(ops->start_timer(second, call, 0, 1), -ENOENT);
	assert_int_equal(ops->start_timer(first, call, 2, 100), 0);
	assert_int_equal(ops->start_timer(first, none, 3, 200), 0);
	advance(150 * RLN_MS);
	assert_int_equal(timers_fired, 1);
	assert_int_equal(last_timer, 2);
	assert_int_equal(last_call, call.v);
	advance(100 * RLN_MS);
	assert_int_equal(timers_fired, 2);
	assert_int_equal(last_call, 0);
	ops->start_timer(first, call, 1, 100);
	ops->stop_timer(first, call, 1);
	ops->start_timer(first, call, 0, 100);
	ops->hangup(first, call);
	advance(RLN_SEC); /* a call's timers end with it */
	assert_int_equal(timers_fired, 2);
}

static void what_is_left_is_told_at_the_stop(void **state)
{
	struct rln_session_id call = call_in();

	(void)state;
	first->ops->start_timer(first, (struct rln_session_id){0}, 0, 100);
	rln_hosts_stop(hosts);
	assert_int_equal(ends[0], 1);
	assert_int_equal(stops, 2);
	assert_int_equal(first->ops->hangup(first, call), -EPIPE);
	assert_int_equal(first->ops->play(first, call, "x.wav", 1), -EPIPE);
	assert_int_equal(first->ops->make_call(first, &(struct rln_host_call){.to = "bob@198.18.0.2"}).v, 0);
}

static void a_session_that_was_never_made_is_told_when_its_slot_comes_back(void **state)
{
	struct rln_session_id call = call_in();
	uint32_t generation = rln_id_generation(call.v) + 1;
	struct rln_invite_details invite = {.from = "sip:carol@198.18.0.2", .request_uri = "sip:x@y"};

	(void)state;
	invite.session.v = rln_id_make(RLN_ID_SESSION, 0, rln_id_slot(call.v), generation);
	coord->peers[0].handler.on_incoming_invite(coord->peers[0].handler.arg, &invite);
	assert_int_equal(ends[0], 1);
	assert_int_equal(rln_host_calls(first), 1);
}

static void names_and_numbers_are_checked(void **state)
{
	struct rln_handler h = {.abi = RLN_HANDLER_ABI + 1};
	struct rln_host *host = NULL;

	(void)state;
	assert_int_equal(rln_hosts_add(hosts, &host, &h, "new", NULL), -EINVAL);
	h.abi = RLN_HANDLER_ABI;
	assert_int_equal(rln_hosts_add(hosts, &host, &h, "", NULL), -EINVAL);
	assert_int_equal(rln_hosts_add(hosts, &host, &h, "first", NULL), -EEXIST);
	assert_int_equal(rln_hosts_add(hosts, &host, &h, "new", NULL), 0);
	assert_ptr_equal(rln_hosts_find(hosts, "new"), host);
	rln_host_forget(host);
	assert_null(rln_hosts_find(hosts, "new"));
}

static void one_with_a_peer_of_its_own_retires(void **state)
{
	struct rln_hosts_peer_cfg peer = {.name = "own", .port = 5080, .only = second};

	(void)state;
	coord->is_running = false;
	assert_int_equal(rln_hosts_add_peer(hosts, &peer), 0);
	assert_int_equal(wire_invites("own", 5080, SDP_PEER)->response, 182);
	assert_int_equal(rln_host_calls(second), 1);
	second->ops->hangup(second, (struct rln_session_id){last_call});
	turn();
	coord->is_running = false;
	assert_int_equal(rln_host_retire(second, 1000), 0);
	assert_int_equal(stops, 1);
	assert_int_equal(wire_invites("own", 5080, SDP_PEER)->response, 404);
}

/* Its last call goes to another handler while it retires. */
static void who_gives_its_last_call_away_has_retired(void **state)
{
	struct rln_session_id call = call_in();
	int posted;

	(void)state;
	__atomic_store_n(&rln_host_view(first)->retired, true, __ATOMIC_RELEASE);
	give_answer = -EBUSY;
	assert_int_equal(first->ops->give(first, call, "second", "with care"), -EBUSY);
	assert_int_equal(sem_getvalue(&rln_host_view(first)->idle, &posted), 0);
	assert_int_equal(posted, 0);
	give_answer = 0;
	assert_int_equal(first->ops->give(first, call, "second", "with care"), 0);
	assert_int_equal(sem_getvalue(&rln_host_view(first)->idle, &posted), 0);
	assert_int_equal(posted, 1);
}

static unsigned number_at_first; /* that the host has when its peer is there */

static void *take_the_order(void *arg)
{
	while (!__atomic_load_n(&coord->orders, __ATOMIC_ACQUIRE))
		sched_yield();
	turn();
	number_at_first = rln_host_view(arg)->peer;
	return NULL;
}

/* An INVITE may come to it before the thread that asked for it has woken up, and call somebody. */
static void a_host_knows_its_own_peer_from_the_first(void **state)
{
	struct rln_hosts_peer_cfg peer = {.name = "own", .port = 5080, .only = second};
	pthread_t thread;

	(void)state;
	turn(); /* control runs */
	assert_int_equal(pthread_create(&thread, NULL, take_the_order, second), 0);
	assert_int_equal(rln_hosts_add_peer(hosts, &peer), 0);
	pthread_join(thread, NULL);
	assert_int_equal(number_at_first, 1);
	assert_int_equal(coord->peers[1].local.port, 5080);
}

enum { ADDERS = 4, ADDS = 50 };

static void *add_hosts(void *arg)
{
	struct rln_handler h = {.abi = RLN_HANDLER_ABI};
	struct rln_host *host;
	unsigned added = 0;
	char name[16];

	for (unsigned i = 0; i < ADDS; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		added += rln_hosts_add(arg, &host, &h, name, NULL) == 0;
	}
	return (void *)(uintptr_t)added;
}

static void threads_add_each_name_once(void **state)
{
	pthread_t threads[ADDERS];
	uintptr_t added = 0;

	(void)state;
	for (unsigned i = 0; i < ADDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_hosts, hosts), 0);
	for (unsigned i = 0; i < ADDERS; i++) {
		void *n;

		pthread_join(threads[i], &n);
		added += (uintptr_t)n;
	}
	assert_int_equal(added, ADDS);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_deferred_call_rings_when_told),
		T(who_is_not_chosen_is_not_found),
		T(operations_are_commands),
		T(texts_of_events_are_theirs_or_empty),
		T(a_call_it_makes_is_its_own),
		T(a_call_is_given_or_kept),
		T(timers_are_of_a_call_or_of_all),
		T(what_is_left_is_told_at_the_stop),
		T(a_session_that_was_never_made_is_told_when_its_slot_comes_back),
		T(names_and_numbers_are_checked),
		T(one_with_a_peer_of_its_own_retires),
		T(who_gives_its_last_call_away_has_retired),
		T(a_host_knows_its_own_peer_from_the_first),
		T(threads_add_each_name_once),
	};

	return cmocka_run_group_tests_name("session_host", tests, NULL, NULL);
}
