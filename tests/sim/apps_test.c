/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The applications of the route table, over the wire: a bridge from caller to target, a menu with keys. Callers and called are scripted peers; one socket each.
 */
#include "tests/sim/apps_peer.h"

#include <stdlib.h>

static const char *const routes =
	"routes:\n"
	"  - {match: '6*', app: bridge, to: 'sip:{user}@198.18.0.2:5070'}\n"
	"  - {match: '7*', app: bridge, to: ['sip:{user}@198.18.0.2:5070', 'sip:{user}@198.18.0.2:5071'], to_ring_s: 1}\n"
	"  - {match: main, app: menu, menu: main}\n"
	"queues:\n"
	"  - {name: sales, agents: ['sip:a@198.18.0.2:5070', 'sip:b@198.18.0.2:5071'], music: moh.wav}\n"
	"menus:\n"
	"  - {name: main, prompt: menu.wav, timeout_s: 1, retries: 0, digits: {'1': {bridge: 'sip:x@198.18.0.2:5070'}, '2': "
	"{queue: sales},\n"
	"     '3': {play: hours.wav, hangup: on}}}\n";

static uint8_t music[15 * FRAME], menu[10 * FRAME], hours[10 * FRAME];

static int start(void **state)
{
	(void)state;
	make_prompt("moh.wav", music, 15, 1);
	make_prompt("menu.wav", menu, 10, 2);
	make_prompt("hours.wav", hours, 10, 3);
	sim_start(&(struct sim_cfg){.routes = routes});
	return 0;
}

/* ---- bridge ---- */

static void a_bridged_call_from_ring_to_bye(void **state)
{
	struct sim_dialog in, out;
	struct sim_msg m, invite;

	(void)state;
	calls(&in, "601");
	sim_expect(caller, &m, "SIP/2.0 182");
	is_called(first, &out, &invite);
	assert_non_null(strstr(invite.text, "INVITE sip:601@198.18.0.2:5070"));
	assert_non_null(strstr(sim_header(&invite, "From"), "sip:sim@" SIM_HOST));
	sim_respond(&out, &invite, 180, NULL, NULL);
	sim_expect(caller, &m, "SIP/2.0 180");
	answers(&out, &invite);
	is_answered(&in);
	audio_flows(near_rtp, far_rtp);
	audio_flows(far_rtp, near_rtp);
	sim_request(&out, "BYE", NULL, NULL);
	sim_expect(first, &m, "SIP/2.0 200");
	is_hung_up(&in);
}

static void early_media_reaches_the_caller(void **state)
{
	struct sim_dialog in, out;
	struct sim_msg m, invite;

	(void)state;
	calls(&in, "602");
	sim_expect(caller, &m, "SIP/2.0 182");
	is_called(first, &out, &invite);
	sim_respond(&out, &invite, 183, NULL, sim_sdp(34000, "0 101", "sendrecv"));
	sim_rtp_to(far_rtp, SIM_MAIN, sim_sdp_port(&invite));
	sim_expect(caller, &m, "SIP/2.0 183");
	assert_int_not_equal(sim_sdp_port(&m), 0);
	audio_flows(far_rtp, near_rtp);
	answers(&out, &invite);
	is_answered(&in);
	audio_flows(near_rtp, far_rtp);
	sim_bye(&in);
	is_hung_up(&out);
}

static void a_refusal_passes(void **state)
{
	struct sim_dialog in, out;
	struct sim_msg m, invite;

	(void)state;
	calls(&in, "603");
	is_called(first, &out, &invite);
	sim_respond(&out, &invite, 486, NULL, NULL);
	sim_expect(first, &m, "ACK ");
	is_refused(&in, 486);
}

static void a_cancel_passes(void **state)
{
	struct sim_dialog in, out;
	struct sim_msg m, invite;

	(void)state;
	calls(&in, "604");
	sim_expect(caller, &m, "SIP/2.0 182");
	rings(first, &out, &invite);
	sim_expect(caller, &m, "SIP/2.0 180");
	sim_request(&in, "CANCEL", NULL, NULL);
	sim_expect(caller, &m, "SIP/2.0 200");
	is_refused(&in, 487);
	is_cancelled(&out, &invite);
}

