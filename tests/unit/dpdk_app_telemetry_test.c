/* SPDX-License-Identifier: BSD-3-Clause */
/* The telemetry commands through DPDK's own socket, over a bus, a loop and a pool that exist, and over nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dpdk_app/telemetry.h"
#include "lcore/block.h"
#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/log.h"

static int client = -1;
static char reply[65536];
static struct rln_config config;
static struct rln_bus *bus;
static struct rln_loop *loop;

/* Sends one command and leaves the JSON in `reply`. The socket itself gives up after 5 s. */
static const char *ask(const char *command)
{
	ssize_t n;

	assert_int_equal(send(client, command, strlen(command), 0), strlen(command));
	n = recv(client, reply, sizeof(reply) - 1, 0);
	assert_true(n > 0);
	reply[n] = 0;
	return reply;
}

static void expect(const char *command, const char *part)
{
	if (!strstr(ask(command), part))
		print_error("%s: %s\n", command, reply);
	assert_non_null(strstr(reply, part));
}

static int open_client(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 5};

	snprintf(to.sun_path, sizeof(to.sun_path), "%.80s/dpdk_telemetry.v2", rte_eal_get_runtime_dir());
	client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (client < 0 || connect(client, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -errno;
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return recv(client, reply, sizeof(reply), 0) > 0 ? 0 : -EIO; /* the greeting */
}

static int group_setup(void **state)
{
	char *argv[] = {(char *)"test", (char *)"--no-huge", (char *)"--no-shconf", (char *)"--no-pci", (char *)"-m",
		(char *)"256", (char *)"-l", (char *)"0", (char *)"--file-prefix", (char *)"teletest", NULL};
	const struct rln_loop_cfg cfg = {.name = "test", .endpoint = RLN_ENDPOINT_CONTROL, .idle = {1, 1, 1, 1}};

	(void)state;
	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0)
		return -1;
	rln_clock_init();
	rln_config_defaults(&config);
	if (rln_blocks_init(64, 4) != 0 || rln_loop_create(&loop, &cfg) != 0)
		return -1;
	bus = rln_bus_new();
	return bus && rln_bus_add_worker(bus, 0, 64) == 0 ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	close(client);
	rln_bus_free(bus);
	rln_loop_destroy(loop);
	rln_blocks_fini();
	return rte_eal_cleanup();
}

static int open_view(void)
{
	const struct rln_telemetry_view view = {.config = &config, .bus = bus, .control = loop, .workers = 1};

	return rln_telemetry_open(&view);
}

static void test_commands_answer(void **state)
{
	(void)state;
	assert_int_equal(open_view(), 0);
	assert_int_equal(open_client(), 0);
	expect("/", "/ringlane/counters");
	expect("/help,/ringlane/ports", "losses");
	rln_counts_reset();
	rln_count(RLN_C_CALLS_STARTED);
	rln_count(RLN_C_CALLS_STARTED);
	expect("/ringlane/calls", "\"started\":2");
	expect("/ringlane/calls", "\"limit\":10000");
	expect("/ringlane/counters", "\"calls_started\":2");
	expect("/ringlane/counters", "\"drop_rtp_short\":0");
	expect("/ringlane/counters,app", "\"calls_started\":2");
	expect("/ringlane/counters,worker0", "\"calls_started\":0");
	expect("/ringlane/lcores", "\"control\":{");
	expect("/ringlane/lcores", "\"longest_turn_ns\":0");
	expect("/ringlane/rings", "\"events_worker0\":0");
	expect("/ringlane/ports", "\"/ringlane/ports\":{}");
	expect("/ringlane/queues", "\"/ringlane/queues\":{}");
	expect("/ringlane/setup", "\"/ringlane/setup\":{}");
}

static void test_every_counter_fits_into_one_answer(void **state)
{
	(void)state;
	for (unsigned c = 0; c < RLN_C_COUNT; c++) {
		char name[64];

		snprintf(name, sizeof(name), "\"%s\":", rln_count_name((enum rln_counter)c));
		assert_non_null(strstr(c ? reply : ask("/ringlane/counters"), name));
	}
}

