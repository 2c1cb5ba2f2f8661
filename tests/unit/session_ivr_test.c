/* SPDX-License-Identifier: BSD-3-Clause */
/* Voice menus: prompts, keys and what they lead to. */
#include "fake_host.h"

#include "session/apps/handlers.h"

static struct rln_config_menu menu;

static struct rln_config_action *key(const char *digits)
{
	struct rln_config_action *a = &menu.digits[menu.digits_n++];

	snprintf(a->digits, sizeof(a->digits), "%s", digits);
	return a;
}

static int begin(void **state)
{
	(void)state;
	fake_begin();
	memset(&menu, 0, sizeof(menu));
	snprintf(menu.name, sizeof(menu.name), "main");
	snprintf(menu.prompt, sizeof(menu.prompt), "main.wav");
	menu.barge_in = true;
	menu.timeout_s = 5;
	menu.digit_timeout_ms = 2000;
	menu.retries = 1;
	snprintf(key("1")->play, 20, "hours.wav");
	snprintf(key("2")->queue, 20, "sales");
	snprintf(key("3")->bridge, 30, "sip:x@198.18.0.2");
	snprintf(key("4")->menu, 20, "other");
	snprintf(key("0")->transfer, 30, "sip:y@198.18.0.2");
	key("#")->hangup = true;
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= fake.calls_n; i++) {
		if (fake.calls[i].data)
			fake_over(i, RLN_END_NETWORK, 0);
	}
	fake_end();
	assert_int_equal(rln_heap_live_count(), 0);
	return 0;
}

static unsigned enter(void)
{
	unsigned call;

	if (!fake.handler.arg)
		assert_int_equal(rln_menu_app(&fake.handler, &menu), 0);
	call = fake_invite("main");
	assert_int_equal(fake.decision.kind, RLN_DECISION_ACCEPT);
	assert_true(fake.decision.auto_answer);
	fake_up(call);
	return call;
}

static void keys_lead_away(void **state)
{
	(void)state;
	enter();
	fake_said("play 1 main.wav 1; ");
	fake_played(1);
	fake_key(1, '2');
	fake_said("give 1 queue:sales ''; ");
	enter();
	fake_key(2, '3');
	fake_said("play 2 main.wav 1; stop 2; give 2 bridge 'sip:x@198.18.0.2'; ");
	enter();
	fake_info(3, "4"); /* by SIP INFO */
	fake_said("play 3 main.wav 1; stop 3; give 3 menu:other ''; ");
	enter();
	fake_key(4, '0');
	fake_said("play 4 main.wav 1; stop 4; transfer 4 sip:y@198.18.0.2; ");
	enter();
	fake_key(5, '#');
	fake_said("play 5 main.wav 1; stop 5; hangup 5; ");
}

static void a_file_leads_back_to_the_prompt(void **state)
{
	(void)state;
	enter();
	fake_played(1);
	fake_key(1, '1');
	fake_key(1, '#'); /* not heard while it plays */
	fake_said("play 1 main.wav 1; play 1 hours.wav 1; ");
	fake_played(1);
	fake_said("play 1 main.wav 1; ");
}

static void a_key_stops_the_prompt_or_does_not(void **state)
{
	(void)state;
	enter();
	fake_wait(300);
	fake_key(1, '1');
	fake_said("play 1 main.wav 1; stop 1; play 1 hours.wav 1; ");
	fake_played(1); /* of the prompt, on its way when it was stopped */
	fake_said("");
	fake_wait(100);
	fake_played(1);
	fake_said("play 1 main.wav 1; ");
	menu.barge_in = false;
	fake_key(1, '#');
	fake_said("");
	fake_played(1);
	fake_key(1, '#');
	fake_said("hangup 1; ");
}

static void nothing_keyed_is_asked_again_and_then_ends(void **state)
{
	(void)state;
	enter();
	fake_wait(60000); /* the prompt still plays */
	fake_said("play 1 main.wav 1; ");
	fake_played(1);
	fake_wait(4999);
	fake_said("");
	fake_wait(1);
	fake_said("play 1 main.wav 1; ");
	fake_played(1);
	fake_wait(5000);
	fake_said("hangup 1; ");
}

static void wrong_keys_are_told_and_counted(void **state)
{
	(void)state;
	snprintf(menu.invalid, sizeof(menu.invalid), "wrong.wav");
	snprintf(menu.on_timeout.queue, sizeof(menu.on_timeout.queue), "help");
	enter();
	fake_played(1);
	fake_key(1, '9');
	fake_said("play 1 main.wav 1; play 1 wrong.wav 1; ");
	fake_played(1);
	fake_said("play 1 main.wav 1; ");
	fake_played(1);
	fake_key(1, '9');
	fake_said("give 1 queue:help ''; ");
}

