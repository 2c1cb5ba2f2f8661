/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders of a call handle: what the events that follow say of them, and which wait learns it. The events are the test's own. */
#include "session_engine.h"

#include "session/api_priv.h"

static struct rln_peer *peer;
static struct rln_call *call;
static struct rln_event seen[16]; /* commands on the bus */
static unsigned seen_n;

static void on_a2s(void *arg, const struct rln_event *ev)
{
	(void)arg;
	assert_true(seen_n < 16);
	seen[seen_n++] = *ev;
}

int rln_runtime_start(const struct rln_runtime_options *options)
{
	(void)options;
	return -ENODEV;
}

void rln_runtime_stop(void)
{
}

static int order_setup(void **state)
{
	struct rln_event_handler observer = {on_a2s, NULL, RLN_ENDPOINT_CONTROL};

	setup(state);
	seen_n = 0;
	assert_int_equal(rln_bus_subscribe(bus, RLN_CAT_A2S, &observer), 0);
	assert_int_equal(rln_api_bind(&(struct rln_api){.coord = coord, .sip_port = 5060}), 0);
	peer = rln_peer_new("alice", 5060);
	assert_non_null(peer);
	call = rln_call_make(peer, rln_coord_reserve(coord)); /* no session has it: nothing but the test tells of it */
	assert_non_null(call);
	return 0;
}

static int order_teardown(void **state)
{
	struct rln_session_id id = call->id;

	call->ended = true;
	rln_call_free(call);
	rln_coord_unreserve(coord, id);
	coord->is_running = false;
	rln_peer_free(peer);
	teardown(state);
	rln_api_bind(NULL);
	return 0;
}

/* As the peer's inbox would. */
static void tell(struct rln_call *c, const struct rln_event *ev)
{
	rln_call_take(c, ev);
	rln_order_take(c, ev);
}

static void moves_to(struct rln_call *c, enum rln_call_state to)
{
	struct rln_event ev = {
		.id = c->id.v, .kind = RLN_EV_STATE_CHANGED, .state_changed = {.old_state = c->state, .new_state = (uint8_t)to}};

	tell(c, &ev);
}

static void rejects(struct rln_call *c, enum rln_event_kind command, int error)
{
	struct rln_event ev = {
		.id = c->id.v, .kind = RLN_EV_COMMAND_REJECTED, .command_rejected = {.kind = (uint16_t)command, .error = error}};

	tell(c, &ev);
}

static void peer_says(struct rln_call *c, uint16_t status)
{
	struct rln_event ev = {.id = c->id.v,
		.kind = RLN_EV_CALL_STATE_CHANGED,
		.call_state_changed = {.status = status, .new_state = RLN_CALL_REFUSED}};

	tell(c, &ev);
}

static void ends(struct rln_call *c)
{
	struct rln_event ev = {
		.id = c->id.v, .kind = RLN_EV_SESSION_TERMINATED, .session_terminated = {.reason = RLN_END_REMOTE}};

	moves_to(c, RLN_STATE_TERMINATED);
	tell(c, &ev);
}

static void created(struct rln_call *c)
{
	struct rln_event ev = {.id = c->id.v, .kind = RLN_EV_SESSION_CREATED};

	tell(c, &ev);
}

static const struct rln_event *ordered(enum rln_event_kind kind)
{
	turn();
	assert_true(seen_n > 0);
	assert_int_equal(seen[seen_n - 1].kind, kind);
	return &seen[seen_n - 1];
}

static void a_hold_that_the_peer_refuses_ends_the_wait(void **state)
{
	(void)state;
	moves_to(call, RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_hold(call), 0);
	ordered(RLN_EV_HOLD_CALL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ON_HOLD, 0), RLN_ETIMEDOUT);
	moves_to(call, RLN_STATE_HOLD_PENDING);
	peer_says(call, 488);
	moves_to(call, RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ON_HOLD, RLN_FOREVER), RLN_EREFUSED);
	assert_int_equal(rln_call_refusal(call), 488);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 0), 0);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ON_HOLD, 0), RLN_ETIMEDOUT); /* told once */
	assert_int_equal(rln_call_hold(call), 0);
	moves_to(call, RLN_STATE_HOLD_PENDING);
	moves_to(call, RLN_STATE_ON_HOLD);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ON_HOLD, 0), 0);
}

