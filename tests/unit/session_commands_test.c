/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of applications as events: what each puts on the bus, and which arguments are refused before. */
#include "session_engine.h"

static struct rln_event seen[16];
static char texts[16][128];
static unsigned seen_n;

static void on_command_seen(void *arg, const struct rln_event *ev)
{
	(void)arg;
	assert_true(seen_n < 16);
	seen[seen_n] = *ev;
	texts[seen_n][0] = '\0';
	if (rln_event_info(rln_event_kind(ev))->has_block)
		snprintf(texts[seen_n], sizeof(texts[0]), "%s", rln_slice_text(rln_event_block(ev), ev->blind_transfer.target));
	seen_n++;
}

static int watched_setup(void **state)
{
	struct rln_event_handler observer = {on_command_seen, NULL, RLN_ENDPOINT_CONTROL};

	seen_n = 0;
	setup(state);
	return rln_bus_subscribe(bus, RLN_CAT_A2S, &observer);
}

static const struct rln_event *one(enum rln_event_kind kind, struct rln_session_id id)
{
	turn();
	assert_int_equal(seen_n, 1);
	assert_int_equal(seen[0].kind, kind);
	assert_int_equal(seen[0].id, id.v);
	seen_n = 0;
	return &seen[0];
}

static void plain_commands_carry_the_session(void **state)
{
	static const struct {
		int (*order)(struct rln_coord *coord, struct rln_session_id session);
		enum rln_event_kind kind;
	} all[] = {{rln_coord_hold, RLN_EV_HOLD_CALL}, {rln_coord_resume, RLN_EV_RESUME_CALL},
		{rln_coord_complete_transfer, RLN_EV_COMPLETE_TRANSFER}, {rln_coord_unbridge, RLN_EV_UNBRIDGE_CALLS},
		{rln_coord_hangup, RLN_EV_HANGUP_CALL}, {rln_coord_stop_play, RLN_EV_STOP_PLAY_REQUEST}};
	struct rln_session_id id = rln_coord_reserve(coord);

	(void)state;
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(all[i].order(coord, id), 0);
		one(all[i].kind, id);
		assert_int_equal(all[i].order(NULL, id), RLN_EENDED);
	}
	rln_coord_unreserve(coord, id);
}

static void targets_are_uris(void **state)
{
	struct rln_session_id id = rln_coord_reserve(coord);
	const char *bad[] = {NULL, "", "sip:", "sip:bob@", "<bob"};

	(void)state;
	assert_int_equal(rln_coord_blind_transfer(coord, id, "carol@198.18.0.9:5070"), 0);
	one(RLN_EV_BLIND_TRANSFER, id);
	assert_string_equal(texts[0], "sip:carol@198.18.0.9:5070");
	assert_int_equal(rln_coord_blind_transfer(coord, id, "SIP:carol@198.18.0.9"), 0);
	one(RLN_EV_BLIND_TRANSFER, id);
	assert_string_equal(texts[0], "SIP:carol@198.18.0.9");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rln_coord_blind_transfer(coord, id, bad[i]), -EINVAL);
	turn();
	assert_int_equal(seen_n, 0);
	rln_coord_unreserve(coord, id);
}

/* The id of the consultation is used up in every case: by the call, or given back. */
static void a_consultation_brings_its_id(void **state)
{
	struct rln_session_id id = rln_coord_reserve(coord), none = {0};

	(void)state;
	for (unsigned i = 0; i < 3 * CALLS; i++) { /* more often than there are ids */
		struct rln_session_id other = rln_coord_reserve(coord);

		assert_true(other.v);
		assert_int_equal(rln_coord_consult(coord, id, "", other), -EINVAL);
		turn();
	}
	assert_int_equal(rln_coord_consult(coord, id, "carol@198.18.0.9", none), -EINVAL);
	rln_coord_unreserve(coord, id);
}

static void a_bridge_needs_two(void **state)
{
	struct rln_session_id a = rln_coord_reserve(coord), b = rln_coord_reserve(coord), none = {0};

	(void)state;
	assert_int_equal(rln_coord_bridge(coord, a, none), -EINVAL);
	assert_int_equal(rln_coord_bridge(coord, a, a), -EINVAL);
	assert_int_equal(rln_coord_bridge(coord, a, b), 0);
	assert_int_equal(one(RLN_EV_BRIDGE_CALLS, a)->bridge_calls.other, b.v);
	rln_coord_unreserve(coord, a);
	rln_coord_unreserve(coord, b);
}

static void digits_go_in_as_many_events_as_they_need(void **state)
{
	static const char many[] = "0123456789*#ABCD0123456789*#ABCD0123456789*#ABCD";
	struct rln_session_id id = rln_coord_reserve(coord);
	const char *bad[] = {NULL, "", "12x", "1 2", "abcd"};
	char most[RLN_COORD_TONES + 2] = "";
	const struct rln_event *ev;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rln_coord_send_dtmf(coord, id, bad[i], 0), -EINVAL);
	assert_int_equal(rln_coord_send_dtmf(coord, id, "1", RLN_COORD_TONE_MAX_MS + 1), -EINVAL);
	assert_int_equal(rln_coord_send_dtmf(coord, id, "1", RLN_COORD_TONE_MIN_MS - 1), -EINVAL);
	memset(most, '5', RLN_COORD_TONES + 1);
	assert_int_equal(rln_coord_send_dtmf(coord, id, most, 0), -EINVAL);
	most[RLN_COORD_TONES] = 0;
	assert_int_equal(rln_coord_send_dtmf(coord, id, most, RLN_COORD_TONE_MAX_MS), 0);
	turn();
	assert_int_equal(seen_n, 2);
	assert_int_equal(strlen(seen[0].dtmf_request.tones) + strlen(seen[1].dtmf_request.tones), RLN_COORD_TONES);
	seen_n = 0;
	assert_int_equal(rln_coord_send_dtmf(coord, id, "7#", 0), 0);
	ev = one(RLN_EV_DTMF_REQUEST, id);
	assert_string_equal(ev->dtmf_request.tones, "7#");
	assert_int_equal(ev->dtmf_request.duration_ms, RLN_COORD_TONE_MS);
	assert_int_equal(rln_coord_send_dtmf(coord, id, many, 250), 0);
	turn();
	assert_int_equal(seen_n, 2);
	assert_memory_equal(seen[0].dtmf_request.tones, many, 37);
	assert_string_equal(seen[1].dtmf_request.tones, many + 37);
	assert_int_equal(seen[1].dtmf_request.duration_ms, 250);
	rln_coord_unreserve(coord, id);
}

#define T(name) cmocka_unit_test_setup_teardown(name, watched_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(plain_commands_carry_the_session),
		T(targets_are_uris),
		T(a_consultation_brings_its_id),
		T(a_bridge_needs_two),
		T(digits_go_in_as_many_events_as_they_need),
	};

	return cmocka_run_group_tests_name("session/commands", tests, NULL, NULL);
}