static void the_last_file_is_heard_before_the_end(void **state)
{
	(void)state;
	menu.retries = 0;
	snprintf(menu.on_timeout.play, sizeof(menu.on_timeout.play), "bye.wav");
	enter();
	fake_played(1);
	fake_wait(5000);
	fake_said("play 1 main.wav 1; play 1 bye.wav 1; ");
	fake_played(1);
	fake_said("hangup 1; ");
}

static void keys_of_several_digits(void **state)
{
	(void)state;
	key("12")->hangup = true;
	enter();
	fake_played(1);
	fake_key(1, '1');
	fake_said("play 1 main.wav 1; ");
	fake_wait(1999);
	fake_said("");
	fake_wait(1); /* nothing came behind it: it was 1 */
	fake_said("play 1 hours.wav 1; ");
	fake_played(1);
	fake_info(1, "12"); /* two at once; the first stops the prompt */
	fake_said("play 1 main.wav 1; stop 1; hangup 1; ");
}

static void a_fixed_number_of_digits_is_waited_for(void **state)
{
	(void)state;
	menu.max_digits = 3;
	menu.digits_n = 0;
	memset(menu.digits, 0, sizeof(menu.digits));
	key("123")->hangup = true;
	enter();
	fake_played(1);
	fake_info(1, "99");
	fake_said("play 1 main.wav 1; ");
	fake_key(1, '9');
	fake_said("play 1 main.wav 1; ");
	fake_played(1);
	fake_info(1, "123");
	fake_said("hangup 1; ");
}

static void a_closed_way_leads_back(void **state)
{
	(void)state;
	fake.give_answer = -EBUSY;
	snprintf(menu.on_timeout.queue, sizeof(menu.on_timeout.queue), "help");
	enter();
	fake_played(1);
	fake_key(1, '2');
	fake_said("play 1 main.wav 1; give 1 queue:sales ''; play 1 main.wav 1; ");
	fake_played(1);
	fake_key(1, '2'); /* the last try: the last way, closed as well */
	fake_said("give 1 queue:sales ''; give 1 queue:help ''; hangup 1; ");
}

static void a_failed_transfer_leads_back(void **state)
{
	(void)state;
	enter();
	fake_played(1);
	fake_key(1, '0');
	fake_said("play 1 main.wav 1; transfer 1 sip:y@198.18.0.2; ");
	fake_state(1, RLN_STATE_TRANSFERRING);
	fake_progress(1, RLN_CALL_TRANSFER_FAILED, 486);
	fake_state(1, RLN_STATE_ACTIVE);
	fake_said("play 1 main.wav 1; ");
	fake_played(1);
	fake_key(1, '0');
	fake_rejected(1, RLN_EV_BLIND_TRANSFER);
	fake_said("transfer 1 sip:y@198.18.0.2; hangup 1; "); /* that was the last try */
}

static void a_given_call_begins_at_once(void **state)
{
	unsigned call = fake_call_new("x");

	(void)state;
	assert_int_equal(rln_menu_app(&fake.handler, &menu), 0);
	fake.calls[call].state = RLN_STATE_ON_HOLD; /* answered, whatever became of it since */
	assert_int_equal(fake.handler.on_given(fake.handler.arg, &fake.host, (struct rln_session_id){call}, ""), 0);
	fake_said("play 1 main.wav 1; ");
	call = fake_call_new("y");
	assert_int_equal(fake.handler.on_given(fake.handler.arg, &fake.host, (struct rln_session_id){call}, ""), 0);
	fake_said("accept 2; ");
	fake_up(call);
	fake_said("play 2 main.wav 1; ");
}

static void a_prompt_that_cannot_be_played_is_silence(void **state)
{
	(void)state;
	enter();
	fake_no_file(1);
	fake_key(1, '#');
	fake_said("play 1 main.wav 1; hangup 1; ");
	menu.prompt[0] = '\0';
	enter();
	fake_key(2, '#');
	fake_said("hangup 2; ");
	rln_heap_fail_nth(1);
	fake_invite("main");
	rln_heap_fail_nth(0);
	assert_int_equal(fake.decision.code, 503);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(keys_lead_away),
		T(a_file_leads_back_to_the_prompt),
		T(a_key_stops_the_prompt_or_does_not),
		T(nothing_keyed_is_asked_again_and_then_ends),
		T(wrong_keys_are_told_and_counted),
		T(the_last_file_is_heard_before_the_end),
		T(keys_of_several_digits),
		T(a_fixed_number_of_digits_is_waited_for),
		T(a_closed_way_leads_back),
		T(a_failed_transfer_leads_back),
		T(a_given_call_begins_at_once),
		T(a_prompt_that_cannot_be_played_is_silence),
	};

	return cmocka_run_group_tests_name("session_ivr", tests, NULL, NULL);
}
