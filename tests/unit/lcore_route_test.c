// SPDX-License-Identifier: BSD-3-Clause
/* Routes: longest prefix, source addresses, what counts as ours. */
#include "tests/unit/net_fixture.h"

static void expect_route(const char *to, const char *next)
{
	struct rln_addr a = addr(to, 7);
	struct rln_route route;

	assert_int_equal(rln_route_find(&w.shared, &a, &route), 0);
	expect_addr(&route.next, next);
}

static void expect_no_route(const char *to)
{
	struct rln_addr a = addr(to, 7), local;
	struct rln_route route;

	assert_int_equal(rln_route_find(&w.shared, &a, &route), -ENETUNREACH);
	assert_int_equal(rln_net_source_for(&w.shared, &a, &local), -ENETUNREACH);
}

static void expect_source(const char *to, const char *source)
{
	struct rln_addr a = addr(to, 7), local;

	assert_int_equal(rln_net_source_for(&w.shared, &a, &local), 0);
	expect_addr(&local, source);
}

static void test_longest_prefix(void **state)
{
	(void)state;
	world_defaults();
	world_route("0.0.0.0", 0, "198.18.0.254");
	world_route("10.0.0.0", 8, "198.18.0.253");
	world_route("10.1.0.0", 16, "198.18.0.252");
	world_route("10.1.2.3", 32, "198.18.0.251");
	expect_route("198.18.0.2", "198.18.0.2");
	expect_route("198.18.1.2", "198.18.0.254");
	expect_route("10.2.0.1", "198.18.0.253");
	expect_route("10.1.9.9", "198.18.0.252");
	expect_route("10.1.2.3", "198.18.0.251");
	expect_route("2001:db8::77", "2001:db8::77");
	expect_no_route("2001:db9::1"); /* the default gateway of IPv4 is none of IPv6's */
	world_route("::", 0, "fe80::1");
	expect_route("2001:db9::1", "fe80::1");
	expect_route("10.2.0.1", "198.18.0.253");
}

static void test_a_length_of_zero_of_ipv4_counts_96(void **state)
{
	struct rln_addr a = addr("203.0.113.1", 0);
	struct rln_route route;

	(void)state;
	world_defaults();
	assert_int_equal(rln_route_find(&w.shared, &a, &route), -ENETUNREACH);
	world_route("0.0.0.0", 0, "198.18.0.254");
	assert_int_equal(w.shared.routes[0].to.len, 96);
	expect_route("203.0.113.1", "198.18.0.254");
	world_route("0.0.0.0", 1, "198.18.0.253");
	expect_route("100.0.0.1", "198.18.0.253");
	expect_route("203.0.113.1", "198.18.0.254");
}

static void test_no_route(void **state)
{
	static const char *const none[] = {"0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "192.0.2.1"};

	(void)state;
	world_defaults();
	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		expect_no_route(none[i]);
	world_route("0.0.0.0", 0, "198.18.0.254");
	expect_no_route("224.0.0.1");
}

static void test_source_addresses(void **state)
{
	(void)state;
	world_defaults();
	world_address("198.18.7.1", 24);
	world_address("fe80::1234", 64);
	world_route("0.0.0.0", 0, "198.18.7.254");
	world_route("::", 0, "fe80::1");
	expect_source("198.18.0.9", "198.18.0.1");
	expect_source("198.18.7.9", "198.18.7.1");
	expect_source("203.0.113.5", "198.18.7.1"); /* the address on the gateway's net */
	expect_source("2001:db8::9", "2001:db8::1");
	expect_source("fe80::9", "fe80::1234");
	expect_source("198.18.7.1", "198.18.7.1"); /* to ourselves: from that address */
}

static void test_which_addresses_are_ours(void **state)
{
	struct rln_addr v4 = addr("127.0.0.9", 5060), v6 = addr("::1", 5060), us = addr("2001:db8::1", 1),
			no = addr("198.18.0.2", 1);

	(void)state;
	world_defaults();
	assert_int_equal(rln_net_is_local(&w.shared, &v4), 0);
	assert_int_equal(rln_net_is_local(&w.shared, &v6), 1);
	assert_int_equal(rln_net_is_local(&w.shared, &us), 1);
	assert_int_equal(rln_net_is_local(&w.shared, &no), -1);
	expect_source("127.0.0.1", "198.18.0.1");
	expect_source("::1", "2001:db8::1");
	w.shared.addrs_n = 0; /* no port at all: calls within the process still have an address */
	assert_int_equal(rln_net_is_local(&w.shared, &v4), 0);
	expect_source("127.0.0.1", "127.0.0.1");
	expect_source("::1", "::1");
}

static void test_on_link(void **state)
{
	static const struct {
		const char *addr;
		bool on;
	} rows[] = {{"198.18.0.77", true}, {"198.18.1.77", false}, {"2001:db8::5", true}, {"2001:db9::5", false},
		{"fe80::5", true}, {"10.9.9.9", true}};

	(void)state;
	world_defaults();
	world_route("0.0.0.0", 0, "10.9.9.9"); /* a gateway outside our nets */
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rln_addr a = addr(rows[i].addr, 0);

		assert_int_equal(rln_route_is_on_link(&w.shared, 0, &a), rows[i].on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_prefix),
		cmocka_unit_test(test_a_length_of_zero_of_ipv4_counts_96),
		cmocka_unit_test(test_no_route),
		cmocka_unit_test(test_source_addresses),
		cmocka_unit_test(test_which_addresses_are_ours),
		cmocka_unit_test(test_on_link),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
