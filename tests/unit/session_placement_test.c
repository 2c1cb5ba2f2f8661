/* SPDX-License-Identifier: BSD-3-Clause */
/* Placement: slices cover the range without gap or overlap, legs go to the emptiest worker, ports find their owner. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lcore/heap.h"
#include "lcore/net/net.h"
#include "session/placement.h"

static struct rln_placement *placement_of(unsigned workers, uint16_t min, uint16_t max, uint32_t legs)
{
	struct rln_placement_cfg cfg = {workers, min, max, legs};
	struct rln_placement *p = NULL;

	assert_int_equal(rln_placement_create(&p, &cfg), 0);
	return p;
}

static int owner(const struct rln_placement *p, uint16_t port)
{
	struct rln_addr a = {.port = port};

	return rln_placement_owner_of(p, &a);
}

static void refuses_bad_ranges(void **state)
{
	struct rln_placement_cfg bad[] = {
		{0, 10000, 20000, 10},
		{33, 10000, 20000, 10},
		{2, 10000, 10002, 10}, /* one whole pair for two workers */
		{1, 20000, 10000, 10},
		{1, 10000, 10000, 10},
		{1, 10000, 20000, 0},
	};
	struct rln_placement *p = NULL;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rln_placement_create(&p, &bad[i]), -EINVAL);
	assert_null(p);
	rln_heap_fail_nth(1);
	assert_int_equal(rln_placement_create(&p, &(struct rln_placement_cfg){1, 10000, 20000, 1}), -ENOMEM);
	assert_int_equal(rln_heap_fail_nth(0), 1);
}

static void slices_cover_the_range(void **state)
{
	unsigned workers, w, total;

	(void)state;
	for (workers = 1; workers <= 32; workers++) {
		struct rln_placement *p = placement_of(workers, 16385, 16999, 10); /* odd minimum, 307 pairs from 16386 */
		uint16_t next = 16386;

		for (w = 0, total = 0; w < workers; w++) {
			struct rln_port_slice s = rln_placement_slice(p, w);
			unsigned port;

			assert_int_equal(s.first, next);
			assert_true(s.pairs >= 307 / workers);
			for (port = s.first; port < s.first + 2u * s.pairs; port++)
				assert_int_equal(owner(p, (uint16_t)port), w);
			next = (uint16_t)(s.first + 2 * s.pairs);
			total += s.pairs;
		}
		assert_int_equal(total, 307);
		assert_int_equal(owner(p, 16385), RLN_NET_NOBODY);
		assert_int_equal(owner(p, next), RLN_NET_NOBODY);
		assert_int_equal(owner(p, 65535), RLN_NET_NOBODY);
		assert_int_equal(rln_placement_slice(p, workers).pairs, 0);
		rln_placement_destroy(p);
	}
}

static void range_up_to_the_last_port(void **state)
{
	struct rln_placement *p = placement_of(1, 65532, 65535, 10);

	(void)state;
	assert_int_equal(rln_placement_slice(p, 0).pairs, 2);
	assert_int_equal(owner(p, 65535), 0);
	assert_int_equal(owner(p, 65531), RLN_NET_NOBODY);
	rln_placement_destroy(p);
}

static void sip_ports_are_counted(void **state)
{
	struct rln_placement *p = placement_of(2, 10000, 10999, 10);

	(void)state;
	assert_int_equal(owner(p, 5060), RLN_NET_NOBODY);
	rln_placement_add_sip_port(p, 5060);
	rln_placement_add_sip_port(p, 5060);
	rln_placement_add_sip_port(p, 10000); /* inside the RTP range: SIP wins */
	assert_int_equal(owner(p, 5060), RLN_NET_CONTROL);
	assert_int_equal(owner(p, 10000), RLN_NET_CONTROL);
	rln_placement_del_sip_port(p, 10000);
	assert_int_equal(owner(p, 10000), 0);
	rln_placement_del_sip_port(p, 5060);
	assert_int_equal(owner(p, 5060), RLN_NET_CONTROL);
	rln_placement_del_sip_port(p, 5060);
	rln_placement_del_sip_port(p, 5060); /* one too many changes nothing */
	assert_int_equal(owner(p, 5060), RLN_NET_NOBODY);
	rln_placement_destroy(p);
}

static void legs_go_to_the_emptiest(void **state)
{
	struct rln_placement *p = placement_of(3, 10000, 10999, 4);
	unsigned i;

	(void)state;
	for (i = 0; i < 12; i++)
		assert_int_equal(rln_placement_take(p), i % 3);
	assert_int_equal(rln_placement_take(p), -ENOSPC);
	rln_placement_release(p, 1);
	rln_placement_release(p, 1);
	rln_placement_release(p, 2);
	assert_int_equal(rln_placement_legs(p, 1), 2);
	assert_int_equal(rln_placement_take(p), 1);
	assert_int_not_equal(rln_placement_take(p), 0);
	assert_int_not_equal(rln_placement_take(p), 0);
	assert_int_equal(rln_placement_take(p), -ENOSPC);
	for (i = 0; i < 20; i++)
		rln_placement_release(p, i % 4); /* worker 3 does not exist, and nothing goes below zero */
	assert_int_equal(rln_placement_legs(p, 0) + rln_placement_legs(p, 1) + rln_placement_legs(p, 2), 0);
	rln_placement_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_ranges),
		cmocka_unit_test(slices_cover_the_range),
		cmocka_unit_test(range_up_to_the_last_port),
		cmocka_unit_test(sip_ports_are_counted),
		cmocka_unit_test(legs_go_to_the_emptiest),
	};

	return cmocka_run_group_tests_name("session_placement", tests, NULL, NULL);
}