static void a_resume_that_is_refused_stays_on_hold(void **state)
{
	(void)state;
	moves_to(call, RLN_STATE_ON_HOLD);
	assert_int_equal(rln_call_resume(call), 0);
	ordered(RLN_EV_RESUME_CALL);
	moves_to(call, RLN_STATE_RESUME_PENDING);
	moves_to(call, RLN_STATE_ON_HOLD);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, RLN_FOREVER), RLN_EREFUSED);
}

static void a_command_that_the_state_forbids_ends_the_wait(void **state)
{
	static const struct {
		enum rln_event_kind command;
		enum rln_call_state wanted;
	} all[] = {{RLN_EV_HOLD_CALL, RLN_STATE_ON_HOLD}, {RLN_EV_RESUME_CALL, RLN_STATE_ACTIVE},
		{RLN_EV_BLIND_TRANSFER, RLN_STATE_TERMINATED}, {RLN_EV_COMPLETE_TRANSFER, RLN_STATE_TRANSFERRING},
		{RLN_EV_START_CONSULT, RLN_STATE_CONSULTING}, {RLN_EV_BRIDGE_CALLS, RLN_STATE_BRIDGED},
		{RLN_EV_UNBRIDGE_CALLS, RLN_STATE_ACTIVE}, {RLN_EV_ACCEPT_CALL, RLN_STATE_ACTIVE}};

	(void)state;
	moves_to(call, RLN_STATE_CALLING);
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		rejects(call, all[i].command, EPROTO);
		assert_int_equal(rln_call_wait_for_state(call, all[i].wanted, RLN_FOREVER), -EPROTO);
	}
	rejects(call, RLN_EV_MUTE_REQUEST, EPROTO); /* leads to no state */
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 0), RLN_ETIMEDOUT);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_COMMAND_REJECTED, 0, NULL), 0);
}

static void a_direction_is_offered(void **state)
{
	struct rln_event news = {
		.id = call->id.v, .kind = RLN_EV_MEDIA_NEGOTIATED, .media_negotiated = {.direction = RLN_MEDIA_INBOUND}};

	(void)state;
	moves_to(call, RLN_STATE_ACTIVE);
	for (unsigned direction = RLN_MEDIA_INACTIVE; direction <= RLN_MEDIA_BIDIRECTIONAL; direction++) {
		assert_int_equal(rln_call_update(call, (enum rln_media_direction)direction), 0);
		assert_int_equal(ordered(RLN_EV_UPDATE_REQUEST)->update_request.direction, direction);
		assert_int_equal(seen[seen_n - 1].id, call->id.v);
	}
	assert_int_equal(rln_call_update(call, (enum rln_media_direction)4), -EINVAL);
	assert_int_equal(rln_call_update(call, (enum rln_media_direction)256), -EINVAL);
	tell(call, &news);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, 0, &news), 0);
	assert_int_equal(news.media_negotiated.direction, RLN_MEDIA_INBOUND);
	peer_says(call, 488);
	assert_int_equal(rln_call_refusal(call), 488);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 0), 0); /* and no state was to come of it */
}

static void a_new_order_forgets_the_old_failure(void **state)
{
	(void)state;
	moves_to(call, RLN_STATE_ACTIVE);
	rejects(call, RLN_EV_HOLD_CALL, EPROTO);
	rejects(call, RLN_EV_BLIND_TRANSFER, EPROTO);
	assert_int_equal(rln_call_hold(call), 0);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ON_HOLD, 0), RLN_ETIMEDOUT);
	assert_int_equal(rln_call_hangup(call), 0);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, 0), RLN_ETIMEDOUT);
}