static void the_next_target_is_called(void **state)
{
	struct sim_dialog in, out, other;
	struct sim_msg invite;

	(void)state;
	calls(&in, "701");
	rings(first, &out, &invite);
	is_cancelled(&out, &invite); /* after a second */
	is_called(second, &other, &invite);
	answers(&other, &invite);
	is_answered(&in);
	audio_flows(near_rtp, far_rtp);
	sim_bye(&in);
	is_hung_up(&other);
}

static void a_hold_passes(void **state)
{
	struct sim_dialog in, out;
	struct sim_msg m, ack, invite;

	(void)state;
	calls(&in, "605");
	is_called(first, &out, &invite);
	answers(&out, &invite);
	is_answered(&in);
	audio_flows(near_rtp, far_rtp);
	sim_request(&in, "INVITE", NULL, sim_sdp(30000, "0 101", "sendonly"));
	sim_expect(first, &m, "INVITE ");
	assert_non_null(strstr(sim_body(&m), "a=sendonly"));
	sim_respond(&out, &m, 200, NULL, sim_sdp(34000, "0 101", "recvonly"));
	sim_expect(first, &ack, "ACK ");
	sim_expect(caller, &m, "SIP/2.0 200");
	assert_non_null(strstr(sim_body(&m), "a=recvonly"));
	sim_request(&in, "ACK", NULL, NULL);
	sim_bye(&in);
	is_hung_up(&out);
}

/* ---- menu ---- */

static void a_key_by_telephone_event_leads_to_a_bridge(void **state)
{
	struct sim_dialog in, out;
	struct sim_msg invite;

	(void)state;
	enters(&in, "main");
	hears_frame(near_rtp, 0, menu); /* a key may interrupt it */
	sim_rtp_digit(near_rtp, 101, 1, 100);
	is_called(first, &out, &invite);
	answers(&out, &invite);
	audio_flows(near_rtp, far_rtp);
	audio_flows(far_rtp, near_rtp);
	sim_request(&out, "BYE", NULL, NULL);
	sim_expect(first, &invite, "SIP/2.0 200");
	is_hung_up(&in);
}

static void a_key_leads_to_a_file_and_the_end(void **state)
{
	struct sim_dialog in;

	(void)state;
	enters(&in, "main");
	hears_frame(near_rtp, 0, menu);
	sim_rtp_digit(near_rtp, 101, 3, 100);
	hears_prompt(near_rtp, 0, hours, 10, 1);
	is_hung_up(&in);
}

static void a_key_by_info_leads_to_a_file_and_the_end(void **state)
{
	struct sim_dialog in;
	struct sim_msg m;

	(void)state;
	enters(&in, "main");
	sim_request_body(&in, "INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=3\r\nDuration=160\r\n");
	sim_expect(caller, &m, "SIP/2.0 200");
	hears_prompt(near_rtp, 0, hours, 10, 1);
	is_hung_up(&in);
}

static void a_key_leads_to_a_queue_and_its_music(void **state)
{
	struct sim_dialog in, a, b;
	struct sim_msg to_a, to_b;

	(void)state;
	enters(&in, "main");
	hears_frame(near_rtp, 0, menu);
	sim_rtp_digit(near_rtp, 101, 2, 100);
	rings(first, &a, &to_a);
	rings(second, &b, &to_b);
	hears_prompt(near_rtp, 0, music, 15, 2);
	sim_bye(&in);
	is_cancelled(&a, &to_a);
	is_cancelled(&b, &to_b);
}

static void no_key_ends_the_call(void **state)
{
	struct sim_dialog in;

	(void)state;
	enters(&in, "main");
	hears_prompt(near_rtp, 0, menu, 10, 1);
	is_hung_up(&in); /* a second later */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_bridged_call_from_ring_to_bye),
		T(early_media_reaches_the_caller),
		T(a_refusal_passes),
		T(a_cancel_passes),
		T(the_next_target_is_called),
		T(a_hold_passes),
		T(a_key_by_telephone_event_leads_to_a_bridge),
		T(a_key_leads_to_a_file_and_the_end),
		T(a_key_by_info_leads_to_a_file_and_the_end),
		T(a_key_leads_to_a_queue_and_its_music),
		T(no_key_ends_the_call),
	};

	return cmocka_run_group_tests_name("sim/apps", tests, start, sim_group_stop);
}
