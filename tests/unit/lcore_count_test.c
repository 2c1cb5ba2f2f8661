/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/bus.h"
#include "lcore/count.h"

#define ROUNDS 20000

static void every_row_is_named_and_explained(void **state)
{
	(void)state;
	assert_string_equal(rln_count_name(RLN_C_RX_PACKETS), "rx_packets");
	assert_string_equal(rln_count_name(RLN_C_DROP_IP_TRUNCATED), "drop_ip_truncated");
	assert_int_equal(rln_count_group(RLN_C_DROP_IP_TRUNCATED), RLN_G_DROP);
	for (unsigned i = 0; i < RLN_C_COUNT; i++) {
		const char *name = rln_count_name((enum rln_counter)i);

		assert_true(strlen(name) > 0);
		assert_true(strlen(rln_count_meaning((enum rln_counter)i)) > 0);
		for (const char *c = name; *c; c++)
			assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_');
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(name, rln_count_name((enum rln_counter)k));
	}
}

static void groups_add_up_one_endpoint(void **state)
{
	struct rln_counts *c = rln_counts_of(RLN_ENDPOINT_WORKER0);

	(void)state;
	rln_counts_reset();
	rln_counts_add(c, RLN_C_DROP_VLAN, 3);
	rln_counts_add(c, RLN_C_DROP_ARP_BAD, 4);
	rln_counts_add(c, RLN_C_RX_PACKETS, 100);
	rln_counts_add(rln_counts_of(RLN_ENDPOINT_WORKER0 + 1), RLN_C_DROP_VLAN, 50);
	assert_int_equal(rln_counts_group(c, RLN_G_DROP), 7);
	assert_int_equal(rln_counts_group(c, RLN_G_RX), 100);
	assert_int_equal(rln_count_total(RLN_C_DROP_VLAN), 53);
	assert_ptr_equal(rln_counts_of(RLN_ENDPOINT_COUNT), rln_counts_of(RLN_ENDPOINT_APP));
	rln_counts_reset();
	assert_int_equal(rln_count_total(RLN_C_DROP_VLAN), 0);
}

static void *count_as(void *endpoint)
{
	rln_bus_enter(NULL, (unsigned)(uintptr_t)endpoint);
	for (int i = 0; i < ROUNDS; i++)
		rln_count(RLN_C_STALE_HANDLE);
	return NULL;
}

static void threads_lose_no_count(void **state)
{
	static const uintptr_t endpoints[] = {RLN_ENDPOINT_APP, RLN_ENDPOINT_APP, RLN_ENDPOINT_CONTROL, RLN_ENDPOINT_WORKER0};
	pthread_t threads[4];

	(void)state;
	rln_counts_reset();
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_as, (void *)endpoints[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), 4 * ROUNDS);
	assert_int_equal(rln_counts_of(RLN_ENDPOINT_APP)->v[RLN_C_STALE_HANDLE], 2 * ROUNDS);
	assert_int_equal(rln_counts_of(RLN_ENDPOINT_WORKER0)->v[RLN_C_STALE_HANDLE], ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_named_and_explained),
		cmocka_unit_test(groups_add_up_one_endpoint),
		cmocka_unit_test(threads_lose_no_count),
	};

	return cmocka_run_group_tests_name("lcore/count", tests, NULL, NULL);
}