static void a_blind_transfer_is_done_or_refused(void **state)
{
	(void)state;
	moves_to(call, RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_transfer(call, "carol@198.18.0.3", RLN_TRANSFER_BLIND), 0);
	ordered(RLN_EV_BLIND_TRANSFER);
	moves_to(call, RLN_STATE_TRANSFERRING);
	peer_says(call, 603);
	moves_to(call, RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, RLN_FOREVER), RLN_EREFUSED);
	assert_int_equal(rln_call_refusal(call), 603);
	assert_int_equal(rln_call_transfer(call, "carol@198.18.0.3", RLN_TRANSFER_BLIND), 0);
	moves_to(call, RLN_STATE_TRANSFERRING);
	ends(call);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, 0), 0);
}

static void a_consultation_is_a_call_of_its_own(void **state)
{
	struct rln_call *other;

	(void)state;
	moves_to(call, RLN_STATE_ACTIVE);
	other = rln_call_consult(call, "carol@198.18.0.3");
	assert_non_null(other);
	assert_int_equal(ordered(RLN_EV_START_CONSULT)->start_consult.other, other->id.v);
	created(other);
	moves_to(call, RLN_STATE_CONSULTING);
	moves_to(other, RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_wait_for_state(other, RLN_STATE_ACTIVE, 0), 0);
	assert_null(rln_call_transferred(call, 0)); /* it is no transfer of the peer's */
	assert_int_equal(rln_call_complete_transfer(call), 0);
	assert_int_equal(ordered(RLN_EV_COMPLETE_TRANSFER)->id, call->id.v);
	ends(other);
	assert_int_equal(rln_call_complete_transfer(call), -ENOENT);
	rln_coord_unreserve(coord, other->id);
	rln_call_free(other);
}

static void a_consultation_that_never_comes_ends_by_itself(void **state)
{
	struct rln_call *other;

	(void)state;
	moves_to(call, RLN_STATE_ACTIVE);
	other = rln_call_consult(call, "carol@198.18.0.3");
	assert_non_null(other);
	rejects(call, RLN_EV_START_CONSULT, ENOTSUP);
	assert_int_equal(rln_call_wait_for_state(other, RLN_STATE_ACTIVE, RLN_FOREVER), RLN_ECALLFAILED);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_CONSULTING, RLN_FOREVER), -ENOTSUP);
	rln_coord_unreserve(coord, other->id);
	rln_call_free(other);
	other = rln_call_consult(call, "carol@198.18.0.3");
	assert_non_null(other);
	ends(call);
	assert_int_equal(rln_call_wait_for_event(other, RLN_EV_SESSION_TERMINATED, RLN_FOREVER, NULL), 0);
	rln_coord_unreserve(coord, other->id);
	rln_call_free(other);
}

/* The consultation of an attended transfer belongs to nobody: it is there for the transfer alone. */
static void an_attended_transfer_follows_the_answer(void **state)
{
	struct rln_call *other;

	(void)state;
	moves_to(call, RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_transfer(call, "carol@198.18.0.3", RLN_TRANSFER_ATTENDED), 0);
	other = rln_peer_find(peer, ordered(RLN_EV_START_CONSULT)->start_consult.other);
	assert_non_null(other);
	created(other);
	moves_to(call, RLN_STATE_CONSULTING);
	assert_null(rln_call_transferred(call, 0));
	assert_int_equal(seen_n, 1); /* nothing blind */
	moves_to(other, RLN_STATE_ACTIVE);
	assert_int_equal(ordered(RLN_EV_COMPLETE_TRANSFER)->id, call->id.v);
	assert_int_equal(seen_n, 2);
	rln_coord_unreserve(coord, other->id);
	ends(other);
	ends(call);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, 0), 0);
}

static void an_attended_transfer_fails_with_its_consultation(void **state)
{
	struct rln_call *other;

	(void)state;
	moves_to(call, RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_transfer(call, "carol@198.18.0.3", RLN_TRANSFER_ATTENDED), 0);
	other = rln_peer_find(peer, ordered(RLN_EV_START_CONSULT)->start_consult.other);
	created(other);
	moves_to(call, RLN_STATE_CONSULTING);
	rln_coord_unreserve(coord, other->id);
	ends(other);
	moves_to(call, RLN_STATE_ACTIVE);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, RLN_FOREVER), RLN_EREFUSED);
	assert_int_equal(rln_call_transfer(call, "carol@198.18.0.3", RLN_TRANSFER_ATTENDED), 0);
	other = rln_peer_find(peer, ordered(RLN_EV_START_CONSULT)->start_consult.other);
	rejects(call, RLN_EV_START_CONSULT, EPROTO);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, RLN_FOREVER), -EPROTO);
	rln_coord_unreserve(coord, other->id);
}

