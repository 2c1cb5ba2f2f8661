// SPDX-License-Identifier: BSD-3-Clause
/* IPv6 on receive: what is delivered, and each reason to drop one. */
#include "tests/unit/net_receive.h"

#define GOOD                                                                                                                     \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000220010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define PADDED                                                                                                                   \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000220010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f0000000000"
#define ATOMIC                                                                                                                   \
	"02000000000102000000000286dd6000000000152c4020010db800000000000000000000000220010db80000000000000000000000011100"       \
	"00000000006375304e20000d9d3c68656c6c6f"
#define VERSION_5                                                                                                                \
	"02000000000102000000000286dd50000000000d114020010db800000000000000000000000220010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define TRUNCATED                                                                                                                \
	"02000000000102000000000286dd60000000010d114020010db800000000000000000000000220010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define OTHER_ADDRESS                                                                                                            \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000220010db80000000000000000000000097530"       \
	"4e20000d9d3c68656c6c6f"
#define TO_MAPPED                                                                                                                \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000200000000000000000000ffffc61200017530"       \
	"4e20000d9d3c68656c6c6f"
#define TO_LOOPBACK                                                                                                              \
	"02000000000102000000000286dd60000000000d114020010db8000000000000000000000002000000000000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define UDP_TO_ALL                                                                                                               \
	"33330000000102000000000286dd60000000000d114020010db8000000000000000000000002ff0200000000000000000000000000017530"       \
	"4e20000dcbf268656c6c6f"
#define FROM_US                                                                                                                  \
	"02000000000102000000000286dd60000000000d114020010db800000000000000000000000120010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define FROM_MULTICAST                                                                                                           \
	"02000000000102000000000286dd60000000000d1140ff02000000000000000000000000000120010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define FROM_MAPPED                                                                                                              \
	"02000000000102000000000286dd60000000000d114000000000000000000000ffffc612000220010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define FROM_NOWHERE                                                                                                             \
	"02000000000102000000000286dd60000000000d11400000000000000000000000000000000020010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define FROM_LOOPBACK                                                                                                            \
	"02000000000102000000000286dd60000000000d11400000000000000000000000000000000120010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define HOP_BY_HOP                                                                                                               \
	"02000000000102000000000286dd600000000015004020010db800000000000000000000000220010db80000000000000000000000011100"       \
	"01040000000075304e20000d9d3c68656c6c6f"
#define ROUTING                                                                                                                  \
	"02000000000102000000000286dd6000000000152b4020010db800000000000000000000000220010db80000000000000000000000011100"       \
	"00000000000075304e20000d9d3c68656c6c6f"
#define TCP                                                                                                                      \
	"02000000000102000000000286dd60000000000d064020010db800000000000000000000000220010db80000000000000000000000017530"       \
	"4e20000d9d3c68656c6c6f"
#define FRAGMENT_SHORT                                                                                                           \
	"02000000000102000000000286dd6000000000032c4020010db800000000000000000000000220010db80000000000000000000000011100"       \
	"00"
#define FRAGMENT_OF_ROUTING                                                                                                      \
	"02000000000102000000000286dd60000000001d2c4020010db800000000000000000000000220010db80000000000000000000000012b00"       \
	"000000000063110000000000000075304e20000d9d3c68656c6c6f"
#define MLD_REPORT                                                                                                               \
	"33330000001602000000000286dd600000000010000120010db8000000000000000000000002ff0200000000000000000000000000163a00"       \
	"0502000001008f00000000000000"

static void expect_hello(void)
{
	expect_hello_between("[2001:db8::2]:30000", "[2001:db8::1]:20000");
}

static void test_delivers(void **state)
{
	static const char *const good[] = {GOOD, PADDED, ATOMIC};

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		receive(good[i]);
		expect_hello();
	}
	expect_count(RX_PACKETS, 3);
	world_end();
}

static void test_drops_by_reason(void **state)
{
	static const struct bad_frame bad[] = {
		{"version", VERSION_5, RLN_C_DROP_IP_HEADER},
		{"truncated", TRUNCATED, RLN_C_DROP_IP_TRUNCATED},
		{"another address", OTHER_ADDRESS, RLN_C_DROP_IP_NOT_OURS},
		{"a mapped IPv4 address", TO_MAPPED, RLN_C_DROP_IP_NOT_OURS},
		{"loopback", TO_LOOPBACK, RLN_C_DROP_IP_NOT_OURS},
		{"UDP to all nodes", UDP_TO_ALL, RLN_C_DROP_IP_NOT_OURS},
		{"from us", FROM_US, RLN_C_DROP_IP_SOURCE},
		{"from multicast", FROM_MULTICAST, RLN_C_DROP_IP_SOURCE},
		{"from mapped IPv4", FROM_MAPPED, RLN_C_DROP_IP_SOURCE},
		{"from ::", FROM_NOWHERE, RLN_C_DROP_IP_SOURCE},
		{"from loopback", FROM_LOOPBACK, RLN_C_DROP_IP_SOURCE},
		{"hop by hop", HOP_BY_HOP, RLN_C_DROP_IP_OPTIONS},
		{"routing", ROUTING, RLN_C_DROP_IP_OPTIONS},
		{"protocol", TCP, RLN_C_DROP_IP_PROTO},
		{"short fragment header", FRAGMENT_SHORT, RLN_C_DROP_IP_HEADER},
		{"routing in a fragment", FRAGMENT_OF_ROUTING, RLN_C_DROP_IP_OPTIONS},
		{"MLD to routers", MLD_REPORT, RLN_C_DROP_IP_NOT_OURS},
	};

	(void)state;
	expect_drops(bad, sizeof(bad) / sizeof(bad[0]));
	world_end();
}

static void test_every_shorter_frame_is_dropped(void **state)
{
	unsigned n = receive_every_shorter(GOOD);

	(void)state;
	assert_int_equal(count_of(0, RLN_C_DROP_ETH_SHORT), 14);
	assert_int_equal(count_of(0, RLN_C_DROP_IP_HEADER), 40);
	assert_int_equal(count_of(0, RLN_C_DROP_IP_TRUNCATED), n - 54);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_delivers, world_setup),
		cmocka_unit_test_setup(test_drops_by_reason, world_setup),
		cmocka_unit_test_setup(test_every_shorter_frame_is_dropped, world_setup),
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
