/* SPDX-License-Identifier: BSD-3-Clause */
/* The dialog layer as those who build on it see it (dialog_api.h): construction, calls in one step, the way up. */
#include "sip_dialog_fixture.h"

#include "sip/dialog_api.h"

static void a_call_in_one_step(void **state)
{
	struct rln_dialog_id id = rln_dialog_make_call(dialogs0, "sip:alice@" OUR_IP, "bob@" PEER_IP, SDP_ANSWER);
	const char *invite;

	(void)state;
	assert_int_not_equal(id.v, 0);
	assert_int_equal(rln_dialog_set_transport(dialogs0, node0->transport), -EBUSY);
	invite = next_sent("INVITE sip:bob@198.18.0.2");
	assert_non_null(strstr(invite, SDP_ANSWER));
	reply(invite, "486 Busy Here", "bt", NULL, NULL);
	progress_event(RLN_CALL_REFUSED, 486);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	next_sent("ACK ");
	rln_dialog_release(dialogs0, id);
}

static void a_call_with_details(void **state)
{
	const struct rln_dialog_call details = {
		.from = "sip:alice@" OUR_IP, .to = "bob@" PEER_IP, .headers = "Subject: lunch\r\n", .sdp = SDP_ANSWER};
	struct rln_dialog_id id = rln_dialog_send_invite_with_details(dialogs0, &details);
	const char *invite;

	(void)state;
	assert_int_not_equal(id.v, 0);
	invite = next_sent("INVITE sip:bob@198.18.0.2");
	assert_header(invite, "Subject", "lunch");
	reply(invite, "486 Busy Here", "bt", NULL, NULL);
	progress_event(RLN_CALL_REFUSED, 486);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	next_sent("ACK ");
	rln_dialog_release(dialogs0, id);
}

/* Nothing stays of a call that could not be placed. */
static void a_call_that_cannot_be(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(rln_dialog_make_call(dialogs0, "sip:alice@" OUR_IP, "tel:112", NULL).v, 0);
	assert_int_not_equal(errno, 0);
	assert_int_equal(rln_dialogs_in_use(dialogs0), 0);
	assert_int_equal(rln_dialog_set_transport(dialogs0, node0->transport), 0);
}

static void the_layer_is_one_per_bus(void **state)
{
	const struct rln_dialogs_cfg cfg = {.wheel = world.wheel, .dialogs = 4, .t1_ms = 500, .t2_ms = 4000, .user_agent = "x"};

	(void)state;
	assert_null(rln_dialog_api_new(node0->transport, &cfg, node0->bus));
	assert_int_equal(errno, EEXIST);
}

static void what_goes_up_is_published_by_the_hub(void **state)
{
	struct rln_event ev = {.kind = RLN_EV_DIALOG_ERROR, .dialog_error = {.error = RLN_FAULT_PARSE, .error_code = 400}};
	struct rln_dialog_id id = {rln_id_make(RLN_ID_DIALOG, 0, 3, 7)};
	const struct rln_event *up;

	(void)state;
	ev.id = id.v;
	assert_int_equal(rln_dialog_hub_publish_event(dialogs0, &ev), 0);
	pump();
	up = next_event(RLN_EV_DIALOG_ERROR);
	assert_int_equal(up->id, id.v);
	assert_int_equal(up->dialog_error.error_code, 400);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start_one, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_call_in_one_step),
		T(a_call_with_details),
		T(a_call_that_cannot_be),
		T(the_layer_is_one_per_bus),
		T(what_goes_up_is_published_by_the_hub),
	};

	return cmocka_run_group_tests_name("sip/dialog api", tests, start_eal, stop_eal);
}