/* ---- a call that the peer's REFER made ---- */

static struct rln_session_id refers(struct rln_call *from)
{
	struct rln_session_id id = rln_coord_reserve(coord);
	struct rln_event ev = {.id = id.v,
		.kind = RLN_EV_SESSION_CREATED,
		.session_created = {.role = RLN_ROLE_UAC, .from_session = from->id.v}};

	peer->inbox.take(peer, &ev);
	return id;
}

static void a_transfer_of_the_peers_gives_a_handle(void **state)
{
	struct rln_session_id id;
	struct rln_call *other;

	(void)state;
	moves_to(call, RLN_STATE_ACTIVE);
	assert_null(rln_call_transferred(call, 0));
	assert_int_equal(errno, ETIMEDOUT);
	id = refers(call);
	other = rln_call_transferred(call, 0);
	assert_non_null(other);
	assert_int_equal(rln_call_session(other).v, id.v);
	assert_null(rln_call_transferred(call, 0)); /* once */
	ends(other);
	rln_call_free(other);
	rln_coord_unreserve(coord, id);
	ends(call);
	assert_null(rln_call_transferred(call, RLN_FOREVER));
	assert_int_equal(errno, ECANCELED);
}

static void a_transfer_that_nobody_asks_for_is_forgotten(void **state)
{
	struct rln_session_id id = refers(call), strange = {0};
	struct rln_event stray = {.id = 1, .kind = RLN_EV_SESSION_CREATED, .session_created = {.role = RLN_ROLE_UAC}};
	struct rln_event end = {.id = id.v, .kind = RLN_EV_SESSION_TERMINATED};

	(void)state;
	assert_non_null(rln_peer_find(peer, id.v));
	peer->inbox.take(peer, &end); /* ended, its parent still there: kept for the asking */
	assert_non_null(rln_peer_find(peer, id.v));
	rln_coord_unreserve(coord, id);
	strange = call->id;
	call->ended = true;
	rln_call_free(call);
	assert_null(rln_peer_find(peer, id.v));
	rln_coord_unreserve(coord, strange);
	peer->inbox.take(peer, &stray);
	assert_null(rln_peer_find(peer, 1));
	call = rln_call_make(peer, rln_coord_reserve(coord));
	id = refers(call);
	call->ended = true;
	strange = call->id;
	rln_call_free(call);
	rln_coord_unreserve(coord, strange);
	end.id = id.v;
	peer->inbox.take(peer, &end); /* its parent is gone: so is it */
	assert_null(rln_peer_find(peer, id.v));
	rln_coord_unreserve(coord, id);
	call = rln_call_make(peer, rln_coord_reserve(coord));
	rln_coord_unreserve(coord, refers(call)); /* left to rln_peer_free() */
}

#define T(name) cmocka_unit_test_setup_teardown(name, order_setup, order_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_hold_that_the_peer_refuses_ends_the_wait),
		T(a_resume_that_is_refused_stays_on_hold),
		T(a_command_that_the_state_forbids_ends_the_wait),
		T(a_direction_is_offered),
		T(a_new_order_forgets_the_old_failure),
		T(a_blind_transfer_is_done_or_refused),
		T(a_consultation_is_a_call_of_its_own),
		T(a_consultation_that_never_comes_ends_by_itself),
		T(an_attended_transfer_follows_the_answer),
		T(an_attended_transfer_fails_with_its_consultation),
		T(a_transfer_of_the_peers_gives_a_handle),
		T(a_transfer_that_nobody_asks_for_is_forgotten),
	};

	return cmocka_run_group_tests_name("session/api orders", tests, NULL, NULL);
}
