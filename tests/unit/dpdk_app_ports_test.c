// SPDX-License-Identifier: BSD-3-Clause
/* EAL and devices from a configuration: what the stack learns of each port, every way to fail, and that all of it can be done again. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "config/parse.h"
#include "dpdk_app/eal.h"
#include "dpdk_app/kernel_if.h"
#include "dpdk_app/ports.h"
#include "lcore/batch.h"
#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/log.h"

static struct rln_net_shared net;
static struct rln_ports *ports;
static int log_pipe[2];

static struct rln_config parse(const char *text)
{
	static struct rln_config_report report;
	static struct rln_config config;

	if (rln_config_parse(&config, text, strlen(text), &report) < 0) {
		rln_config_report_print(stderr, "test", &report);
		fail();
	}
	return config;
}

#define ONE "runtime: {workers: 2, hugepages: off, memory_mb: 256}\n"

static int group_setup(void **state)
{
	struct rln_config config = parse(ONE);
	struct rln_eal eal;

	(void)state;
	if (pipe(log_pipe) != 0)
		return -1;
	rln_log_open(log_pipe[1], false);
	return rln_eal_start(&config, "--no-telemetry", &eal);
}

static int group_teardown(void **state)
{
	(void)state;
	rln_log_flush();
	return rte_eal_cleanup();
}

/* What was logged since the last call. */
static const char *logged(void)
{
	static char text[4096];
	ssize_t n = 0;

	if (rln_log_flush() > 0)
		n = read(log_pipe[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	return text;
}

static void expect_logged(const char *part)
{
	const char *text = logged();

	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static unsigned devices(void)
{
	return rte_eth_dev_count_avail();
}

static void test_eal_leaves_signals_and_lcores_as_asked(void **state)
{
	struct sigaction action;

	(void)state;
	for (int sig = SIGRTMIN + 1; sig < SIGRTMAX; sig++) {
		assert_int_equal(sigaction(sig, NULL, &action), 0);
		assert_ptr_equal(action.sa_handler, SIG_IGN);
	}
	assert_int_equal(rte_get_main_lcore(), RLN_LCORE_MAIN);
	assert_int_equal(rte_lcore_count(), 4); /* main, control, two workers, on however many CPUs */
	assert_true(rte_lcore_is_enabled(RLN_LCORE_CONTROL));
	assert_true(rte_lcore_is_enabled(RLN_LCORE_WORKER0 + 1));
	assert_false(rte_eal_has_hugepages());
	expect_logged("ordinary pages");
}

static void test_eal_is_used_again(void **state)
{
	struct rln_config config = parse(ONE);
	struct rln_eal eal;

	(void)state;
	config.runtime.workers = 1;
	assert_int_equal(rln_eal_start(&config, NULL, &eal), 0);
	assert_int_equal(eal.workers, 1);
	config.runtime.workers = 3;
	assert_int_equal(rln_eal_start(&config, NULL, &eal), -EBUSY);
}

static void test_what_the_stack_learns(void **state)
{
	struct rln_config config = parse(
		ONE "ports:\n"
		    "  - {name: a, device: net_ring0, addresses: [198.18.0.1/24, '2001:db8::1/64'], gateway4: 198.18.0.254, "
		    "gateway6: 'fe80::1',\n"
		    "     vlan: 7, mac: '02:00:00:00:00:07', routes: [{to: 10.0.0.0/8, via: 198.18.0.9}]}\n"
		    "  - {name: b, device: net_null0, addresses: [198.18.1.1/24], mtu: 1400, checksum: partial_ok, queues: 1}\n");
	struct rln_addr a;

	(void)state;
	assert_int_equal(rln_ports_open(&ports, &config, 2, &net), 0);
	assert_int_equal(net.ports_n, 2);
	assert_int_equal(net.addrs_n, 3);
	assert_int_equal(net.routes_n, 3);
	assert_string_equal(net.ports[0].name, "a");
	assert_int_equal(net.ports[0].vlan, 7);
	assert_int_equal(net.ports[0].mac.addr_bytes[5], 7);
	assert_int_equal(net.ports[0].rx_queues, 2);
	assert_int_equal(net.ports[0].tx_queues, 2);
	assert_false(net.ports[0].partial_ok);
	assert_int_equal(net.ports[1].mtu, 1400);
	assert_int_equal(net.ports[1].rx_queues, 1);
	assert_true(net.ports[1].partial_ok);
	assert_false(rte_is_zero_ether_addr(&net.ports[1].mac));
	assert_int_equal(net.addrs[0].len, 96 + 24);
	assert_int_equal(net.addrs[1].len, 64);
	assert_int_equal(net.addrs[2].port, 1);
	assert_int_equal(rln_addr_parse(&a, "10.1.2.3", 8), 0);
	assert_int_equal(rln_net_source_for(&net, &a, &a), 0);
	assert_int_equal(rte_pktmbuf_priv_size(net.pool), RLN_PKT_PRIV);
	assert_non_null(net.handoff[0][1]);
	assert_null(net.handoff[0][0]);
	assert_non_null(net.to_control[1]);
	assert_int_equal(rln_ports_close(ports), 0);
	assert_int_equal(devices(), 0);
}

static void test_again_and_again(void **state)
{
	struct rln_config config = parse(ONE "ports: [{name: a, device: net_ring0, addresses: [198.18.0.1/24]}]\n");
	int64_t live = rln_heap_live_count();

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rln_ports_open(&ports, &config, 2, &net), 0);
		assert_int_equal(rln_ports_close(ports), 0);
	}
	assert_int_equal(rln_heap_live_count(), live);
}

static void test_a_buffer_in_use_is_reported(void **state)
{
	struct rln_config config = parse(ONE "ports: [{name: a, device: net_ring0, addresses: [198.18.0.1/24]}]\n");

	(void)state;
	assert_int_equal(rln_ports_open(&ports, &config, 1, &net), 0);
	assert_non_null(rte_pktmbuf_alloc(net.pool));
	assert_int_equal(rln_ports_close(ports), 1);
}

static void test_packets_in_rings_are_freed(void **state)
{
	struct rln_config config = parse(ONE "ports: [{name: a, device: net_ring0, addresses: [198.18.0.1/24]}]\n");

	(void)state;
	assert_int_equal(rln_ports_open(&ports, &config, 2, &net), 0);
	assert_int_equal(rte_ring_enqueue(net.handoff[0][1], rte_pktmbuf_alloc(net.pool)), 0);
	assert_int_equal(rte_ring_enqueue(net.from_control[1], rte_pktmbuf_alloc(net.pool)), 0);
	assert_int_equal(rte_ring_enqueue(net.to_control[0], rte_pktmbuf_alloc(net.pool)), 0);
	assert_int_equal(rln_ports_close(ports), 0);
}

/* The second port fails: the first is taken back, and what went wrong is said with the port's name. */
static void expect_failure(const char *second, const char *words)
{
	char text[512];
	struct rln_config config;
	int64_t live = rln_heap_live_count();

	snprintf(text, sizeof(text), ONE "ports: [{name: a, device: net_ring0, addresses: [198.18.0.1/24]}, {name: bad, %s}]\n",
		second);
	config = parse(text);
	logged();
	assert_true(rln_ports_open(&ports, &config, 2, &net) < 0);
	expect_logged(words);
	assert_int_equal(devices(), 0);
	assert_int_equal(rln_heap_live_count(), live);
	test_again_and_again(NULL);
}

static void test_failures_name_the_port(void **state)
{
	(void)state;
	expect_failure(
		"device: 'net_af_packet0,iface=nosuch0', addresses: [198.18.1.1/24]", "port bad (net_af_packet0,iface=nosuch0)");
	expect_failure("device: 'net_pcap0,rx_pcap=/nonexistent/file,tx_pcap=/nonexistent/out', addresses: [198.18.1.1/24]",
		"port bad (net_pcap0");
}

/* A killed memif server leaves its socket's file; the next one must come up all the same, and leave alone what is no dead socket. */
static void test_a_dead_memif_socket_is_removed(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct rln_config config;
	char text[512];

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/dead%d.sock", getenv("RUNTIME_DIRECTORY"), (int)getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 1), 0);
	snprintf(text, sizeof(text),
		ONE "ports: [{name: m, device: 'net_memif0,role=server,id=0,socket=%s,socket-abstract=no', addresses: "
		    "[198.18.0.1/24]}]\n",
		un.sun_path);
	config = parse(text);
	rln_kernel_if_unlink_stale(config.ports[0].device);
	assert_int_equal(access(un.sun_path, F_OK), 0); /* somebody listens */
	close(fd);
	assert_int_equal(access(un.sun_path, F_OK), 0);
	assert_int_equal(rln_ports_open(&ports, &config, 1, &net), 0);
	assert_int_equal(rln_ports_close(ports), 0);
	assert_int_equal(devices(), 0);
	unlink(un.sun_path);
}

static void test_an_interface_has_one_owner(void **state)
{
	int lock = rln_kernel_if_lock("net_tap", "rltest0");

	(void)state;
	assert_true(lock >= 0);
	assert_int_equal(rln_kernel_if_lock("net_tap", "rltest0"), -EADDRINUSE);
	rln_kernel_if_unlock(lock);
	lock = rln_kernel_if_lock("net_tap", "rltest0");
	assert_true(lock >= 0);
	rln_kernel_if_unlock(lock);
}

static void test_no_memory(void **state)
{
	struct rln_config config = parse(ONE "ports: [{name: a, device: net_ring0, addresses: [198.18.0.1/24]}]\n");
	int64_t live = rln_heap_live_count();
	unsigned n = 0;
	int rc;

	(void)state;
	do {
		rln_heap_fail_nth(++n);
		rc = rln_ports_open(&ports, &config, 2, &net);
		if (rln_heap_fail_nth(0) == 1) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(devices(), 0);
			assert_int_equal(rln_heap_live_count(), live);
		}
	} while (rc != 0);
	assert_true(n > 1);
	assert_int_equal(rln_ports_close(ports), 0);
	logged();
}

