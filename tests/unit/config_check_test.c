/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rules use: positions, sizes, device texts, routes and file names. The rules' own messages: tests/scenario/config. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/check.h"
#include "config/device.h"
#include "config/hosts.h"
#include "config/parse.h"
#include "config/route.h"
#include "config/schema.h"

static struct rln_config config;
static struct rln_config_marks marks;
static struct rln_config_report report;

static void mark(const void *value, size_t size, unsigned line, bool group)
{
	const struct rln_config_mark m = {
		(uint32_t)((const char *)value - (const char *)&config), (uint32_t)size, line, 1, group};

	rln_config_mark_add(&marks, &m);
}

static void test_position_is_the_value_or_what_is_around_it(void **state)
{
	(void)state;
	marks.n = 0;
	mark(&config, sizeof(config), 1, true);
	mark(&config.rtp, sizeof(config.rtp), 7, true);
	mark(&config.rtp.port_max, 2, 9, false);
	assert_int_equal(rln_config_mark_find(&marks, &config, &config.rtp.port_max).line, 9);
	assert_int_equal(rln_config_mark_find(&marks, &config, &config.rtp.port_min).line, 7);
	assert_int_equal(rln_config_mark_find(&marks, &config, &config.sip.port).line, 1);
	assert_int_equal(rln_config_mark_find(NULL, &config, &config.sip.port).line, 1);
	assert_true(rln_config_mark_has(&marks, &config, &config.rtp.port_max));
	assert_false(rln_config_mark_has(&marks, &config, &config.rtp.port_min)); /* first in a group that was given */
}

static void test_marks_stop_at_their_room(void **state)
{
	(void)state;
	marks.n = 0;
	for (unsigned i = 0; i < sizeof(marks.at) / sizeof(marks.at[0]) + 10; i++)
		mark(&config, 1, i, false);
	assert_int_equal(marks.n, sizeof(marks.at) / sizeof(marks.at[0]));
}

static void test_default_passes_without_a_file(void **state)
{
	(void)state;
	rln_config_defaults(&config);
	memset(&report, 0, sizeof(report));
	assert_int_equal(rln_config_check(&config, NULL, &report), 0);
	config.rtp.port_min++;
	assert_int_equal(rln_config_check(&config, NULL, &report), -EINVAL);
	assert_int_equal(report.n, 1);
	assert_int_equal(report.faults[0].line, 1);
}

static void test_sizes_follow_the_limits(void **state)
{
	uint32_t small, large;

	(void)state;
	rln_config_defaults(&config);
	assert_int_equal(rln_config_mbuf_room(&config), 2048);
	small = rln_config_memory_need_mb(&config, 1);
	assert_in_range(small, 80, 160);
	assert_int_equal(rln_config_mbufs(&config, 1) & (rln_config_mbufs(&config, 1) + 1), 0);
	config.limits.calls = 200000;
	large = rln_config_memory_need_mb(&config, 4);
	assert_true(large > 2 * small);
	snprintf(config.ports[0].device, sizeof(config.ports[0].device), "net_af_packet0,iface=x,framesz=16384");
	assert_int_equal(rln_config_mbuf_room(&config), 16384);
	config.ports[0].mbuf_room = 20000;
	assert_int_equal(rln_config_mbuf_room(&config), 20000);
	snprintf(config.ports[0].device, sizeof(config.ports[0].device), "net_af_packet0,iface=x,framesz=99999999");
	config.ports[0].mbuf_room = 0;
	assert_true(rln_config_mbuf_room(&config) <= 65535 - 128); /* an mbuf's buf_len is 16 bits */
}