static void test_pools(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("tele-pool", 63, 0, 64, 2048 + RTE_PKTMBUF_HEADROOM, 0);
	struct rte_mbuf *m;

	(void)state;
	assert_non_null(pool);
	m = rte_pktmbuf_alloc(pool);
	expect("/ringlane/pools", "\"tele_pool\":{\"size\":63,\"in_use\":1,"); /* a name that DPDK would refuse */
	expect("/ringlane/pools", "\"blocks_in_use\":0");
	rte_pktmbuf_free(m);
	rte_mempool_free(pool);
}

static void nothing(void *arg, const struct rln_event *ev)
{
	(void)arg;
	(void)ev;
}

static void test_events_by_kind(void **state)
{
	const struct rln_event_handler handler = {nothing, NULL, RLN_ENDPOINT_CONTROL};
	const struct rln_event ev = {.kind = RLN_EV_HANGUP_CALL};

	(void)state;
	expect("/ringlane/events", "\"/ringlane/events\":{}"); /* what never happened is left out */
	assert_int_equal(rln_bus_register_handler(bus, RLN_CAT_A2S, &handler), 0);
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	assert_int_equal(rln_bus_poll(bus, 8), 1);
	rln_bus_enter(bus, RLN_ENDPOINT_APP);
	expect("/ringlane/events", "\"HANGUP_CALL\":{\"published\":1,\"delivered\":1,\"retried\":0,\"dropped\":0}");
}

static void test_switches(void **state)
{
	(void)state;
	rln_log_level = RLN_LOG_INFO;
	expect("/ringlane/log", "\"level\":\"info\"");
	expect("/ringlane/log,debug", "\"level\":\"debug\"");
	assert_int_equal(rln_log_level, RLN_LOG_DEBUG);
	expect("/ringlane/log,loud", "expected error, warning, info or debug");
	assert_int_equal(rln_log_level, RLN_LOG_DEBUG);
	rln_log_level = RLN_LOG_INFO;
	expect("/ringlane/trace", "\"trace\":\"off\"");
	expect("/ringlane/trace,on", "\"trace\":\"on\"");
	expect("/ringlane/trace,maybe", "expected on or off");
	expect("/ringlane/trace,off", "\"trace\":\"off\"");
	expect("/ringlane/counters,worker1", "expected control, app or worker0");
	expect("/ringlane/counters,worker0x", "expected control, app or worker0");
}

static void test_ports_and_rings(void **state)
{
	static struct rln_net_shared net = {.workers = 2, .ports_n = 1, .ports = {{.name = "odd-name.0"}}};
	struct rln_telemetry_view view = {.config = &config, .bus = bus, .workers = 2, .net = &net};
	int item = 0;

	(void)state;
	assert_int_equal(rte_eal_hotplug_add("vdev", "net_null0", ""), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_null0", &net.ports[0].device), 0);
	net.handoff[0][1] = rte_ring_create("tele_handoff", 8, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	net.to_control[1] = rte_ring_create("tele_sip", 8, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_int_equal(rte_ring_enqueue(net.handoff[0][1], &item), 0);
	rln_telemetry_close();
	assert_int_equal(rln_telemetry_open(&view), 0);
	expect("/ringlane/ports", "\"odd_name_0\":{\"received\":0,");
	expect("/ringlane/rings", "\"handoff_0_1\":1");
	expect("/ringlane/rings", "\"sip_in_worker1\":0");
	rln_telemetry_close();
	rte_ring_free(net.handoff[0][1]);
	rte_ring_free(net.to_control[1]);
	assert_int_equal(rte_eal_hotplug_remove("vdev", "net_null0"), 0);
	assert_int_equal(open_view(), 0);
}

static void test_closed_and_opened_again(void **state)
{
	(void)state;
	rln_telemetry_close();
	expect("/ringlane/calls", "{\"/ringlane/calls\":{\"running\":0}}");
	expect("/ringlane/trace,on", "\"running\":0");
	assert_int_equal(open_view(), 0);
	expect("/ringlane/calls", "\"legs\":0");
	ask("/");
	assert_null(strstr(strstr(reply, "/ringlane/calls") + 1, "/ringlane/calls")); /* not registered twice */
	rln_telemetry_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_answer),
		cmocka_unit_test(test_every_counter_fits_into_one_answer),
		cmocka_unit_test(test_pools),
		cmocka_unit_test(test_events_by_kind),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_ports_and_rings),
		cmocka_unit_test(test_closed_and_opened_again),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
