/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The applications of the route table, over the wire: a bridge from caller to target, a queue with its agents, a menu with keys.
 * Callers and called are scripted peers; one socket each.
 */
#include "tests/sim/sim.h"
#include "tests/wav_file.h"

#include <stdlib.h>

#define FRAME 160

static const char *const routes =
	"routes:\n"
	"  - {match: '6*', app: bridge, to: 'sip:{user}@198.18.0.2:5070'}\n"
	"  - {match: '7*', app: bridge, to: ['sip:{user}@198.18.0.2:5070', 'sip:{user}@198.18.0.2:5071'], to_ring_s: 1}\n"
	"  - {match: sales, app: queue, queue: sales}\n"
	"  - {match: tiny, app: queue, queue: tiny}\n"
	"  - {match: main, app: menu, menu: main}\n"
	"queues:\n"
	"  - {name: sales, agents: ['sip:a@198.18.0.2:5070', 'sip:b@198.18.0.2:5071'], music: moh.wav}\n"
	"  - {name: tiny, agents: ['sip:a@198.18.0.2:5070'], max_waiting: 1, timeout_s: 1, fallback: "
	"'sip:night@198.18.0.2:5071'}\n"
	"menus:\n"
	"  - {name: main, prompt: menu.wav, timeout_s: 1, retries: 0, digits: {'1': {bridge: 'sip:x@198.18.0.2:5070'}, '2': "
	"{queue: sales},\n"
	"     '3': {play: hours.wav, hangup: on}}}\n";

static struct sim_sip *caller, *first, *second;
static struct sim_rtp *near_rtp, *far_rtp;
static uint8_t sound[200 * FRAME];

/* ---- set-up ---- */

static void write_level(const char *name, unsigned ms, int16_t level)
{
	int16_t samples[3200];
	char path[256];

	assert_true(ms <= 400);
	for (unsigned i = 0; i < 8 * ms; i++)
		samples[i] = level;
	wav_write(sim_path(name, path), samples, 8 * ms);
}

static int start(void **state)
{
	(void)state;
	write_level("moh.wav", 400, 8000);
	write_level("menu.wav", 200, 4000);
	write_level("hours.wav", 100, 2000);
	sim_sound_ulaw(sound, sizeof(sound), 3);
	sim_start(&(struct sim_cfg){.routes = routes});
	return 0;
}

static int open_peers(void **state)
{
	(void)state;
	caller = sim_sip_open(5060);
	first = sim_sip_open(5070);
	second = sim_sip_open(5071);
	near_rtp = sim_rtp_open(SIM_HOST, 30000);
	far_rtp = sim_rtp_open(SIM_HOST, 34000);
	return 0;
}

static int close_peers(void **state)
{
	(void)state;
	sim_rtp_close(near_rtp);
	sim_rtp_close(far_rtp);
	sim_sip_close(caller);
	sim_sip_close(first);
	sim_sip_close(second);
	sim_wait_idle();
	return 0;
}

/* ---- steps ---- */

static void calls(struct sim_dialog *d, const char *user)
{
	sim_uac(d, caller, user, 5060);
	sim_request(d, "INVITE", NULL, sim_sdp(30000, "0 101", "sendrecv"));
}

/* The caller's 200, and its ACK. Provisionals that come before it are read over. */
static void is_answered(struct sim_dialog *d)
{
	struct sim_msg m;
	bool again;

	do {
		assert_true(sim_sip_next(caller, &m, &again, SIM_WAIT_MS));
	} while (again || m.status < 200);
	assert_int_equal(m.status, 200);
	sim_learn(d, &m);
	sim_request(d, "ACK", NULL, NULL);
	sim_rtp_to(near_rtp, SIM_MAIN, sim_sdp_port(&m));
}

/* Into a queue or a menu, which answer at once. */
static void enters(struct sim_dialog *d, const char *user)
{
	calls(d, user);
	is_answered(d);
}

static void is_refused(struct sim_dialog *d, int status)
{
	struct sim_msg m;
	bool again;

	do {
		assert_true(sim_sip_next(caller, &m, &again, SIM_WAIT_MS));
	} while (again || m.status < 200);
	assert_int_equal(m.status, status);
	sim_ack_refusal(d, &m);
}

static void is_called(struct sim_sip *who, struct sim_dialog *d, struct sim_msg *invite)
{
	sim_expect(who, invite, "INVITE ");
	sim_uas(d, who, invite);
}

static void rings(struct sim_sip *who, struct sim_dialog *d, struct sim_msg *invite)
{
	is_called(who, d, invite);
	sim_respond(d, invite, 180, NULL, NULL);
}

