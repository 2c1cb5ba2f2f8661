/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues of the route table, over the wire: music, places and announcements as the caller hears them, agents in the order of each strategy.
 */
#include "tests/sim/apps_peer.h"

#include <stdlib.h>
#include <sys/stat.h>

#define AGENTS "['sip:a@198.18.0.2:5070', 'sip:b@198.18.0.2:5071', 'sip:c@198.18.0.2:5072']"

static const char *const routes =
	"routes:\n"
	"  - {match: sales, app: queue, queue: sales}\n"
	"  - {match: tiny, app: queue, queue: tiny}\n"
	"  - {match: place, app: queue, queue: place}\n"
	"  - {match: turns, app: queue, queue: turns}\n"
	"  - {match: line, app: queue, queue: line}\n"
	"  - {match: idle, app: queue, queue: idle}\n"
	"queues:\n"
	"  - {name: sales, agents: ['sip:a@198.18.0.2:5070', 'sip:b@198.18.0.2:5071'], music: moh.wav}\n"
	"  - {name: tiny, agents: ['sip:a@198.18.0.2:5070'], max_waiting: 1, timeout_s: 1, fallback: "
	"'sip:night@198.18.0.2:5071'}\n"
	"  - {name: place, agents: ['sip:a@198.18.0.2:5070'], music: moh.wav, position: on, announce: [wait.wav, sorry.wav],\n"
	"     announce_every_s: 1}\n"
	"  - {name: turns, agents: " AGENTS ", strategy: round_robin}\n"
	"  - {name: line, agents: " AGENTS ", strategy: linear}\n"
	"  - {name: idle, agents: " AGENTS ", strategy: longest_idle}\n";

static uint8_t music[15 * FRAME], one[10 * FRAME], two[10 * FRAME], wait_for_us[10 * FRAME], sorry[10 * FRAME];

static int start(void **state)
{
	char path[256];

	(void)state;
	make_prompt("moh.wav", music, 15, 1);
	assert_int_equal(mkdir(sim_path("digits", path), 0700), 0);
	make_prompt("digits/1.wav", one, 10, 2);
	make_prompt("digits/2.wav", two, 10, 3);
	make_prompt("wait.wav", wait_for_us, 10, 4);
	make_prompt("sorry.wav", sorry, 10, 5);
	sim_start(&(struct sim_cfg){.routes = routes});
	return 0;
}

static void a_queue_has_music_and_the_first_agent(void **state)
{
	struct sim_dialog in, a, b;
	struct sim_msg to_a, to_b;

	(void)state;
	enters(&in, "sales");
	rings(first, &a, &to_a);
	rings(second, &b, &to_b);
	hears_prompt(near_rtp, 0, music, 15, 3); /* endless */
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

/* ---- what they hear ---- */

/* Its place at once; then, each second, the announcements in turn and the place again; music between. */
static void a_queue_says_the_place_and_announces(void **state)
{
	struct sim_dialog in, a;
	struct sim_msg to_a;
	unsigned at;

	(void)state;
	enters(&in, "place");
	rings(first, &a, &to_a);
	at = hears_prompt(near_rtp, 0, one, 10, 1);
	at = hears_prompt(near_rtp, at, music, 15, 1);
	at = hears_prompt(near_rtp, at, wait_for_us, 10, 1);
	at = hears_prompt(near_rtp, at, one, 10, 1);
	at = hears_frame(near_rtp, at, music);
	at = hears_prompt(near_rtp, at, sorry, 10, 1);
	hears_prompt(near_rtp, at, one, 10, 1);
	answers(&a, &to_a);
	audio_flows(near_rtp, far_rtp);
	audio_flows(far_rtp, near_rtp);
	sim_bye(&in);
	is_hung_up(&a);
}

static void the_second_caller_hears_that_it_is_the_second(void **state)
{
	struct sim_rtp *other = sim_rtp_open(SIM_HOST, 30002);
	struct sim_dialog in, late, a;
	struct sim_msg to_a, m;
	unsigned at;

	(void)state;
	enters(&in, "place");
	rings(first, &a, &to_a);
	sim_uac(&late, caller, "place", 5060);
	sim_request(&late, "INVITE", NULL, sim_sdp(30002, "0", "sendrecv"));
	do
		sim_expect(caller, &m, "SIP/2.0 ");
	while (m.status < 200);
	assert_int_equal(m.status, 200);
	sim_learn(&late, &m);
	sim_request(&late, "ACK", NULL, NULL);
	at = hears_prompt(other, 0, two, 10, 1);
	sim_bye(&in);
	is_cancelled(&a, &to_a);
	rings(first, &a, &to_a);             /* for the one that is left */
	hears_prompt(other, at, one, 10, 1); /* and its place is told anew */
	sim_bye(&late);
	is_cancelled(&a, &to_a);
	sim_rtp_close(other);
}

/* ---- strategies ---- */

/* One caller, one agent, the end: who was called? */
static void is_served_by(const char *queue, struct sim_sip *agent)
{
	struct sim_dialog in, a;
	struct sim_msg to_a;

	enters(&in, queue);
	rings(agent, &a, &to_a);
	answers(&a, &to_a);
	is_joined(near_rtp, far_rtp);
	sim_bye(&in);
	is_hung_up(&a);
	sim_wait_idle();
}

static void round_robin_takes_turns(void **state)
{
	(void)state;
	is_served_by("turns", first);
	is_served_by("turns", second);
	is_served_by("turns", third);
	is_served_by("turns", first);
}

static void linear_begins_with_the_first(void **state)
{
	struct sim_dialog in, a, b;
	struct sim_msg to_a, to_b, m;

	(void)state;
	is_served_by("line", first);
	is_served_by("line", first);
	enters(&in, "line");
	is_called(first, &a, &to_a);
	sim_respond(&a, &to_a, 486, NULL, NULL);
	sim_expect(first, &m, "ACK ");
	rings(second, &b, &to_b);
	sim_bye(&in);
	is_cancelled(&b, &to_b);
}

/* Nobody has talked yet: in their order; then the one whose talk is longest ago. */
static void longest_idle_rests_who_talked(void **state)
{
	(void)state;
	is_served_by("idle", first);
	is_served_by("idle", second);
	is_served_by("idle", third);
	is_served_by("idle", first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_queue_has_music_and_the_first_agent),
		T(a_caller_that_leaves_the_queue_takes_the_agents_along),
		T(a_full_queue_is_busy_and_the_longest_wait_ends_elsewhere),
		T(a_queue_says_the_place_and_announces),
		T(the_second_caller_hears_that_it_is_the_second),
		T(round_robin_takes_turns),
		T(linear_begins_with_the_first),
		T(longest_idle_rests_who_talked),
	};

	return cmocka_run_group_tests_name("sim/apps_queue", tests, start, sim_group_stop);
}
