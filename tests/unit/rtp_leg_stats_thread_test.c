/* SPDX-License-Identifier: BSD-3-Clause */
/* The sequence lock of a leg's statistics: a reader sees one publication whole, or none; another leg's are not shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <string.h>
#include <cmocka.h>

#include "rtp/leg_stats.h"

#define ROUNDS 20000

static struct rln_leg_stats_cell cell;

/* Every field says the same number, in its own width. */
static struct rln_leg_stats stats_of(uint64_t n)
{
	struct rln_leg_stats s;

	memset(&s, 0, sizeof(s));
	s.at_ns = s.packets_sent = s.octets_sent = s.packets_received = s.octets_received = s.lost = s.last_rx_ns = n;
	s.jitter_us = s.rtt_us = s.peer_lost = s.peer_jitter_us = (uint32_t)n;
	s.state = s.direction = s.codec = (uint8_t)n;
	s.local.port = s.remote.port = (uint16_t)n;
	memset(s.remote.ip, (uint8_t)n, sizeof(s.remote.ip));
	return s;
}

static void *publish(void *arg)
{
	(void)arg;
	for (uint64_t n = 1; n <= ROUNDS; n++) {
		struct rln_leg_stats s = stats_of(n);

		rln_leg_stats_publish(&cell, n % 1000 == 0 ? 8 : 7, &s);
	}
	return NULL;
}

static void a_reader_sees_whole_publications(void **state)
{
	struct rln_leg_stats s, want;
	uint64_t last = 0;
	pthread_t writer;

	(void)state;
	assert_false(rln_leg_stats_read(&cell, 7, &s));
	assert_false(rln_leg_stats_read(&cell, 0, &s));
	assert_int_equal(pthread_create(&writer, NULL, publish, NULL), 0);
	/* The last publication is another leg's: it ends the loop. */
	while (!rln_leg_stats_read(&cell, 8, &s) || s.at_ns != ROUNDS) {
		if (!rln_leg_stats_read(&cell, 7, &s))
			continue;
		want = stats_of(s.at_ns);
		assert_memory_equal(&s, &want, sizeof(s));
		assert_true(s.at_ns >= last);
		assert_true(s.at_ns % 1000 != 0); /* those were another leg's */
		last = s.at_ns;
	}
	pthread_join(writer, NULL);
	assert_true(rln_leg_stats_read(&cell, 8, &s));
	assert_int_equal(s.at_ns, ROUNDS);
	assert_false(rln_leg_stats_read(&cell, 7, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_sees_whole_publications),
	};

	return cmocka_run_group_tests_name("rtp_leg_stats_thread", tests, NULL, NULL);
}