static void answers(struct sim_dialog *d, const struct sim_msg *invite)
{
	struct sim_msg ack;

	sim_respond(d, invite, 200, NULL, sim_sdp(34000, "0 101", "sendrecv"));
	sim_expect(d->sip, &ack, "ACK ");
	sim_rtp_to(far_rtp, SIM_MAIN, sim_sdp_port(invite));
}

/* We no longer want whom we called: CANCEL, and the 487 that follows. */
static void is_cancelled(struct sim_dialog *d, const struct sim_msg *invite)
{
	struct sim_msg m;

	sim_expect(d->sip, &m, "CANCEL ");
	sim_respond(d, &m, 200, NULL, NULL);
	sim_respond(d, invite, 487, NULL, NULL);
	sim_expect(d->sip, &m, "ACK ");
}

/* The other side's BYE, answered. */
static void is_hung_up(struct sim_dialog *d)
{
	struct sim_msg m;

	sim_expect(d->sip, &m, "BYE ");
	sim_respond(d, &m, 200, NULL, NULL);
}

/* What one side says the other one hears. */
static void audio_flows(struct sim_rtp *from, struct sim_rtp *to)
{
	unsigned before = sim_rtp_received(to);

	sim_rtp_play(from, sound, 20 * FRAME, FRAME, 20000, NULL);
	sim_rtp_wait_sent(from);
	sim_rtp_wait(to, before + 15);
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

/* ---- queue ---- */

static void a_queue_has_music_and_the_first_agent(void **state)
{
	struct sim_dialog in, a, b;
	struct sim_msg to_a, to_b;

	(void)state;
	enters(&in, "sales");
	rings(first, &a, &to_a);
	rings(second, &b, &to_b);
	sim_rtp_wait(near_rtp, 30); /* longer than the file */
	answers(&b, &to_b);
	is_cancelled(&a, &to_a);
	audio_flows(near_rtp, far_rtp);
	audio_flows(far_rtp, near_rtp);
	sim_bye(&in);
	is_hung_up(&b);
}

static void a_caller_that_leaves_the_queue_takes_the_agents_along(void **state)
{
	struct sim_dialog in, a, b;
	struct sim_msg to_a, to_b;

	(void)state;
	enters(&in, "sales");
	rings(first, &a, &to_a);
	rings(second, &b, &to_b);
	sim_bye(&in);
	is_cancelled(&a, &to_a);
	is_cancelled(&b, &to_b);
}

static void a_full_queue_is_busy_and_the_longest_wait_ends_elsewhere(void **state)
{
	struct sim_dialog in, more, a, night;
	struct sim_msg to_a, to_night;

	(void)state;
	enters(&in, "tiny");
	rings(first, &a, &to_a);
	calls(&more, "tiny");
	is_refused(&more, 486);
	is_cancelled(&a, &to_a); /* after a second */
	is_called(second, &night, &to_night);
	assert_non_null(strstr(to_night.text, "INVITE sip:night@"));
	answers(&night, &to_night);
	audio_flows(near_rtp, far_rtp);
	sim_bye(&in);
	is_hung_up(&night);
}

/* ---- menu ---- */

static void a_key_by_telephone_event_leads_to_a_bridge(void **state)
{
	struct sim_dialog in, out;
	struct sim_msg invite;

	(void)state;
	enters(&in, "main");
	sim_rtp_wait(near_rtp, 2); /* the prompt */
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
	sim_rtp_wait(near_rtp, 2);
	sim_rtp_digit(near_rtp, 101, 3, 100);
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
	is_hung_up(&in);
}

static void no_key_ends_the_call(void **state)
{
	struct sim_dialog in;

	(void)state;
	enters(&in, "main");
	is_hung_up(&in); /* prompt and a second */
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_peers, close_peers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_bridged_call_from_ring_to_bye),
		T(early_media_reaches_the_caller),
		T(a_refusal_passes),
		T(a_cancel_passes),
		T(the_next_target_is_called),
		T(a_hold_passes),
		T(a_queue_has_music_and_the_first_agent),
		T(a_caller_that_leaves_the_queue_takes_the_agents_along),
		T(a_full_queue_is_busy_and_the_longest_wait_ends_elsewhere),
		T(a_key_by_telephone_event_leads_to_a_bridge),
		T(a_key_leads_to_a_file_and_the_end),
		T(a_key_by_info_leads_to_a_file_and_the_end),
		T(no_key_ends_the_call),
	};

	return cmocka_run_group_tests_name("sim/apps", tests, start, sim_group_stop);
}