static void test_device_kinds(void **state)
{
	static const struct {
		const char *device;
		enum rln_device_kind kind;
	} cases[] = {
		{"net_tap0,iface=rl0", RLN_DEVICE_TAP},
		{"net_tap", RLN_DEVICE_TAP},
		{"net_tap_left", RLN_DEVICE_TAP},
		{"net_tapx", RLN_DEVICE_UNKNOWN},
		{"eth_af_packet1,iface=v0", RLN_DEVICE_AF_PACKET},
		{"net_af_xdp0", RLN_DEVICE_AF_XDP},
		{"net_memif3,role=server", RLN_DEVICE_MEMIF},
		{"net_ring_a", RLN_DEVICE_RING},
		{"net_pcap0", RLN_DEVICE_PCAP},
		{"net_null0", RLN_DEVICE_NULL},
		{"0000:03:00.0", RLN_DEVICE_PCI},
		{"0000:03:00.1,arg=1", RLN_DEVICE_PCI},
		{"03:00.0", RLN_DEVICE_PCI},
		{"0000:03:00.0x", RLN_DEVICE_UNKNOWN},
		{"0000:3:00.0", RLN_DEVICE_UNKNOWN},
		{"0000:03:00", RLN_DEVICE_UNKNOWN},
		{"eth0", RLN_DEVICE_UNKNOWN},
		{"", RLN_DEVICE_UNKNOWN},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(rln_device_kind(cases[i].device), cases[i].kind);
	assert_string_equal(rln_device_kind_name(RLN_DEVICE_PCI), "PCI");
	assert_string_equal(rln_device_kind_name(RLN_DEVICE_AF_PACKET), "af_packet");
	assert_string_equal(rln_device_kind_name(RLN_DEVICE_UNKNOWN), "unknown");
}

static void test_device_arguments(void **state)
{
	char buf[16];
	const char *args;

	(void)state;
	assert_true(rln_device_split("net_tap0,iface=rl0,mac=fixed", buf, sizeof(buf), &args));
	assert_string_equal(buf, "net_tap0");
	assert_string_equal(args, "iface=rl0,mac=fixed");
	assert_true(rln_device_split("0000:03:00.0", buf, sizeof(buf), &args));
	assert_string_equal(args, "");
	assert_false(rln_device_split("net_af_packet_with_a_long_name", buf, sizeof(buf), &args));
	assert_true(rln_device_arg("net_tap0,iface=rl0,mac=fixed", "mac", buf, sizeof(buf)));
	assert_string_equal(buf, "fixed");
	assert_true(rln_device_arg("net_tap0,iface=rl0,mac=fixed", "iface", buf, sizeof(buf)));
	assert_string_equal(buf, "rl0");
	assert_false(rln_device_arg("net_tap0,iface=rl0", "face", buf, sizeof(buf)));
	assert_false(rln_device_arg("net_tap0,iface", "iface", buf, sizeof(buf)));
	assert_false(rln_device_arg("net_tap0,iface=a_name_beyond_the_room", "iface", buf, sizeof(buf)));
	assert_false(rln_device_arg("net_tap0", "iface", buf, sizeof(buf)));
}

static void test_first_route_wins(void **state)
{
	static const char text[] =
		"routes: [{match: '1[0-4]?', app: tone}, {match: 'echo*', app: echo}, {match: '1*', app: reject, code: 404}]";

	(void)state;
	assert_int_equal(rln_config_parse(&config, text, sizeof(text) - 1, &report), 0);
	assert_ptr_equal(rln_config_route_find(&config, "142"), &config.routes[0]);
	assert_ptr_equal(rln_config_route_find(&config, "echo-test"), &config.routes[1]);
	assert_ptr_equal(rln_config_route_find(&config, "1422"), &config.routes[2]);
	assert_null(rln_config_route_find(&config, "Echo"));
	assert_null(rln_config_route_find(&config, ""));
}

static void test_file_names(void **state)
{
	const struct rln_route_names names = {.user = "both", .from = "../../etc/x y", .call = "0-12-3", .time = NULL};
	char path[64];

	(void)state;
	assert_int_equal(rln_config_route_path(path, sizeof(path), "rec", "{from}-{call}{time}.wav", &names), 0);
	assert_string_equal(path, "rec/_._.._etc_x_y-0-12-3.wav");
	assert_int_equal(rln_config_route_path(path, sizeof(path), "rec", "/var/{user}.wav", &names), 0);
	assert_string_equal(path, "/var/both.wav");
	assert_int_equal(rln_config_route_path(path, sizeof(path), "", "a.wav", &names), 0);
	assert_string_equal(path, "a.wav");
	assert_int_equal(rln_config_route_path(path, sizeof(path), "rec", "{who}.wav", &names), -EINVAL);
	assert_int_equal(rln_config_route_path(path, sizeof(path), "rec", "{user.wav", &names), -EINVAL);
	assert_int_equal(rln_config_route_path(path, 12, "rec", "{user}.wav", &names), -ENAMETOOLONG);
	assert_int_equal(rln_config_route_path(path, 13, "rec", "{user}.wav", &names), 0);
	assert_int_equal(rln_config_route_path(path, 0, "rec", "a.wav", &names), -ENAMETOOLONG);
}

static void test_host_names(void **state)
{
	static const char text[] =
		"sip: {hosts: [{name: Pbx.Example, address: 192.0.2.20}, {name: six, address: '2001:db8::20'}]}";
	struct rln_config_ip ip;
	char buf[RLN_CONFIG_IP_TEXT];

	(void)state;
	assert_int_equal(rln_config_parse(&config, text, sizeof(text) - 1, &report), 0);
	assert_int_equal(rln_config_host_find(&config, "pbx.EXAMPLE:5060", 11, &ip), 0);
	assert_string_equal(rln_config_ip_text(&ip, buf), "192.0.2.20");
	assert_int_equal(rln_config_host_find(&config, "six", 3, &ip), 0);
	assert_string_equal(rln_config_ip_text(&ip, buf), "2001:db8::20");
	assert_int_equal(rln_config_host_find(&config, "[2001:db8::7]", 13, &ip), 0);
	assert_string_equal(rln_config_ip_text(&ip, buf), "2001:db8::7");
	assert_int_equal(rln_config_host_find(&config, "198.18.0.1", 10, &ip), 0);
	assert_int_equal(rln_config_host_find(&config, "pbx", 3, &ip), -EHOSTUNREACH);
	assert_int_equal(rln_config_host_find(&config, "[192.0.2.", 9, &ip), -EHOSTUNREACH);
	assert_int_equal(rln_config_host_find(&config, "", 0, &ip), -EHOSTUNREACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_position_is_the_value_or_what_is_around_it),
		cmocka_unit_test(test_marks_stop_at_their_room),
		cmocka_unit_test(test_default_passes_without_a_file),
		cmocka_unit_test(test_sizes_follow_the_limits),
		cmocka_unit_test(test_device_kinds),
		cmocka_unit_test(test_device_arguments),
		cmocka_unit_test(test_first_route_wins),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_host_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
