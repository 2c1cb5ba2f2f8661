/* SPDX-License-Identifier: BSD-3-Clause */
/* Preflight over a tree of its own: each lack gives its finding with its mend, and a machine in order gives none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/parse.h"
#include "dpdk_app/preflight.h"

static char root[64];
static struct rln_config config;
static struct rln_preflight found;

static void run_shell(const char *format, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

/* A file below root; the folders on its way are made. */
static void file(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	run_shell("mkdir -p $(dirname %s%s)", root, path);
	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A machine in order: root, 4 CPUs, memory, tap. */
static int set_up(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/rln_preflight_XXXXXX");
	if (!mkdtemp(root))
		return -1;
	file("/proc/self/status", "Name:\tx\nCapInh:\t0\nCapEff:\t000001ffffffffff\n");
	file("/proc/self/uid_map", "         0          0 4294967295\n");
	file("/proc/meminfo",
		"MemTotal:  8000000 kB\nMemAvailable:  4000000 kB\nHugePages_Free:       0\nHugepagesize:       2048 kB\n");
	file("/proc/cpuinfo", "flags : fpu constant_tsc nonstop_tsc\n");
	file("/sys/devices/system/cpu/online", "0-3\n");
	file("/dev/net/tun", "");
	rln_config_defaults(&config);
	config.routes_n = 1; /* echo alone */
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	run_shell("rm -rf %s", root);
	return 0;
}

static void configure(const char *yaml)
{
	struct rln_config_report report;

	if (rln_config_parse(&config, yaml, strlen(yaml), &report)) {
		rln_config_report_print(stderr, "test", &report);
		fail();
	}
}

static void look(void)
{
	rln_preflight_run(&found, &config, root);
}

/* The first finding of that level whose text holds `text`. */
static const struct rln_finding *finding(enum rln_finding_level level, const char *subject, const char *text)
{
	for (unsigned i = 0; i < found.n; i++)
		if (found.at[i].level == level && strcmp(found.at[i].subject, subject) == 0 && strstr(found.at[i].text, text))
			return &found.at[i];
	rln_preflight_print(stderr, &found, true, false);
	fail_msg("no finding '%s' about %s", text, subject);
	return NULL;
}

static void test_a_machine_in_order(void **state)
{
	(void)state;
	look();
	if (found.warnings || found.failures)
		rln_preflight_print(stderr, &found, false, false);
	assert_int_equal(found.warnings, 0);
	assert_int_equal(found.failures, 0);
	finding(RLN_FINDING_OK, "cpus", "4 CPUs: control and 3 workers");
	finding(RLN_FINDING_OK, "hugepages", "ordinary pages will do");
	finding(RLN_FINDING_OK, "port rl0", "tap rl0 can be made");
}

static void test_an_empty_tree_is_survived(void **state)
{
	(void)state;
	run_shell("rm -rf %s/*", root);
	look();
	assert_true(found.failures > 0);
	for (unsigned i = 0; i < found.n; i++)
		if (found.at[i].level != RLN_FINDING_OK && strcmp(found.at[i].subject, "clock") != 0)
			assert_true(*found.at[i].mend); /* the clock of a machine has no mend */
}

static void test_hugepages(void **state)
{
	(void)state;
	configure("runtime: {hugepages: on, memory_mb: 301}");
	look();
	assert_string_equal(
		finding(RLN_FINDING_FAIL, "hugepages", "0 MB free, 301 MB needed")->mend, "sysctl -w vm.nr_hugepages=151");
	file("/proc/meminfo", "MemAvailable: 4000000 kB\nHugePages_Free:     200\nHugepagesize:       2048 kB\n");
	look();
	finding(RLN_FINDING_OK, "hugepages", "400 MB free");
	configure("runtime: {hugepages: off}");
	look();
	finding(RLN_FINDING_OK, "hugepages", "off by runtime.hugepages");
}

static void test_memory(void **state)
{
	(void)state;
	file("/proc/meminfo", "MemAvailable: 60000 kB\nHugePages_Free: 0\nHugepagesize: 2048 kB\n");
	look();
	assert_non_null(strstr(finding(RLN_FINDING_FAIL, "memory", "58 MB available")->mend, "limits.calls"));
}

static void test_cpus(void **state)
{
	(void)state;
	configure("runtime: {workers: 2, worker_cpus: [2, 9], control_cpu: 7}");
	look();
	finding(RLN_FINDING_FAIL, "cpus", "control_cpu is CPU 7");
	finding(RLN_FINDING_FAIL, "cpus", "worker_cpus is CPU 9");
	configure("runtime: {workers: 8}");
	look();
	assert_string_equal(finding(RLN_FINDING_WARN, "cpus", "they share")->mend, "set runtime.workers: 3");
	configure("runtime: {workers: 4}\nidle: {mode: poll}");
	look();
	finding(RLN_FINDING_FAIL, "cpus", "never sleep");
}

static void test_isolation_and_governor(void **state)
{
	(void)state;
	configure("runtime: {workers: 2, worker_cpus: 2-3, control_cpu: 1}\nidle: {mode: poll}");
	file("/sys/devices/system/cpu/isolated", "3\n");
	file("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n");
	file("/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance\n");
	look();
	assert_non_null(strstr(finding(RLN_FINDING_WARN, "isolation", "worker CPUs 2 are not")->mend, "isolcpus=2 "));
	finding(RLN_FINDING_WARN, "governor", "1 CPUs run under the governor powersave");
	file("/sys/devices/system/cpu/isolated", "2-3\n");
	file("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance\n");
	look();
	finding(RLN_FINDING_OK, "isolation", "are isolated");
	finding(RLN_FINDING_OK, "governor", "performance");
	configure("idle: {mode: poll}\nruntime: {workers: 1}");
	look();
	finding(RLN_FINDING_WARN, "isolation", "worker_cpus is auto");
}

static void test_clock(void **state)
{
	(void)state;
	file("/proc/cpuinfo", "flags : fpu constant_tsc\n");
	look();
	finding(RLN_FINDING_WARN, "clock", "steady");
}

static void test_tap(void **state)
{
	(void)state;
	run_shell("rm %s/dev/net/tun", root);
	look();
	assert_non_null(strstr(finding(RLN_FINDING_FAIL, "port rl0", "/dev/net/tun")->mend, "modprobe tun"));
	file("/dev/net/tun", "");
	file("/proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	look();
	assert_non_null(
		strstr(finding(RLN_FINDING_FAIL, "port rl0", "CAP_NET_ADMIN is missing")->mend, "setcap cap_net_admin+ep"));
	file("/proc/self/status", "Name:\tx\nCapEff:\t0000000000001000\n"); /* CAP_NET_ADMIN alone */
	file("/sys/class/net/rl0/ifindex", "7\n");
	look();
	assert_non_null(strstr(finding(RLN_FINDING_FAIL, "port rl0", "exists already")->mend, "ip link del rl0"));
}

static void test_af_packet(void **state)
{
	(void)state;
	configure("ports: [{name: w, device: 'net_af_packet0,iface=e0', addresses: [192.0.2.1/24]}]");
	look();
	finding(RLN_FINDING_FAIL, "port w", "no interface e0");
	file("/sys/class/net/e0/ifindex", "3\n");
	file("/sys/class/net/e0/operstate", "down\n");
	look();
	assert_string_equal(finding(RLN_FINDING_FAIL, "port w", "e0 is down")->mend, "ip link set e0 up");
	file("/sys/class/net/e0/operstate", "up\n");
	look();
	finding(RLN_FINDING_OK, "port w", "af_packet on e0 can be opened");
	file("/proc/self/status", "Name:\tx\nCapEff:\t0000000000001000\n");
	look();
	finding(RLN_FINDING_FAIL, "port w", "CAP_NET_RAW is missing");
}

static void test_af_xdp_in_a_user_namespace(void **state)
{
	(void)state;
	configure("ports: [{name: w, device: 'net_af_xdp0,iface=e0', addresses: [192.0.2.1/24]}]");
	file("/sys/class/net/e0/ifindex", "3\n");
	file("/sys/class/net/e0/operstate", "up\n");
	file("/proc/self/uid_map", "         0       1000          1\n");
	look();
	assert_non_null(strstr(finding(RLN_FINDING_FAIL, "port w", "user namespace")->mend, "net_af_packet0,iface=e0"));
}

static void test_pci(void **state)
{
	(void)state;
	configure("ports: [{name: w, device: '03:00.0', addresses: [192.0.2.1/24]}]");
	look();
	assert_non_null(strstr(finding(RLN_FINDING_FAIL, "port w", "no PCI device 0000:03:00.0")->mend, "dpdk-devbind.py"));
	run_shell("mkdir -p %s/sys/bus/pci/devices/0000:03:00.0", root);
	look();
	finding(RLN_FINDING_FAIL, "port w", "bound to no driver");
	run_shell("ln -s ../../drivers/ixgbe %s/sys/bus/pci/devices/0000:03:00.0/driver", root);
	look();
	assert_string_equal(finding(RLN_FINDING_FAIL, "port w", "bound to ixgbe")->mend,
		"modprobe vfio-pci; dpdk-devbind.py --bind=vfio-pci 0000:03:00.0");
	run_shell("ln -sfn ../../drivers/vfio-pci %s/sys/bus/pci/devices/0000:03:00.0/driver", root);
	look();
	finding(RLN_FINDING_FAIL, "port w", "without IOMMU");
	run_shell("mkdir -p %s/sys/kernel/iommu_groups/0", root);
	look();
	finding(RLN_FINDING_OK, "port w", "bound to vfio-pci");
}

static void test_numa(void **state)
{
	(void)state;
	configure(
		"ports: [{name: w, device: '0000:03:00.0', addresses: [192.0.2.1/24]}]\nruntime: {workers: 1, worker_cpus: [1]}");
	file("/sys/bus/pci/devices/0000:03:00.0/numa_node", "1\n");
	file("/sys/devices/system/node/node0/cpulist", "0-1\n");
	file("/sys/devices/system/node/node1/cpulist", "2-3\n");
	look();
	assert_non_null(strstr(finding(RLN_FINDING_WARN, "numa", "worker CPU 1 is not")->mend, "2-3"));
	configure(
		"ports: [{name: w, device: '0000:03:00.0', addresses: [192.0.2.1/24]}]\nruntime: {workers: 1, worker_cpus: [3]}");
	look();
	finding(RLN_FINDING_OK, "numa", "do not cross");
}

static void test_folders_and_prompts(void **state)
{
	char yaml[512];

	(void)state;
	snprintf(yaml, sizeof(yaml),
		"media: {recordings: %s/rec/deep, prompts: %s/pro}\n"
		"routes: [{match: a, app: record, record: a.wav}, {match: b, app: play, file: b.wav}, {match: c, app: play, "
		"file: c.wav}]",
		root, root);
	configure(yaml);
	look();
	assert_non_null(strstr(finding(RLN_FINDING_FAIL, "recordings", "No such file")->mend, "mkdir -p"));
	finding(RLN_FINDING_WARN, "prompts", "b.wav: No such file");
	file("/rec/deep", "");
	look();
	finding(RLN_FINDING_FAIL, "recordings", "is not a folder");
	run_shell("rm %s/rec/deep", root);
	look();
	finding(RLN_FINDING_OK, "recordings", "will be made");
	run_shell("mkdir %s/rec/deep", root);
	file("/pro/b.wav", "RIFF....WAVEfmt ");
	file("/pro/c.wav", "ID3 this is not a wave");
	look();
	finding(RLN_FINDING_OK, "recordings", "can be written");
	finding(RLN_FINDING_OK, "prompts", "1 file to play");
	finding(RLN_FINDING_WARN, "prompts", "not a WAV file");
	assert_non_null(finding(RLN_FINDING_OK, "disk", "MB free"));
	snprintf(yaml, sizeof(yaml),
		"media: {prompts: %s/pro}\nroutes: []\nqueues: [{name: q, music: b.wav, announce: no.wav, position: on}]\n"
		"menus: [{name: m, prompt: none.wav, digits: {'1': {play: nothing.wav}}}]",
		root);
	configure(yaml);
	look();
	finding(RLN_FINDING_OK, "prompts", "1 file to play");
	finding(RLN_FINDING_WARN, "prompts", "queue 'q' plays");
	finding(RLN_FINDING_WARN, "prompts", "digits/9.wav: No such file");
	finding(RLN_FINDING_WARN, "prompts", "menu 'm' plays");
	finding(RLN_FINDING_WARN, "prompts", "nothing.wav: No such file");
}

static void test_findings_stop_at_their_room(void **state)
{
	(void)state;
	configure("media: {prompts: /nowhere}");
	config.routes_n = RLN_CONFIG_ROUTES;
	for (unsigned i = 0; i < RLN_CONFIG_ROUTES; i++) {
		config.routes[i] = config.routes[2];
		assert_int_equal(config.routes[i].app, RLN_ROUTE_PLAY);
	}
	look();
	assert_int_equal(found.n, RLN_FINDINGS);
	assert_int_equal(found.warnings, RLN_CONFIG_ROUTES);
}

static void test_print(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	memset(&found, 0, sizeof(found));
	found.n = 2;
	found.at[0] = (struct rln_finding){RLN_FINDING_OK, "memory", "enough", ""};
	found.at[1] = (struct rln_finding){RLN_FINDING_FAIL, "port a", "gone", "get it"};
	rln_preflight_print(out, &found, false, false);
	fflush(out);
	assert_string_equal(text, "FAIL  port a         gone\n                     mend: get it\n");
	rewind(out);
	rln_preflight_print(out, &found, true, true);
	fclose(out);
	assert_non_null(strstr(text, "\033[32mok  \033[0m  memory         enough\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_machine_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_empty_tree_is_survived, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hugepages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cpus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_isolation_and_governor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clock, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_af_packet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_af_xdp_in_a_user_namespace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pci, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_numa, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_folders_and_prompts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_findings_stop_at_their_room, set_up, tear_down),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