static void test_a_pool_that_does_not_fit(void **state)
{
	struct rln_config config = parse(ONE "ports: [{name: a, device: net_ring0, addresses: [198.18.0.1/24]}]\n");

	(void)state;
	config.ports[0].mbuf_room = 16384;
	logged();
	assert_int_equal(rln_ports_open(&ports, &config, 2, &net), -ENOMEM);
	expect_logged("packet buffers: no memory");
	assert_int_equal(devices(), 0);
}

static void test_waits_no_longer_than_told(void **state)
{
	struct rln_config config = parse(ONE "ports: [{name: a, device: net_ring0, addresses: [198.18.0.1/24]}]\n");
	struct rln_port_losses losses;
	uint64_t began;

	(void)state;
	rln_clock_init();
	assert_int_equal(rln_ports_open(&ports, &config, 1, &net), 0);
	began = rln_clock_ns();
	rln_ports_wait(rln_ports_wait_of(ports, 0), 1000);
	assert_true(rln_clock_ns() - began >= RLN_MS);
	rln_ports_losses(ports, 0, &losses);
	assert_int_equal(losses.imissed + losses.ierrors + losses.rx_nombuf + losses.kernel_dropped, 0);
	assert_int_equal(rln_ports_close(ports), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eal_leaves_signals_and_lcores_as_asked),
		cmocka_unit_test(test_eal_is_used_again),
		cmocka_unit_test(test_what_the_stack_learns),
		cmocka_unit_test(test_again_and_again),
		cmocka_unit_test(test_a_buffer_in_use_is_reported),
		cmocka_unit_test(test_packets_in_rings_are_freed),
		cmocka_unit_test(test_failures_name_the_port),
		cmocka_unit_test(test_a_dead_memif_socket_is_removed),
		cmocka_unit_test(test_an_interface_has_one_owner),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_a_pool_that_does_not_fit),
		cmocka_unit_test(test_waits_no_longer_than_told),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
